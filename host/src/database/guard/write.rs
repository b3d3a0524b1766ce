//! The rule of a writing statement: one statement that changes data or defines
//! an object. Transactions are the host's, so that the limit of changed rows
//! holds.

use super::denial::{Denial, shown};
use super::keywords::contains;
use super::lexer::{Kind, Token, lex};
use super::rules::trim;

/// See [`check_write`](super::check_write).
pub(super) fn check(sql: &str, bound: &[&str]) -> Result<(), Denial> {
    let tokens = lex(sql)?;
    let tokens = trim(&tokens);
    let Some(first) = tokens.first() else {
        return Err(Denial::statement(sql, 0, "An empty statement", HINT));
    };
    if first.kind != Kind::Word || !contains(&BEGINS, first.text) {
        let what = format!("A statement that begins with {}", shown(first.text));
        return Err(Denial::statement(sql, first.start, &what, HINT));
    }
    let merges = tokens.iter().any(|token| token.is("MERGE"));
    let mut depth = 0_u32;
    // WITH … introduces the verb that follows it.
    let mut verbs = u32::from(!first.is("WITH"));
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth = depth.saturating_sub(1),
            Kind::Mark(b';') => return Err(second(sql, token)),
            Kind::Word if contains(&NEVER, token.text) => {
                return Err(Denial::statement(
                    sql,
                    token.start,
                    &shown(token.text),
                    HINT,
                ));
            }
            Kind::Word if index > 0 && depth == 0 && contains(&VERBS, token.text) => {
                let before = tokens.get(index - 1);
                // ON DELETE CASCADE; WHEN MATCHED THEN UPDATE
                let part = before.is_some_and(|before| {
                    before.is_any(&["ON", "FOR", "AFTER", "OF"]) || (merges && before.is("THEN"))
                });
                verbs += u32::from(!part);
                if verbs > 1 {
                    return Err(second(sql, token));
                }
            }
            Kind::Variable => {
                let name = token.text.trim_start_matches('@');
                let known = bound
                    .iter()
                    .any(|bound| bound.trim_start_matches('@').eq_ignore_ascii_case(name));
                if !known {
                    let what = format!("The variable {}", shown(token.text));
                    let hint = "Give it a value as a parameter, or write the value itself.";
                    return Err(Denial::statement(sql, token.start, &what, hint));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn second(sql: &str, token: &Token<'_>) -> Denial {
    Denial::statement(sql, token.start, "A second statement", HINT)
}

const HINT: &str = "Write one INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER or DROP; it runs in a transaction of its own. In place of TRUNCATE, DELETE counts its rows.";

const BEGINS: [&str; 8] = [
    "ALTER", "CREATE", "DELETE", "DROP", "INSERT", "MERGE", "UPDATE", "WITH",
];

/// Verbs that would begin a further statement.
const VERBS: [&str; 8] = [
    "ALTER", "CREATE", "DELETE", "DROP", "INSERT", "MERGE", "TRUNCATE", "UPDATE",
];

/// Transactions, sessions, rights, the server itself and dynamic SQL.
const NEVER: [&str; 34] = [
    "BACKUP",
    "BEGIN",
    "BULK",
    "CHECKPOINT",
    "COMMIT",
    "DBCC",
    "DECLARE",
    "DENY",
    "EXEC",
    "EXECUTE",
    "GO",
    "GOTO",
    "GRANT",
    "IF",
    "KILL",
    "OPENDATASOURCE",
    "OPENQUERY",
    "OPENROWSET",
    "PRINT",
    "RAISERROR",
    "RECEIVE",
    "RECONFIGURE",
    "RESTORE",
    "RETURN",
    "REVERT",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SETUSER",
    "SHUTDOWN",
    "THROW",
    "USE",
    "WAITFOR",
    "WHILE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_write_of_any_kind_passes() {
        for sql in [
            "INSERT INTO dbo.t (a) VALUES (@a)",
            "UPDATE t SET a = 1 FROM dbo.t AS t JOIN dbo.u AS u ON u.id = t.id;",
            "DELETE TOP (5) FROM dbo.t OUTPUT deleted.id WHERE a = @a",
            "WITH c AS (SELECT 1 AS a) INSERT INTO dbo.t SELECT a FROM c",
            "MERGE dbo.t AS t USING dbo.s AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (v) VALUES (s.v);",
            "CREATE TABLE dbo.x (a int REFERENCES dbo.t (a) ON DELETE CASCADE ON UPDATE NO ACTION)",
        ] {
            assert_eq!(check(sql, &["a"]), Ok(()), "{sql}");
        }
    }

    #[test]
    fn a_second_statement_or_a_transaction_of_its_own_is_refused() {
        for sql in [
            "DELETE FROM a DELETE FROM b",
            "DELETE FROM a; DELETE FROM b",
            "UPDATE a SET x = 1 COMMIT",
            "DELETE FROM a EXEC('DROP TABLE b')",
            "INSERT INTO t EXEC dbo.p",
            "SELECT 1",
            "TRUNCATE TABLE dbo.t",
            "GRANT CONTROL TO public",
            "DELETE FROM t WHERE a = @unbound",
            "WITH c AS (SELECT 1 a) UPDATE t SET a = 1 DELETE FROM u",
            "",
        ] {
            assert!(check(sql, &[]).is_err(), "{sql}");
        }
    }

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        for list in [&BEGINS[..], &VERBS, &NEVER] {
            assert!(list.is_sorted());
        }
    }
}
