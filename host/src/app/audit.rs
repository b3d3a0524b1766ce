//! The audit that the configuration describes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

use crate::audit::{Audit, FileSettings, Normalised, ScopeSettings};
use crate::clock::Clock;
use crate::config::{AuditSection, Config, OnFailure};
use crate::database::guard;

/// The audit of nothing yet.
pub(super) fn audit() -> Audit {
    Audit::new(Clock::system(), Some(normalised))
}

/// What each scope wants of it.
pub(super) fn settings(config: &Config) -> BTreeMap<String, ScopeSettings> {
    let scopes = config.scopes.iter();
    scopes
        .map(|(name, section)| (name.clone(), of_scope(&section.audit)))
        .collect()
}

fn of_scope(section: &AuditSection) -> ScopeSettings {
    ScopeSettings {
        file: section.file.as_ref().map(|path| FileSettings {
            path: path.clone(),
            keep: section.keep,
            max_size: section.max_size.as_u64(),
        }),
        statements: section.statements,
        stops: section.on_failure == OnFailure::Stop,
    }
}

/// A statement as a line may tell it.
fn normalised(sql: &str) -> Normalised {
    let guard::Normal { text, tables } = guard::normal(sql);
    let mut hash = String::with_capacity(HASH_DIGITS);
    for byte in digest(&SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .take(HASH_DIGITS / 2)
    {
        // To a string: nothing can fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Normalised { text, hash, tables }
}

/// As many as tell a year's statements apart.
const HASH_DIGITS: usize = 16;
