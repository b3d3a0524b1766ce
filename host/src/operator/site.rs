//! What the operator page shows and does of the application.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::server::Status;

/// The running application, as its operator sees it.
pub trait Site: Send + Sync {
    /// Since the start.
    fn uptime(&self) -> Duration;

    /// The worst of all.
    fn status(&self) -> BoxFuture<'_, (Status, Vec<String>)>;

    /// The scopes, in the order of their names.
    fn scopes(&self) -> Vec<ScopeState>;

    /// The files of tool sets, in the order of their names.
    fn tool_sets(&self) -> Vec<ToolSetState>;

    /// What is new in a version that waits to be accepted.
    ///
    /// # Errors
    /// The lock cannot be read.
    fn parked(&self, tool_set: &str) -> Result<Option<Parked>, SiteError>;

    /// Loads a tool set's file again.
    fn reload<'a>(&'a self, tool_set: &'a str) -> BoxFuture<'a, Result<(), SiteError>>;

    /// Has the version that waits serve, if it is this one.
    fn accept<'a>(
        &'a self,
        tool_set: &'a str,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<(), SiteError>>;

    /// Whether there is a configuration file to read again.
    fn has_configuration(&self) -> bool;

    /// Reads the configuration file again.
    fn reconfigure(&self) -> BoxFuture<'_, Result<(), SiteError>>;
}

/// Why something was not done, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SiteError(pub String);

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeState {
    /// Its name, which is its path.
    pub name: String,
    /// Whether its databases answer.
    pub up: bool,
    /// Whether nothing in it may write.
    pub read_only: bool,
    /// How many tools a reader sees.
    pub tools: usize,
    /// The databases by label, the one for writing last.
    pub databases: Vec<DatabaseState>,
    /// The calls in its tool sets.
    pub guests: Guests,
}

/// One database of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseState {
    /// What the configuration calls it.
    pub label: String,
    /// Its connections.
    pub pool: Pool,
}

/// Connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// In use.
    pub used: u32,
    /// Callers that wait for one.
    pub waiting: u64,
    /// At most.
    pub max: u32,
}

/// Calls in tool sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guests {
    /// They run.
    pub running: usize,
    /// They wait for a place.
    pub waiting: usize,
    /// Places.
    pub places: usize,
}

/// One file of a tool set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSetState {
    /// Its name.
    pub name: String,
    /// SHA-256 of the version that serves.
    pub digest: Option<String>,
    /// What keeps the version in the folder from serving.
    pub problem: Option<String>,
    /// Whether that version only waits to be accepted.
    pub parked: bool,
    /// Times that another version came to serve.
    pub reloads: u64,
    /// Times that one did not.
    pub refusals: u64,
}

/// A version that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its SHA-256.
    pub digest: String,
    /// What is new in it, a line each.
    pub changes: Vec<String>,
}
