//! What went wrong, as a model reads it: one stable code, one sentence, what to
//! do next. Never a stack, a server name or a log-in.

use super::bindings::mssql_mcp::database::types as wit;
use super::compile::hex;
use super::error::CallFailure;
use super::host::to_contract;
use super::tool_set::ToolSetScope;
use crate::audit::NotWritten;
use crate::database;
use crate::excerpt::excerpt;
use crate::tools::ToolError;

/// A call that ended without a reply.
pub(super) fn from_failure(failure: &CallFailure, scope: &ToolSetScope, tool: &str) -> ToolError {
    let seconds = |duration: &std::time::Duration| format!("{} s", duration.as_secs_f64());
    let (code, message, hint) = match failure {
        CallFailure::Cpu(limit) => (
            "timeout",
            format!(
                "{tool} was stopped: it used more than {} of CPU time.",
                seconds(limit)
            ),
            Some("Ask for less at once; if that does not help, the tool set has a fault."),
        ),
        CallFailure::Wall(limit) => (
            "timeout",
            format!(
                "{tool} was stopped: it took longer than {}.",
                seconds(limit)
            ),
            Some("Narrow the query (WHERE, TOP, fewer joins) and try again."),
        ),
        CallFailure::Memory(limit) => (
            "out-of-memory",
            format!(
                "{tool} was stopped: it wanted more than {} MiB of memory.",
                limit >> 20
            ),
            Some("Ask for fewer rows or columns at once."),
        ),
        CallFailure::Transfer(limit) => (
            "out-of-memory",
            format!(
                "{tool} was stopped: it handed over more than {} MiB at once.",
                limit >> 20
            ),
            Some("Ask for fewer rows or columns at once."),
        ),
        CallFailure::Queue => (
            "busy",
            "Too many calls are running here.".to_owned(),
            Some("Try again in a few seconds."),
        ),
        CallFailure::Uncertain => (
            "unavailable",
            format!(
                "{tool} was stopped while a change was made final, so it is not known whether it \
                 was made."
            ),
            Some("Read the rows before the statement is repeated."),
        ),
        CallFailure::Cancelled => ("cancelled", "The call was cancelled.".to_owned(), None),
        CallFailure::Trap(_) | CallFailure::Host(_) => (
            "crashed",
            format!("{tool} crashed; other calls are not affected."),
            Some("Try again with other arguments, or tell the operator the id."),
        ),
    };
    let id = (code == "crashed").then(new_id);
    let reason = failure.to_string();
    // It may quote what a guest handed over.
    let reason = excerpt(&reason, LOGGED_CHARS);
    tracing::warn!(
        scope = &*scope.scope,
        tool_set = scope.tool_set,
        tool,
        id,
        reason,
        "call stopped"
    );
    ToolError {
        message,
        code,
        hint: hint.map(str::to_owned),
        number: None,
        id,
    }
}

/// The same of a call that had changed something before.
pub(super) fn after_changes(error: ToolError) -> ToolError {
    let changed = "What it changed before that stays changed: read the rows before it is repeated.";
    let hint = match error.hint {
        Some(hint) => format!("{changed} {hint}"),
        None => changed.to_owned(),
    };
    ToolError {
        hint: Some(hint),
        ..error
    }
}

/// A call that was not made because nobody could have noted it.
pub fn not_noted(error: NotWritten) -> ToolError {
    ToolError {
        message: error.to_string(),
        code: "unavailable",
        hint: Some(
            "Try again in a minute; if that does not help, tell the operator: /health says why."
                .to_owned(),
        ),
        number: None,
        id: None,
    }
}

/// An error of the database layer.
pub fn from_database(error: database::Error) -> ToolError {
    from_contract(to_contract(error))
}

/// The code under which a caller is told of it.
pub(super) fn code_of(error: &database::Error) -> &'static str {
    from_database(error.clone()).code
}

/// An error of the contract, as a guest passes it on.
pub(super) fn from_contract(error: wit::Error) -> ToolError {
    let told = |code, message: String, hint: Option<String>| ToolError {
        message,
        code,
        hint,
        number: None,
        id: None,
    };
    match error {
        wit::Error::Denied(denial) => told(denial_code(&denial.code), denial.message, denial.hint),
        wit::Error::InvalidStatement(reason) => told("invalid-statement", reason, None),
        wit::Error::InvalidParameter((name, reason)) => told(
            "invalid-arguments",
            format!("Parameter {name}: {reason}"),
            None,
        ),
        wit::Error::UnknownName(candidates) => told(
            "unknown-table",
            "There is no such table, view or database here.".to_owned(),
            Some(if candidates.is_empty() {
                NAMES.to_owned()
            } else {
                format!("Did you mean {}? {NAMES}", candidates.join(", "))
            }),
        ),
        wit::Error::AmbiguousName(candidates) => told(
            "ambiguous-table",
            format!(
                "The name fits more than one table: {}.",
                candidates.join(", ")
            ),
            Some("Write it with its schema, as in the list.".to_owned()),
        ),
        wit::Error::Unsupported(reason) => told("unsupported", reason, None),
        wit::Error::Server(error) => ToolError {
            message: match error.line {
                Some(line) => format!(
                    "SQL Server error {} in line {line}: {}",
                    error.number, error.message
                ),
                None => format!("SQL Server error {}: {}", error.number, error.message),
            },
            code: "server-error",
            hint: server_hint(&error).map(str::to_owned),
            number: Some(error.number),
            id: None,
        },
        wit::Error::Limit(kind) => limit(kind),
        wit::Error::Busy => told(
            "busy",
            "Every connection to the database is in use.".to_owned(),
            Some("Try again in a few seconds.".to_owned()),
        ),
        wit::Error::Unavailable(reason) => told("unavailable", reason, None),
        wit::Error::Cancelled => told("cancelled", "The call was cancelled.".to_owned(), None),
        wit::Error::Other(reason) => told("server-error", reason, None),
    }
}

