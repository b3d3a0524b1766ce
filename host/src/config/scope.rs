//! `[scopes.NAME]`: what a path stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::ConfigError;
use super::audit::AuditSection;
use super::database::BinaryForm;
use super::tool_sets::ToolSetEntry;

/// `[scopes.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeSection {
    /// The tool sets; their tools are listed in this order.
    pub tool_sets: Vec<ToolSetEntry>,
    /// Labels of databases; the first is the default.
    pub databases: Vec<String>,
    /// Whether nothing here may write.
    #[serde(default = "yes")]
    pub read_only: bool,
    /// With `read_only = false`: the label under whose log-in writes happen.
    pub write_database: Option<String>,
    /// Who may sign in here: `NAME`, `group:NAME`, or `*` for everybody who can
    /// sign in. Empty admits nobody.
    #[serde(default)]
    pub people: Vec<String>,
    /// Who of them may be given `mcp:write`.
    #[serde(default)]
    pub writers: Vec<String>,
    /// Where authorization codes may go: `HOST` with its subdomains, `SCHEME:`,
    /// or `*`. Without it the hosts and programs of well-known clients.
    pub allowed_redirect_hosts: Option<Vec<String>>,
    /// What SESSION_CONTEXT holds besides scope, subject and client, by key:
    /// `claim:NAME` of the person, or a constant. Without it, even empty, there
    /// is no SESSION_CONTEXT.
    pub session_context: Option<BTreeMap<String, String>>,
    /// Rows of one result.
    #[serde(default = "max_rows")]
    pub max_rows: u64,
    /// Bytes of one result's JSON.
    #[serde(default = "max_bytes")]
    pub max_bytes: ByteSize,
    /// Bytes of one value.
    #[serde(default = "max_cell")]
    pub max_cell: ByteSize,
    /// Rows that one statement may change.
    #[serde(default = "max_rows_affected")]
    pub max_rows_affected: u64,
    /// Results of one search.
    #[serde(default = "max_search_results")]
    pub max_search_results: u32,
    /// Life of cached results.
    #[serde(default = "cache_ttl", with = "humantime_serde")]
    pub cache_ttl: Duration,
    /// Time of one statement, reading its result included.
    #[serde(default = "query_timeout", with = "humantime_serde")]
    pub query_timeout: Duration,
    /// Calls of one person's client in a minute.
    #[serde(default = "rate_limit_per_minute")]
    pub rate_limit_per_minute: NonZeroU32,
    /// How binary values are written.
    #[serde(default)]
    pub binary: BinaryForm,
    /// Where a record can be looked at: `https://…/{schema}/{table}/{key}`, with
    /// `{database}` for its label and `{id}` for the id that `fetch` takes. Empty for
    /// this server's own pages.
    #[serde(default)]
    pub record_url: String,
    /// Tables and views that may be read.
    #[serde(default)]
    pub tables: TablesSection,
    /// Columns whose values are masked: `schema.table.column`, with `*`.
    #[serde(default)]
    pub mask: Vec<String>,
    /// User functions that may be called: `schema.name`.
    #[serde(default)]
    pub functions: Vec<String>,
    /// Limits of the sandbox.
    #[serde(default)]
    pub limits: LimitsSection,
    /// Where audit lines go, and what they tell.
    #[serde(default)]
    pub audit: AuditSection,
    /// Settings of single tool sets, by tool set and key.
    #[serde(default)]
    pub config: BTreeMap<String, BTreeMap<String, String>>,
}

/// `tables` of a scope: names as `schema.name`, with `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TablesSection {
    /// Those that may be read; without it all.
    pub allow: Option<Vec<String>>,
    /// Those that may not, whatever `allow` says.
    pub deny: Vec<String>,
}

/// `limits` of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Memory of one call.
    pub memory: ByteSize,
    /// CPU time of one call.
    #[serde(with = "humantime_serde")]
    pub cpu: Duration,
    /// Time of one call, database included.
    #[serde(with = "humantime_serde")]
    pub wall: Duration,
    /// Calls of one tool set at once.
    pub concurrency: usize,
    /// Calls that wait for a place.
    pub queue: usize,
    /// One result of a tool, and one argument of what it asks of the host.
    pub result: ByteSize,
    /// What one call may log.
    pub log: ByteSize,
    /// Cache of one tool set.
    pub cache: ByteSize,
    /// Handles of one call: cursors, streams, pollables.
    pub handles: usize,
    /// Size of a tool set's file.
    pub file: ByteSize,
    /// CPU time for compiling it.
    #[serde(with = "humantime_serde")]
    pub compile_time: Duration,
    /// Memory for compiling it; without it what suits this machine.
    pub compile_memory: Option<ByteSize>,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            memory: ByteSize::mib(64),
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(60),
            concurrency: 16,
            queue: 64,
            result: ByteSize::mib(4),
            log: ByteSize::kib(16),
            cache: ByteSize::mib(16),
            handles: 1_000,
            file: ByteSize::mib(64),
            compile_time: Duration::from_secs(60),
            compile_memory: None,
        }
    }
}

impl ScopeSection {
    /// The claims that `session_context` names.
    pub fn claims(&self) -> BTreeSet<String> {
        let values = self.session_context.iter().flat_map(BTreeMap::values);
        values
            .filter_map(|value| value.strip_prefix(CLAIM))
            .map(ToOwned::to_owned)
            .collect()
    }

