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
mod convert;
mod cursor;
mod describe;
mod error;
pub mod guard;
mod json;
mod manager;
mod output;
mod params;
mod policy;
mod query;
mod reader;
mod session;
mod text;
mod value;

use std::sync::Arc;

use tokio::runtime::Handle;

pub use catalog::{Table, TableName};
pub use config::{Binary, DatabaseConfig, Encrypt, PoolConfig, QueryLimits};
pub use cursor::Cursor;
pub use error::{Error, LimitKind, ServerError};
pub use guard::Denial;
pub use policy::PolicyConfig;
pub use session::PoolState;
pub use value::{
    Batch, Column, Date, DateTime, DateTimeOffset, JsonShape, Options, Outcome, Param, Query,
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
    sessions: session::Sessions,
    descriptions: describe::Catalogue,
    catalog: catalog::Cache,
    policy: Option<policy::Policy>,
    io: Handle,
}

impl Database {
    /// Makes the pool. Nothing is connected before the first call; sockets are
    /// opened on `io`, whichever runtime makes the call.
    ///
    /// # Errors
    /// A configuration that contradicts itself.
    pub fn new(config: DatabaseConfig, limits: QueryLimits, io: Handle) -> Result<Self, Error> {
        Self::with_policy(config, limits, &PolicyConfig::default(), io)
    }

    /// As [`new`](Self::new), with what of the database may be read.
    ///
    /// # Errors
    /// As [`new`](Self::new), and an entry of the policy that is not a name.
    pub fn with_policy(
        config: DatabaseConfig,
        limits: QueryLimits,
        policy: &PolicyConfig,
        io: Handle,
    ) -> Result<Self, Error> {
        config.validate()?;
        let policy = policy::Policy::new(policy)?;
        Ok(Self {
            inner: Arc::new(Inner {
                read_only: config.read_only,
                limits,
                sessions: session::Sessions::new(config, &limits, io.clone()),
                descriptions: describe::Catalogue::new(),
                catalog: catalog::Cache::new(),
                policy,
                io,
            }),
        })
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
        query::execute(&self.inner, query).await
    }

    /// Tables and views that may be read, by schema and name.
    ///
    /// # Errors
    /// What stopped the catalogue query.
    pub async fn tables(&self) -> Result<Vec<Table>, Error> {
        Ok(policy::visible(&self.inner).await?.as_ref().clone())
    }

    /// Columns, keys in key order, foreign keys both ways, indexes, checks and
    /// comments as one JSON document.
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
        query::internal(&self.inner, "SELECT 1", Vec::new())
            .await
            .map(drop)
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
#[cfg(test)]
mod tests_policy;
