//! What an opening parenthesis may stand behind. T-SQL needs no `;` between
//! statements, so `SELECT 1 (SELECT 2)` is two of them: a query in parentheses
//! passes only where an operand, a relation or an arm of a set operation begins.

use super::lexer::{Kind, Token};
use super::phrases::is_name;

/// What the parenthesis at an index opens, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Something that may stand there.
    Fits,
    /// A query, or a list behind a list, that would be a second statement.
    Second,
}

/// What is known of where the parenthesis stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// The parenthesis that closed just before was that of TOP.
    pub(super) behind_top: bool,
    /// Behind AS is a common table expression.
    pub(super) defines: bool,
    /// OFFSET stands in an ORDER BY.
    pub(super) pages: bool,
    /// FOR JSON or FOR XML came before: nothing that follows takes a query.
    pub(super) formats: bool,
}

/// Judges the parenthesis at `at`.
pub(super) fn judge(tokens: &[Token<'_>], at: usize, place: Place) -> Opening {
    let Some(before) = at.checked_sub(1).and_then(|index| tokens.get(index)) else {
        return Opening::Fits;
    };
    if before.is_mark(b')') && !place.behind_top {
        return Opening::Second;
    }
    if !opens(tokens, at, &["SELECT", "WITH", "VALUES"]) {
        return Opening::Fits;
    }
    let fits = !place.formats
        && (takes_query(tokens, at)
            || place.defines && before.is("AS")
            || place.pages && before.is("OFFSET"));
    if fits { Opening::Fits } else { Opening::Second }
}

/// Whether one of `words` comes next within the parenthesis at `at`, in however many more.
pub(super) fn opens(tokens: &[Token<'_>], at: usize, words: &[&str]) -> bool {
    let rest = tokens.get(at..).unwrap_or_default();
    let inner = rest.iter().find(|token| !token.is_mark(b'('));
    inner.is_some_and(|inner| inner.is_any(words))
}

/// Whether a query that the parenthesis at `at` opens is an operand, a relation or an arm of
/// a set operation: at the beginning it is the whole.
pub(super) fn takes_query(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return true;
    };
    // f((SELECT 1)): the outer one is the function's.
    let nested = tokens.get(at + 1).is_some_and(|next| next.is_mark(b'('));
    begins(tokens, before) || nested && calls(tokens, before)
}

/// Whether the name that ends at `at` is a function's: it stands where an operand or a
/// relation begins. Anywhere else it is an alias.
fn calls(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(name) = tokens.get(at) else {
        return false;
    };
    if name.is("VALUES") {
        let open = at.checked_sub(1).and_then(|index| tokens.get(index));
        return open.is_some_and(|open| open.is_mark(b'('));
    }
    if !(is_name(name) || name.is_any(&FUNCTIONS)) {
        return false;
    }
    let mut first = at;
    while first >= 2
        && tokens.get(first - 1).is_some_and(|dot| dot.is_mark(b'.'))
        && tokens.get(first - 2).is_some_and(is_name)
    {
        first -= 2;
    }
    first
        .checked_sub(1)
        .is_some_and(|before| begins(tokens, before))
}

/// Whether an operand, a relation or a query may follow the token at `at`.
pub(super) fn begins(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(token) = tokens.get(at) else {
        return false;
    };
    let is = |back: usize, word: &str| {
        at.checked_sub(back)
            .and_then(|index| tokens.get(index))
            .is_some_and(|token| token.is(word))
    };
    match token.kind {
        Kind::Mark(b'*') => !is_star(tokens, at),
        Kind::Mark(b')') => closes_top(tokens, at),
        Kind::Mark(b'.' | b'}') => false,
        Kind::Mark(_) => true,
        Kind::Number => is(1, "TOP"),
        Kind::Word if token.is_any(&BEGIN) => true,
        Kind::Word if token.is("APPLY") => is(1, "CROSS") || is(1, "OUTER"),
        Kind::Word if token.is("TIES") => is(1, "WITH"),
        Kind::Word if token.is("ZONE") => is(1, "TIME") && is(2, "AT"),
        Kind::Word if token.is_any(&["NEXT", "FIRST"]) => is(1, "FETCH"),
        _ => false,
    }
}

/// Whether the `*` at `at` stands for columns: then it ends an item of the list.
fn is_star(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(index) = at.checked_sub(1) else {
        return true;
    };
    let Some(before) = tokens.get(index) else {
        return true;
    };
    match before.kind {
        Kind::Mark(b',' | b'.' | b'(') => true,
        Kind::Mark(b')') => closes_top(tokens, index),
        Kind::Number => index
            .checked_sub(1)
            .and_then(|index| tokens.get(index))
            .is_some_and(|top| top.is("TOP")),
        Kind::Word => before.is_any(&["SELECT", "DISTINCT", "ALL", "PERCENT", "TIES"]),
        _ => false,
    }
}

/// Whether the parenthesis that closes at `at` is that of TOP.
fn closes_top(tokens: &[Token<'_>], at: usize) -> bool {
    let mut depth = 0_u32;
    for back in (0..=at).rev() {
        match tokens.get(back).map(|token| token.kind) {
            Some(Kind::Mark(b')')) => depth += 1,
            Some(Kind::Mark(b'(')) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let top = back.checked_sub(1).and_then(|index| tokens.get(index));
                    return top.is_some_and(|top| top.is("TOP"));
                }
            }
            _ => {}
        }
    }
    false
}

