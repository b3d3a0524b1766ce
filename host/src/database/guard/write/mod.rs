//! The rule of a writing statement: one statement that changes data or defines
//! an object. Transactions are the host's, so that the limit of changed rows
//! holds; and T-SQL needs no `;` between statements, so each reserved word that can
//! begin one has its places, and no other.

mod change;
mod define;
mod names;

use super::denial::{Denial, shown};
use super::keywords::{self, contains};
use super::lexer::{Kind, Token, lex};
use super::rules::{conversation, trim};

/// See [`check_write`](super::check_write).
pub(super) fn check(sql: &str, bound: &[&str]) -> Result<(), Denial> {
    let tokens = lex(sql)?;
    let statement = Statement {
        sql,
        tokens: trim(&tokens),
    };
    let Some(first) = statement.tokens.first() else {
        return Err(Denial::statement(sql, 0, "An empty statement", HINT));
    };
    for (index, token) in statement.tokens.iter().enumerate() {
        statement.everywhere(index, token, bound)?;
    }
    if first.is_any(&["ALTER", "CREATE", "DROP"]) {
        define::check(&statement)?;
    } else if first.is_any(&["DELETE", "INSERT", "MERGE", "UPDATE", "WITH"]) {
        change::check(&statement)?;
    } else {
        let what = format!("A statement that begins with {}", shown(first.text));
        return Err(Denial::statement(sql, first.start, &what, HINT));
    }
    names::check(sql)
}

/// What is checked.
#[derive(Clone, Copy)]
struct Statement<'s, 'a> {
    sql: &'a str,
    tokens: &'s [Token<'a>],
}

impl<'s, 'a> Statement<'s, 'a> {
    /// The token `by` places from the one at `index`.
    fn near(&self, index: usize, by: isize) -> Option<&'s Token<'a>> {
        self.tokens.get(index.checked_add_signed(by)?)
    }

    fn near_is(&self, index: usize, by: isize, words: &[&str]) -> bool {
        self.near(index, by)
            .is_some_and(|token| token.is_any(words))
    }

    fn opens_after(&self, index: usize) -> bool {
        self.near(index, 1).is_some_and(|next| next.is_mark(b'('))
    }

    /// What holds for a change and for a definition.
    fn everywhere(&self, index: usize, token: &Token<'a>, bound: &[&str]) -> Result<(), Denial> {
        match token.kind {
            Kind::Mark(b';') => Err(self.second(token)),
            Kind::Word if conversation(self.tokens, index, token) => Err(self.refused(token)),
            Kind::Variable => {
                let name = token.text.trim_start_matches('@');
                let known = bound
                    .iter()
                    .any(|bound| bound.trim_start_matches('@').eq_ignore_ascii_case(name));
                if known {
                    return Ok(());
                }
                let what = format!("The variable {}", shown(token.text));
                let hint = "Give it a value as a parameter, or write the value itself.";
                Err(Denial::statement(self.sql, token.start, &what, hint))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a reserved word that neither SELECT nor `own`, which is sorted, needs.
    fn known(&self, index: usize, token: &Token<'a>, own: &[&str]) -> Result<(), Denial> {
        let known = !keywords::is_reserved(token.text)
            || keywords::may_read(token.text)
            || contains(own, token.text)
            // OPTION (USE HINT (…))
            || token.is("USE") && self.near_is(index, 1, &["HINT"]);
        match known {
            true => Ok(()),
            false => Err(self.refused(token)),
        }
    }

    /// Whether the SELECT at `index` goes on with the query before it.
    fn joins_queries(&self, index: usize) -> bool {
        let operators = ["EXCEPT", "INTERSECT", "UNION"];
        self.near_is(index, -1, &operators)
            || self.near_is(index, -1, &["ALL"]) && self.near_is(index, -2, &operators)
    }

    fn refused(&self, token: &Token<'_>) -> Denial {
        let hint = format!(
            "{HINT} A column or table of that name is written in brackets: [{}].",
            token.text
        );
        Denial::statement(self.sql, token.start, &shown(token.text), &hint)
    }

    fn second(&self, token: &Token<'_>) -> Denial {
        Denial::statement(self.sql, token.start, "A second statement", HINT)
    }
}

const HINT: &str = "Write one INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER or DROP; it runs in a transaction of its own. In place of TRUNCATE, DELETE counts its rows.";

#[cfg(test)]
mod tests;
