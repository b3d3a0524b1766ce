//! The rule of a reading statement, over its tokens.

use super::Checked;
use super::denial::{self, Denial, ONE_SELECT, shown};
use super::keywords;
use super::lexer::{Kind, Token, lex};
use super::options;
use super::order;
use super::seen::Seen;
use super::walk::Walk;

/// See [`check`](super::check) and [`inspect`](super::inspect).
pub(super) fn check(
    sql: &str,
    bound: &[&str],
    functions: &[(String, String)],
    collect: bool,
) -> Result<(Checked, Seen), Denial> {
    let tokens = lex(sql)?;
    let tokens = trim(&tokens);
    begins(sql, tokens)?;
    for (index, token) in tokens.iter().enumerate() {
        word(sql, tokens, index, token)?;
        mark(sql, tokens, index, token)?;
        variable(sql, tokens, index, token, bound)?;
    }
    let (checked, seen) = Walk::new(sql, tokens, functions, collect).run()?;
    let order = order::find(tokens);
    let checked = Checked {
        ordered: order.is_there,
        page_at: order.page_at,
        ..checked
    };
    Ok((checked, seen))
}

/// Without the `;` that habit puts before WITH and at the end.
pub(super) fn trim<'a, 'b>(tokens: &'b [Token<'a>]) -> &'b [Token<'a>] {
    let separator = |token: &Token<'_>| token.is_mark(b';');
    let start = tokens.iter().take_while(|token| separator(token)).count();
    let tokens = tokens.get(start..).unwrap_or_default();
    let end = tokens.len()
        - tokens
            .iter()
            .rev()
            .take_while(|token| separator(token))
            .count();
    tokens.get(..end).unwrap_or_default()
}

