//! SQL Server behind one label of a scope: a pool, limits and the read-only
//! rule. The only module that names the driver.
//!
//! ```text
//! query → guard → policy → params → session (pool) → reader (sp_executesql) → cursor
//!                                                                └ output: convert, json
//! ```
//! Statements of users run through `sp_executesql` alone, so that a `SET` in
//! them ends with them; in a read-only scope in a transaction that is rolled
//! back behind the reply.

mod catalog;
mod config;
mod context;
mod convert;
mod cursor;
mod describe;
mod entra;
mod error;
mod exact;
mod finality;
mod fits;
pub mod guard;
mod json;
mod manager;
mod output;
mod page;
mod params;
mod policy;
mod pool;
mod posture;
mod query;
mod reader;
mod results;
mod retry;
mod rows;
mod session;
mod socket;
mod text;
mod traced;
mod value;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::tally::CacheFigures;

pub use catalog::{Table, TableName, Tables, bracketed};
pub use config::{Binary, DatabaseConfig, Encrypt, PoolConfig, QueryLimits};
pub use context::{ContextValue, SessionContext};
pub use cursor::Cursor;
pub use entra::{ClientCredentials, TokenError, TokenSource};
pub use error::{Error, LimitKind, ServerError};
pub use finality::Finality;
pub use guard::Denial;
pub use policy::{Policy, PolicyConfig};
pub use pool::PoolState;
pub use posture::{Posture, Right};
pub use results::{RESULTS, ResultCache};
pub use value::{
    Batch, Column, Date, DateTime, DateTimeOffset, JsonShape, Options, Outcome, Page, Param, Query,
    Stats, Time, TruncatedBy, Truncation, Value,
};

/// One database label of a scope. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    read_only: bool,
    limits: QueryLimits,
    session_context: Option<SessionContext>,
    sessions: pool::Connections,
    gate: posture::Gate,
    descriptions: describe::Catalogue,
    catalog: catalog::Cache,
    policy: Option<policy::Policy>,
    /// Where results are kept; without it they are not.
    results: OnceLock<results::Results>,
    named: traced::Named,
    io: Handle,
}

impl Database {
    /// Makes the pool. Nothing is connected before the first call; sockets are
    /// opened on `io`, whichever runtime makes the call.
    ///
    /// # Errors
    /// A configuration that contradicts itself.
    pub fn new(config: DatabaseConfig, limits: QueryLimits, io: Handle) -> Result<Self, Error> {
        Self::with_policy(config, limits, None, io)
    }

    /// As [`new`](Self::new), with what of the database may be read.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_policy(
        config: DatabaseConfig,
        limits: QueryLimits,
        policy: Option<Policy>,
        io: Handle,
    ) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            inner: Arc::new(Inner {
                read_only: config.read_only,
                limits,
                session_context: config.session_context.clone(),
                named: traced::Named::new(&config),
                gate: posture::Gate::new(config.read_only && !config.allow_writable_login),
                sessions: pool::Connections::new(config, &limits, io.clone()),
                descriptions: describe::Catalogue::new(),
                catalog: catalog::Cache::new(),
                policy,
                results: OnceLock::new(),
                io,
            }),
        })
    }

    /// Whether statements of both reach one database by the names in their
    /// configuration: server and database, or the database's name alone.
    pub fn is_same_place(&self, other: &Self, by_server: bool) -> bool {
        let (one, other) = (&self.inner.named, &other.inner.named);
        one.is_same_database(other) && (!by_server || one.is_same_server(other))
    }

    /// Has results kept, as those of `label`, for statements that ask for it. To be
    /// said once, at the start.
    #[must_use]
    pub fn keeping(self, label: &str, cache: ResultCache) -> Self {
        // Set already only if this was said before.
        let _ = self.inner.results.set(results::Results {
            cache,
            label: label.into(),
        });
        self
    }

    /// Forgets what is known of the catalogue and of statements; results are their
    /// cache's own.
    pub fn forget(&self) {
        self.inner.catalog.clear();
        self.inner.descriptions.clear();
    }

    /// The list of tables and descriptions of tables that are kept.
    pub fn catalogue(&self) -> CacheFigures {
        self.inner.catalog.figures()
    }

    /// Starts a statement that reads. The guard comes first, in every scope.
    ///
    /// # Errors
    /// [`Error::Denied`] before anything is sent; otherwise what stopped it
    /// before its first row.
    pub async fn query(&self, query: Query) -> Result<Cursor, Error> {
        query::query(&self.inner, query).await
    }

    /// Runs one statement that writes, in a transaction of its own.
    ///
    /// # Errors
    /// [`Error::Denied`] in a read-only scope, or for what is not one plain
    /// statement; [`Error::Limit`] above the limit of changed rows, after the
    /// transaction was rolled back.
    pub async fn execute(&self, query: Query) -> Result<Outcome, Error> {
        self.execute_telling(query, &Finality::default()).await
    }

    /// The same, where whoever waits may give up until the change is made final.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); [`Error::Cancelled`], and nothing was changed,
    /// where that came first.
    pub async fn execute_telling(
        &self,
        query: Query,
        finality: &Finality,
    ) -> Result<Outcome, Error> {
        query::execute(&self.inner, query, finality).await
    }

    /// Tables and views that may be read, by schema and name.
    ///
    /// # Errors
    /// What stopped the catalogue query.
    pub async fn tables(&self) -> Result<Arc<Tables>, Error> {
        policy::visible(&self.inner, catalog::KEPT).await
    }

    /// Columns, keys in key order, foreign keys both ways, indexes, checks, triggers,
    /// history, partitions and comments as one JSON document.
    ///
    /// # Errors
    /// [`Error::UnknownName`], or what stopped a catalogue query.
    pub async fn describe(&self, table: &TableName) -> Result<String, Error> {
        catalog::describe(&self.inner, table).await
    }

    /// Columns of the primary key in key order; empty where there is none.
    ///
    /// # Errors
    /// [`Error::UnknownName`], or what stopped the catalogue query.
    pub async fn primary_key(&self, table: &TableName) -> Result<Vec<String>, Error> {
        catalog::primary_key(&self.inner, table).await
    }

    /// The one table that `name` means: `Orders`, `dbo.Orders`,
    /// `[Order Details]`, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest names, or
    /// [`Error::AmbiguousName`] with all of them.
    pub async fn resolve(&self, name: &str) -> Result<TableName, Error> {
        catalog::resolve(&self.inner, name).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        query::unchecked(&self.inner, "SELECT 1", Vec::new())
            .await
            .map(drop)
    }

    /// Asks the server what the log-in may do besides reading. Until a log-in
    /// that may only read is known to be one, no statement runs, unless the
    /// configuration allows it.
    ///
    /// # Errors
    /// What stopped the question.
    pub async fn posture(&self) -> Result<Arc<Posture>, Error> {
        posture::check(&self.inner).await
    }

    /// What was found of the log-in last, and how long ago.
    pub fn known_posture(&self) -> Option<(Arc<Posture>, Duration)> {
        self.inner.gate.known()
    }

    /// Whether a log-in that can write stops every statement.
    pub fn must_only_read(&self) -> bool {
        self.inner.gate.is_enforced()
    }

    /// Counts what its callers wait for a connection, in the name of a scope's label.
    pub fn count(&self, scope: &str, label: &str) {
        self.inner.sessions.count(scope, label);
    }

    /// The pool at this moment.
    pub fn pool_state(&self) -> PoolState {
        self.inner.sessions.state()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("read_only", &self.inner.read_only)
            .field("pool", &self.pool_state())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