    fn check_session_context(&self, key: &str) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        for (name, value) in self.session_context.iter().flatten() {
            let rule = |message: &str| {
                let key = format!("{key}.session_context.{name}");
                Err(ConfigError::rule(&key, message))
            };
            let characters = name.encode_utf16().count();
            if characters == 0 || characters > MAX_CONTEXT_KEY || name.contains(char::is_control) {
                return rule(
                    "a key has 1 to 128 characters, and none that controls; write another",
                );
            }
            if name.to_lowercase().starts_with("mcp.") {
                return rule("keys that begin with mcp. are set by the server; write another");
            }
            if !seen.insert(name.to_lowercase()) {
                return rule("is there twice, but for case; keep one");
            }
            if value.strip_prefix(CLAIM).is_some_and(str::is_empty) {
                return rule("names no claim; write one, such as \"claim:department\"");
            }
            if value.encode_utf16().count() > MAX_CONTEXT_VALUE {
                return rule("is longer than the 4000 characters that SESSION_CONTEXT takes");
            }
        }
        if seen.len() > MAX_CONTEXT_KEYS {
            return Err(ConfigError::rule(
                &format!("{key}.session_context"),
                "has more than 64 keys; keep those that policies read",
            ));
        }
        Ok(())
    }

    pub(super) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        if self.tool_sets.is_empty() {
            return rule(
                "tool_sets",
                "there is none; name one, such as \"claude-tools\"",
            );
        }
        if self.databases.is_empty() {
            return rule("databases", "there is none; name one of [databases]");
        }
        if self.read_only && self.write_database.is_some() {
            return rule(
                "write_database",
                "has no use with read_only = true; remove one of them",
            );
        }
        if !self.read_only && self.write_database.is_none() {
            return rule(
                "write_database",
                "is needed with read_only = false: the database under whose log-in writes happen",
            );
        }
        if self.read_only && !self.writers.is_empty() {
            return rule(
                "writers",
                "has no use with read_only = true; remove one of them",
            );
        }
        if self.tables.allow.as_ref().is_some_and(Vec::is_empty) {
            return rule(
                "tables.allow",
                "names nothing that may be read; name a table, such as \"dbo.*\", or leave it out",
            );
        }
        self.check_session_context(key)?;
        for entry in &self.tool_sets {
            entry.check(&format!("{key}.tool_sets"))?;
        }
        self.audit.check(&format!("{key}.audit"))?;
        let zero = [
            ("max_rows", self.max_rows == 0),
            ("max_bytes", self.max_bytes.as_u64() == 0),
            ("max_cell", self.max_cell.as_u64() == 0),
            ("query_timeout", self.query_timeout.is_zero()),
            ("limits.memory", self.limits.memory.as_u64() == 0),
            ("limits.cpu", self.limits.cpu.is_zero()),
            ("limits.wall", self.limits.wall.is_zero()),
            ("limits.concurrency", self.limits.concurrency == 0),
            ("limits.result", self.limits.result.as_u64() == 0),
            ("limits.handles", self.limits.handles == 0),
            ("limits.file", self.limits.file.as_u64() == 0),
            ("limits.compile_time", self.limits.compile_time.is_zero()),
            (
                "limits.compile_memory",
                self.limits
                    .compile_memory
                    .is_some_and(|memory| memory.as_u64() == 0),
            ),
        ];
        if let Some((field, _)) = zero.iter().find(|(_, is_zero)| *is_zero) {
            return rule(
                field,
                "0 would let nothing through; write the limit you mean",
            );
        }
        if self.limits.concurrency > MAX_CONCURRENCY {
            return rule("limits.concurrency", "is 1000 at most; write less");
        }
        if self.limits.compile_time < Duration::from_secs(1) {
            return rule(
                "limits.compile_time",
                "is a second at least, which is how the operating system counts it",
            );
        }
        if self.max_cell > ByteSize::mib(8) {
            return rule(
                "max_cell",
                "is 8MiB at most: a value is in memory whole; write less",
            );
        }
        for (field, time) in [
            ("limits.compile_time", self.limits.compile_time),
            ("query_timeout", self.query_timeout),
            ("limits.cpu", self.limits.cpu),
            ("limits.wall", self.limits.wall),
        ] {
            if time > MAX_TIME {
                return rule(field, "is a day at most; write less");
            }
        }
        Ok(())
    }
}

/// How a value of `session_context` names a claim.
pub const CLAIM: &str = "claim:";
/// `sysname`
const MAX_CONTEXT_KEY: usize = 128;
/// `sql_variant` holds 8000 bytes.
const MAX_CONTEXT_VALUE: usize = 4_000;
const MAX_CONTEXT_KEYS: usize = 64;
/// Calls of one tool set at once: an instance is reserved for each.
const MAX_CONCURRENCY: usize = 1_000;
/// No client waits longer for a call.
const MAX_TIME: Duration = Duration::from_secs(24 * 3_600);

fn yes() -> bool {
    true
}

fn max_rows() -> u64 {
    1_000
}

/// Claude takes some 150 000 characters of a result.
fn max_bytes() -> ByteSize {
    ByteSize::kib(128)
}

fn max_cell() -> ByteSize {
    ByteSize::kib(64)
}

fn max_rows_affected() -> u64 {
    1_000
}

fn rate_limit_per_minute() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(59)
}

fn max_search_results() -> u32 {
    50
}

fn cache_ttl() -> Duration {
    Duration::from_secs(3_600)
}

fn query_timeout() -> Duration {
    Duration::from_secs(30)
}
