//! INSERT, UPDATE, DELETE and MERGE: one verb, with nothing that changes rows inside it
//! or behind it, since the limit of changed rows is held against the verb's own count.

use super::super::denial::Denial;
use super::super::lexer::{Kind, Token};
use super::Statement;

pub(super) fn check(statement: &Statement<'_, '_>) -> Result<(), Denial> {
    let mut change = Change {
        statement: *statement,
        verb: None,
        depth: 0,
        is_set: false,
        has_source: false,
        using: None,
    };
    for (index, token) in statement.tokens.iter().enumerate() {
        change.token(index, token)?;
    }
    match change.verb {
        Some(_) => Ok(()),
        // WITH … SELECT
        None => {
            let first = statement.tokens.first();
            Err(first.map_or_else(
                || Denial::statement(statement.sql, 0, "An empty statement", super::HINT),
                |first| statement.refused(first),
            ))
        }
    }
}

struct Change<'s, 'a> {
    statement: Statement<'s, 'a>,
    /// Behind the common table expressions.
    verb: Option<&'s Token<'a>>,
    depth: u32,
    /// UPDATE has its SET.
    is_set: bool,
    /// INSERT has its VALUES or its query.
    has_source: bool,
    /// Index of the USING of MERGE.
    using: Option<usize>,
}

impl<'s, 'a> Change<'s, 'a> {
    fn token(&mut self, index: usize, token: &'s Token<'a>) -> Result<(), Denial> {
        match token.kind {
            Kind::Mark(b'(') => {
                if self.depth == 0 {
                    self.query(index, token)?;
                }
                self.depth += 1;
                Ok(())
            }
            Kind::Mark(b')') => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Kind::Word => self.word(index, token),
            _ => Ok(()),
        }
    }

    /// The parenthesis at `index`, if it opens a query.
    fn query(&mut self, index: usize, token: &'s Token<'a>) -> Result<(), Denial> {
        let statement = self.statement;
        let follows = |word: &str| statement.near_is(index, -1, &[word]);
        // The number of TOP is none, and stands before it.
        if self.is("INSERT") && !self.has_source && !follows("TOP") {
            self.has_source = statement.opens_query(index);
            return Ok(());
        }
        let defines = self.verb.is_none() && follows("AS");
        let merges = self.using.is_some_and(|using| using + 1 == index);
        match statement.begins_query(index) && !defines && !merges {
            true => Err(statement.second(token)),
            false => Ok(()),
        }
    }

    fn is(&self, verb: &str) -> bool {
        self.verb.is_some_and(|own| own.is(verb))
    }

    fn word(&mut self, index: usize, token: &'s Token<'a>) -> Result<(), Denial> {
        let statement = self.statement;
        if token.is_any(&["DELETE", "INSERT", "MERGE", "UPDATE"]) {
            return self.changes(index, token);
        }
        let outermost = self.depth == 0;
        if token.is("SET") {
            let follows = statement.near_is(index, -1, &["UPDATE"]);
            let own = match self.is("MERGE") {
                true => follows,
                false => self.is("UPDATE") && !std::mem::replace(&mut self.is_set, true),
            };
            return match outermost && own {
                true => Ok(()),
                false => Err(statement.second(token)),
            };
        }
        if token.is("SELECT") && outermost {
            let first = self.is("INSERT") && !std::mem::replace(&mut self.has_source, true);
            return match first || self.is("INSERT") && statement.joins_queries(index) {
                true => Ok(()),
                false => Err(statement.second(token)),
            };
        }
        if token.is("VALUES") && outermost {
            self.has_source = true;
        }
        // Later ones are names: a source comes once.
        if token.is("USING") && outermost && self.is("MERGE") {
            self.using = self.using.or(Some(index));
        }
        if token.is("INTO") && !outermost {
            return Err(statement.refused(token));
        }
        statement.known(index, token, &["HOLDLOCK", "INTO"])
    }

    fn changes(&mut self, index: usize, token: &'s Token<'a>) -> Result<(), Denial> {
        let statement = self.statement;
        // INNER MERGE JOIN and OPTION (MERGE UNION) are hints: no table has these names.
        if token.is("MERGE") && statement.near_is(index, 1, &["JOIN", "UNION"]) {
            return Ok(());
        }
        let begins = match index {
            0 => true,
            _ => statement.near_is(0, 0, &["WITH"]) && self.depth == 0,
        };
        if begins && self.verb.is_none() {
            self.verb = Some(token);
            return Ok(());
        }
        let part = self.is("MERGE") && self.depth == 0 && statement.near_is(index, -1, &["THEN"]);
        match part {
            true => Ok(()),
            false => Err(statement.second(token)),
        }
    }
}
