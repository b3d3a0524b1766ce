//! What can go wrong between a query and its rows, in the terms of the WIT
//! `error` variant, so that the sandbox maps it one to one.

use super::guard::Denial;

/// A failed call on a database.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The guard refused; nothing reached the server.
    #[error("{0}")]
    Denied(Denial),
    /// Not a statement that could be sent.
    #[error("{0}")]
    InvalidStatement(String),
    /// A parameter that cannot be bound.
    #[error("parameter {name}: {reason}")]
    InvalidParameter {
        /// Its name as given.
        name: String,
        /// What is wrong with it, and what would do.
        reason: String,
    },
    /// No such table; the nearest names.
    #[error("there is no such table; the nearest names are {}", .0.join(", "))]
    UnknownName(Vec<String>),
    /// More than one table is meant; all of them.
    #[error("the name stands for several tables: {}", .0.join(", "))]
    AmbiguousName(Vec<String>),
    /// The embedded database cannot run it.
    #[error("{0}")]
    Unsupported(String),
    /// The server's own error.
    #[error("SQL Server error {}: {}", .0.number, .0.message)]
    Server(ServerError),
    /// A budget of the scope is used up.
    #[error("{0}")]
    Limit(LimitKind),
    /// Every connection was in use for the whole acquire time.
    #[error("every connection to the database is in use; try again in a moment")]
    Busy,
    /// No connection could be made; the sentence names no server and no log-in.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A condition of the scope is not met, and nothing reached the server; the
    /// sentence says which.
    #[error("{0}")]
    Withheld(String),
    /// The caller gave up.
    #[error("the statement was cancelled")]
    Cancelled,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Which budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitKind {
    /// Rows returned or changed.
    #[error("the statement changes more rows than allowed; nothing was changed")]
    Rows,
    /// Bytes of the result.
    #[error("the result is larger than allowed; select fewer columns or rows")]
    Bytes,
    /// Time of the statement.
    #[error("the statement took longer than allowed and was stopped; narrow it")]
    Time,
    /// Open cursors or calls.
    #[error("too many results are open; close one first")]
    Concurrency,
    /// Estimated cost.
    #[error("the statement is estimated to cost more than allowed; narrow it")]
    Cost,
}

/// An ERROR token of MS-TDS §2.2.7.10, without server and procedure names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// Message number.
    pub number: i32,
    /// State.
    pub state: u8,
    /// Severity class.
    pub severity: u8,
    /// Text as the server sent it.
    pub message: String,
    /// Line of the statement, from 1.
    pub line: Option<u32>,
    /// Deadlock victim or transient loss: safe to run again as it is.
    pub retryable: bool,
}

impl Error {
    /// Translates a driver error that arose while a statement ran.
    pub(super) fn from_driver(error: tiberius::error::Error) -> Self {
        use tiberius::error::Error as Driver;
        match error {
            Driver::Server(token) => Self::from_token(&token),
            Driver::Io { kind, message } => {
                tracing::warn!(?kind, %message, "connection lost while a statement ran");
                if kind == std::io::ErrorKind::TimedOut {
                    Self::Limit(LimitKind::Time)
                } else {
                    Self::lost()
                }
            }
            Driver::Encoding(_) | Driver::Utf8 | Driver::Utf16 => {
                tracing::warn!(%error, "a value is no text of its collation");
                Self::Other(NO_TEXT.to_owned())
            }
            other => {
                tracing::warn!(error = %other, "the driver could not read the reply");
                Self::Unavailable(UNREADABLE)
            }
        }
    }

    /// The connection ended while a statement ran.
    pub(super) fn lost() -> Self {
        Self::Unavailable(LOST)
    }

    /// Whether it is [`lost`](Self::lost).
    pub(super) fn is_lost(&self) -> bool {
        *self == Self::lost()
    }

    fn from_token(token: &tiberius::error::TokenError) -> Self {
        if let Some(at) = token.message().find(UNSUPPORTED) {
            return Self::Unsupported(token.message().get(at..).unwrap_or_default().to_owned());
        }
        let number = i32::try_from(token.code()).unwrap_or(i32::MAX);
        Self::Server(ServerError {
            number,
            state: token.state(),
            severity: token.class(),
            message: token.message().to_owned(),
            line: Some(token.line()).filter(|line| *line > 0),
            retryable: is_transient(number),
        })
    }
}

/// Numbers after which the same statement may well succeed.
pub(super) fn is_transient(number: i32) -> bool {
    TRANSIENT.binary_search(&number).is_ok()
}

/// What is said where the driver itself panicked.
pub(super) const DRIVER_FAILED: &str =
    "the database's reply could not be handled; other calls are not affected, try again";

const UNREADABLE: &str = "the database's reply could not be understood and its connection was \
     closed; try again, and tell whoever runs this service if that does not help";

const NO_TEXT: &str = "a value of the result is not text in the collation of its column; \
     cast that column to varbinary";

const LOST: &str = "the connection to the database was lost; try again";

/// How the embedded database begins what it cannot run.
const UNSUPPORTED: &str = "not supported by the embedded database";

/// Deadlock, snapshot conflict, throttling, fail-over and lost connections.
const TRANSIENT: [i32; 52] = [
    20, 53, 64, 121, 233, 601, 615, 617, 669, 921, 926, 997, 1203, 1204, 1205, 1221, 1222, 1807,
    3935, 3960, 3966, 4060, 4221, 8628, 8645, 8651, 9515, 10053, 10054, 10060, 10922, 10928, 10929,
    10936, 11001, 14355, 17197, 20041, 40143, 40197, 40501, 40540, 40613, 41301, 41302, 41305,
    41325, 41839, 42109, 49918, 49919, 49920,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transient_numbers_are_sorted_for_the_search() {
        assert!(TRANSIENT.is_sorted());
    }

    #[test]
    fn a_deadlock_is_transient_and_a_missing_object_is_not() {
        assert!(is_transient(1205));
        assert!(is_transient(40613));
        assert!(!is_transient(208));
    }
}
