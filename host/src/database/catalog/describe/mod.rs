//! One table in full: columns, keys, foreign keys both ways, checks, indexes and the
//! rest that the catalogue knows.

mod shape;
mod sql;
mod under;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tiberius::ColumnData;

use self::shape::{
    Actions, Check, Column, Details, ForeignKey, Index, Key, Name, Partitioned, Referrer, Target,
    Temporal,
};
use self::sql::{DETAILS, SINCE_2016};
use super::KEPT;
use super::name;
use super::rows::Cells;
use super::tables::{Table, TableName};
use super::types::sql_type;
use crate::database::error::Error;
use crate::database::policy;
use crate::database::value::{Param, Value};
use crate::database::{Inner, query};

/// See [`Database::describe`](crate::database::Database::describe).
pub(in crate::database) async fn describe(
    inner: &Inner,
    table: &TableName,
) -> Result<String, Error> {
    let known = known(inner, table).await?;
    match policy::standing(inner, KEPT).await? {
        Some(standing) => encode(&known.details.under(&standing)),
        None => Ok(known.document.clone()),
    }
}

/// See [`Database::primary_key`](crate::database::Database::primary_key).
pub(in crate::database) async fn primary_key(
    inner: &Inner,
    table: &TableName,
) -> Result<Vec<String>, Error> {
    Ok(known(inner, table).await?.details.primary_keys.clone())
}

/// What is kept of a table.
pub(super) struct Known {
    details: Details,
    /// The same as JSON.
    document: String,
}

fn encode(details: &Details) -> Result<String, Error> {
    serde_json::to_string(details)
        .map_err(|error| Error::Other(format!("encoding a table's description: {error}")))
}

async fn known(inner: &Inner, name: &TableName) -> Result<Arc<Known>, Error> {
    let table = name::find(inner, name).await?;
    // By its id: a table that was dropped and made anew is another.
    let known = inner.catalog.described.get(&table.object_id);
    inner.catalog.tally.count(known.is_some());
    if let Some(known) = known {
        return Ok(known);
    }
    let id = || Param {
        name: "id".to_owned(),
        value: Value::Int(table.object_id),
        sql_type: Some("int".to_owned()),
    };
    let sets = query::internal(inner, DETAILS, vec![id()]).await?;
    let mut details = assemble(&table, sets);
    if !inner.catalog.is_old.load(Ordering::Relaxed) {
        match query::internal(inner, SINCE_2016, vec![id()]).await {
            Ok(sets) => add_newer(&mut details, sets),
            Err(Error::Server(error)) if !error.retryable => {
                // A column that is not there yet (207).
                inner.catalog.is_old.store(true, Ordering::Relaxed);
                tracing::info!(%error.message, "the catalogue is older than SQL Server 2016");
            }
            Err(error) => return Err(error),
        }
    }
    let document = encode(&details)?;
    let known = Arc::new(Known { details, document });
    inner
        .catalog
        .described
        .insert(table.object_id, Arc::clone(&known));
    Ok(known)
}

type Sets = Vec<Vec<Vec<ColumnData<'static>>>>;

fn assemble(table: &Table, sets: Sets) -> Details {
    let mut sets = sets
        .into_iter()
        .map(|rows| rows.into_iter().map(Cells::new).collect::<Vec<_>>());
    let mut next = || sets.next().unwrap_or_default();
    let columns: Vec<Column> = next().into_iter().filter_map(column).collect();
    let (primary_keys, unique) = keys(next());
    let (foreign_keys, referenced_by) = foreign_keys(next(), table.object_id);
    let checks = next().into_iter().filter_map(check).collect();
    let indexes = indexes(next());
    let triggers = next().into_iter().filter_map(|mut cells| cells.text());
    let triggers = triggers.collect();
    let partitioned = next().into_iter().find_map(partitioned);
    Details {
        schema: table.name.schema.clone(),
        table: table.name.name.clone(),
        r#type: table.kind,
        comment: table.comment.clone(),
        rows: table.approximate_rows,
        column_count: columns.len(),
        columns,
        primary_keys,
        foreign_keys,
        referenced_by,
        unique,
        checks,
        indexes,
        triggers,
        temporal: None,
        partitioned,
    }
}

/// Adds what only newer servers know.
fn add_newer(details: &mut Details, sets: Sets) {
    let mut sets = sets.into_iter();
    for row in sets.next().unwrap_or_default() {
        let masked = Cells::new(row).text();
        let mut columns = details.columns.iter_mut();
        if let Some(column) = columns.find(|column| masked.as_ref() == Some(&column.name)) {
            column.masked = true;
        }
    }
    let pair = sets.next().unwrap_or_default().into_iter().next();
    details.temporal = pair.map(Cells::new).and_then(|mut cells| {
        let has_history = cells.bit();
        let name = Name {
            schema: cells.text()?,
            table: cells.text()?,
        };
        Some(if has_history {
            Temporal::HistoryTable(name)
        } else {
            Temporal::HistoryOf(name)
        })
    });
}

