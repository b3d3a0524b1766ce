//! What an operator can set.

use mssql_mcp_sdk::{Host, TableName};

use crate::id::{self, encode};

/// The scope's settings of this tool set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Results of one search.
    pub(crate) max_results: u32,
    /// How long a record found stays good for fetch; 0 keeps none.
    pub(crate) cache_ttl_ms: u64,
    record_url: String,
    /// The label of the database, "" for the default.
    database: String,
}

impl Settings {
    /// Reads them, for work on this database; a value that is no number counts as
    /// not set.
    pub(crate) fn of<H: Host>(host: &H, database: &str) -> Self {
        let number = |key| host.config(key).and_then(|value| value.trim().parse().ok());
        Self {
            max_results: number("max_search_results")
                .and_then(|most: u64| u32::try_from(most).ok())
                .unwrap_or(50)
                .max(1),
            cache_ttl_ms: number("cache_ttl").unwrap_or(3600).saturating_mul(1000),
            record_url: host.config("record_url").unwrap_or_default(),
            database: database.to_owned(),
        }
    }

    /// A page for a record, from the template; "" without one.
    pub(crate) fn url(&self, table: &TableName, key: &str) -> String {
        let id = format!("{}/{key}", id::of_table(table));
        self.record_url
            .replace("{id}", &id::on(&self.database, id))
            .replace("{database}", &encode(&self.database))
            .replace("{schema}", &encode(&table.schema))
            .replace("{table}", &encode(&table.name))
            .replace("{key}", key)
    }
}