/// Reserved words that are functions.
const FUNCTIONS: [&str; 6] = [
    "COALESCE",
    "CONVERT",
    "LEFT",
    "NULLIF",
    "RIGHT",
    "TRY_CONVERT",
];

/// Words that an operand, a relation or a query may follow.
const BEGIN: [&str; 28] = [
    "ALL",
    "AND",
    "ANY",
    "BETWEEN",
    "BY",
    "CASE",
    "DISTINCT",
    "ELSE",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "HAVING",
    "IN",
    "INTERSECT",
    "JOIN",
    "LIKE",
    "NOT",
    "ON",
    "OR",
    "PERCENT",
    "SELECT",
    "SOME",
    "THEN",
    "TOP",
    "UNION",
    "WHEN",
    "WHERE",
];

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn a_query_in_parentheses_is_an_operand_or_a_second_statement() {
        for sql in [
            "SELECT (SELECT 2)",
            "SELECT TOP (5) (SELECT 2) FROM t",
            "SELECT TOP 5 (SELECT 2) FROM t",
            "SELECT DISTINCT (SELECT 2)",
            "SELECT a * (SELECT 2) FROM t",
            "SELECT TOP (1) b * (SELECT 2) FROM t",
            "SELECT ISNULL((SELECT 1), 0), COALESCE(a, (SELECT 2)) FROM t",
            "SELECT a FROM t WHERE a = (SELECT 1) AND EXISTS (SELECT 1) AND a > ALL (SELECT 1)",
            "SELECT CASE WHEN (SELECT 1) = 1 THEN (SELECT 2) ELSE (SELECT 3) END",
            "SELECT a FROM t ORDER BY (SELECT 1) OFFSET (SELECT 1) ROWS FETCH NEXT (SELECT 1) ROWS ONLY",
            "SELECT a FROM (SELECT 1 AS a) x CROSS APPLY (SELECT 2 AS b) y JOIN (SELECT 3 AS c) z ON 1 = 1",
            "(SELECT 1) UNION ALL (SELECT 2)",
            "WITH c AS (SELECT 1 AS a) (SELECT a FROM c)",
            "WITH c AS (SELECT 1 AS a) (SELECT a FROM c) UNION ALL (SELECT 2)",
            "SELECT a AT TIME ZONE (SELECT 'UTC') FROM t",
            "SELECT JSON_OBJECT('a': (SELECT 1))",
            "SELECT a FROM t WHERE a BETWEEN (SELECT 1) AND (SELECT 2) OR a LIKE (SELECT 'x')",
            "SELECT ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) FROM t",
            "SELECT TOP (5) ISNULL((SELECT 1), 0) FROM t",
            "SELECT TOP 5 CAST((SELECT 1) AS int), LEFT((SELECT 'ab'), 1) FROM t",
            "SELECT a FROM OPENJSON((SELECT '[]')) j CROSS APPLY STRING_SPLIT((SELECT 'a'), ',') s",
            "SELECT v.a FROM (VALUES ((SELECT 1)), ((SELECT 2))) v(a)",
            "SELECT DATEADD(day, (SELECT 1), a), CASE ISNULL((SELECT 1), 2) WHEN 1 THEN 2 END FROM t",
            "SELECT a FROM dbo.Message m JOIN dbo.Conversation ON Conversation.Id = m.ConversationId",
            "SELECT CASE WHEN a = 1 THEN 2 END Conversation FROM t",
            "SELECT a FROM dbo.Nodes (NOLOCK)",
            "SELECT CAST(x AS xml(CONTENT dbo.coll)) FROM t",
            "SELECT n.x.value('.', 'int') FROM t CROSS APPLY t.Doc.nodes('/a') AS n(x)",
            "SELECT g.STAsText(), g.STDistance(h), g.Filter(h) FROM t",
        ] {
            assert!(check(sql, &[]).is_ok(), "{sql}: {:?}", check(sql, &[]));
        }
        for sql in [
            "SELECT 1 (SELECT 2)",
            "SELECT 1 AS (SELECT 2)",
            "SELECT 1 AS x (SELECT 2)",
            "SELECT 1 AS x ((SELECT 2))",
            "SELECT * (SELECT 2)",
            "SELECT TOP 5 * (SELECT 2)",
            "SELECT a.* (SELECT 2) FROM t a",
            "SELECT a FROM t (SELECT 2)",
            "SELECT a FROM t x (SELECT 2)",
            "SELECT a FROM t AS x ((SELECT 2))",
            "SELECT a FROM t TABLESAMPLE (1 PERCENT) (XLOCK)",
            "(SELECT 1) (SELECT 2)",
            "SELECT a FROM t WHERE a IN (1) ((SELECT 2))",
            "SELECT a FROM t GROUP BY a (SELECT 2)",
            "SELECT a FROM t ORDER BY a DESC ((SELECT 2))",
            "SELECT NULL ((SELECT 2))",
            "SELECT CASE WHEN 1 = 1 THEN 1 END ((SELECT 2))",
            "SELECT CURRENT_USER ((SELECT 2))",
            "SELECT a FROM t ORDER BY a OFFSET 5 ROWS ((SELECT 2))",
            "SELECT a FROM t GROUP BY a WITH CUBE ((SELECT 2))",
            "SELECT a FROM t FOR JSON PATH ((SELECT 2))",
            "SELECT a FROM t FOR JSON PATH, ROOT ((SELECT 2))",
            "SELECT a FROM t FOR XML AUTO, ELEMENTS ((SELECT 2))",
            "SELECT 1 sum ((SELECT 2))",
            "SELECT a max ((SELECT b FROM u))",
            "SELECT 1 cast ((SELECT 2) UNION SELECT 3)",
            "SELECT {d '2024-01-01'} max ((SELECT 3))",
            "SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY a) count ((SELECT 2)) FROM t",
            "SELECT 1 offset (SELECT 2)",
            "SELECT 1 apply (SELECT 2)",
            "SELECT 1 ties (SELECT 2)",
            "SELECT TOP (1) * (SELECT 2)",
            "SELECT DISTINCT TOP (1) * ((SELECT 2))",
            "SELECT TOP (@p1) * (SELECT 2)",
            "WITH t AS (SELECT 1 AS a) SELECT a FROM t WHERE a IS NULL ((SELECT b FROM t))",
            "SELECT a FROM t MATCH (TABLOCKX)",
            "SELECT a FROM t AS MATCH (XLOCK)",
            "SELECT a FROM GENERATE_SERIES (TABLOCKX)",
            "SELECT hr.STATUS_TEXT(1)",
            "SELECT otherdb.hr.STOCK(1)",
            "SELECT x.a FROM t CROSS APPLY hr.nodes('/a') x",
            "SELECT @p1 ||= 'x'",
        ] {
            assert!(check(sql, &["p1"]).is_err(), "{sql}");
        }
    }
}
