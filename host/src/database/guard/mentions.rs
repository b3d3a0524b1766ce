//! The names in a text that is not judged: a definition of the catalogue, or a
//! statement that writes.

use super::functions;
use super::keywords;
use super::lexer::{Kind, Token, lex};
use super::options;
use super::phrases::{closing, has_literals, is_name, is_plain_list};

/// What a text mentions.
#[derive(Debug, Default)]
pub(in crate::database) struct Mentions {
    /// Its names, each with the parts that dots join.
    pub(in crate::database) names: Vec<Mention>,
    /// It may select every column of something without naming it.
    pub(in crate::database) selects_all: bool,
}

/// One name.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::database) struct Mention {
    /// Quotes undone; a part left out is empty.
    pub(in crate::database) parts: Vec<String>,
    /// A parenthesis follows.
    pub(in crate::database) called: bool,
    /// It stands behind TABLE, INTO or another keyword that the name of an object
    /// follows, however new.
    pub(in crate::database) defines: bool,
    /// One part that only a column can be where it stands.
    pub(in crate::database) is_column: bool,
    /// A call without a schema that may stand for rows, and is not of SQL Server's own.
    pub(in crate::database) is_unknown_source: bool,
    /// It is called with one or two strings.
    pub(in crate::database) has_literals: bool,
    /// Byte offset.
    pub(in crate::database) at: usize,
}

/// The names in `text`; none where it cannot be read for sure.
pub(in crate::database) fn mentions(text: &str) -> Option<Mentions> {
    let tokens = lex(text).ok()?;
    let mut mentions = Mentions::default();
    let tops = tokens.iter().any(|token| token.is("TOP"));
    let mut at = 0;
    // The columns of INSERT INTO t (a, b) end here.
    let mut columns_end = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        // XQuery names columns in its text: sql:column("c.Email"), under any prefix.
        mentions.selects_all |= token.kind == Kind::String && token.text.contains(":column");
        if token.is_mark(b'*') {
            mentions.selects_all |= selects_all(&tokens, at, tops);
            at += 1;
        } else if token.is_any(&["IDENTITYCOL", "ROWGUIDCOL", "$IDENTITY", "$ROWGUID"]) {
            mentions.selects_all = true;
            at += 1;
        } else if is_name(token) || is_keyword_before_dot(&tokens, at) {
            let (parts, after) = parts(&tokens, at);
            let next = tokens.get(after);
            let called = next.is_some_and(|next| next.is_mark(b'('));
            let is_listed = at < columns_end;
            let inserts = before.is_some_and(|before| before.is_any(&["INTO", "INSERT"]));
            // INSERT INTO t (SELECT …) copies.
            if called && inserts && is_plain_list(&tokens, after) {
                columns_end = closing(&tokens, after).unwrap_or(0);
            }
            let compared = |it: Option<&Token<'_>>| {
                it.is_some_and(
                    |it| matches!(it.kind, Kind::Mark(mark) if b"=<>!+-*/%".contains(&mark)),
                )
            };
            let is_column = parts.len() == 1
                && (is_listed
                    || compared(before)
                    || compared(next)
                    || before.is_some_and(|before| before.is_any(&BEFORE_COLUMNS)));
            mentions.names.push(Mention {
                called,
                defines: before.is_some_and(|before| before.is_any(&DEFINING)),
                is_unknown_source: called && is_unknown_source(&tokens, at, &parts, after),
                has_literals: called && has_literals(&tokens, after),
                is_column,
                at: token.start,
                parts,
            });
            at = after;
        } else {
            at += 1;
        }
    }
    Some(mentions)
}

