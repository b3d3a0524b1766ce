//! Makes SQLite's tables from the description and fills them.

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;

use rusqlite::Connection;

use super::catalog::Catalog;
use super::compile::Compiler;
use super::session::Context;
use super::storage::encode;
use super::{EngineError, batch, collation, types};
use crate::schema::{Database, Table};
use crate::value::{SqlType, Value};

/// What loading gives besides the tables.
pub(super) struct Loaded {
    pub(super) catalog: Catalog,
    pub(super) identities: HashMap<String, (AtomicI64, i64)>,
    pub(super) row_version: i64,
}

/// Creates and fills everything.
pub(super) fn load(
    connection: &Connection,
    database: &Database,
    system: &[Table],
) -> Result<Loaded, EngineError> {
    let catalog = describe(database, system)?;
    let mut identities = HashMap::new();
    let mut row_version = 2000;
    // Rows come in any order of tables.
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    connection.execute_batch("BEGIN")?;
    for table in database.tables.iter().chain(system) {
        let name = format!("{}.{}", table.schema, table.name);
        let sql = create(&catalog, table).map_err(|source| EngineError::Description {
            object: name.clone(),
            source,
        })?;
        connection.execute_batch(&sql)?;
        fill(connection, table)?;
        for (index, column) in stored(table) {
            let cells = || table.rows.iter().filter_map(|r| r.get(index));
            if let Some((seed, step)) = column.identity {
                let last = cells().filter_map(|v| {
                    if let Value::Int(i) = v {
                        Some(*i)
                    } else {
                        None
                    }
                });
                let last = if step < 0 { last.min() } else { last.max() }.unwrap_or(seed - step);
                identities.insert(name.clone(), (AtomicI64::new(last), step));
            }
            if column.sql_type == SqlType::RowVersion {
                row_version = cells()
                    .filter_map(|v| {
                        if let Value::Bytes(b) = v {
                            b.as_slice().try_into().ok().map(i64::from_be_bytes)
                        } else {
                            None
                        }
                    })
                    .fold(row_version, i64::max);
            }
        }
    }
    connection.execute_batch("COMMIT; PRAGMA foreign_keys = ON; ANALYZE")?;
    Ok(Loaded {
        catalog,
        identities,
        row_version,
    })
}

/// The names that statements may use.
pub(super) fn describe(database: &Database, system: &[Table]) -> Result<Catalog, EngineError> {
    let mut catalog = Catalog::default();
    catalog.database.clone_from(&database.name);
    for table in &database.tables {
        catalog.add_table(table, false);
    }
    for table in system {
        catalog.add_table(table, true);
    }
    for policy in &database.policies {
        let (schema, table) = (&policy.schema, &policy.table);
        let text = format!(
            "SELECT * FROM [{schema}].[{table}] WHERE {}",
            policy.predicate
        );
        let query = batch::parse_query(&text).map_err(|source| EngineError::Description {
            object: format!("the security policy of {schema}.{table}"),
            source,
        })?;
        catalog.add_policy(schema, table, query);
    }
    for view in &database.views {
        let object = format!("{}.{}", view.schema, view.name);
        let query = batch::parse_query(&view.definition)
            .map_err(|source| EngineError::Description { object, source })?;
        catalog.add_view(&view.schema, &view.name, query);
    }
    Ok(catalog)
}

