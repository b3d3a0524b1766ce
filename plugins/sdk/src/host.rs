//! What a tool may ask of the host, as traits: the real host is
//! [`crate::Component`], the one for tests [`crate::testing::FakeHost`].
//!
//! `database` is a label of the scope's configuration everywhere.

use crate::{
    Ability, Batch, Column, Error, JsonShape, Options, Param, Table, TableName, Truncation,
};

/// The label of the scope's first database.
pub const DEFAULT_DATABASE: &str = "";

/// Who shares a cached value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody in the scope.
    PerScope,
    /// The calling person alone: for whatever a query returned.
    PerUser,
}

/// The imports of the world `read-tools`.
pub trait Host {
    /// A result that is still being read.
    type Cursor: Cursor;

    /// Runs one SELECT. One cursor can be open at a time.
    ///
    /// # Errors
    /// Whatever the guard, the pool or SQL Server answers.
    fn query(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<Self::Cursor, Error>;

    /// One page of a SELECT's rows, in the order of its own ORDER BY: `page` counts
    /// from 1, and without `page_size` there are 100 rows on it, or fewer where the
    /// scope gives fewer. The document of its rows says `pagination`. Needs a host
    /// that knows this function: one of before refuses the component.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a page that cannot be, else as
    /// [`Host::query`].
    fn query_page(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
        page: u32,
        page_size: Option<u32>,
    ) -> Result<Self::Cursor, Error>;

    /// Tables and views the scope shows.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an unknown label, else as [`Host::query`].
    fn tables(&self, database: &str) -> Result<Vec<Table>, Error>;

    /// Columns, keys, indexes and comments of a table as one JSON document.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when there is no such table.
    fn describe(&self, database: &str, table: &TableName) -> Result<String, Error>;

    /// Columns of the primary key in key order; empty when there is none.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when there is no such table.
    fn primary_key(&self, database: &str, table: &TableName) -> Result<Vec<String>, Error>;

    /// The one table that a name such as `[Order Details]` means.
    ///
    /// # Errors
    /// [`Error::UnknownName`] or [`Error::AmbiguousName`] with the candidates.
    fn resolve(&self, database: &str, name: &str) -> Result<TableName, Error>;

    /// This tool set's setting in the scope.
    fn config(&self, key: &str) -> Option<String>;

    /// A value put earlier; it may have vanished.
    fn cache_get(&self, sharing: Sharing, key: &str) -> Option<Vec<u8>>;

    /// Keeps a value for `ttl_ms`, where the host has room for it: a value that
    /// is not kept is a later miss, nothing else.
    fn cache_set(&self, sharing: Sharing, key: &str, value: &[u8], ttl_ms: u64);

    /// URL-safe text that only this tool set in this scope can open.
    fn seal(&self, plain: &[u8]) -> String;

    /// What [`Host::seal`] was given; `None` for anything else.
    fn open(&self, sealed: &str) -> Option<Vec<u8>>;

    /// Milliseconds that this call may still take.
    fn remaining_ms(&self) -> u64;

    /// Tells the client, if it wants to know, that `done` of `total` is done, in
    /// units of the tool's choice; it must increase.
    fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>);

    /// Whether the client can pass on such a question.
    fn can_ask(&self, what: Ability) -> bool;

    /// On the repeat of a call that asked, the client's answers as JSON; see
    /// [`crate::Answers`].
    fn answers(&self) -> Option<String>;

    /// On the repeat of a call that asked, the state that the question carried.
    fn state(&self) -> Option<Vec<u8>>;
}

/// The import that `write-tools` adds.
pub trait Execute: Host {
    /// Runs one statement in its own transaction; gives the rows affected.
    ///
    /// # Errors
    /// As [`Host::query`]; `limit(rows)` when it was rolled back for touching
    /// more rows than the scope allows.
    fn execute(&self, database: &str, sql: &str, params: &[Param]) -> Result<u64, Error> {
        self.execute_within(database, sql, params, None)
    }

    /// The same within limits of its own.
    ///
    /// # Errors
    /// As [`Execute::execute`].
    fn execute_within(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<u64, Error>;
}

/// A result that is still being read; dropping it cancels the statement.
pub trait Cursor {
    /// The columns in order.
    fn columns(&self) -> Vec<Column>;

    /// The next rows, at most `max_rows`.
    ///
    /// # Errors
    /// As [`Host::query`].
    fn next(&self, max_rows: u32) -> Result<Batch, Error>;

    /// The remaining rows as one JSON array, encoded by the host.
    ///
    /// # Errors
    /// As [`Host::query`].
    fn to_json(&self, shape: JsonShape) -> Result<String, Error>;

    /// Why rows are missing, once the rows have been read.
    fn truncated(&self) -> Option<Truncation>;
}
