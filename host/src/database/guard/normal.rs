//! A statement as it may be told: with `?` for each literal, without comments, in
//! one spelling of white space, and the tables that it names.

use super::keywords::is_reserved;
use super::lexer::{Kind, Token, readable};
use super::options::has_old_hints;

/// A statement without what somebody may want to keep to themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal {
    /// Its text. `…` at the end stands for what cannot be read as T-SQL.
    pub text: String,
    /// Tables and views that it reads or writes, as it names them, each once.
    pub tables: Vec<String>,
}

/// Removes the literals of `sql`, by the lexer that judges it. Nothing is told of
/// what that cannot read.
pub fn normal(sql: &str) -> Normal {
    let (tokens, whole) = readable(sql);
    let mut text = String::with_capacity(sql.len().min(LONGEST));
    let mut before: Option<&Token<'_>> = None;
    for token in &tokens {
        if before.is_some_and(|before| apart(before, token)) {
            text.push(' ');
        }
        text.push_str(match token.kind {
            Kind::String | Kind::Number => "?",
            _ => token.text,
        });
        before = Some(token);
    }
    if !whole {
        text.push_str(if text.is_empty() { "…" } else { " …" });
    }
    Normal {
        text,
        tables: Relations::of(&tokens),
    }
}

/// Whether a space stands between two tokens.
fn apart(before: &Token<'_>, token: &Token<'_>) -> bool {
    match (before.kind, token.kind) {
        (Kind::Mark(b'(' | b'.'), _) | (_, Kind::Mark(b')' | b',' | b'.' | b';')) => false,
        // COUNT(…), but IN (…)
        (Kind::Word, Kind::Mark(b'(')) => is_reserved(before.text),
        (Kind::Quoted, Kind::Mark(b'(')) => false,
        // Two marks that are one operator.
        (
            Kind::Mark(
                b'<' | b'>' | b'!' | b'=' | b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^',
            ),
            Kind::Mark(b'='),
        )
        | (Kind::Mark(b'<' | b'!'), Kind::Mark(b'>'))
        | (Kind::Mark(b'!'), Kind::Mark(b'<'))
        | (Kind::Mark(b':'), Kind::Mark(b':')) => false,
        _ => true,
    }
}

/// Looks for names of tables: after the words that want one, and after commas
/// between those of FROM.
#[derive(Default)]
struct Relations {
    found: Vec<Found>,
    aliases: Vec<String>,
    /// Of the parentheses that are open, the outermost first.
    levels: Vec<Level>,
    level: Level,
    expected: Option<Wanted>,
    /// The word behind which a definition names its table: `CREATE INDEX i ON t`.
    awaited: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Whether a comma is followed by a table.
    lists: bool,
    /// Whether FROM belongs to a function, as in `TRIM(' ' FROM a)`.
    of_function: bool,
    /// What is expected behind it: `UPDATE TOP (5) t`
    then: Option<Wanted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Source,
    /// What UPDATE and DELETE name may be an alias of FROM.
    Target,
}

struct Found {
    name: String,
    may_be_alias: bool,
}

impl Relations {
    fn of(tokens: &[Token<'_>]) -> Vec<String> {
        let mut relations = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += relations.take(tokens, at, token).max(1);
        }
        let expressions = table_expressions(tokens);
        let mut names: Vec<String> = Vec::new();
        for found in relations.found {
            if names.len() == MAX_TABLES {
                break;
            }
            let is = |other: &String| other.eq_ignore_ascii_case(&found.name);
            let alias = found.may_be_alias && relations.aliases.iter().any(is);
            if !alias && !expressions.iter().any(is) && !names.iter().any(is) {
                names.push(found.name);
            }
        }
        names
    }

