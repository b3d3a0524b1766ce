//! Phrases of the grammar that are read as a whole, ahead of the walk: what
//! belongs to a table's name, FOR SYSTEM_TIME, the WINDOW clause and patterns
//! of MATCH.

use super::denial::{Denial, shown};
use super::keywords;
use super::lexer::{Kind, Token};

/// Whether the token can be a name where one is expected.
pub(super) fn is_name(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Quoted => true,
        Kind::Word => !keywords::is_reserved(token.text),
        _ => false,
    }
}

/// Whether the FETCH at `at` is of OFFSET … ROWS FETCH NEXT 5 ROWS ONLY: a cursor's
/// would be a second statement.
pub(super) fn fetches_rows(tokens: &[Token<'_>], at: usize) -> bool {
    let is =
        |token: Option<&Token<'_>>, words: &[&str]| token.is_some_and(|token| token.is_any(words));
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let counts = tokens.get(at + 2).is_some_and(|count| {
        matches!(count.kind, Kind::Number | Kind::Variable | Kind::Mark(b'('))
    });
    is(before, &["ROW", "ROWS"]) && is(tokens.get(at + 1), &["FIRST", "NEXT"]) && counts
}

/// What follows a table's name and belongs to it: FOR SYSTEM_TIME, FOR PATH,
/// the alias, TABLESAMPLE and hints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// Index behind it.
    pub(super) end: usize,
    /// Index of the alias and of where it begins, which may be AS.
    pub(super) alias: Option<(usize, usize)>,
}

/// The tail of the name that ends before `at`.
pub(super) fn tail(tokens: &[Token<'_>], at: usize) -> Tail {
    let mut tail = Tail {
        end: at,
        alias: None,
    };
    loop {
        let at = tail.end;
        let is =
            |ahead: usize, word: &str| tokens.get(at + ahead).is_some_and(|token| token.is(word));
        let opens = |ahead: usize| {
            tokens
                .get(at + ahead)
                .is_some_and(|token| token.is_mark(b'('))
        };
        let named = |ahead: usize| tokens.get(at + ahead).is_some_and(is_name);
        let end = if is(0, "FOR") && is(1, "SYSTEM_TIME") {
            system_time(tokens, at + 2)
        } else if is(0, "FOR") && is(1, "PATH") {
            Some(at + 2)
        } else if is(0, "TABLESAMPLE") {
            sample(tokens, at + 1)
        } else if is(0, "WITH") && opens(1) {
            closing(tokens, at + 1)
        } else if opens(0) {
            closing(tokens, at)
        } else if tail.alias.is_none() && is(0, "AS") && named(1) {
            tail.alias = Some((at + 1, at));
            Some(at + 2)
        } else if tail.alias.is_none() && named(0) && !is_window(tokens, at) {
            tail.alias = Some((at, at));
            Some(at + 1)
        } else {
            None
        };
        match end {
            Some(end) => tail.end = end,
            None => return tail,
        }
    }
}

/// `TABLESAMPLE [SYSTEM] (…) [REPEATABLE (…)]` behind its first word.
fn sample(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let system = tokens.get(at)?.is("SYSTEM");
    let end = closing(tokens, at + usize::from(system))?;
    match tokens.get(end) {
        Some(next) if next.is("REPEATABLE") => closing(tokens, end + 1),
        _ => Some(end),
    }
}

/// Whether the last part is a method of `xml`, whose arguments are literals.
pub(super) fn is_xml_method(parts: &[String]) -> bool {
    let methods = ["exist", "nodes", "query", "value"];
    parts.last().is_some_and(|last| {
        methods
            .iter()
            .any(|method| last.eq_ignore_ascii_case(method))
    })
}

/// Whether the parentheses at `at` hold one or two strings.
pub(super) fn has_literals(tokens: &[Token<'_>], at: usize) -> bool {
    let string = |ahead: usize| {
        tokens
            .get(at + ahead)
            .is_some_and(|token| token.kind == Kind::String)
    };
    let mark = |ahead: usize, mark: u8| {
        tokens
            .get(at + ahead)
            .is_some_and(|token| token.is_mark(mark))
    };
    string(1) && (mark(2, b')') || mark(2, b',') && string(3) && mark(4, b')'))
}

/// Whether what the parenthesis at `at` opens is `('…') [AS] rows (column)`: the rows of
/// an `xml`.
pub(super) fn names_rows(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(mut end) = closing(tokens, at).filter(|_| has_literals(tokens, at)) else {
        return false;
    };
    end += usize::from(tokens.get(end).is_some_and(|token| token.is("AS")));
    matches!(tokens.get(end..end + 4), Some([rows, open, column, close])
        if is_name(rows) && open.is_mark(b'(') && is_name(column) && close.is_mark(b')'))
}

/// Whether the parentheses at `at` hold names or numbers alone: the columns of an
/// alias, the size of a type, the schema of an `xml`.
pub(super) fn is_plain_list(tokens: &[Token<'_>], at: usize) -> bool {
    let inner = tokens.get(at + 1..).unwrap_or_default();
    let list = inner
        .iter()
        .take_while(|token| !token.is_mark(b')'))
        .all(|token| {
            let marks = token.is_mark(b',') || token.is_mark(b'.');
            is_name(token) || token.kind == Kind::Number || marks
        });
    list && inner.iter().any(|token| token.is_mark(b')'))
}

/// The index behind the parenthesis that closes the one at `at`.
pub(super) fn closing(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return token.is_mark(b')').then_some(index + 1);
        }
    }
    None
}

/// The index behind the times of FOR SYSTEM_TIME: literals or parameters. None for
/// anything else, which the walk must read.
pub(super) fn system_time(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
    let pair = |first: usize, joint: &str| {
        let middle = operand(tokens, first)?;
        is(middle, joint).then(|| operand(tokens, middle + 1))?
    };
    if is(at, "ALL") {
        Some(at + 1)
    } else if is(at, "AS") && is(at + 1, "OF") {
        operand(tokens, at + 2)
    } else if is(at, "FROM") {
        pair(at + 1, "TO")
    } else if is(at, "BETWEEN") {
        pair(at + 1, "AND")
    } else if is(at, "CONTAINED") && is(at + 1, "IN") {
        let opens = tokens.get(at + 2)?.is_mark(b'(');
        let comma = operand(tokens, at + 3)?;
        let separates = tokens.get(comma)?.is_mark(b',');
        let end = operand(tokens, comma + 1)?;
        (opens && separates && tokens.get(end)?.is_mark(b')')).then_some(end + 1)
    } else {
        None
    }
}

/// A literal, a parameter or `{ts '…'}`.
fn operand(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let first = tokens.get(at)?;
    match first.kind {
        Kind::String | Kind::Variable | Kind::Number => Some(at + 1),
        Kind::Mark(b'{') => {
            let literal = tokens.get(at + 1)?.is_any(&["d", "t", "ts"])
                && tokens.get(at + 2)?.kind == Kind::String
                && tokens.get(at + 3)?.is_mark(b'}');
            literal.then_some(at + 4)
        }
        _ => None,
    }
}

/// Whether a WINDOW clause begins at `at`: `WINDOW w AS (`. The word is not
/// reserved, so alone it is a name.
pub(super) fn is_window(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|window| window.is("WINDOW")) && names_window(tokens, at + 1)
}

