//! `audit` of a scope: where its audit lines go, and what they tell.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::ConfigError;

/// `audit` of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// Whether the texts of statements are told, their literals removed; hashes and
    /// tables always are.
    pub statements: bool,
    /// The file; without it lines go to the log. Scopes may share one.
    pub file: Option<PathBuf>,
    /// For how long the file's older parts are kept.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
    /// Size after which a new part begins, besides every day.
    pub max_size: ByteSize,
    /// What happens while the file cannot be written.
    pub on_failure: OnFailure,
}

/// `audit.on_failure`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// No call is made until it can be written again.
    #[default]
    Stop,
    /// Calls go on; lines wait, and those that find no room go to the log.
    Continue,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            statements: true,
            file: None,
            keep: Duration::from_secs(30 * DAY),
            max_size: ByteSize::mib(256),
            on_failure: OnFailure::Stop,
        }
    }
}

impl AuditSection {
    pub(super) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        if self
            .file
            .as_ref()
            .is_some_and(|file| file.file_name().is_none())
        {
            return rule(
                "file",
                "names no file; write one, such as \"/var/log/mssql-mcp/audit.jsonl\"",
            );
        }
        if self.keep < Duration::from_secs(DAY) {
            return rule("keep", "is a day at least, such as \"30d\"");
        }
        if self.keep > Duration::from_secs(100 * 366 * DAY) {
            return rule("keep", "is a hundred years at most; write less");
        }
        if self.max_size < ByteSize::mib(1) {
            return rule("max_size", "is 1MiB at least, such as \"256MiB\"");
        }
        Ok(())
    }

    /// Whether both want the same of one file.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.file != other.file
            || self.file.is_none()
            || (self.keep, self.max_size) == (other.keep, other.max_size)
    }
}

const DAY: u64 = 24 * 3_600;
