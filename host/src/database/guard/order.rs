//! Where the rows of a statement that passed have their order, and where a page can
//! be cut out of them.

use super::lexer::Token;

/// Of the outermost query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    /// It has an ORDER BY.
    pub(super) is_there: bool,
    /// Byte offset where OFFSET and FETCH can stand.
    pub(super) page_at: Option<usize>,
}

/// Looks outside parentheses alone: sub-queries, OVER and WITHIN GROUP have orders
/// of their own. What may limit the rows already (TOP, OFFSET, even as the name of a
/// column) keeps OFFSET out, since reading past rows is always right.
pub(super) fn find(tokens: &[Token<'_>]) -> Order {
    let mut depth = 0_usize;
    let mut is_there = false;
    let mut limited = false;
    let mut before_options = None;
    let mut last_end = None;
    for (index, token) in tokens.iter().enumerate() {
        if token.is_mark(b'(') {
            depth += 1;
        } else if token.is_mark(b')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            let next = tokens.get(index + 1);
            let next_is = |words: &[&str]| next.is_some_and(|next| next.is_any(words));
            is_there |= token.is("ORDER") && next_is(&["BY"]);
            limited |= token.is_any(&["TOP", "OFFSET"])
                || (token.is("FOR") && next_is(&["JSON", "XML", "BROWSE"]));
            if token.is("OPTION") {
                before_options = last_end;
            }
        }
        last_end = Some(token.start + token.text.len());
    }
    Order {
        is_there,
        page_at: before_options.or(last_end).filter(|_| is_there && !limited),
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::super::rules::trim;
    use super::*;

    fn found(sql: &str) -> Order {
        let tokens = lex(sql).unwrap();
        find(trim(&tokens))
    }

    #[test]
    fn a_page_stands_behind_the_outermost_order() {
        for (sql, with) in [
            ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a|"),
            (
                "SELECT a FROM t ORDER BY a DESC; -- newest\n",
                "SELECT a FROM t ORDER BY a DESC|; -- newest\n",
            ),
            (
                "SELECT a FROM t ORDER BY (b) /* x */ OPTION (RECOMPILE)",
                "SELECT a FROM t ORDER BY (b)| /* x */ OPTION (RECOMPILE)",
            ),
            (
                "WITH c AS (SELECT TOP (5) a FROM t ORDER BY b) SELECT a FROM c UNION SELECT 1 ORDER BY a",
                "WITH c AS (SELECT TOP (5) a FROM t ORDER BY b) SELECT a FROM c UNION SELECT 1 ORDER BY a|",
            ),
            (
                "SELECT a FROM t FOR SYSTEM_TIME ALL ORDER BY CASE WHEN a > 1 THEN 1 END",
                "SELECT a FROM t FOR SYSTEM_TIME ALL ORDER BY CASE WHEN a > 1 THEN 1 END|",
            ),
        ] {
            let Some(at) = found(sql).page_at else {
                panic!("{sql}");
            };
            let (before, after) = sql.split_at(at);
            assert_eq!(format!("{before}|{after}"), with);
        }
    }

    #[test]
    fn what_limits_or_orders_itself_is_left_alone() {
        for (sql, ordered) in [
            ("SELECT TOP 5 a FROM t ORDER BY a", true),
            ("SELECT a FROM t ORDER BY a OFFSET 5 ROWS", true),
            ("SELECT a FROM t ORDER BY offset", true),
            (
                "SELECT TOP 5 a FROM t UNION ALL SELECT a FROM u ORDER BY a",
                true,
            ),
            ("SELECT a FROM t ORDER BY a FOR JSON PATH", true),
            ("SELECT a FROM t", false),
            ("SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t", false),
            (
                "SELECT a FROM (SELECT TOP 5 a FROM t ORDER BY a) AS s",
                false,
            ),
            ("SELECT [ORDER], 'ORDER BY' FROM t -- ORDER BY a", false),
        ] {
            let order = Order {
                is_there: ordered,
                page_at: None,
            };
            assert_eq!(found(sql), order, "{sql}");
        }
    }
}
