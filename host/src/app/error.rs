//! Why the product does not start, in one sentence that names the file or key.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::database;
use crate::oauth::DocumentFetcherError;
use crate::runtime::{LoadError, RuntimeError};
use crate::state::{KeyError, StoreError};
use crate::tools::RegistryError;

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