fn limit(kind: wit::LimitKind) -> ToolError {
    let (code, message, hint) = match kind {
        wit::LimitKind::Time => (
            "timeout",
            "The statement took longer than this scope allows and was cancelled.",
            "Narrow it (WHERE on an indexed column, TOP, fewer joins) and try again.",
        ),
        wit::LimitKind::Rows => (
            "statement-not-allowed",
            "The statement would have changed more rows than this scope allows; nothing was changed.",
            "Change fewer rows at a time with a narrower WHERE.",
        ),
        wit::LimitKind::Bytes => (
            "out-of-memory",
            "One row is larger than the result may be.",
            "Select fewer or shorter columns.",
        ),
        wit::LimitKind::Concurrency => return second_result(),
        wit::LimitKind::Cost => (
            "statement-not-allowed",
            "The server expects this statement to cost more than this scope allows.",
            "Narrow it (WHERE on an indexed column, TOP, fewer joins) and try again.",
        ),
    };
    ToolError {
        message: message.to_owned(),
        code,
        hint: Some(hint.to_owned()),
        number: None,
        id: None,
    }
}

/// A fault of the tool set's, which only its author can mend.
fn second_result() -> ToolError {
    let id = new_id();
    tracing::warn!(
        id,
        "a tool opened a second result before it closed the first"
    );
    ToolError {
        message: "The tool opened a second result before it closed the first.".to_owned(),
        code: "crashed",
        hint: Some("The tool set has a fault; tell the operator the id.".to_owned()),
        number: None,
        id: Some(id),
    }
}

/// Of a reason that may be the guest's own words.
const LOGGED_CHARS: usize = 1_024;
/// Whichever of the tool sets the scope has.
const NAMES: &str = "list_tables, or search \"list tables\", has all names.";

/// What helps with the errors that models cause most.
fn server_hint(error: &wit::ServerError) -> Option<&'static str> {
    match error.number {
        207 => Some("describe_table, or search \"describe TABLE\", has the columns."),
        208 => Some(
            "Write the name with its schema. list_tables, or search \"list tables\", has all names.",
        ),
        102 | 156 | 319 | 4145 => {
            Some("The dialect is T-SQL: TOP instead of LIMIT, [brackets] for names.")
        }
        229 | 230 | 297 | 300 => Some("The log-in of this scope has no right to this object."),
        245 | 8114 => Some("Use TRY_CAST or TRY_CONVERT where values may not convert."),
        8120 => Some("Every selected column is either in GROUP BY or inside an aggregate."),
        8134 => Some("Guard the divisor: a / NULLIF(b, 0)."),
        41368 => Some(
            "A memory-optimized table; the database's administrator lets it be changed with \
             ALTER DATABASE CURRENT SET MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT = ON.",
        ),
        _ if error.retryable => Some("This may pass: try again as it is."),
        _ => None,
    }
}

/// The guard's codes; anything else that a guest calls a denial is one.
fn denial_code(code: &str) -> &'static str {
    match code {
        "write-not-allowed" => "write-not-allowed",
        "table-not-allowed" => "table-not-allowed",
        "column-not-allowed" => "column-not-allowed",
        "function-not-allowed" => "function-not-allowed",
        _ => "statement-not-allowed",
    }
}

/// Codes are the host's promise to clients: a guest chooses among those that
/// speak of its own work.
pub(super) fn code_of_guest(code: &str) -> &'static str {
    match code {
        "invalid-arguments" => "invalid-arguments",
        "invalid-statement" => "invalid-statement",
        "unknown-table" => "unknown-table",
        "ambiguous-table" => "ambiguous-table",
        "not-found" => "not-found",
        "unsupported" => "unsupported",
        "unavailable" => "unavailable",
        "timeout" => "timeout",
        "cancelled" => "cancelled",
        _ => "server-error",
    }
}

/// What the log and the answer both know a crash by.
fn new_id() -> String {
    let mut bytes = [0; 6];
    // Only a name for a log line: should the generator fail, zeros do.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    hex(&bytes)
}
