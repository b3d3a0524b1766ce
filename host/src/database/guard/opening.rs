//! What an opening parenthesis may stand behind. T-SQL needs no `;` between
//! statements, so `SELECT 1 (SELECT 2)` is two of them: a query in parentheses
//! passes only where an operand, a relation or an arm of a set operation begins.

use super::lexer::{Kind, Token};

/// What the parenthesis at an index opens, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Something that may stand there.
    Fits,
    /// A query, or a list behind a list, that would be a second statement.
    Second,
}

/// Judges the parenthesis at `at`. `behind_top`: the parenthesis that closed just
/// before was that of TOP; `defines`: behind AS is a common table expression.
pub(super) fn judge(tokens: &[Token<'_>], at: usize, behind_top: bool, defines: bool) -> Opening {
    let Some(before) = at.checked_sub(1).and_then(|index| tokens.get(index)) else {
        return Opening::Fits;
    };
    if before.is_mark(b')') && !behind_top {
        return Opening::Second;
    }
    let inner = tokens.get(at + 1..).unwrap_or_default();
    let nested = inner.iter().take_while(|token| token.is_mark(b'(')).count();
    let query = inner
        .get(nested)
        .is_some_and(|token| token.is_any(&["SELECT", "WITH", "VALUES"]));
    // f((SELECT 1)): the outer one is the function's.
    let arguments = nested > 0 && (before.kind == Kind::Quoted || before.is_word());
    let fits = begins(tokens, at - 1, before) || defines && before.is("AS");
    if !query || arguments || fits {
        Opening::Fits
    } else {
        Opening::Second
    }
}

/// Whether an operand, a relation or a query may follow the token at `at`.
fn begins(tokens: &[Token<'_>], at: usize, token: &Token<'_>) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|index| tokens.get(index));
    match token.kind {
        Kind::Mark(b'*') => !is_star(tokens, at),
        Kind::Mark(b'.' | b'}') => false,
        Kind::Mark(_) => true,
        Kind::Number => before(1).is_some_and(|before| before.is("TOP")),
        Kind::Word if token.is_any(&BEGIN) => true,
        Kind::Word if token.is("ZONE") => before(1).is_some_and(|before| before.is("TIME")),
        Kind::Word if token.is_any(&["NEXT", "FIRST"]) => {
            before(1).is_some_and(|before| before.is("FETCH"))
        }
        _ => false,
    }
}

/// Whether the `*` at `at` stands for columns: then it ends an item of the list.
fn is_star(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|index| tokens.get(index)) else {
        return true;
    };
    let counts = |back: usize| {
        at.checked_sub(back)
            .and_then(|index| tokens.get(index))
            .is_some_and(|token| token.is("TOP"))
    };
    match before.kind {
        Kind::Mark(b',' | b'.' | b'(') => true,
        // TOP 5 *; behind TOP (5) it is taken for a product, and a product has an
        // operand on its right.
        Kind::Number => counts(2),
        Kind::Word => before.is_any(&["SELECT", "DISTINCT", "ALL", "PERCENT", "TIES"]),
        _ => false,
    }
}

/// Words that an operand, a relation or a query may follow.
const BEGIN: [&str; 31] = [
    "ALL",
    "AND",
    "ANY",
    "APPLY",
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
    "OFFSET",
    "ON",
    "OR",
    "PERCENT",
    "SELECT",
    "SOME",
    "THEN",
    "TIES",
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
        ] {
            assert!(check(sql, &[]).is_err(), "{sql}");
        }
    }
}
