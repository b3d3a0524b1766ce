//! The host behind the component's imports.

use crate::bindings::mssql_mcp::database::{db_catalog, db_query};
use crate::bindings::mssql_mcp::host::{cache, call, config, seal};
use crate::host::{Cursor, Host, Sharing};
use crate::{
    Ability, Batch, Column, Error, JsonShape, Options, Param, Table, TableName, Truncation,
};

/// The host of a running component. Outside wasm every call aborts.
#[derive(Debug, Clone, Copy)]
pub struct Component;

impl Host for Component {
    type Cursor = db_query::Cursor;

    fn query(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<Self::Cursor, Error> {
        db_query::query(database, sql, params, options)
    }

    fn query_page(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
        page: u32,
        page_size: Option<u32>,
    ) -> Result<Self::Cursor, Error> {
        db_query::query_page(database, sql, params, options, page, page_size)
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, Error> {
        db_catalog::tables(database)
    }

    fn describe(&self, database: &str, table: &TableName) -> Result<String, Error> {
        db_catalog::describe(database, table)
    }

    fn primary_key(&self, database: &str, table: &TableName) -> Result<Vec<String>, Error> {
        db_catalog::primary_key(database, table)
    }

    fn resolve(&self, database: &str, name: &str) -> Result<TableName, Error> {
        db_catalog::resolve(database, name)
    }

    fn config(&self, key: &str) -> Option<String> {
        config::get(key)
    }

    fn cache_get(&self, sharing: Sharing, key: &str) -> Option<Vec<u8>> {
        cache::get(sharing.into(), key)
    }

    fn cache_set(&self, sharing: Sharing, key: &str, value: &[u8], ttl_ms: u64) {
        // Refused for its size or quota: the next reader asks the database.
        let _kept = cache::set(sharing.into(), key, value, Some(ttl_ms));
    }

    fn seal(&self, plain: &[u8]) -> String {
        seal::seal(plain)
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        seal::open(sealed)
    }

    fn remaining_ms(&self) -> u64 {
        call::remaining_ms()
    }

    fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        call::progress(done, total, message);
    }

    fn can_ask(&self, what: Ability) -> bool {
        call::can_ask(what)
    }

    fn answers(&self) -> Option<String> {
        call::answers()
    }

    fn state(&self) -> Option<Vec<u8>> {
        call::state()
    }
}

#[cfg(feature = "write")]
impl crate::host::Execute for Component {
    fn execute_within(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<u64, Error> {
        use crate::bindings::mssql_mcp::database::db_execute;
        db_execute::execute(database, sql, params, options).map(|outcome| outcome.rows_affected)
    }
}

impl Cursor for db_query::Cursor {
    fn columns(&self) -> Vec<Column> {
        Self::columns(self)
    }

    fn next(&self, max_rows: u32) -> Result<Batch, Error> {
        Self::next(self, max_rows)
    }

    fn to_json(&self, shape: JsonShape) -> Result<String, Error> {
        Self::to_json(self, shape)
    }

    fn truncated(&self) -> Option<Truncation> {
        Self::truncated(self)
    }
}

impl From<Sharing> for cache::Sharing {
    fn from(sharing: Sharing) -> Self {
        match sharing {
            Sharing::PerScope => Self::PerScope,
            Sharing::PerUser => Self::PerUser,
        }
    }
}
