//! What the database contains: tables and views, their columns, keys and
//! comments, and which of them a name means. Kept for half a minute.

mod describe;
mod name;
mod rows;
mod tables;
mod types;

use std::sync::Arc;
use std::time::Duration;

pub(super) use describe::{describe, primary_key};
pub(super) use name::{nearest, resolve};
pub(super) use rows::Cells;
pub(super) use tables::tables;
pub use tables::{Table, TableName};
pub(super) use types::sql_type;

/// Answers of the catalogue that are still fresh.
pub(super) struct Cache {
    tables: moka::sync::Cache<(), Arc<Vec<Table>>>,
    details: moka::sync::Cache<TableName, Arc<describe::Details>>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            tables: moka::sync::Cache::builder()
                .max_capacity(1)
                .time_to_live(KEPT)
                .build(),
            details: moka::sync::Cache::builder()
                .max_capacity(DESCRIPTIONS)
                .time_to_live(KEPT)
                .build(),
        }
    }
}

/// Long enough for the calls of one conversation's turn, short enough that
/// nobody waits for a new table.
const KEPT: Duration = Duration::from_secs(30);
const DESCRIPTIONS: u64 = 500;
