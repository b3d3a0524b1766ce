//! The parts of the walk that read a special form: old hints, MATCH, WINDOW, full-text
//! tables, methods of types and ODBC literals.

use super::denial::Denial;
use super::lexer::{Kind, Token};
use super::options;
use super::phrases;
use super::relations;
use super::seen::RelationKind;
use super::walk::Walk;

impl<'a> Walk<'a, '_> {
    /// Words that are names anywhere else: whether one began a phrase here, which is then
    /// behind us.
    pub(super) fn phrase(&mut self, first: Token<'a>) -> Result<bool, Denial> {
        if self.frame().expects_relation {
            return Ok(false);
        }
        let next_is = |mark: u8| self.peek(1).is_some_and(|next| next.is_mark(mark));
        let before = self.before(1);
        let condition = before.is_some_and(|before| {
            before.is_any(&["WHERE", "AND", "OR", "NOT"]) || before.is_mark(b'(')
        });
        let matches = first.is("MATCH") && next_is(b'(');
        if matches && condition && !self.frame().after_table {
            self.at = phrases::graph_pattern(self.sql, self.tokens, self.at + 1)?;
            return Ok(true);
        }
        if first.is("WINDOW") && phrases::is_window(self.tokens, self.at) {
            self.leave_from();
            self.frame().windows = true;
            self.at += 1;
            return Ok(true);
        }
        let joins = before.is_some_and(|before| before.is("INNER"))
            && self.peek(1).is_some_and(|next| next.is("JOIN"));
        if first.is("REMOTE") && joins {
            return Err(Denial::statement(
                self.sql,
                first.start,
                "The join hint REMOTE",
                "Leave it out; LOOP, HASH and MERGE may be used.",
            ));
        }
        Ok(false)
    }

    /// `CONTAINSTABLE(table, column, 'words')`
    pub(super) fn full_text(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let open = self.at + 1;
        let opens = self.peek(1).is_some_and(|next| next.is_mark(b'('));
        if !self.frame().expects_relation || !opens {
            return Err(self.misplaced(token));
        }
        self.at += 2;
        let Some(first) = self.peek(0) else {
            return Err(self.misplaced(token));
        };
        let from = self.at;
        let parts = self.parts();
        let range = (from, self.at);
        let name = relations::Name {
            first,
            parts: &parts,
        };
        if relations::check(self.sql, name, false, &[])? == relations::Found::Table {
            self.checked.reads_a_table = true;
        }
        if let Some(collector) = &mut self.collector {
            collector.relation(self.tokens, range, &parts, RelationKind::FullText);
        }
        self.frame().expects_relation = false;
        self.at = open;
        Ok(())
    }

    /// `geography::Point(…)`
    pub(super) fn static_method(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let on_type = self
            .before(1)
            .is_some_and(|before| before.is_any(&["geography", "geometry", "hierarchyid"]))
            // dbo.geography is somebody's own type.
            && !self.before(2).is_some_and(|before| before.is_mark(b'.'));
        let calls = self.peek(1).is_some_and(|next| next.is_mark(b':'))
            && self.peek(2).is_some_and(|next| next.kind == Kind::Word)
            && self.peek(3).is_some_and(|next| next.is_mark(b'('));
        if !on_type || !calls || self.frame().expects_relation {
            return Err(self.misplaced(token));
        }
        self.at += 3;
        Ok(())
    }

    /// `{d '2024-01-01'}`; `{fn …}`, `{call …}` and `{oj …}` are refused.
    pub(super) fn odbc_literal(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let literal = self
            .peek(1)
            .is_some_and(|next| next.is_any(&["d", "t", "ts", "guid"]))
            && self.peek(2).is_some_and(|next| next.kind == Kind::String)
            && self.peek(3).is_some_and(|next| next.is_mark(b'}'));
        if !literal || self.frame().expects_relation {
            return Err(self.misplaced(token));
        }
        self.at += 4;
        Ok(())
    }

    /// Takes a relation down where a policy asks for it.
    pub(super) fn note_relation(
        &mut self,
        found: relations::Found,
        range: (usize, usize),
        parts: &[String],
    ) {
        if let Some(collector) = &mut self.collector {
            let kind = match found {
                relations::Found::Table => RelationKind::Table,
                relations::Found::Other => RelationKind::Catalogue,
            };
            collector.relation(self.tokens, range, parts, kind);
        }
    }

    /// `dbo.t (NOLOCK)`, as it was written before WITH.
    pub(super) fn old_hints(
        &mut self,
        name: relations::Name<'_, 'a>,
        range: (usize, usize),
    ) -> Result<bool, Denial> {
        // Directly behind a name only these are hints, and one alone: to the server
        // all else is a call.
        let Some(after) = options::old_hint(self.sql, self.tokens, self.at)? else {
            return Ok(false);
        };
        self.at = after;
        self.frame().after_table = true;
        let found = relations::check(self.sql, name, false, &[])?;
        self.checked.reads_a_table |= found == relations::Found::Table;
        self.note_relation(found, range, name.parts);
        Ok(true)
    }
}
