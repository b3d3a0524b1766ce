//! `[state]`: where people, clients and tokens are kept, and under which key.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ConfigError;

/// `[state]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSection {
    /// `memory`, `sqlite:PATH` or `redis://…`; a Redis address may hold a
    /// password.
    pub store: SecretString,
    /// The host's key; made on first use. Nodes of one address share it.
    pub key_file: Option<PathBuf>,
}

/// What `state.store` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind<'a> {
    /// State that ends with the process.
    Memory,
    /// A file, for one node.
    Sqlite(&'a Path),
    /// A server, for several nodes.
    Redis,
}

impl Default for StateSection {
    fn default() -> Self {
        Self {
            store: "sqlite:/var/lib/mssql-mcp/state.db".into(),
            key_file: None,
        }
    }
}

impl StateSection {
    /// The kind of store; `None` for a name that [`check`](Self::check) refuses.
    pub fn kind(&self) -> Option<StoreKind<'_>> {
        let name = self.store.expose_secret();
        if name == "memory" {
            return Some(StoreKind::Memory);
        }
        let (scheme, rest) = name.split_once(':')?;
        match scheme {
            "sqlite" if !rest.is_empty() => Some(StoreKind::Sqlite(Path::new(rest))),
            "redis" | "rediss" if rest.len() > 2 && rest.starts_with("//") => {
                Some(StoreKind::Redis)
            }
            _ => None,
        }
    }

    /// Where the key is: as configured, else beside the SQLite file. In memory
    /// nothing outlives the process, and neither does the key.
    pub fn key_file(&self) -> Option<PathBuf> {
        let beside = || match self.kind()? {
            StoreKind::Sqlite(file) => Some(file.with_extension("key")),
            StoreKind::Memory | StoreKind::Redis => None,
        };
        self.key_file.clone().or_else(beside)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(kind) = self.kind() else {
            return Err(ConfigError::rule(
                "state.store",
                "names no store; write \"sqlite:PATH\", \"redis://HOST\" or \"memory\"",
            ));
        };
        let rule = |message| Err(ConfigError::rule("state.key_file", message));
        match (kind, self.key_file()) {
            (StoreKind::Redis, None) => rule(
                "is needed with redis: every node must have the same key; name a file that each of \
                 them has",
            ),
            (StoreKind::Sqlite(store), Some(key)) if store == key => {
                rule("is the file of the store itself; name another one")
            }
            _ => Ok(()),
        }
    }
}
