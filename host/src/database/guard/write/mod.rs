//! The rule of a writing statement: one statement that changes data or defines
//! an object. Transactions are the host's, so that the limit of changed rows
//! holds; and T-SQL needs no `;` between statements, so each reserved word that can
//! begin one has its places, and no other.

mod calls;
mod change;
mod define;
mod names;

use super::denial::{Denial, shown};
use super::keywords::{self, contains};
use super::lexer::{Kind, Token, lex};
use super::opening;
use super::phrases::fetches_rows;
use super::rules::{check_bound, check_global, conversation, trim};

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
    let mut depth = 0_u32;
    for (index, token) in statement.tokens.iter().enumerate() {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth = depth.saturating_sub(1),
            // A label; JSON_OBJECT('a': 1) and geography::Point are none.
            Kind::Mark(b':') if depth == 0 && !statement.is_mark_near(index, b':') => {
                return Err(statement.second(token));
            }
            _ => statement.everywhere(index, token, bound)?,
        }
    }
    if first.is_any(&["ALTER", "CREATE", "DROP"]) {
        define::check(&statement)?;
    } else if first.is_any(&["DELETE", "INSERT", "MERGE", "UPDATE", "WITH"]) {
        change::check(&statement)?;
    } else {
        let what = format!("A statement that begins with {}", shown(first.text));
        return Err(Denial::statement(sql, first.start, &what, HINT));
    }
    calls::check(&statement)?;
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

    fn is_mark_near(&self, index: usize, mark: u8) -> bool {
        [-1, 1]
            .iter()
            .any(|by| self.near(index, *by).is_some_and(|near| near.is_mark(mark)))
    }

    /// Whether it defines anything but a view, which is a query.
    fn defines(&self) -> bool {
        let view = self.near_is(0, 1, &["VIEW"])
            || self.near_is(0, 1, &["OR"]) && self.near_is(0, 3, &["VIEW"]);
        self.near_is(0, 0, &["ALTER", "CREATE", "DROP"]) && !view
    }

    fn opens_after(&self, index: usize) -> bool {
        self.near(index, 1).is_some_and(|next| next.is_mark(b'('))
    }

    /// What holds for a change and for a definition.
    fn everywhere(&self, index: usize, token: &Token<'a>, bound: &[&str]) -> Result<(), Denial> {
        match token.kind {
            Kind::Mark(b';') => Err(self.second(token)),
            // .dbo.t and ..t
            Kind::Mark(b'.') if !self.is_qualified(index) => Err(self.refused(token)),
            Kind::Mark(b'{') if !self.is_literal(index) => Err(self.second(token)),
            Kind::Word if conversation(self.tokens, index, token) => Err(self.refused(token)),
            Kind::Word if token.is("CONVERSATION") && self.near_is(index, -1, &["END"]) => {
                Err(self.refused(token))
            }
            Kind::Word if token.is("FETCH") && !fetches_rows(self.tokens, index) => {
                Err(self.second(token))
            }
            Kind::Variable => check_bound(self.sql, token, bound),
            Kind::Global => check_global(self.sql, token),
            _ => Ok(()),
        }
    }

    /// Refuses a reserved word that neither SELECT nor `own`, which is sorted, needs.
    fn known(&self, index: usize, token: &Token<'a>, own: &[&str]) -> Result<(), Denial> {
        let known = !keywords::is_reserved(token.text)
            || keywords::may_read(token.text)
            || contains(own, token.text)
            // OPTION (USE HINT (…))
            || token.is("USE") && self.near_is(index, 1, &["HINT"]) && self.opens_after(index + 1);
        match known {
            true => Ok(()),
            false => Err(self.refused(token)),
        }
    }

    /// `{d '2024-01-01'}` and the like, of ODBC.
    fn is_literal(&self, index: usize) -> bool {
        let text = self.near(index, 2);
        self.near_is(index, 1, &["D", "T", "TS", "GUID"])
            && text.is_some_and(|text| text.kind == Kind::String)
    }

    /// Whether the dot at `index` has something before it that it belongs to.
    fn is_qualified(&self, index: usize) -> bool {
        self.near(index, -1)
            .is_some_and(|before| match before.kind {
                Kind::Word => !keywords::is_reserved(before.text),
                Kind::Quoted | Kind::Variable => true,
                // CAST(… AS xml).value(…)
                Kind::Mark(b')') => self.opens_after(index + 1),
                Kind::Mark(mark) => mark == b'.',
                _ => false,
            })
    }

    fn opens_query(&self, index: usize) -> bool {
        opening::opens(self.tokens, index, &["SELECT"])
    }

    /// Whether the parenthesis at `index` opens a query where no value and no rows can
    /// stand, so that it begins a statement. A call, `ISNULL((SELECT …), 0)`, does not.
    fn begins_query(&self, index: usize) -> bool {
        let values = self.near_is(index, -1, &["VALUES"]) && !self.near_is(index, -2, &["DEFAULT"]);
        self.opens_query(index) && !values && !opening::takes_query(self.tokens, index)
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
