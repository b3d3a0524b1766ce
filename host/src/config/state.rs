//! `[state]`: where people, clients and tokens are kept.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// `[state]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSection {
    /// `memory`, `sqlite:PATH` or `redis://…`.
    pub store: String,
    /// The host's key; made on first use. Nodes of one address share it.
    pub key_file: Option<PathBuf>,
}

impl Default for StateSection {
    fn default() -> Self {
        Self {
            store: "sqlite:/var/lib/mssql-mcp/state.db".to_owned(),
            key_file: None,
        }
    }
}

impl StateSection {
    /// Where the key is: as configured, else beside the SQLite file. In memory
    /// nothing outlives the process, and neither does the key.
    pub fn key_file(&self) -> Option<PathBuf> {
        self.key_file.clone().or_else(|| {
            let file = self.store.strip_prefix("sqlite:")?;
            Some(Path::new(file).with_extension("key"))
        })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let redis = self.store.starts_with("redis://") || self.store.starts_with("rediss://");
        let known = self.store == "memory"
            || redis
            || self
                .store
                .strip_prefix("sqlite:")
                .is_some_and(|file| !file.is_empty());
        if !known {
            return Err(ConfigError::rule(
                "state.store",
                "is \"memory\", \"sqlite:PATH\" or \"redis://HOST\"; write one of them",
            ));
        }
        if redis && self.key_file.is_none() {
            return Err(ConfigError::rule(
                "state.key_file",
                "is needed with redis: every node must have the same key; name a file that all of \
                 them can read",
            ));
        }
        Ok(())
    }
}
