//! Why the product does not start, in one sentence that names the file or key.

use std::io;
use std::path::PathBuf;

use super::tool_sets::LockError;
use crate::config::ConfigError;
use crate::database;
use crate::excerpt::excerpt;
use crate::oauth::DocumentFetcherError;
use crate::runtime::{Capacity, LoadError, RuntimeError};
use crate::state::{KeyError, StoreError};
use crate::tools::{ProfileError, RegistryError};

/// A product that does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The sandbox.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The key for sealed values.
    #[error("state.key_file: {0}; give this user the file, or name another one")]
    Key(#[from] KeyError),
    /// Where people, clients and tokens are kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// TLS to others.
    #[error(transparent)]
    Documents(#[from] DocumentFetcherError),
    /// A file that a database needs.
    #[error("databases.{label}: {} cannot be read: {source}", path.display())]
    DatabaseFile {
        /// The database.
        label: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A database whose settings contradict each other.
    #[error("databases.{label}: {source}")]
    Database {
        /// The database.
        label: String,
        /// Why.
        source: database::Error,
    },
    /// An entry of a scope's policy that is no name.
    #[error("scopes.{scope}.{source}")]
    Policy {
        /// The scope.
        scope: String,
        /// The key in it, and what is wrong.
        source: database::Error,
    },
    /// A scope that only reads has a log-in that can do more.
    #[error(
        "scopes.{scope}.read_only: {sentence}; give databases.{label} a log-in that can only read, \
         or, where the scope is to trust its guard alone, write \
         databases.{label}.allow_writable_login = true. In SQL Server: {remedy}"
    )]
    WritableLogIn {
        /// The scope.
        scope: String,
        /// The database.
        label: String,
        /// What the log-in can do.
        sentence: String,
        /// The T-SQL that mends it.
        remedy: String,
    },
    /// A scope names a database that is not there.
    #[error("there is no [databases.{0}]; add it, or correct the scope's databases")]
    NoDatabase(String),
    /// A scope names a tool set that is not there.
    #[error(
        "there is no tool set \"{0}\"; build it with `just build-plugins`, or correct tool_sets"
    )]
    Missing(String),
    /// A component cannot be read.
    #[error(
        "{} cannot be read: {source}; `just build-plugins` builds the tool sets, tool_sets.dir \
         names their folder",
        path.display()
    )]
    ToolSetFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A component cannot be compiled.
    #[error("tool set \"{tool_set}\": {source}")]
    Compile {
        /// The tool set.
        tool_set: String,
        /// Why.
        source: LoadError,
    },
    /// A component cannot serve a scope.
    #[error("tool set \"{tool_set}\" in scope \"{scope}\": {source}")]
    ToolSet {
        /// The tool set.
        tool_set: String,
        /// The scope.
        scope: String,
        /// Why.
        source: LoadError,
    },
    /// A file is not the one that the configuration pins.
    #[error(
        "tool set \"{tool_set}\" in scope \"{scope}\": the file has the digest sha256:{found}, the \
         configuration says sha256:{expected}; put the right file back, or change the digest"
    )]
    WrongDigest {
        /// The tool set.
        tool_set: String,
        /// The scope that pins it.
        scope: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A scope wants tools that a tool set does not have.
    #[error("tool set \"{tool_set}\" in scope \"{scope}\": {source}")]
    Profile {
        /// The tool set.
        tool_set: String,
        /// The scope.
        scope: String,
        /// Why.
        source: ProfileError,
    },
    /// A file that a setting names.
    #[error("{key}: {} cannot be read: {source}", path.display())]
    SettingFile {
        /// The setting.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A version that describes itself otherwise than the one that was accepted.
    #[error(
        "tool set \"{tool_set}\": the version sha256:{digest} waits to be accepted ({}); look at it \
         and accept it with: mssql-mcp plugin accept {tool_set}",
        shown(changes)
    )]
    Parked {
        /// The tool set.
        tool_set: String,
        /// The version.
        digest: String,
        /// What is new in it.
        changes: Vec<String>,
    },
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The folder for compiled code.
    #[error("tool_sets.cache: {} cannot be used: {source}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More than was reserved at the start.
    #[error(
        "the scopes need {} calls at once of up to {} bytes, and this process reserved {} of up to \
         {}: restart it",
        needed.calls, needed.memory, has.calls, has.memory
    )]
    Capacity {
        /// What the configuration asks for.
        needed: Capacity,
        /// What there is.
        has: Capacity,
    },
    /// Tool sets that cannot serve together.
    #[error("scope \"{scope}\": {source}")]
    Registry {
        /// The scope.
        scope: String,
        /// Why.
        source: RegistryError,
    },
    /// A thread that compiles was lost.
    #[error("compiling \"{0}\" panicked; this is a bug")]
    Lost(String),
}

impl BuildError {
    /// Whether the same files may serve some other time. That one is not there says nothing
    /// of that kind: when it comes, it is another.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::ToolSetFile { source, .. } | Self::SettingFile { source, .. } => {
                source.raw_os_error().is_some() && source.kind() != io::ErrorKind::NotFound
            }
            // A compiler that was killed; a guest that had no time, or no database.
            Self::Compile { source, .. } | Self::ToolSet { source, .. } => matches!(
                source,
                LoadError::Compiler(_) | LoadError::Describe(_) | LoadError::SelfTest(_)
            ),
            Self::Lock(LockError::File { source, .. }) => source.raw_os_error().is_some(),
            Self::Lost(_) => true,
            _ => false,
        }
    }
}

/// The first of the changes, as far as a sentence can hold them.
fn shown(changes: &[String]) -> String {
    let mut shown: Vec<String> = changes
        .iter()
        .take(MAX_CHANGES)
        .map(|change| excerpt(change, MAX_CHANGE_CHARS).to_owned())
        .collect();
    if changes.len() > MAX_CHANGES {
        shown.push(format!("and {} more", changes.len() - MAX_CHANGES));
    }
    shown.join("; ")
}

const MAX_CHANGES: usize = 2;
const MAX_CHANGE_CHARS: usize = 600;
