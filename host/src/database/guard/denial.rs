//! Refusals that teach: what, where, and what would pass.

use std::fmt;

use super::lexer::Token;

/// Why the guard refused a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// `write-not-allowed`, `statement-not-allowed`, `table-not-allowed`,
    /// `column-not-allowed` or `function-not-allowed`.
    pub code: &'static str,
    /// What was refused, and where.
    pub message: String,
    /// The nearest form that passes, or what to do next.
    pub hint: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Denial {
    /// A write where only reading is allowed.
    pub(crate) fn read_only() -> Self {
        Self {
            code: "write-not-allowed",
            message: "Writing is not allowed in read-only mode.".to_owned(),
            hint: Some(ONE_SELECT.to_owned()),
        }
    }

    /// A word that changes something.
    pub(super) fn write(sql: &str, token: &Token<'_>) -> Self {
        Self {
            code: "write-not-allowed",
            message: format!(
                "{} at {} is not allowed in read-only mode.",
                shown(token.text),
                place(sql, token.start)
            ),
            hint: Some(format!(
                "{} A column or table of that name is written in brackets: [{}].",
                instead_of(token.text).unwrap_or(ONE_SELECT),
                token.text
            )),
        }
    }

    /// Text that is no part of one SELECT.
    pub(super) fn statement(sql: &str, at: usize, what: &str, hint: &str) -> Self {
        Self {
            code: "statement-not-allowed",
            message: format!("{what} at {} is not allowed.", place(sql, at)),
            hint: Some(hint.to_owned()),
        }
    }

    /// A name that the scope's policy keeps back, or that nothing has.
    pub(in crate::database) fn kept_back(sql: &str, at: usize, name: &str, hint: String) -> Self {
        Self {
            code: "table-not-allowed",
            message: format!(
                "{} at {} is no table that may be read here.",
                shown(name),
                place(sql, at)
            ),
            hint: Some(hint),
        }
    }

    /// A function that tells of objects, where the policy keeps some back.
    pub(in crate::database) fn catalogue_function(sql: &str, at: usize, name: &str) -> Self {
        Self {
            code: "function-not-allowed",
            message: format!(
                "The function {} at {} may not be called here.",
                shown(name),
                place(sql, at)
            ),
            hint: Some("Use list_tables and describe_table.".to_owned()),
        }
    }

    /// What a policy refuses besides.
    pub(in crate::database) fn policy(
        code: &'static str,
        sql: &str,
        at: usize,
        what: &str,
        hint: &str,
    ) -> Self {
        Self {
            code,
            ..Self::statement(sql, at, what, hint)
        }
    }

    /// A table outside what may be read.
    pub(super) fn table(sql: &str, token: &Token<'_>, name: &str, hint: &str) -> Self {
        Self {
            code: "table-not-allowed",
            message: format!(
                "{} at {} may not be read.",
                shown(name),
                place(sql, token.start)
            ),
            hint: Some(hint.to_owned()),
        }
    }

    /// A function that is not known to be harmless.
    pub(super) fn function(sql: &str, token: &Token<'_>, name: &str) -> Self {
        Self {
            code: "function-not-allowed",
            message: format!(
                "The function {} at {} may not be called.",
                shown(name),
                place(sql, token.start)
            ),
            hint: Some(
                "Use SQL Server's built-in functions that compute on their arguments.".to_owned(),
            ),
        }
    }
}

/// `line 2, column 7`, counted in characters from 1.
fn place(sql: &str, at: usize) -> String {
    let before = sql.get(..at).unwrap_or(sql);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("line {line}, column {column}")
}

/// A token for a sentence: short, and without characters that hide.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(60)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// What to do in place of `word`, where more can be said than to write a SELECT.
pub(super) fn instead_of(word: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|other| other.eq_ignore_ascii_case(word));
    if is(&["INTO"]) {
        Some("Leave INTO and its table out: the rows of the SELECT are the result.")
    } else if is(&["DECLARE", "SET"]) {
        Some("Pass values as parameters or write them where they are used, in one SELECT.")
    } else if is(&["EXEC", "EXECUTE"]) {
        Some("Procedures cannot be called: write the SELECT itself.")
    } else if is(&["USE", "GO"]) {
        Some("Leave it out: every call is one SELECT on the scope's database.")
    } else if is(&["BEGIN", "COMMIT", "ROLLBACK", "TRAN", "TRANSACTION", "SAVE"]) {
        Some("Leave it out: every call is one SELECT in a transaction of its own.")
    } else if is(&["BROWSE"]) {
        Some("Leave FOR BROWSE out.")
    } else if is(&["IF", "WHILE"]) {
        Some("Write one SELECT, with CASE where it must decide.")
    } else {
        None
    }
}

pub(super) const ONE_SELECT: &str = "Write one SELECT, or WITH … SELECT.";
