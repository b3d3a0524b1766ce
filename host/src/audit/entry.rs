//! What an audit line is made of, before it is written.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::origin::Origin;
use crate::clock::Timestamp;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A tool, a prompt or a resource of a tool set was called.
    ToolCall,
    /// A person looked at the page of a record.
    RecordPage,
    /// A person signed in, or could not.
    SignIn,
    /// A client registered.
    Registration,
    /// A person allowed or refused a client.
    Consent,
    /// What a person had allowed before held still.
    RememberedConsent,
    /// A code was exchanged for tokens.
    CodeExchange,
    /// A refresh token was exchanged for new ones.
    Refresh,
    /// A token was revoked.
    Revocation,
    /// A person set a password.
    Password,
    /// A person withdrew a consent.
    Withdrawal,
    /// A request was not let in.
    Access,
    /// A tool set's file changed.
    Reload,
    /// The configuration changed.
    Configuration,
    /// Somebody used the operator page.
    Operator,
    /// The operator made a token for a script.
    TokenIssue,
    /// The operator added a person.
    PersonAdd,
    /// The operator invited a person.
    PersonInvite,
    /// The operator put a person into other groups.
    PersonGroups,
    /// The operator removed a person.
    PersonRemove,
    /// The operator registered a client.
    ClientAdd,
    /// The operator blocked a client.
    ClientBlock,
    /// The operator let a client in again.
    ClientUnblock,
    /// The operator removed a client.
    ClientRemove,
    /// The operator emptied the caches.
    CacheClear,
    /// The operator took the state, and the keys with it.
    Backup,
    /// The operator put another state in place.
    Restore,
}

impl Event {
    /// Every event, in the order of the documentation.
    pub const ALL: [Self; 27] = [
        Self::ToolCall,
        Self::RecordPage,
        Self::SignIn,
        Self::Registration,
        Self::Consent,
        Self::RememberedConsent,
        Self::CodeExchange,
        Self::Refresh,
        Self::Revocation,
        Self::Password,
        Self::Withdrawal,
        Self::Access,
        Self::Reload,
        Self::Configuration,
        Self::Operator,
        Self::TokenIssue,
        Self::PersonAdd,
        Self::PersonInvite,
        Self::PersonGroups,
        Self::PersonRemove,
        Self::ClientAdd,
        Self::ClientBlock,
        Self::ClientUnblock,
        Self::ClientRemove,
        Self::CacheClear,
        Self::Backup,
        Self::Restore,
    ];

    /// Its name in a line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::RecordPage => "record_page",
            Self::SignIn => "sign_in",
            Self::Registration => "registration",
            Self::Consent => "consent",
            Self::RememberedConsent => "remembered_consent",
            Self::CodeExchange => "code_exchange",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
            Self::Password => "password",
            Self::Withdrawal => "withdrawal",
            Self::Access => "access",
            Self::Reload => "reload",
            Self::Configuration => "configuration",
            Self::Operator => "operator",
            Self::TokenIssue => "token_issue",
            Self::PersonAdd => "person_add",
            Self::PersonInvite => "person_invite",
            Self::PersonGroups => "person_groups",
            Self::PersonRemove => "person_remove",
            Self::ClientAdd => "client_add",
            Self::ClientBlock => "client_block",
            Self::ClientUnblock => "client_unblock",
            Self::ClientRemove => "client_remove",
            Self::CacheClear => "cache_clear",
            Self::Backup => "backup",
            Self::Restore => "restore",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A call gave its result.
    Ok,
    /// A call asks its caller for something and is made again.
    Asks,
    /// Something that is no call was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed and did not succeed.
    Failed,
    /// The new version serves.
    Serves,
    /// The new version waits for the operator.
    Parked,
}

impl Outcome {
    /// Its name in a line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Asks => "asks",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Serves => "serves",
            Self::Parked => "parked",
        }
    }

    /// Of a call that ended with the error `code`.
    pub fn of_error(code: &str) -> Self {
        if is_refusal(code) {
            Self::Refused
        } else {
            Self::Failed
        }
    }
}

/// Whether an error's code says that something was not allowed.
pub fn is_refusal(code: &str) -> bool {
    code.ends_with("-not-allowed") || matches!(code, "insufficient-scope" | "unknown-tool")
}

/// One line. What is not known is left out.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// How it ended.
    pub outcome: Outcome,
    /// The stable code of a refusal or failure.
    pub code: Option<Cow<'static, str>>,
    /// Whose doing it was, where that is not the person's own.
    pub by: Option<&'static str>,
    /// More about it, in words of this program.
    pub reason: Option<String>,
    /// Where; `None` for what concerns no single scope.
    pub scope: Option<Arc<str>>,
    /// The person.
    pub subject: Option<String>,
    /// The OAuth client.
    pub client_id: Option<String>,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// The rights that were given.
    pub rights: Option<String>,
    /// What an operator did.
    pub action: Option<&'static str>,
    /// The request.
    pub origin: Option<Arc<Origin>>,
    /// Of a call.
    pub call: Option<Box<Call>>,
    /// Of a reload.
    pub reload: Option<Box<Reload>>,
    /// When; set by whoever notes it.
    pub at: Timestamp,
    /// Lines like this one that were left out before it: anybody could cause them.
    pub suppressed: u64,
}

