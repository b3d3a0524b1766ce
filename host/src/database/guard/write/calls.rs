//! Calls without a schema in a writing statement: of the functions that a reading one may
//! call, so that a copy shows nothing that a result would not. The server finds its own
//! functions without a schema, and rows of one may stand there too: `fn_dblog(…)`.

use super::super::denial::Denial;
use super::super::functions;
use super::super::lexer::Token;
use super::super::mentions::is_no_call;
use super::super::opening;
use super::super::phrases::{closing, graph_pattern, is_name};
use super::Statement;

pub(super) fn check(statement: &Statement<'_, '_>) -> Result<(), Denial> {
    let tokens = statement.tokens;
    let mut target = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let opens = statement.opens_after(at);
        let listing = token.is_any(&["OPTION", "WITH"]) || token.is("SET") && statement.defines();
        if opens && listing {
            // Hints, options and types: no values.
            at = closing(tokens, at + 1).unwrap_or(at + 1);
            continue;
        }
        if token.is("INSERT") {
            target = behind_top(statement, at);
        }
        let method = statement
            .near(at, -1)
            .is_some_and(|before| before.is_mark(b'.'));
        let name = opens && is_name(token) && !method && target != Some(at);
        if name && token.is("MATCH") && is_condition(statement, at) {
            at = graph_pattern(statement.sql, tokens, at + 1)?;
            continue;
        }
        if name
            && let Err(denial) = call(statement, at, token)
            && begins(statement, at)
            && !is_no_call(tokens, at, at + 1)
        {
            return Err(denial);
        }
        at += 1;
    }
    Ok(())
}

/// The name at `at`, taken for a function's.
fn call(statement: &Statement<'_, '_>, at: usize, token: &Token<'_>) -> Result<(), Denial> {
    let name = token.name();
    let bare = statement.near(at, 2).is_some_and(|next| next.is_mark(b')'));
    functions::check_own(statement.sql, token, &name, bare)?;
    // A default alone can call it.
    let of_default = statement.defines() && name.eq_ignore_ascii_case("NEWSEQUENTIALID");
    if functions::is_built_in(&name) || of_default || is_constraint(statement, token) {
        return Ok(());
    }
    Err(Denial {
        hint: Some(HINT.to_owned()),
        ..Denial::function(statement.sql, token, &name)
    })
}

/// Whether a call may stand at `at`, where a name with a parenthesis stands. Anywhere else
/// what follows are columns: of an alias, of an index, of the table that is written to.
fn begins(statement: &Statement<'_, '_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    let follows = |words: &[&str]| statement.near_is(at, -1, words);
    let colon = |by: isize| statement.near(at, by).is_some_and(|it| it.is_mark(b':'));
    if colon(-1) && colon(-2) {
        // geography::Point(…) is a method; FROM ::f(…) a function of the server's own.
        return !statement.near(at, -3).is_some_and(is_name);
    }
    if statement.defines() {
        // A computed column; CREATE INDEX i ON t (a), ON scheme (a)
        if follows(&["AS"]) {
            return true;
        }
        if follows(&["ON"]) {
            return false;
        }
    }
    opening::begins(statement.tokens, before) || follows(&["DEFAULT", "OUTPUT", "USING"])
}

/// Index of the table behind INSERT TOP (n).
fn behind_top(statement: &Statement<'_, '_>, insert: usize) -> Option<usize> {
    if !statement.near_is(insert, 1, &["TOP"]) {
        return None;
    }
    let end = closing(statement.tokens, insert + 2)?;
    Some(end + usize::from(statement.near_is(end, 0, &["PERCENT"])))
}

fn is_condition(statement: &Statement<'_, '_>, at: usize) -> bool {
    let opened = statement
        .near(at, -1)
        .is_some_and(|before| before.is_mark(b'('));
    opened || statement.near_is(at, -1, &["AND", "NOT", "OR", "WHERE"])
}

/// `CONNECTION (a TO b)` of an edge table.
fn is_constraint(statement: &Statement<'_, '_>, token: &Token<'_>) -> bool {
    token.is("CONNECTION") && statement.defines()
}

const HINT: &str = "Use SQL Server's built-in functions that compute on their arguments, and \
    functions of this database as schema.function.";