fn begins(sql: &str, tokens: &[Token<'_>]) -> Result<(), Denial> {
    match tokens.first() {
        None => Err(Denial::statement(sql, 0, "An empty statement", ONE_SELECT)),
        Some(first) if first.is_any(&["SELECT", "WITH"]) || first.is_mark(b'(') => Ok(()),
        Some(first) if first.kind == Kind::Word && keywords::writes(first.text) => {
            Err(Denial::write(sql, first))
        }
        Some(first) => {
            let what = format!("A statement that begins with {}", shown(first.text));
            let hint = denial::instead_of(first.text).unwrap_or(ONE_SELECT);
            Err(Denial::statement(sql, first.start, &what, hint))
        }
    }
}

fn word(sql: &str, tokens: &[Token<'_>], index: usize, token: &Token<'_>) -> Result<(), Denial> {
    if token.kind != Kind::Word {
        return Ok(());
    }
    if conversation(tokens, index, token) {
        return Err(Denial::write(sql, token));
    }
    // What MERGE did to a row.
    if token.is("$ACTION") {
        return Err(Denial::statement(
            sql,
            token.start,
            &shown(token.text),
            ONE_SELECT,
        ));
    }
    if token.is("NEXT")
        && tokens.get(index + 1).is_some_and(|next| next.is("VALUE"))
        && tokens.get(index + 2).is_some_and(|next| next.is("FOR"))
    {
        // A sequence keeps its new value even when rolled back.
        return Err(Denial {
            hint: Some("Read sys.sequences to see a sequence's current value.".to_owned()),
            ..Denial::write(sql, token)
        });
    }
    if !keywords::is_reserved(token.text) || keywords::may_read(token.text) {
        return Ok(());
    }
    // OPTION (USE HINT(…)) is the one place where USE reads.
    if token.is("USE") && tokens.get(index + 1).is_some_and(|next| next.is("HINT")) {
        return Ok(());
    }
    // INNER MERGE JOIN and OPTION (MERGE UNION) are hints: no table has these names.
    if token.is("MERGE")
        && tokens
            .get(index + 1)
            .is_some_and(|next| next.is_any(&["JOIN", "UNION"]))
    {
        return Ok(());
    }
    if token.is("HOLDLOCK") {
        return Err(options::hint(sql, token));
    }
    if keywords::reaches_out(token.text) {
        return Err(Denial::function(sql, token, token.text));
    }
    if keywords::writes(token.text) {
        return Err(Denial::write(sql, token));
    }
    let hint = format!(
        "{} A column or table of that name is written in brackets: [{}].",
        denial::instead_of(token.text).unwrap_or(ONE_SELECT),
        token.text
    );
    Err(Denial::statement(
        sql,
        token.start,
        &shown(token.text),
        &hint,
    ))
}

/// Whether a statement of Service Broker has its CONVERSATION here; elsewhere it is a name.
pub(super) fn conversation(tokens: &[Token<'_>], index: usize, token: &Token<'_>) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|index| tokens.get(index));
    let follows = |words: &[&str]| before(1).is_some_and(|before| before.is_any(words));
    let sent = || follows(&["ON"]) && before(2).is_some_and(|before| before.is("SEND"));
    let ended = || {
        follows(&["END"])
            && tokens
                .get(index + 1)
                .is_some_and(|next| next.kind == Kind::Variable)
    };
    token.is("CONVERSATION") && (sent() || ended() || follows(&["GET", "MOVE", "BEGIN"]))
}

fn mark(sql: &str, tokens: &[Token<'_>], index: usize, token: &Token<'_>) -> Result<(), Denial> {
    let next_is = |mark: u8| tokens.get(index + 1).is_some_and(|next| next.is_mark(mark));
    let (what, hint) = match token.kind {
        Kind::Mark(b';') => ("A second statement", "Send one statement in a call."),
        Kind::Mark(b'/') if next_is(b'/') => (
            "A double slash",
            "Comments begin with --, division is one slash.",
        ),
        Kind::Mark(b'!') if !(next_is(b'=') || next_is(b'<') || next_is(b'>')) => {
            ("A lone !", "Write NOT or <>.")
        }
        _ => return Ok(()),
    };
    Err(Denial::statement(sql, token.start, what, hint))
}

fn variable(
    sql: &str,
    tokens: &[Token<'_>],
    index: usize,
    token: &Token<'_>,
    bound: &[&str],
) -> Result<(), Denial> {
    match token.kind {
        Kind::Global => check_global(sql, token),
        Kind::Variable => {
            check_bound(sql, token, bound)?;
            assignment(sql, tokens, index, token)
        }
        _ => Ok(()),
    }
}

/// Refuses what `@@…` tells of the server and of others.
pub(super) fn check_global(sql: &str, token: &Token<'_>) -> Result<(), Denial> {
    let name = token.text.trim_start_matches('@');
    if keywords::contains(&GLOBALS, name) {
        return Ok(());
    }
    Err(Denial::function(sql, token, token.text))
}

/// Refuses a variable that none of the parameters, `bound`, gives a value.
pub(super) fn check_bound(sql: &str, token: &Token<'_>, bound: &[&str]) -> Result<(), Denial> {
    let name = token.text.trim_start_matches('@');
    let known = bound
        .iter()
        .any(|bound| bound.trim_start_matches('@').eq_ignore_ascii_case(name));
    if known {
        return Ok(());
    }
    let what = format!("The variable {}", shown(token.text));
    let hint = "Give it a value as a parameter, or write the value itself.";
    Err(Denial::statement(sql, token.start, &what, hint))
}

/// `SELECT @p = …` sets a variable and returns nothing.
fn assignment(
    sql: &str,
    tokens: &[Token<'_>],
    index: usize,
    token: &Token<'_>,
) -> Result<(), Denial> {
    // Also `@p += 1` and the other compound forms.
    let sets = match (tokens.get(index + 1), tokens.get(index + 2)) {
        (Some(next), _) if next.is_mark(b'=') => true,
        (Some(next), Some(after)) if after.is_mark(b'=') => {
            matches!(
                next.kind,
                Kind::Mark(b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^')
            )
        }
        _ => false,
    };
    // @p ||= 'x', of SQL Server 2025
    let sets = sets
        || matches!(tokens.get(index + 1..index + 4), Some([one, other, equals])
            if one.is_mark(b'|') && other.is_mark(b'|') && equals.is_mark(b'='));
    let compares = index
        .checked_sub(1)
        .and_then(|index| tokens.get(index))
        .is_some_and(|before| match before.kind {
            Kind::Word => before.is_any(&["WHERE", "AND", "OR", "ON", "NOT", "WHEN", "HAVING"]),
            Kind::Mark(mark) => !matches!(mark, b',' | b')'),
            _ => false,
        });
    if sets && !compares {
        let what = format!("Setting {}", shown(token.text));
        let hint = "Select the expression itself; a result has columns, not variables.";
        return Err(Denial::statement(sql, token.start, &what, hint));
    }
    Ok(())
}

/// What `@@…` may be read: nothing that names the server.
const GLOBALS: [&str; 14] = [
    "DATEFIRST",
    "DBTS",
    "IDENTITY",
    "LANGID",
    "LANGUAGE",
    "LOCK_TIMEOUT",
    "MAX_PRECISION",
    "MICROSOFTVERSION",
    "NESTLEVEL",
    "OPTIONS",
    "ROWCOUNT",
    "SPID",
    "TEXTSIZE",
    "VERSION",
];
