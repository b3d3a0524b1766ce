//! The catalogue: what SQL Server answers about a database in `sys.*` and
//! `INFORMATION_SCHEMA`, as ordinary tables of those two schemas.

mod columns;
mod constraints;
mod indexes;
mod information;
mod model;
mod objects;
mod rights;
mod server;
mod sheet;
mod types;

#[cfg(test)]
mod tests;

use crate::schema::{Database, Table, View};
use crate::value::SqlType;

pub(crate) use types::base_name;
pub use types::{declared, type_id, type_name};

/// A column of a view: name, type and whether it can be NULL.
pub type ViewColumn = (String, SqlType, bool);

/// The catalogue views with their rows. `view_columns` says what the columns of
/// a view are, which follows from its SELECT.
#[must_use]
pub fn system_tables(
    database: &Database,
    view_columns: &dyn Fn(&View) -> Vec<ViewColumn>,
) -> Vec<Table> {
    let model = model::Model::of(database, view_columns);
    let mut tables = server::tables(&model);
    tables.extend(columns::tables(&model));
    tables.extend(constraints::tables(&model));
    tables.extend(indexes::tables(&model));
    tables.extend(information::tables(&model));
    tables.extend(objects::tables(&model));
    tables.extend(rights::tables());
    // What lists everything comes last, since it lists these too.
    let everything = [
        objects::all_objects(&model, &tables),
        columns::all_columns(&model, &tables),
    ];
    tables.extend(everything);
    tables
}

/// The id an object has, if it exists: it follows from its name (FNV-1a, any
/// case), and is negative in `sys` and `INFORMATION_SCHEMA`.
#[must_use]
pub fn object_id(schema: &str, name: &str) -> i32 {
    let hash = schema
        .bytes()
        .chain([b'.'])
        .chain(name.bytes())
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        });
    let id = i32::try_from(hash >> 1).unwrap_or(i32::MAX).max(1);
    if model::is_system(schema) { -id } else { id }
}
