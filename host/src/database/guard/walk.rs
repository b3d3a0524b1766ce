//! One pass over the tokens of a SELECT that knows, without recursion, where a
//! table name stands and where a function is called.

use super::Checked;
use super::denial::{Denial, ONE_SELECT, shown};
use super::functions;
use super::keywords;
use super::lexer::{Kind, Token};
use super::opening::{self, Opening, Place};
use super::options;
use super::phrases::{self, is_name};
use super::relations;
use super::seen::{self, Collector, Seen};

/// The walk and the parentheses it is in.
pub(super) struct Walk<'a, 'b> {
    pub(super) sql: &'a str,
    pub(super) tokens: &'b [Token<'a>],
    pub(super) at: usize,
    frames: Vec<Frame>,
    /// Between WITH and the SELECT that it serves.
    in_ctes: bool,
    starts_with_ctes: bool,
    open_cases: u32,
    /// The parenthesis that was closed last was that of TOP.
    behind_top: bool,
    pub(super) checked: Checked,
    /// User functions that may be called.
    functions: &'b [(String, String)],
    /// Takes names down where a policy asks for them.
    pub(super) collector: Option<Collector>,
}

/// One level of parentheses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    pub(super) clause: Clause,
    /// A table, a function or a derived table comes next.
    pub(super) expects_relation: bool,
    /// The relation before this point was OPENJSON, whose WITH is a schema.
    after_openjson: bool,
    /// The relation before this point is a table: a list behind it, or behind its
    /// alias, is one of hints.
    pub(super) after_table: bool,
    /// The schema behind WITH: names with types.
    declares: bool,
    /// The number of TOP.
    counts: bool,
    /// TABLESAMPLE stands behind that table: REPEATABLE may follow.
    sampled: bool,
    /// OFFSET stands in its ORDER BY.
    pages: bool,
    /// The list of the WINDOW clause: behind a comma comes another window.
    pub(super) windows: bool,
    /// FOR JSON or FOR XML came.
    formats: bool,
    /// Arguments of TRIM: they have a FROM of their own.
    trims: bool,
    /// Arguments of JSON_OBJECT: they have colons.
    pairs: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Clause {
    /// Arguments, an expression, or before SELECT.
    #[default]
    None,
    /// The select list.
    List,
    /// Between FROM and the next clause, outside conditions.
    From,
    /// After ON.
    On,
    /// WHERE and later.
    Rest,
}

