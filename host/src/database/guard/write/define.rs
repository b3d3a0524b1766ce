//! CREATE, ALTER and DROP of what holds data, and of nothing that gives rights or runs.

use super::super::denial::Denial;
use super::super::lexer::{Kind, Token};
use super::Statement;

pub(super) fn check(statement: &Statement<'_, '_>) -> Result<(), Denial> {
    let kind = kind(statement)?;
    let mut has_query = false;
    let mut adds = false;
    let defines = !statement.near_is(0, 0, &["DROP"]);
    let mut is_view = false;
    let mut depth = 0_u32;
    for (index, token) in statement.tokens.iter().enumerate().skip(1) {
        match token.kind {
            Kind::Mark(b'(') => {
                // A view's query, or one that it names
                let body = statement.near_is(index, -1, &["AS"]);
                if depth == 0 && !body && statement.begins_query(index) {
                    return Err(statement.second(token));
                }
                depth += 1;
            }
            Kind::Mark(b')') => depth = depth.saturating_sub(1),
            Kind::Word if token.is("SELECT") => {
                let first = depth == 0 && !std::mem::replace(&mut has_query, true);
                let part = first || depth > 0 || statement.joins_queries(index);
                if !(is_view && part) {
                    return Err(statement.second(token));
                }
            }
            Kind::Word if token.is_any(&VERBS) => {
                let part = belongs(statement, kind, index, token);
                if !part {
                    return Err(statement.second(token));
                }
            }
            Kind::Word if token.is("ADD") => {
                let first = !std::mem::replace(&mut adds, true);
                if !(first && adds_to(statement, kind, index)) {
                    return Err(statement.second(token));
                }
            }
            // DROP TABLE IF EXISTS
            Kind::Word if token.is("IF") && if_exists(statement, kind, index) => {}
            Kind::Word if token.is("AS") => is_view |= defines && kind.is("VIEW"),
            Kind::Word if token.start == kind.start => {}
            Kind::Word => statement.known(index, token, &DEFINING)?,
            _ => {}
        }
    }
    Ok(())
}

/// The word that says what is defined.
fn kind<'s, 'a>(statement: &Statement<'s, 'a>) -> Result<&'s Token<'a>, Denial> {
    let or_alter = statement.near_is(1, 0, &["OR"]) && statement.near_is(2, 0, &["ALTER"]);
    let start = if or_alter { 3 } else { 1 };
    let rest = statement.tokens.get(start..).unwrap_or_default();
    let kinds_of_index = rest
        .iter()
        .take_while(|token| token.is_any(&KINDS_OF_INDEX))
        .count();
    let drops = statement.near_is(0, 0, &["DROP"]);
    let found = rest
        .get(kinds_of_index)
        .filter(|token| match kinds_of_index {
            0 => token.is_any(&KINDS) || drops && token.is_any(&DROPPED),
            _ => token.is("INDEX"),
        });
    found.ok_or_else(|| {
        let at = rest.first().or(statement.tokens.first());
        let what = at.map_or_else(
            || "An empty statement".to_owned(),
            |token| format!("A definition of {}", super::shown(token.text)),
        );
        let start = at.map_or(0, |token| token.start);
        Denial::statement(statement.sql, start, &what, HINT)
    })
}

/// DROP TABLE IF EXISTS, DROP COLUMN IF EXISTS
fn if_exists(statement: &Statement<'_, '_>, kind: &Token<'_>, index: usize) -> bool {
    let before = statement.near(index, -1);
    let drops = before.is_some_and(|before| {
        before.start == kind.start || before.is_any(&["COLUMN", "CONSTRAINT"])
    });
    drops && statement.near_is(index, 1, &["EXISTS"]) && !statement.opens_after(index + 1)
}

/// Whether the ADD at `index` adds to a table or an index: it also begins statements
/// that sign code.
fn adds_to(statement: &Statement<'_, '_>, kind: &Token<'_>, index: usize) -> bool {
    let follow = |one: &str, other: &str| {
        statement.near_is(index, 1, &[one]) && statement.near_is(index, 2, &[other])
    };
    let signs = follow("SIGNATURE", "TO")
        || follow("COUNTER", "SIGNATURE")
        || follow("SENSITIVITY", "CLASSIFICATION");
    let alters = statement.near_is(0, 0, &["ALTER"]);
    alters && (kind.is("TABLE") && !signs || kind.is("INDEX") && statement.opens_after(index))
}

/// Whether a verb is part of the definition: ON DELETE CASCADE, DROP COLUMN.
fn belongs(
    statement: &Statement<'_, '_>,
    kind: &Token<'_>,
    index: usize,
    token: &Token<'_>,
) -> bool {
    let next = |words: &[&str]| statement.near_is(index, 1, words);
    let before = |words: &[&str]| statement.near_is(index, -1, words);
    // ALTER COLUMN ENCRYPTION KEY and DROP COLUMN MASTER KEY are statements.
    let column = next(&["COLUMN"]) && !statement.near_is(index, 2, &["ENCRYPTION", "MASTER"]);
    let of_table = kind.is("TABLE");
    if token.is("ALTER") {
        // CREATE OR ALTER
        return of_table && column || index == 2 && before(&["OR"]);
    }
    if token.is("DROP") {
        return of_table && (column || next(&["CONSTRAINT", "PERIOD"]));
    }
    if token.is_any(&["DELETE", "UPDATE"]) {
        return of_table && before(&["ON"]) && next(&["CASCADE", "NO", "SET"]);
    }
    if token.is("SET") {
        let reference = before(&["DELETE", "UPDATE"]) && next(&["DEFAULT", "NULL"]);
        // SET (SYSTEM_VERSIONING = ON)
        return of_table && reference || statement.opens_after(index);
    }
    false
}

const HINT: &str = "Define a TABLE, VIEW, INDEX, STATISTICS, SEQUENCE, TYPE, SCHEMA or SYNONYM; \
    rights, people, code and the server itself are for its administrators.";

const KINDS: [&str; 8] = [
    "INDEX",
    "SCHEMA",
    "SEQUENCE",
    "STATISTICS",
    "SYNONYM",
    "TABLE",
    "TYPE",
    "VIEW",
];

/// Code is not written here, and can go.
const DROPPED: [&str; 4] = ["FUNCTION", "PROC", "PROCEDURE", "TRIGGER"];

const KINDS_OF_INDEX: [&str; 7] = [
    "CLUSTERED",
    "COLUMNSTORE",
    "FULLTEXT",
    "NONCLUSTERED",
    "SPATIAL",
    "UNIQUE",
    "XML",
];

/// What would begin another statement.
const VERBS: [&str; 7] = [
    "ALTER", "CREATE", "DELETE", "DROP", "INSERT", "SET", "UPDATE",
];

/// What the grammar of definitions needs besides that of SELECT.
const DEFINING: [&str; 23] = [
    "CASCADE",
    "CHECK",
    "CLUSTERED",
    "COLUMN",
    "CONSTRAINT",
    "CURRENT",
    "FILLFACTOR",
    "FOREIGN",
    "IDENTITY",
    "INDEX",
    "KEY",
    "NOCHECK",
    "NONCLUSTERED",
    "OPTION",
    "PRIMARY",
    "REFERENCES",
    "REPLICATION",
    "ROWGUIDCOL",
    "SCHEMA",
    "STATISTICS",
    "TABLE",
    "UNIQUE",
    "VIEW",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(DEFINING.is_sorted());
    }
}
