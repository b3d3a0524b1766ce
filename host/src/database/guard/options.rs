//! Table hints and the OPTION clause: what changes how a statement runs
//! without locking others out or lifting its bounds.

use super::denial::{Denial, shown};
use super::keywords::contains;
use super::lexer::{Kind, Token};

/// Checks `( hint [, …] )` at `at` and returns the index behind it.
pub(super) fn hints(sql: &str, tokens: &[Token<'_>], at: usize) -> Result<usize, Denial> {
    let end = closing(sql, tokens, at)?;
    let mut depth = 0_u32;
    let mut any = false;
    let mut named = false;
    for token in tokens.get(at..end).unwrap_or_default() {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth -= 1,
            // INDEX(ix), INDEX = ix and FORCESEEK(ix (a)) name indexes inside.
            _ if depth > 1 => {}
            Kind::Word if contains(&HINTS, token.text) => any = true,
            Kind::Word if named => {}
            Kind::Mark(b',' | b'=') | Kind::Number | Kind::Quoted => {}
            _ => return Err(hint(sql, token)),
        }
        named = token.is_mark(b'=');
    }
    let open = tokens.get(at).map_or(0, |open| open.start);
    if any {
        Ok(end)
    } else {
        Err(Denial::statement(
            sql,
            open,
            "An empty list of hints",
            HINT_HINT,
        ))
    }
}