    /// Goes past what begins at `at`; how many tokens that are.
    fn take(&mut self, tokens: &[Token<'_>], at: usize, token: &Token<'_>) -> usize {
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        match token.kind {
            Kind::Mark(b'(') => {
                self.levels.push(self.level);
                let counts = before(1).is_some_and(|word| word.is("TOP"));
                let then = if counts { self.expected.take() } else { None };
                self.level = Level {
                    // FROM (a JOIN b ON …)
                    lists: self.expected.is_some(),
                    of_function: before(1).is_some_and(|word| word.is("TRIM")),
                    then,
                };
            }
            Kind::Mark(b')') => {
                self.expected = self.level.then;
                self.level = self.levels.pop().unwrap_or_default();
            }
            Kind::Mark(b';') => {
                self.expected = None;
                self.awaited = None;
                self.level.lists = false;
            }
            Kind::Mark(b',') if self.level.lists => self.expected = Some(Wanted::Source),
            Kind::Word if token.is("FROM") => {
                let compares = before(1).is_some_and(|word| word.is("DISTINCT"))
                    && before(2).is_some_and(|word| word.is_any(&["IS", "NOT"]));
                let of_time = before(1).is_some_and(|word| word.is("SYSTEM_TIME"));
                if !compares && !of_time && !self.level.of_function {
                    self.level.lists = true;
                    // DELETE FROM o FROM Orders AS o
                    let target = self.expected.filter(|wanted| *wanted == Wanted::Target);
                    self.expected = target.or(Some(Wanted::Source));
                }
            }
            Kind::Word if self.awaited.is_some_and(|awaited| token.is(awaited)) => {
                self.awaited = None;
                self.expected = Some(Wanted::Source);
            }
            // DROP TABLE IF EXISTS a, b
            Kind::Word if token.is_any(&["TABLE", "VIEW"]) => {
                self.level.lists |= before(1).is_some_and(|word| word.is("DROP"));
                self.expected = Some(Wanted::Source);
            }
            Kind::Word
                if token.is("SYNONYM")
                    && before(1).is_some_and(|word| word.is_any(&["CREATE", "DROP"])) =>
            {
                self.awaited = Some("FOR");
                self.expected = Some(Wanted::Source);
            }
            // Not the hint WITH (INDEX (i)).
            Kind::Word
                if self.levels.is_empty() && token.is_any(&["INDEX", "STATISTICS", "TRIGGER"]) =>
            {
                let updates = before(1).is_some_and(|word| word.is("UPDATE"));
                self.awaited = (!updates).then_some("ON");
                self.expected = updates.then_some(Wanted::Source);
            }
            Kind::Word if token.is_any(&["JOIN", "APPLY", "INTO", "USING", "MERGE"]) => {
                self.expected = Some(Wanted::Source);
            }
            Kind::Word if token.is_any(&["UPDATE", "DELETE", "INSERT"]) => {
                self.expected = Some(Wanted::Target);
            }
            // UPDATE TOP (5) PERCENT t, DROP VIEW IF EXISTS v
            Kind::Word
                if self.expected.is_some() && token.is_any(&["TOP", "PERCENT", "IF", "EXISTS"]) => {
            }
            Kind::Word if is_reserved(token.text) => {
                self.expected = None;
                let of_time = token.is("FOR")
                    && tokens
                        .get(at + 1)
                        .is_some_and(|next| next.is("SYSTEM_TIME"));
                self.level.lists &= of_time || token.is_any(&GOES_ON);
            }
            // Its commas are between columns.
            Kind::Word
                if token.is("OUTPUT")
                    && tokens
                        .get(at + 1)
                        .is_some_and(|next| next.is_any(&["DELETED", "INSERTED"])) =>
            {
                self.expected = None;
                self.level.lists = false;
            }
            Kind::Word | Kind::Quoted => {
                if let Some(wanted) = self.expected.take() {
                    return self.name(tokens, at, wanted);
                }
            }
            // UPDATE TOP (5) t, and without the parentheses.
            _ if before(1).is_some_and(|word| word.is("TOP")) => {}
            _ => self.expected = None,
        }
        1
    }

    /// A name of several parts, and its alias.
    fn name(&mut self, tokens: &[Token<'_>], start: usize, wanted: Wanted) -> usize {
        let mut name = String::new();
        let mut at = start;
        let mut parts = 0;
        while let Some(token) = tokens.get(at) {
            match token.kind {
                Kind::Mark(b'.') => name.push('.'),
                Kind::Word | Kind::Quoted if name.is_empty() || name.ends_with('.') => {
                    name.push_str(&token.name());
                    parts += 1;
                }
                _ => break,
            }
            at += 1;
        }
        let mut behind = at;
        if has_old_hints(tokens, at) {
            behind = behind_parentheses(tokens, at);
        } else if tokens.get(at).is_some_and(|token| token.is_mark(b'('))
            && wanted == Wanted::Source
        {
            // INSERT INTO t (a, b) names a table nevertheless, and CREATE INDEX i ON t (a).
            let into = start.checked_sub(1).and_then(|before| tokens.get(before));
            if !into.is_some_and(|word| word.is_any(&["INTO", "TABLE", "VIEW", "ON"])) {
                return at - start;
            }
        }
        let next = |ahead: usize| tokens.get(behind + ahead);
        let alias = if next(0).is_some_and(|token| token.is("AS")) {
            next(1)
        } else {
            next(0).filter(|token| !is_reserved(token.text) || token.kind == Kind::Quoted)
        };
        // One inside parentheses is another's than the target's.
        let alias = alias.filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
        if let Some(alias) = alias.filter(|_| self.levels.is_empty()) {
            self.aliases.push(alias.name());
        }
        self.found.push(Found {
            name,
            may_be_alias: wanted == Wanted::Target && parts == 1,
        });
        at - start
    }
}

/// The index behind the parentheses that open at `open`.
fn behind_parentheses(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark(b'(') {
            depth += 1;
        } else if token.is_mark(b')') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

/// The names of common table expressions: `WITH a AS (…), b (x) AS (…)`.
fn table_expressions(tokens: &[Token<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !token.is("AS") || !tokens.get(at + 1).is_some_and(|next| next.is_mark(b'(')) {
            continue;
        }
        let mut name = at.checked_sub(1);
        if name
            .and_then(|at| tokens.get(at))
            .is_some_and(|token| token.is_mark(b')'))
        {
            // Back over the list of columns.
            let begin = tokens
                .get(..at)
                .and_then(|before| before.iter().rposition(|token| token.is_mark(b'(')));
            name = begin.and_then(|begin| begin.checked_sub(1));
        }
        let before = name
            .and_then(|at| at.checked_sub(1))
            .and_then(|at| tokens.get(at));
        let named = before.is_some_and(|token| token.is("WITH") || token.is_mark(b','));
        if let Some(token) = name.and_then(|at| tokens.get(at)).filter(|_| named) {
            names.push(token.name());
        }
    }
    names
}

/// Reserved words that may stand in the list of FROM, before a comma and a further table:
/// of joins, hints and conditions.
const GOES_ON: [&str; 46] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "CASE",
    "COALESCE",
    "COLLATE",
    "CONTAINS",
    "CONVERT",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DISTINCT",
    "ELSE",
    "END",
    "ESCAPE",
    "EXISTS",
    "FREETEXT",
    "FULL",
    "IN",
    "INNER",
    "IS",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "NULLIF",
    "OF",
    "ON",
    "OR",
    "OUTER",
    "PIVOT",
    "RIGHT",
    "SESSION_USER",
    "SOME",
    "SYSTEM_USER",
    "TABLESAMPLE",
    "THEN",
    "TO",
    "TRY_CONVERT",
    "UNPIVOT",
    "USER",
    "WHEN",
    "WITH",
];
/// Of a text whose room is reserved at once.
const LONGEST: usize = 4 << 10;
/// A statement that names more is one of a program.
const MAX_TABLES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_comments_and_white_space_are_gone() {
        for (sql, text) in [
            (
                "SELECT *\n  FROM dbo.Orders -- all of Ana's\n WHERE Name=N'O''Brien'",
                "SELECT * FROM dbo.Orders WHERE Name = ?",
            ),
            (
                "select count( * ),-1.5e3 from [Order Details]where a<>0x1F and b<= $12.50",
                "select count(*), - ? from [Order Details] where a <> ? and b <= ?",
            ),
            (
                "SELECT a FROM t WHERE b IN ('x', 'y') /* 'secret /* in */ here' */ AND c = @p",
                "SELECT a FROM t WHERE b IN (?, ?) AND c = @p",
            ),
            ("SELECT 'it ends", "SELECT …"),
            ("'", "…"),
            (
                "SELECT 1; DROP TABLE #t WHERE a = 'b'",
                "SELECT ?; DROP TABLE …",
            ),
            ("", ""),
        ] {
            assert_eq!(normal(sql).text, text, "{sql}");
        }
    }

    #[test]
    fn one_statement_has_one_text_however_it_is_spaced() {
        let texts = [
            "SELECT a,b FROM t WHERE x=1 AND COUNT (y)>2",
            "SELECT  a , b\nFROM t\nWHERE x = 22 AND COUNT(y) > 'z'",
        ];
        let [one, other] = texts.map(|sql| normal(sql).text);
        assert_eq!(one, other);
    }

    #[test]
    fn no_literal_of_a_statement_is_in_its_text() {
        let secrets = ["hunter2", "4711", "deadbeef"];
        for sql in [
            "SELECT * FROM t WHERE a = 'hunter2' AND b = 4711 AND c = 0xdeadbeef",
            "SELECT * FROM t WHERE a = 'hunter2",
            "SELECT N'hunter2' /* hunter2 4711 */ -- deadbeef",
            "INSERT INTO t VALUES ('hunter2', 4711.0, 0xdeadbeef)",
            "SELECT 4711hunter2",
            "EXEC p @a = 'hunter2', @b = 4711",
            "SELECT $4711 \u{0} hunter2",
        ] {
            let text = normal(sql).text;
            assert!(
                secrets.iter().all(|secret| !text.contains(secret)),
                "{text}"
            );
        }
    }

    #[test]
    fn tables_are_found_wherever_they_stand() {
        for (sql, tables) in [
            ("SELECT 1", &[][..]),
            ("SELECT * FROM Orders", &["Orders"]),
            (
                "SELECT * FROM dbo.Orders o, [Order Details] AS d JOIN Sales.x ON 1 = 1, y",
                &["dbo.Orders", "Order Details", "Sales.x", "y"],
            ),
            (
                "WITH a AS (SELECT x, y FROM t), b (c) AS (SELECT 1) SELECT * FROM a, b, t",
                &["t"],
            ),
            (
                "SELECT (SELECT MAX(i) FROM u) FROM (SELECT * FROM v) AS w CROSS APPLY f(w.x)",
                &["u", "v"],
            ),
            ("SELECT * FROM (a JOIN b ON a.x = b.x)", &["a", "b"]),
            ("SELECT TRIM('x' FROM Name), c FROM t ORDER BY a, b", &["t"]),
            ("SELECT * FROM t WHERE a IS DISTINCT FROM b", &["t"]),
            ("SELECT * FROM t UNION ALL SELECT * FROM T", &["t"]),
            (
                "INSERT INTO dbo.t (a, b) SELECT c, d FROM u",
                &["dbo.t", "u"],
            ),
            (
                "UPDATE o SET a = 1 FROM dbo.Orders o WHERE b = 2",
                &["dbo.Orders"],
            ),
            ("UPDATE dbo.Orders SET a = 1, b = 2", &["dbo.Orders"]),
            ("DELETE TOP (5) FROM Orders", &["Orders"]),
            (
                "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE;",
                &["t", "u"],
            ),
            ("SELECT * FROM OPENJSON(@j) WITH (a int, b int)", &[]),
        ] {
            assert_eq!(normal(sql).tables, tables, "{sql}");
        }
    }

    #[test]
    fn hints_and_conditions_between_tables_hide_none() {
        for (sql, tables) in [
            ("SELECT * FROM dbo.Salaries (NOLOCK)", &["dbo.Salaries"][..]),
            (
                "SELECT * FROM Salaries (TABLOCK, INDEX(1)) s, u",
                &["Salaries", "u"],
            ),
            ("SELECT * FROM t (INDEX = 1)", &["t"]),
            ("SELECT * FROM f(NOLOCK.a), g(x)", &[]),
            (
                "SELECT * FROM dbo.Orders WITH (NOLOCK), dbo.Salaries",
                &["dbo.Orders", "dbo.Salaries"],
            ),
            (
                "SELECT * FROM a TABLESAMPLE (5 PERCENT), b FOR SYSTEM_TIME AS OF @t, c",
                &["a", "b", "c"],
            ),
            (
                "SELECT * FROM a JOIN b ON a.x IS NOT NULL AND a.y IN (1, 2), c, d",
                &["a", "b", "c", "d"],
            ),
            (
                "SELECT * FROM a JOIN b ON b.x = TRY_CONVERT(int, '1') AND a.y = SYSTEM_USER, c",
                &["a", "b", "c"],
            ),
            (
                "SELECT * FROM a JOIN b ON b.x = SOME (SELECT 1) AND CONTAINS(a.y, 'z'), c",
                &["a", "b", "c"],
            ),
            (
                "SELECT * FROM OPENJSON(@j) WITH (a int, b int) AS j, dbo.t",
                &["dbo.t"],
            ),
            (
                "SELECT a, b FROM t ORDER BY c, d FOR JSON PATH, ROOT('e')",
                &["t"],
            ),
            ("SELECT a FROM t FOR JSON PATH, INCLUDE_NULL_VALUES", &["t"]),
            ("SELECT a FROM t; SELECT b, c", &["t"]),
        ] {
            assert_eq!(normal(sql).tables, tables, "{sql}");
        }
    }

    #[test]
    fn what_is_changed_or_defined_is_named() {
        for (sql, tables) in [
            ("UPDATE TOP (3) dbo.Orders SET a = 1", &["dbo.Orders"][..]),
            (
                "UPDATE TOP (3) PERCENT dbo.Orders SET a = 1",
                &["dbo.Orders"],
            ),
            ("DELETE TOP 3 dbo.Orders", &["dbo.Orders"]),
            (
                "UPDATE TOP ((SELECT MAX(n) FROM dbo.u)) dbo.t SET a = 1",
                &["dbo.u", "dbo.t"],
            ),
            (
                "MERGE TOP (3) dbo.t USING u ON 1 = 1 WHEN MATCHED THEN DELETE",
                &["dbo.t", "u"],
            ),
            (
                "DELETE o FROM dbo.Orders (UPDLOCK) o WHERE a = 1",
                &["dbo.Orders"],
            ),
            ("DELETE FROM o FROM dbo.Orders AS o", &["dbo.Orders"]),
            (
                "UPDATE Salaries SET a = 1 WHERE b IN (SELECT c FROM dbo.x Salaries)",
                &["Salaries", "dbo.x"],
            ),
            (
                "DELETE FROM t OUTPUT deleted.a, deleted.b WHERE c = 1",
                &["t"],
            ),
            (
                "DROP TABLE IF EXISTS dbo.Orders, dbo.x",
                &["dbo.Orders", "dbo.x"],
            ),
            ("DROP VIEW dbo.v", &["dbo.v"]),
            (
                "CREATE VIEW dbo.v (a) AS SELECT b FROM dbo.t",
                &["dbo.v", "dbo.t"],
            ),
            ("CREATE TABLE dbo.t (a int, b int)", &["dbo.t"]),
            ("CREATE INDEX i ON dbo.t (a, b)", &["dbo.t"]),
            ("CREATE UNIQUE INDEX i ON dbo.t (a) INCLUDE (b)", &["dbo.t"]),
            ("DROP INDEX IF EXISTS i ON dbo.t", &["dbo.t"]),
            ("CREATE STATISTICS s ON dbo.t (a)", &["dbo.t"]),
            ("UPDATE STATISTICS dbo.t", &["dbo.t"]),
            (
                "CREATE SYNONYM dbo.s FOR dbo.Salaries",
                &["dbo.s", "dbo.Salaries"],
            ),
            ("DROP SYNONYM dbo.s", &["dbo.s"]),
        ] {
            assert_eq!(normal(sql).tables, tables, "{sql}");
        }
    }
}