impl Entry {
    /// Of what happened to the request of this task, if it serves one.
    pub fn new(event: Event, outcome: Outcome) -> Self {
        Self {
            event,
            outcome,
            code: None,
            reason: None,
            scope: None,
            subject: None,
            by: None,
            client_id: None,
            client_name: None,
            rights: None,
            action: None,
            origin: Origin::current(),
            call: None,
            reload: None,
            at: Timestamp::default(),
            suppressed: 0,
        }
    }
}

/// What is known of a call.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The tool set's name; empty if there is no such tool.
    pub tool_set: String,
    /// SHA-256 of its component, in hexadecimal.
    pub digest: Arc<str>,
    /// The tool, as the tool set calls it.
    pub tool: String,
    /// What it cost; `None` if it never began.
    pub figures: Option<Figures>,
    /// What it had the database do.
    pub statements: Statements,
}

/// What a call cost. Times are in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Rows read and changed.
    pub rows: u64,
    /// Bytes of the values in them.
    pub bytes: u64,
    /// From the end of the queue to the end of the call.
    pub wall_us: u64,
    /// Waiting for a place.
    pub queue_us: u64,
    /// Making the instance.
    pub instantiation_us: u64,
    /// Waiting for the database.
    pub database_us: u64,
    /// CPU time of the component.
    pub cpu_us: u64,
    /// Its largest memory, in bytes.
    pub memory_bytes: u64,
}

/// What is known of a reload.
#[derive(Debug, Clone, Default)]
pub struct Reload {
    /// The tool set's file; `None` for the configuration.
    pub tool_set: Option<String>,
    /// SHA-256 of what was found there.
    pub digest: Option<String>,
    /// What served before, and serves on if this does not.
    pub before: Option<String>,
    /// Scopes that are concerned.
    pub scopes: usize,
    /// Milliseconds.
    pub took_ms: Option<u64>,
}

/// The statements of one call, as they were asked for; literals are removed when
/// the line is written.
#[derive(Clone, Default)]
pub struct Statements {
    pub(super) kept: Vec<Statement>,
    /// Each has its own, so that no number of reads keeps a change out.
    reads: Quota,
    writes: Quota,
    /// Whether the statement that began last was kept.
    last_kept: bool,
    pub(super) left_out: u64,
}

#[derive(Clone, Copy, Default)]
struct Quota {
    statements: usize,
    bytes: usize,
}

#[derive(Clone)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) writes: bool,
    pub(super) code: Option<Cow<'static, str>>,
}

impl Statements {
    /// A statement is about to be judged and run; whether its text will be told.
    pub fn begin(&mut self, sql: &str, writes: bool) -> bool {
        let (quota, statements, bytes) = match writes {
            true => (&mut self.writes, MAX_CHANGES, MAX_BYTES_OF_CHANGES),
            false => (&mut self.reads, MAX_STATEMENTS, MAX_BYTES),
        };
        self.last_kept = quota.statements < statements && quota.bytes < bytes;
        if !self.last_kept {
            self.left_out += 1;
            return false;
        }
        // Longer ones the guard refuses anyway; a cut one is told to be cut.
        let end = sql.floor_char_boundary(sql.len().min(MAX_STATEMENT));
        let sql = sql.get(..end).unwrap_or_default().to_owned();
        quota.statements += 1;
        quota.bytes += sql.len();
        self.kept.push(Statement {
            sql,
            writes,
            // Of a change that is dropped nothing more is heard, and it is rolled back.
            code: writes.then_some(Cow::Borrowed("unfinished")),
        });
        true
    }

    /// The change that began last is made.
    pub fn done(&mut self) {
        if self.last_kept
            && let Some(last) = self.kept.last_mut()
        {
            last.code = None;
        }
    }

    /// The statement that began last gave an error.
    pub fn failed(&mut self, code: &'static str) {
        if self.last_kept
            && let Some(last) = self.kept.last_mut()
        {
            last.code = Some(code.into());
        }
    }

    /// How many began.
    pub fn count(&self) -> u64 {
        u64::try_from(self.kept.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.left_out)
    }
}

/// Never the text: it has literals.
impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statements({})", self.count())
    }
}

/// A call that reads more often repeats itself.
const MAX_STATEMENTS: usize = 32;
/// Of all reads of a call together.
const MAX_BYTES: usize = 128 << 10;
/// Changes of a call; what cannot be told is not done.
const MAX_CHANGES: usize = 256;
/// Of all of them together.
const MAX_BYTES_OF_CHANGES: usize = 512 << 10;
/// One byte more than the guard lets through.
const MAX_STATEMENT: usize = (64 << 10) + 1;