/// Checks `(hint)` directly behind a table's name, as it was written before WITH, and
/// returns the index behind it; none where it is no hint, but a function's argument.
pub(super) fn old_hint(
    sql: &str,
    tokens: &[Token<'_>],
    at: usize,
) -> Result<Option<usize>, Denial> {
    let end = closing(sql, tokens, at)?;
    let inner = tokens.get(at + 1..end - 1).unwrap_or_default();
    match inner {
        [only] if only.is_any(&OLD_HINTS) => Ok(Some(end)),
        [locks, ..] if locks.is_any(&LOCKS) => Err(hint(sql, locks)),
        _ => Ok(None),
    }
}

/// Whether `(hint)` at `at` is one that the server takes for such, whichever.
pub(super) fn is_old_hint(tokens: &[Token<'_>], at: usize) -> bool {
    matches!(tokens.get(at..at + 3), Some([open, only, close])
        if open.is_mark(b'(') && close.is_mark(b')')
            && is_plain(only))
}

/// Whether it is a hint without arguments that needs no WITH, one that is refused as well.
fn is_plain(token: &Token<'_>) -> bool {
    token.is_any(&OLD_HINTS) || token.is_any(&LOCKS)
}

/// Whether `( … )` at `at` has table hints as they were written before WITH: also those
/// that are refused, for who tells of such a statement.
pub(super) fn has_old_hints(tokens: &[Token<'_>], at: usize) -> bool {
    let hint = tokens
        .get(at + 1)
        .is_some_and(|token| is_plain(token) || token.is_any(&["INDEX", "SNAPSHOT"]));
    let ends = tokens.get(at + 2).is_some_and(|token| {
        token.is_mark(b')') || token.is_mark(b',') || token.is_mark(b'(') || token.is_mark(b'=')
    });
    tokens.get(at).is_some_and(|token| token.is_mark(b'(')) && hint && ends
}

/// The refusal of a table hint.
pub(super) fn hint(sql: &str, token: &Token<'_>) -> Denial {
    let what = format!("The hint {}", shown(token.text));
    Denial::statement(sql, token.start, &what, HINT_HINT)
}

/// Checks `( option [, …] )` at `at` and returns the index behind it.
pub(super) fn option(sql: &str, tokens: &[Token<'_>], at: usize) -> Result<usize, Denial> {
    let end = closing(sql, tokens, at)?;
    let mut inner = tokens.get(at + 1..end - 1).unwrap_or_default();
    loop {
        let Some(taken) = one(inner) else {
            let token = inner.first().or_else(|| tokens.get(at));
            let (text, start) = token.map_or(("", 0), |token| (token.text, token.start));
            let what = format!("The query option {}", shown(text));
            return Err(Denial::statement(sql, start, &what, OPTION_HINT));
        };
        inner = inner.get(taken..).unwrap_or_default();
        match inner.split_first() {
            None => return Ok(end),
            Some((comma, rest)) if comma.is_mark(b',') => inner = rest,
            // Judged as the option it fails to be.
            Some(_) => {}
        }
    }
}

/// How many tokens the first option takes, if it is allowed.
fn one(tokens: &[Token<'_>]) -> Option<usize> {
    let first = tokens.first()?;
    let second = tokens.get(1);
    let followed = |words: &[&str]| second.is_some_and(|second| second.is_any(words));
    let number = |range: std::ops::RangeInclusive<u32>| {
        second
            .and_then(|second| second.text.parse().ok())
            .is_some_and(|number| range.contains(&number))
    };
    if first.is_any(&[
        "RECOMPILE",
        "IGNORE_NONCLUSTERED_COLUMNSTORE_INDEX",
        "NO_PERFORMANCE_SPOOL",
    ]) {
        Some(1)
    } else if (first.is("MAXDOP") && number(0..=64))
        || (first.is("MAXRECURSION") && number(1..=1_000))
        || (first.is("FAST") && number(1..=100_000))
        || (first.is_any(&["HASH", "ORDER"]) && followed(&["GROUP"]))
        || (first.is_any(&["HASH", "LOOP", "MERGE"]) && followed(&["JOIN"]))
        || (first.is_any(&["HASH", "CONCAT", "MERGE"]) && followed(&["UNION"]))
        || (first.is_any(&["KEEP", "KEEPFIXED", "ROBUST"]) && followed(&["PLAN"]))
        || (first.is("FORCE") && followed(&["ORDER"]))
        || (first.is("EXPAND") && followed(&["VIEWS"]))
    {
        Some(2)
    } else if first.is("OPTIMIZE")
        && followed(&["FOR"])
        && tokens.get(2).is_some_and(|third| third.is("UNKNOWN"))
    {
        Some(3)
    } else if first.is("OPTIMIZE") && followed(&["FOR"]) {
        optimize_for(tokens)
    } else if first.is_any(&["MAX_GRANT_PERCENT", "MIN_GRANT_PERCENT"]) {
        let percent = tokens.get(2)?.text.parse::<u32>().ok()?;
        (second?.is_mark(b'=') && percent <= 100).then_some(3)
    } else if first.is("USE") && followed(&["HINT"]) {
        use_hints(tokens)
    } else {
        None
    }
}

/// `OPTIMIZE FOR (@p1 = 5, @p2 UNKNOWN)`
fn optimize_for(tokens: &[Token<'_>]) -> Option<usize> {
    let mut at = 2;
    loop {
        let opens = tokens.get(at)?;
        let first = at == 2 && opens.is_mark(b'(');
        if !(first || opens.is_mark(b',')) || tokens.get(at + 1)?.kind != Kind::Variable {
            return None;
        }
        let is = tokens.get(at + 2)?;
        at = if is.is("UNKNOWN") {
            at + 3
        } else if is.is_mark(b'=') {
            let negative = usize::from(tokens.get(at + 3)?.is_mark(b'-'));
            let value = tokens.get(at + 3 + negative)?;
            let literal = matches!(value.kind, Kind::String | Kind::Number) || value.is("NULL");
            literal.then_some(at + 4 + negative)?
        } else {
            return None;
        };
        if tokens.get(at)?.is_mark(b')') {
            return Some(at + 1);
        }
    }
}

/// `USE HINT ('…' [, …])`
fn use_hints(tokens: &[Token<'_>]) -> Option<usize> {
    let mut at = 2;
    if !tokens.get(at)?.is_mark(b'(') {
        return None;
    }
    loop {
        let name = tokens.get(at + 1)?;
        let text = name.text.trim_start_matches(['N', 'n']).trim_matches('\'');
        if name.kind != Kind::String || !contains(&USE_HINTS, text) {
            return None;
        }
        at += 2;
        let mark = tokens.get(at)?;
        if mark.is_mark(b')') {
            return Some(at + 1);
        }
        if !mark.is_mark(b',') {
            return None;
        }
    }
}

/// The index behind the parenthesis that closes the one at `at`.
fn closing(sql: &str, tokens: &[Token<'_>], at: usize) -> Result<usize, Denial> {
    let mut depth = 0_u32;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(index + 1);
                }
            }
            _ if depth == 0 => break,
            _ => {}
        }
    }
    let start = tokens.get(at).map_or(sql.len(), |token| token.start);
    Err(Denial::statement(
        sql,
        start,
        "An unfinished list in parentheses",
        "Close every parenthesis.",
    ))
}

const HINT_HINT: &str = "Of the table hints NOLOCK, NOWAIT, READPAST, READCOMMITTED, READUNCOMMITTED, SNAPSHOT, INDEX, FORCESEEK, FORCESCAN and NOEXPAND may be used.";
const OPTION_HINT: &str = "Of the query options RECOMPILE, MAXDOP, MAXRECURSION 1 to 1000, FAST, HASH or ORDER GROUP, HASH, LOOP or MERGE JOIN, OPTIMIZE FOR and USE HINT may be used.";

const HINTS: [&str; 10] = [
    "FORCESCAN",
    "FORCESEEK",
    "INDEX",
    "NOEXPAND",
    "NOLOCK",
    "NOWAIT",
    "READCOMMITTED",
    "READPAST",
    "READUNCOMMITTED",
    "SNAPSHOT",
];

/// Hints that need no WITH.
const OLD_HINTS: [&str; 5] = [
    "NOEXPAND",
    "NOLOCK",
    "READCOMMITTED",
    "READPAST",
    "READUNCOMMITTED",
];

/// The others that need none: they lock or fail.
const LOCKS: [&str; 10] = [
    "HOLDLOCK",
    "NOWAIT",
    "PAGLOCK",
    "REPEATABLEREAD",
    "ROWLOCK",
    "SERIALIZABLE",
    "TABLOCK",
    "TABLOCKX",
    "UPDLOCK",
    "XLOCK",
];

const USE_HINTS: [&str; 14] = [
    "ASSUME_FULL_INDEPENDENCE_FOR_FILTER_ESTIMATES",
    "ASSUME_JOIN_PREDICATE_DEPENDS_ON_FILTERS",
    "ASSUME_MIN_SELECTIVITY_FOR_FILTER_ESTIMATES",
    "ASSUME_PARTIAL_CORRELATION_FOR_FILTER_ESTIMATES",
    "DISABLE_BATCH_MODE_ADAPTIVE_JOINS",
    "DISABLE_DEFERRED_COMPILATION_TV",
    "DISABLE_OPTIMIZED_NESTED_LOOP",
    "DISABLE_OPTIMIZER_ROWGOAL",
    "DISABLE_PARAMETER_SNIFFING",
    "DISALLOW_BATCH_MODE",
    "ENABLE_HIST_AMENDMENT_FOR_ASC_KEYS",
    "ENABLE_QUERY_OPTIMIZER_HOTFIXES",
    "FORCE_DEFAULT_CARDINALITY_ESTIMATION",
    "FORCE_LEGACY_CARDINALITY_ESTIMATION",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        assert!(HINTS.is_sorted());
        assert!(USE_HINTS.is_sorted());
    }
}
