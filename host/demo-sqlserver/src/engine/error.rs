//! Errors in SQL Server's numbers and words, and how they travel through SQLite.

use crate::value::{SqlError, SqlType};

use super::types;

/// What most of this module's callers return.
pub(crate) type Result<T> = std::result::Result<T, SqlError>;

/// An error of severity 16.
pub(crate) fn error(number: i32, message: impl Into<String>) -> SqlError {
    SqlError {
        number,
        state: 1,
        severity: 16,
        message: message.into(),
        line: 1,
    }
}

/// What the embedded database does not do: never guessed at, always said.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> SqlError {
    error(
        40517,
        format!("not supported by the embedded database: {what}"),
    )
}

/// 102
pub(crate) fn syntax(near: impl std::fmt::Display) -> SqlError {
    SqlError {
        severity: 15,
        ..error(102, format!("Incorrect syntax near '{near}'."))
    }
}

/// 8115
pub(crate) fn overflow(to: SqlType) -> SqlError {
    error(
        8115,
        format!(
            "Arithmetic overflow error converting expression to data type {}.",
            types::base_name(to)
        ),
    )
}

/// 8134
pub(crate) fn divide_by_zero() -> SqlError {
    error(8134, "Divide by zero error encountered.")
}

/// 517
pub(crate) fn date_overflow(of: SqlType) -> SqlError {
    error(
        517,
        format!(
            "Adding a value to a '{}' column caused an overflow.",
            types::base_name(of)
        ),
    )
}

/// 241
pub(crate) fn bad_date() -> SqlError {
    error(
        241,
        "Conversion failed when converting date and/or time from character string.",
    )
}

/// 529
pub(crate) fn no_conversion(from: SqlType, to: SqlType) -> SqlError {
    error(
        529,
        format!(
            "Explicit conversion from data type {} to {} is not allowed.",
            types::base_name(from),
            types::base_name(to)
        ),
    )
}

/// 206
pub(crate) fn clash(a: SqlType, b: SqlType) -> SqlError {
    error(
        206,
        format!(
            "Operand type clash: {} is incompatible with {}",
            types::base_name(a),
            types::base_name(b)
        ),
    )
}

/// Packs an error into the text that a SQLite function may fail with.
pub(crate) fn into_sqlite(error: &SqlError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(
        format!(
            "{MARK}{}|{}|{}|{}",
            error.number, error.state, error.severity, error.message
        )
        .into(),
    )
}

/// Reads an error of SQLite: one of ours inside, or SQLite's own in SQL Server's words.
pub(crate) fn from_sqlite(error: &rusqlite::Error) -> SqlError {
    use rusqlite::ErrorCode;
    let text = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    if let Some(ours) = unpack(&text) {
        return ours;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => return interrupted(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            return SqlError {
                severity: 13,
                ..self::error(
                    1205,
                    "Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
                )
            };
        }
        Some(ErrorCode::ConstraintViolation) => return constraint(&text),
        _ => {}
    }
    if text.contains("integer overflow") {
        return overflow(SqlType::BigInt);
    }
    unsupported(format_args!("this statement ({text})"))
}

/// What a cancelled statement ends with.
pub(crate) fn interrupted() -> SqlError {
    SqlError {
        severity: 11,
        ..error(3617, "The query was cancelled.")
    }
}

/// A constraint's message before the session puts the names in.
fn constraint(text: &str) -> SqlError {
    let of = text.split_once(": ").map_or("", |(_, rest)| rest);
    if text.starts_with("UNIQUE") || text.starts_with("PRIMARY KEY") {
        SqlError {
            severity: 14,
            ..error(2627, of)
        }
    } else if text.starts_with("NOT NULL") {
        error(515, of)
    } else if text.starts_with("CHECK") {
        error(
            547,
            format!("The statement conflicted with the CHECK constraint \"{of}\"."),
        )
    } else {
        error(
            547,
            "The statement conflicted with a FOREIGN KEY constraint.",
        )
    }
}

fn unpack(text: &str) -> Option<SqlError> {
    let (_, packed) = text.split_once(MARK)?;
    let mut parts = packed.splitn(4, '|');
    Some(SqlError {
        number: parts.next()?.parse().ok()?,
        state: parts.next()?.parse().ok()?,
        severity: parts.next()?.parse().ok()?,
        message: parts.next()?.to_owned(),
        line: 1,
    })
}

/// Occurs in no message of SQLite.
const MARK: char = '\u{1}';
