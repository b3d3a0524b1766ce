//! `[scopes.NAME]`: what a path stands for.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::ConfigError;
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
    /// Where a record can be looked at: `https://…/{schema}/{table}/{key}`.
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
    /// Memory for compiling it.
    pub compile_memory: ByteSize,
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
            compile_memory: ByteSize::gib(8),
        }
    }
}

impl ScopeSection {
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
        for entry in &self.tool_sets {
            entry.check(&format!("{key}.tool_sets"))?;
        }
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
                self.limits.compile_memory.as_u64() == 0,
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