impl<'a, 'b> Walk<'a, 'b> {
    pub(super) fn new(
        sql: &'a str,
        tokens: &'b [Token<'a>],
        functions: &'b [(String, String)],
        collect: bool,
    ) -> Self {
        let with = tokens.first().is_some_and(|first| first.is("WITH"));
        Self {
            sql,
            tokens,
            at: 0,
            frames: vec![Frame::default()],
            in_ctes: with,
            starts_with_ctes: with,
            open_cases: 0,
            behind_top: false,
            checked: Checked {
                returns_one_document: false,
                reads_a_table: false,
                ordered: false,
                page_at: None,
            },
            functions,
            collector: collect.then(Collector::default),
        }
    }

    pub(super) fn run(mut self) -> Result<(Checked, Seen), Denial> {
        while let Some(token) = self.peek(0) {
            match token.kind {
                Kind::Word if keywords::is_reserved(token.text) => self.keyword(token)?,
                Kind::Word | Kind::Quoted => self.name()?,
                Kind::Mark(mark) => self.mark(token, mark)?,
                _ if self.frame().expects_relation => return Err(self.no_table(token)),
                _ => self.at += 1,
            }
        }
        let lacks_table = self.frame().expects_relation;
        if self.frames.len() > 1 || self.open_cases > 0 || self.in_ctes || lacks_table {
            return Err(Denial::statement(
                self.sql,
                self.sql.len(),
                "The end of an unfinished statement",
                "Close every parenthesis and CASE, and end WITH in a SELECT.",
            ));
        }
        let mut seen = self.collector.map(|of| of.seen).unwrap_or_default();
        seen.plain = seen::is_plain(self.tokens, &seen.relations);
        let mut tokens = self.tokens.iter();
        seen.full_text = tokens
            .find(|token| token.is_any(&["CONTAINS", "FREETEXT"]))
            .map(|token| token.start);
        Ok((self.checked, seen))
    }

    fn keyword(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let next = self.peek(1);
        let next_is = |keyword: &str| next.is_some_and(|next| next.is(keyword));
        self.frame().windows &= token.is("AS");
        // Behind a dot it is a method's name, and there is none of a keyword's.
        if self.before(1).is_some_and(|before| before.is_mark(b'.'))
            && next.is_some_and(|next| next.is_mark(b'('))
        {
            return Err(Denial::function(self.sql, &token, token.text));
        }
        if token.is("SELECT") {
            self.select(token)?;
        } else if token.is("WITH") {
            return self.with(token);
        } else if token.is("FROM") {
            self.from(token)?;
        } else if token.is("JOIN") {
            self.relation_follows(token)?;
        } else if token.is("ON") {
            let frame = self.frame();
            if frame.clause == Clause::From {
                frame.clause = Clause::On;
                frame.after_openjson = false;
                frame.after_table = false;
            }
        } else if token.is("CASE") {
            self.open_cases += 1;
        } else if token.is("END") {
            self.open_cases = self
                .open_cases
                .checked_sub(1)
                .ok_or_else(|| self.misplaced(token))?;
        } else if token.is("FETCH") {
            if !(phrases::fetches_rows(self.tokens, self.at) && self.frame().pages) {
                return Err(self.misplaced(token));
            }
        } else if token.is("OPTION") {
            return self.option(token);
        } else if token.is("TABLESAMPLE") {
            self.frame().sampled = true;
        } else if token.is_any(&["CONTAINSTABLE", "FREETEXTTABLE"]) {
            return self.full_text(token);
        } else if token.is("FOR") {
            if next_is("SYSTEM_TIME")
                && !self.frame().expects_relation
                && let Some(after) = phrases::system_time(self.tokens, self.at + 2)
            {
                self.at = after;
                if self.frame().after_table && self.peek(0).is_some_and(|next| next.is_mark(b'(')) {
                    self.at = options::hints(self.sql, self.tokens, after)?;
                }
                return Ok(());
            }
            if next_is("JSON") || next_is("XML") {
                self.frame().formats = true;
                self.checked.returns_one_document |= self.frames.len() == 1;
            }
            // FOR SYSTEM_TIME belongs to its table; FOR … IN to PIVOT.
            if next_is("JSON") || next_is("XML") || next_is("BROWSE") {
                self.leave_from();
            }
        } else if token.is_any(&["USE", "TO", "PLAN"]) {
            // They belong to OPTION and FOR SYSTEM_TIME, which are read whole.
            return Err(self.misplaced(token));
        } else if token.is("WITHIN") {
            if !next_is("GROUP") {
                return Err(self.misplaced(token));
            }
        } else if token.is("OF") {
            let times = self.before(1).is_some_and(|before| before.is("AS"))
                && self
                    .before(2)
                    .is_some_and(|before| before.is("SYSTEM_TIME"));
            if !times {
                return Err(self.misplaced(token));
            }
        } else if token.is("MERGE") {
            let joins = self
                .before(1)
                .is_some_and(|before| before.is_any(&["INNER", "LEFT", "RIGHT", "FULL", "OUTER"]));
            if !joins || !next_is("JOIN") {
                return Err(self.misplaced(token));
            }
        } else if token.is("DEFAULT") {
            // dbo.f(DEFAULT); WITH XMLNAMESPACES (DEFAULT 'urn:x')
            let declares = self.in_ctes && next.is_some_and(|next| next.kind == Kind::String);
            let alone = self
                .before(1)
                .is_some_and(|before| before.is_mark(b'(') || before.is_mark(b','))
                && next.is_some_and(|next| next.is_mark(b')') || next.is_mark(b','));
            if !(alone || declares) || self.frame().clause != Clause::None {
                return Err(self.misplaced(token));
            }
        } else if token.is_any(&["WHERE", "GROUP", "HAVING", "ORDER"]) {
            // STRING_AGG(…) WITHIN GROUP (…) stands in the select list.
            if !self.before(1).is_some_and(|before| before.is("WITHIN")) {
                self.leave_from();
            }
        } else if token.is_any(&["UNION", "EXCEPT", "INTERSECT"]) {
            self.frame().clause = Clause::None;
        } else if token.is("VALUES") {
            *self.frame() = Frame::default();
        }
        let frame = self.frame();
        if frame.expects_relation && !token.is_any(&["FROM", "JOIN"]) {
            return Err(self.no_table(token));
        }
        self.at += 1;
        Ok(())
    }

    /// SELECT begins the statement, a parenthesis or the next arm of a set
    /// operation; anywhere else it would be a second statement.
    fn select(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let root = self.frames.len() == 1;
        let allowed = match self.before(1) {
            None => true,
            Some(before) if before.is_mark(b'(') => true,
            Some(before) if before.is_any(&["UNION", "EXCEPT", "INTERSECT"]) => true,
            Some(before) if before.is("ALL") => {
                self.before(2).is_some_and(|earlier| earlier.is("UNION"))
            }
            Some(before) => root && self.in_ctes && before.is_mark(b')'),
        };
        if !allowed {
            return Err(self.misplaced(token));
        }
        if root {
            self.in_ctes = false;
        }
        *self.frame() = Frame {
            clause: Clause::List,
            ..Frame::default()
        };
        Ok(())
    }

    fn with(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let Some(next) = self.peek(1) else {
            return Err(self.misplaced(token));
        };
        if self.at == 0 || next.is_any(&["TIES", "ROLLUP", "CUBE"]) {
            self.at += 1;
            return Ok(());
        }
        if !next.is_mark(b'(') || !matches!(self.frame().clause, Clause::From | Clause::On) {
            return Err(self.misplaced(token));
        }
        self.at += 1;
        if self.frame().after_openjson {
            return Ok(());
        }
        self.at = options::hints(self.sql, self.tokens, self.at)?;
        Ok(())
    }

    fn from(&mut self, token: Token<'a>) -> Result<(), Denial> {
        // a IS [NOT] DISTINCT FROM b
        let compares = self.before(1).is_some_and(|before| before.is("DISTINCT"))
            && self
                .before(2)
                .is_some_and(|before| before.is_any(&["IS", "NOT"]));
        if compares || self.frame().trims {
            return Ok(());
        }
        if self.frame().clause != Clause::List {
            return Err(self.misplaced(token));
        }
        self.frame().clause = Clause::From;
        self.frame().expects_relation = true;
        Ok(())
    }

    fn relation_follows(&mut self, token: Token<'a>) -> Result<(), Denial> {
        if !matches!(self.frame().clause, Clause::From | Clause::On) {
            return Err(self.misplaced(token));
        }
        let frame = self.frame();
        frame.clause = Clause::From;
        frame.expects_relation = true;
        Ok(())
    }

    fn option(&mut self, token: Token<'a>) -> Result<(), Denial> {
        self.at = options::option(self.sql, self.tokens, self.at + 1)?;
        if self.frames.len() > 1 || self.peek(0).is_some() {
            return Err(self.misplaced(token));
        }
        Ok(())
    }

    pub(super) fn leave_from(&mut self) {
        let frame = self.frame();
        frame.after_openjson = false;
        frame.after_table = false;
        if frame.clause != Clause::None {
            frame.clause = Clause::Rest;
        }
    }

    /// A name, with the parts that dots join to it.
    fn name(&mut self) -> Result<(), Denial> {
        let Some(first) = self.peek(0) else {
            return Ok(());
        };
        if first.is("APPLY")
            && self
                .before(1)
                .is_some_and(|before| before.is_any(&["CROSS", "OUTER"]))
        {
            self.relation_follows(first)?;
            self.at += 1;
            return Ok(());
        }
        if self.phrase(first)? {
            return Ok(());
        }
        let method = self.before(1).is_some_and(|before| before.is_mark(b'.'));
        let before = self.before(1);
        let from = self.at;
        let parts = self.parts();
        let range = (from, self.at);
        let called = self.peek(0).is_some_and(|next| next.is_mark(b'('));
        let name = relations::Name {
            first,
            parts: &parts,
        };
        if called
            && !self.frame().expects_relation
            && (method || parts.len() > 1)
            && phrases::is_xml_method(&parts)
            && !phrases::has_literals(self.tokens, self.at)
            && !functions::is_allowed(&parts, self.functions)
        {
            // A function of somebody's that has a method's name.
            return Err(Denial::function(self.sql, &first, &parts.join(".")));
        }
        if self.frame().expects_relation {
            let frame = self.frame();
            frame.expects_relation = false;
            frame.after_openjson = called && name.is_function("OPENJSON");
            frame.after_table = !called;
            frame.sampled = false;
            let own =
                functions::is_row_source(&parts) || functions::is_allowed(&parts, self.functions);
            if called && self.old_hints(name, range)? {
                return Ok(());
            }
            // A column's method needs a table before it, and names its rows.
            let first_of_all = before.is_some_and(|before| before.is("FROM"));
            let rows = phrases::names_rows(self.tokens, self.at);
            if called && !own && (first_of_all || !rows) {
                return Err(Denial::function(self.sql, &first, &parts.join(".")));
            }
            let found = relations::check(self.sql, name, called, self.functions)?;
            let may_be_cte = self.starts_with_ctes && parts.len() == 1;
            self.checked.reads_a_table |= found == relations::Found::Table && !may_be_cte;
            if !called {
                self.note_relation(found, range, &parts);
            }
            return Ok(());
        }
        let in_from = matches!(self.frame().clause, Clause::From | Clause::On);
        let follows_as = before.is_some_and(|before| before.is("AS"));
        let samples = first.is("SYSTEM") && before.is_some_and(|before| before.is("TABLESAMPLE"))
            || first.is("REPEATABLE") && std::mem::take(&mut self.frame().sampled);
        if called && self.frame().after_table && !samples {
            // t x (NOLOCK), t AS x (NOLOCK)
            self.at = options::hints(self.sql, self.tokens, self.at)?;
            return Ok(());
        }
        // CAST(x AS decimal(9,2)), … AS v(a, b)
        let alias = follows_as || in_from && before.is_some_and(|before| before.is_mark(b')'));
        if called && alias && !samples && !phrases::is_plain_list(self.tokens, self.at) {
            return Err(self.misplaced(first));
        }
        let names_cte = self.in_ctes && self.frames.len() == 1;
        if let Some(collector) = &mut self.collector {
            let follows = before.is_some_and(|before| before.is("WITH") || before.is_mark(b','));
            let namespaces = called && first.is("XMLNAMESPACES");
            if names_cte && follows && !namespaces {
                collector.cte(first.name());
            }
            if parts.len() > 1 && !alias {
                collector.qualified(self.tokens, range, &parts);
            }
            if called && !method && functions::tells_of_objects(&parts) {
                collector.seen.metadata.push(seen::Call {
                    name: first.text.to_owned(),
                    at: first.start,
                });
            }
        }
        // OPENJSON(…) WITH (sku nvarchar(20) '$.sku')
        let declares = self.frame().declares;
        if first.is("OFFSET") && matches!(self.frame().clause, Clause::Rest | Clause::None) {
            self.frame().pages = true;
        }
        if !called || alias || names_cte {
            return Ok(());
        }
        let bare = self.peek(1).is_some_and(|next| next.is_mark(b')'));
        functions::check(self.sql, name, method, declares, bare, self.functions)
    }

    /// Takes `a`, `a.b`, `a..b` …; an empty part is an empty string.
    pub(super) fn parts(&mut self) -> Vec<String> {
        let mut parts = Vec::new();
        while let Some(token) = self.peek(0) {
            if is_name(&token) {
                parts.push(token.name());
                self.at += 1;
            } else if token.is_mark(b'.') {
                parts.push(String::new());
            } else {
                break;
            }
            if !self.peek(0).is_some_and(|next| next.is_mark(b'.')) {
                break;
            }
            // `t.*` and `x.value` of the next walk step keep their dot.
            if !self
                .peek(1)
                .is_some_and(|next| is_name(&next) || next.is_mark(b'.'))
            {
                break;
            }
            self.at += 1;
        }
        parts
    }

    fn mark(&mut self, token: Token<'a>, mark: u8) -> Result<(), Denial> {
        match mark {
            b'(' => return self.open(token),
            b')' => {
                if self.frames.len() == 1 || self.frame().expects_relation {
                    return Err(self.misplaced(token));
                }
                let closed = self.frames.pop();
                self.behind_top = closed.is_some_and(|frame| frame.counts);
            }
            b',' => {
                let frame = self.frame();
                if frame.expects_relation {
                    return Err(self.no_table(token));
                }
                if matches!(frame.clause, Clause::From | Clause::On) {
                    frame.clause = Clause::From;
                    frame.expects_relation = true;
                }
                if frame.windows && !phrases::names_window(self.tokens, self.at + 1) {
                    return Err(self.misplaced(token));
                }
            }
            b':' if !self.frame().pairs => return self.static_method(token),
            b'{' => return self.odbc_literal(token),
            b'}' => return Err(self.misplaced(token)),
            _ if self.frame().expects_relation => return Err(self.no_table(token)),
            _ => {}
        }
        self.at += 1;
        Ok(())
    }

    fn open(&mut self, token: Token<'a>) -> Result<(), Denial> {
        let before = self.before(1);
        let outer = *self.frame();
        let root = self.frames.len() == 1;
        let behind_ctes = root && self.in_ctes && before.is_some_and(|it| it.is_mark(b')'));
        if behind_ctes {
            // WITH c AS (…) (SELECT …)
            self.in_ctes = false;
        } else if outer.after_table && before.is_some_and(|it| it.is_mark(b')')) {
            // TABLESAMPLE (…) REPEATABLE (…) (NOLOCK)
            self.at = options::hints(self.sql, self.tokens, self.at)?;
            return Ok(());
        } else {
            let defines = root && self.in_ctes;
            let place = Place {
                behind_top: self.behind_top,
                defines,
                pages: outer.pages,
                formats: outer.formats,
            };
            let opening = opening::judge(self.tokens, self.at, place);
            if opening == Opening::Second {
                return Err(self.misplaced(token));
            }
        }
        if self.frames.len() > MAX_DEPTH {
            return Err(Denial::statement(
                self.sql,
                token.start,
                "More than 64 nested parentheses",
                "Nest less; name the inner queries with WITH.",
            ));
        }
        let frame = self.frame();
        frame.expects_relation = false;
        if outer.expects_relation {
            frame.after_openjson = false;
            frame.after_table = false;
        }
        let called = |names: &[&str]| before.is_some_and(|before| before.is_any(names));
        let schema = outer.after_openjson && called(&["WITH"]);
        self.frames.push(if outer.expects_relation {
            // A derived table, VALUES, or a join in parentheses.
            Frame {
                clause: Clause::From,
                expects_relation: !self
                    .peek(1)
                    .is_some_and(|next| next.is_any(&["SELECT", "VALUES"])),
                ..Frame::default()
            }
        } else {
            Frame {
                declares: schema,
                counts: called(&["TOP"]),
                trims: called(&["TRIM"]),
                pairs: called(&["JSON_OBJECT", "JSON_OBJECTAGG"]),
                ..Frame::default()
            }
        });
        self.at += 1;
        Ok(())
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        // The stack is never empty here; the first frame is the statement.
        #[expect(clippy::indexing_slicing, reason = "the index is the last element's")]
        &mut self.frames[last]
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    pub(super) fn before(&self, back: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at.checked_sub(back)?).copied()
    }

    pub(super) fn misplaced(&self, token: Token<'a>) -> Denial {
        let what = format!("{} in this place", shown(token.text));
        Denial::statement(self.sql, token.start, &what, ONE_SELECT)
    }

    fn no_table(&self, token: Token<'a>) -> Denial {
        let what = format!("{} in place of a table", shown(token.text));
        let hint = "After FROM and JOIN write a table, a view or a SELECT in parentheses.";
        Denial::statement(self.sql, token.start, &what, hint)
    }
}

const MAX_DEPTH: usize = 64;