fn partitioned(mut cells: Cells) -> Option<Partitioned> {
    Some(Partitioned {
        column: cells.text(),
        scheme: cells.text()?,
        function: cells.text()?,
        partitions: cells.number()?,
    })
}

fn column(mut cells: Cells) -> Option<Column> {
    let name = cells.text()?;
    let declared = cells.text()?;
    let base = cells.text();
    let max_length = cells.number().unwrap_or(0);
    let precision = cells.number().unwrap_or(0);
    let scale = cells.number().unwrap_or(0);
    let (nullable, identity) = (cells.bit(), cells.bit());
    let (default, computed, comment) = (cells.text(), cells.text(), cells.text());
    let (collation, sparse, persisted) = (cells.text(), cells.bit(), cells.bit());
    let (seed, increment) = (cells.text(), cells.text());
    let schema = cells.text();
    let is_clr = cells.bit();
    // An alias type is shown as its base, with its own name beside; a CLR type has no
    // base.
    let alias = schema.filter(|_| !is_clr);
    Some(Column {
        r#type: sql_type(
            base.as_deref().unwrap_or(&declared),
            max_length,
            precision,
            scale,
        ),
        alias: alias.map(|schema| format!("{schema}.{declared}")),
        name,
        nullable,
        default,
        identity,
        seed,
        increment,
        persisted: computed.is_some().then_some(persisted),
        computed,
        collation,
        sparse,
        masked: false,
        comment,
    })
}

/// The primary key's columns and the unique constraints, in key order.
fn keys(rows: Vec<Cells>) -> (Vec<String>, Vec<Key>) {
    let mut primary = Vec::new();
    let mut unique: Vec<Key> = Vec::new();
    for mut cells in rows {
        let (Some(name), Some(kind), Some(column)) = (cells.text(), cells.text(), cells.text())
        else {
            continue;
        };
        if kind == "PK" {
            primary.push(column);
            continue;
        }
        match unique.last_mut() {
            Some(key) if key.name == name => key.columns.push(column),
            _ => unique.push(Key {
                name,
                columns: vec![column],
            }),
        }
    }
    (primary, unique)
}

/// Those of the table itself, and those of others that point at it. A key from
/// the table to itself is in both.
fn foreign_keys(rows: Vec<Cells>, table: i64) -> (Vec<ForeignKey>, Vec<Referrer>) {
    let mut outgoing: Vec<ForeignKey> = Vec::new();
    let mut incoming: Vec<Referrer> = Vec::new();
    let mut last = None;
    for mut cells in rows {
        let (id, parent, target) = (cells.number(), cells.number(), cells.number());
        let mut text = || cells.text().unwrap_or_default();
        let (name, schema, from, column) = (text(), text(), text(), text());
        let (to_schema, to, to_column) = (text(), text(), text());
        let mut action = || Some(cells.text()?.replace('_', " ").to_lowercase());
        let (on_delete, on_update) = (action(), action());
        let actions = Actions {
            on_delete,
            // Keys hardly ever change: said only where something follows.
            on_update: on_update.filter(|action| action != "no action"),
        };
        let same = last == id;
        last = id;
        if parent == Some(table) {
            match outgoing.last_mut() {
                Some(key) if same => {
                    key.columns.push(column.clone());
                    key.references.columns.push(to_column.clone());
                }
                _ => outgoing.push(ForeignKey {
                    name: name.clone(),
                    columns: vec![column.clone()],
                    references: Target {
                        schema: to_schema,
                        table: to,
                        columns: vec![to_column.clone()],
                    },
                    actions: actions.clone(),
                }),
            }
        }
        if target == Some(table) {
            match incoming.last_mut() {
                Some(key) if same => {
                    key.columns.push(column);
                    key.referenced_columns.push(to_column);
                }
                _ => incoming.push(Referrer {
                    name,
                    schema,
                    table: from,
                    columns: vec![column],
                    referenced_columns: vec![to_column],
                    actions,
                }),
            }
        }
    }
    (outgoing, incoming)
}

fn check(mut cells: Cells) -> Option<Check> {
    Some(Check {
        name: cells.text()?,
        definition: cells.text()?,
    })
}

fn indexes(rows: Vec<Cells>) -> Vec<Index> {
    let mut indexes: Vec<Index> = Vec::new();
    for mut cells in rows {
        let Some(name) = cells.text() else { continue };
        let kind = cells.text().unwrap_or_default().to_lowercase();
        let unique = cells.bit();
        let filter = cells.text();
        let column = cells.text().unwrap_or_default();
        let (descending, is_included) = (cells.bit(), cells.bit());
        if indexes.last().is_none_or(|index| index.name != name) {
            indexes.push(Index {
                name,
                unique,
                r#type: kind,
                columns: Vec::new(),
                included: Vec::new(),
                filter,
            });
        }
        let Some(index) = indexes.last_mut() else {
            continue;
        };
        if is_included {
            index.included.push(column);
        } else if descending {
            index.columns.push(format!("{column} DESC"));
        } else {
            index.columns.push(column);
        }
    }
    indexes
}

#[cfg(test)]
mod tests;