fn create(catalog: &Catalog, table: &Table) -> super::error::Result<String> {
    let name = format!("{}.{}", table.schema, table.name);
    let position = |column: &String| {
        let found = table
            .columns
            .iter()
            .position(|c| c.name.eq_ignore_ascii_case(column));
        found.map(|i| format!("c{i}")).ok_or_else(|| {
            super::error::error(
                1911,
                format!("Column name '{column}' does not exist in the target table or view."),
            )
        })
    };
    let positions = |columns: &[String]| {
        columns
            .iter()
            .map(position)
            .collect::<super::error::Result<Vec<_>>>()
            .map(|v| v.join(", "))
    };
    let context = Context::nobody();
    let mut parts = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        let affinity = match column.sql_type {
            t if types::is_text(t) => format!("TEXT COLLATE {}", collation::DEFAULT),
            t if types::is_float(t) => "REAL".into(),
            t if types::is_integer(t) || types::is_money(t) => "INTEGER".into(),
            SqlType::Date
            | SqlType::Time(_)
            | SqlType::DateTime
            | SqlType::SmallDateTime
            | SqlType::DateTime2(_) => "INTEGER".into(),
            _ => "BLOB".into(),
        };
        let null = if column.nullable || column.computed.is_some() {
            ""
        } else {
            " NOT NULL"
        };
        let computed = match &column.computed {
            None => String::new(),
            Some(text) => {
                let value = Compiler::for_row(catalog, &context, &name)
                    .row_expression(text, column.sql_type)?;
                format!(" GENERATED ALWAYS AS ({value}) STORED")
            }
        };
        parts.push(format!("c{i} {affinity}{null}{computed}"));
    }
    if let Some(key) = &table.primary_key {
        parts.push(format!("PRIMARY KEY ({})", positions(&key.columns)?));
    }
    for key in &table.unique {
        parts.push(format!("UNIQUE ({})", positions(&key.columns)?));
    }
    for check in &table.checks {
        let e = batch::parse_expression(&check.definition)?;
        let condition = Compiler::for_row(catalog, &context, &name).predicate(&e)?;
        parts.push(format!(
            "CONSTRAINT \"{}\" CHECK ({condition})",
            check.name.replace('"', "\"\"")
        ));
    }
    for key in &table.foreign_keys {
        let (schema, other) = &key.references;
        let Some(target) = catalog.table(schema, other) else {
            continue;
        };
        let referenced: Vec<String> = key
            .referenced_columns
            .iter()
            .filter_map(|c| target.column(c).map(|(i, _)| format!("c{i}")))
            .collect();
        parts.push(format!(
            "FOREIGN KEY ({}) REFERENCES \"{}\" ({})",
            positions(&key.columns)?,
            target.name.replace('"', "\"\""),
            referenced.join(", ")
        ));
    }
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let mut sql = format!("CREATE TABLE {quoted} ({});", parts.join(", "));
    for (n, index) in table.indexes.iter().enumerate() {
        let keys = index
            .columns
            .iter()
            .map(|(c, descending)| {
                position(c).map(|p| format!("{p}{}", if *descending { " DESC" } else { "" }))
            })
            .collect::<super::error::Result<Vec<_>>>()?;
        let unique = if index.unique { "UNIQUE " } else { "" };
        sql.push_str(&format!(
            "CREATE {unique}INDEX \"{} {n}\" ON {quoted} ({});",
            name.replace('"', "\"\""),
            keys.join(", ")
        ));
    }
    Ok(sql)
}

fn fill(connection: &Connection, table: &Table) -> Result<(), EngineError> {
    if table.rows.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> = stored(table).map(|(i, _)| format!("c{i}")).collect();
    let marks = vec!["?"; columns.len()].join(", ");
    let name = format!("{}.{}", table.schema, table.name).replace('"', "\"\"");
    let plain: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.computed.is_none())
        .map(|(i, _)| format!("c{i}"))
        .collect();
    let mut statement = connection.prepare(&format!(
        "INSERT INTO \"{name}\" ({}) VALUES ({marks})",
        plain.join(", ")
    ))?;
    for row in &table.rows {
        statement.execute(rusqlite::params_from_iter(row.iter().map(encode)))?;
    }
    Ok(())
}

/// Stored columns with their place in a row of the description.
fn stored(table: &Table) -> impl Iterator<Item = (usize, &crate::schema::ColumnDef)> {
    table
        .columns
        .iter()
        .filter(|c| c.computed.is_none())
        .enumerate()
}