/// Whether the call of `parts` at `at`, whose parenthesis is at `open`, may be of somebody's
/// function that gives rows, also first in a join in parentheses.
fn is_unknown_source(tokens: &[Token<'_>], at: usize, parts: &[String], open: usize) -> bool {
    let [name] = parts else { return false };
    let ahead = tokens.get(..at).unwrap_or_default();
    let before = ahead
        .iter()
        // FROM ::f(…), as it was written before SQL Server 2005
        .rfind(|token| !(token.is_mark(b'(') || token.is_mark(b':')));
    let stands = before.is_some_and(|before| {
        before.is_any(&["APPLY", "FROM", "JOIN", "USING"]) || before.is_mark(b',')
    });
    stands && !functions::is_built_in(name) && !is_no_call(tokens, at, open)
}

/// Whether the parenthesis at `open` behind the name at `at` opens no arguments: the columns
/// of `WITH …, c (a) AS (…)`, or a hint.
pub(super) fn is_no_call(tokens: &[Token<'_>], at: usize, open: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let is_cte = || {
        // Of an alias AS has a name behind it.
        let behind = closing(tokens, open).and_then(|end| tokens.get(end..end + 2));
        matches!(behind, Some([word, query]) if word.is("AS") && query.is_mark(b'('))
    };
    options::is_old_hint(tokens, open) || before.is_some_and(|it| it.is_mark(b',')) && is_cte()
}

/// A star that is neither `COUNT(*)` nor a product. After TOP, `5 *` and `) *` can be
/// either.
fn selects_all(tokens: &[Token<'_>], at: usize, tops: bool) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|index| tokens.get(index));
    match before(1) {
        Some(open) if open.is_mark(b'(') => {
            !before(2).is_some_and(|count| count.is_any(&["COUNT", "COUNT_BIG"]))
        }
        Some(close) if close.is_mark(b')') => tops,
        Some(factor) => match factor.kind {
            Kind::Number => tops,
            Kind::Quoted | Kind::String | Kind::Variable | Kind::Global => false,
            Kind::Word if tops && factor.is("TIES") => true,
            Kind::Word => keywords::is_reserved(factor.text) && !factor.is("END"),
            Kind::Mark(_) => true,
        },
        None => true,
    }
}

fn is_keyword_before_dot(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.kind == Kind::Word)
        && tokens.get(at + 1).is_some_and(|next| next.is_mark(b'.'))
}

fn parts(tokens: &[Token<'_>], mut at: usize) -> (Vec<String>, usize) {
    let mut parts = Vec::new();
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Word | Kind::Quoted => {
                parts.push(token.name());
                at += 1;
            }
            Kind::Mark(b'.') => parts.push(String::new()),
            _ => break,
        }
        if !tokens.get(at).is_some_and(|next| next.is_mark(b'.')) {
            break;
        }
        at += 1;
    }
    (parts, at)
}

/// Keywords that no table follows.
const BEFORE_COLUMNS: [&str; 13] = [
    "AND", "BETWEEN", "BY", "DISTINCT", "ELSE", "HAVING", "LIKE", "NOT", "OR", "SELECT", "SET",
    "THEN", "WHERE",
];

/// Keywords that the name of an object follows, with its columns in parentheses.
const DEFINING: [&str; 11] = [
    "FUNCTION",
    "INDEX",
    "INSERT",
    "INTO",
    "PROCEDURE",
    "REFERENCES",
    "SCHEMA",
    "SEQUENCE",
    "TABLE",
    "TRIGGER",
    "VIEW",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_parts() {
        let found = mentions("([dbo].[f]([a b])+x..y * 2)").unwrap();
        let parts: Vec<Vec<String>> = found.names.iter().map(|name| name.parts.clone()).collect();
        assert_eq!(parts, [vec!["dbo", "f"], vec!["a b"], vec!["x", "", "y"]]);
        assert_eq!(
            found
                .names
                .iter()
                .map(|name| name.called)
                .collect::<Vec<_>>(),
            [true, false, false]
        );
        assert!(!found.selects_all);
        assert!(mentions("'unterminated").is_none());
    }

    #[test]
    fn a_star_that_selects_is_told_from_one_that_counts_or_multiplies() {
        for (text, selects) in [
            ("SELECT * FROM t", true),
            ("SELECT a, t.* FROM t", true),
            ("SELECT TOP (5) * FROM t", true),
            ("SELECT TOP 5 PERCENT * FROM t", true),
            ("SELECT TOP 5 WITH TIES * FROM t ORDER BY a", true),
            ("SELECT DISTINCT * FROM t", true),
            ("SELECT CHECKSUM(*) FROM t", true),
            ("SELECT COUNT(*), a * 2, 2 * a, (a) * (b) FROM t", false),
            ("SELECT IDENTITYCOL FROM t", true),
            ("SELECT $rowguid AS r FROM t", true),
        ] {
            assert_eq!(mentions(text).unwrap().selects_all, selects, "{text}");
        }
    }
}