/// Whether `w AS (` stands at `at`.
pub(super) fn names_window(tokens: &[Token<'_>], at: usize) -> bool {
    matches!(tokens.get(at..at + 3), Some([name, word, open])
        if is_name(name) && word.is("AS") && open.is_mark(b'('))
}

/// The index behind the pattern of MATCH whose parenthesis is at `at`:
/// `(a-(e)->b AND SHORTEST_PATH(a(-(e)->b)+))`. It calls no function and reads
/// no table, so only what a pattern needs may stand in it.
pub(super) fn graph_pattern(sql: &str, tokens: &[Token<'_>], at: usize) -> Result<usize, Denial> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        let next = |ahead: usize, marks: &[u8]| {
            tokens
                .get(index + ahead)
                .is_some_and(|next| matches!(next.kind, Kind::Mark(mark) if marks.contains(&mark)))
        };
        let belongs = match token.kind {
            Kind::Mark(b'(') => {
                depth += 1;
                true
            }
            Kind::Mark(b')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(index + 1);
                }
                true
            }
            Kind::Mark(mark) => b"-<>+{},=".contains(&mark),
            Kind::Number => true,
            _ if token.is("AND") || token.is_any(&["SHORTEST_PATH", "LAST_NODE"]) => true,
            // A node, and in a path the steps behind it.
            _ => is_name(token) && (!next(1, b"(") || next(2, b"-<")),
        };
        if !belongs {
            let what = format!("{} in a pattern of MATCH", shown(token.text));
            let hint = "A pattern names aliases of nodes and edges alone: MATCH(a-(e)->b).";
            return Err(Denial::statement(sql, token.start, &what, hint));
        }
    }
    let start = tokens.get(at).map_or(sql.len(), |token| token.start);
    let hint = "Close every parenthesis.";
    Err(Denial::statement(
        sql,
        start,
        "An unfinished pattern of MATCH",
        hint,
    ))
}
