//! One table in full: columns, keys, foreign keys both ways, checks, indexes.

use std::sync::Arc;

use serde::Serialize;
use tiberius::ColumnData;

use super::name::find;
use super::rows::Cells;
use super::tables::{Table, TableName};
use super::types::sql_type;
use crate::database::error::Error;
use crate::database::policy::{self, Standing};
use crate::database::value::{Param, Value};
use crate::database::{Inner, query};

/// The document of `describe_table`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Details {
    schema: String,
    table: String,
    r#type: &'static str,
    comment: Option<String>,
    rows: Option<u64>,
    columns: Vec<Column>,
    primary_keys: Vec<String>,
    foreign_keys: Vec<ForeignKey>,
    referenced_by: Vec<Referrer>,
    unique: Vec<Key>,
    checks: Vec<Check>,
    indexes: Vec<Index>,
    column_count: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Column {
    name: String,
    r#type: String,
    nullable: bool,
    default: Option<String>,
    identity: bool,
    computed: Option<String>,
    comment: Option<String>,
    /// Whether its values are masked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    masked: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Key {
    name: String,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct ForeignKey {
    name: String,
    columns: Vec<String>,
    references: Target,
}

#[derive(Debug, Clone, Serialize)]
struct Target {
    schema: String,
    table: String,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Referrer {
    name: String,
    schema: String,
    table: String,
    columns: Vec<String>,
    referenced_columns: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Check {
    name: String,
    definition: String,
}

#[derive(Debug, Clone, Serialize)]
struct Index {
    name: String,
    unique: bool,
    r#type: String,
    /// `Name` or `Name DESC`, in key order.
    columns: Vec<String>,
    included: Vec<String>,
    filter: Option<String>,
}

/// See [`Database::describe`](crate::database::Database::describe).
pub(in crate::database) async fn describe(
    inner: &Inner,
    table: &TableName,
) -> Result<String, Error> {
    let details = details(inner, table).await?;
    let json = match policy::standing(inner).await? {
        Some(standing) => serde_json::to_string(&details.under(&standing)),
        None => serde_json::to_string(details.as_ref()),
    };
    json.map_err(|error| Error::Other(format!("encoding a table's description: {error}")))
}

/// See [`Database::primary_key`](crate::database::Database::primary_key).
pub(in crate::database) async fn primary_key(
    inner: &Inner,
    table: &TableName,
) -> Result<Vec<String>, Error> {
    Ok(details(inner, table).await?.primary_keys.clone())
}

async fn details(inner: &Inner, name: &TableName) -> Result<Arc<Details>, Error> {
    let tables = policy::visible(inner).await?;
    let table = find(&tables, name)?;
    if let Some(details) = inner.catalog.details.get(&table.name) {
        return Ok(details);
    }
    let id = Param {
        name: "id".to_owned(),
        value: Value::Int(table.object_id),
        sql_type: Some("int".to_owned()),
    };
    let sets = query::internal(inner, DETAILS, vec![id]).await?;
    let details = Arc::new(assemble(table, sets));
    inner
        .catalog
        .details
        .insert(table.name.clone(), Arc::clone(&details));
    Ok(details)
}

impl Details {
    /// What a scope's policy leaves of it: no name of a table that is kept back.
    fn under(&self, standing: &Standing) -> Self {
        let mut details = self.clone();
        let (schema, table) = (&self.schema, &self.table);
        let tells = |text: &Option<String>| {
            text.as_deref()
                .is_some_and(|text| standing.tells_of_hidden(text))
        };
        for column in &mut details.columns {
            column.masked = standing.is_masked(schema, table, &column.name);
            if tells(&column.default) {
                column.default = None;
            }
            if tells(&column.computed) {
                column.computed = Some("(…)".to_owned());
            }
        }
        details
            .foreign_keys
            .retain(|key| standing.is_readable(&key.references.schema, &key.references.table));
        details
            .referenced_by
            .retain(|key| standing.is_readable(&key.schema, &key.table));
        details
            .checks
            .retain(|check| !standing.tells_of_hidden(&check.definition));
        details
    }
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
    }
}

fn column(mut cells: Cells) -> Option<Column> {
    let name = cells.text()?;
    let declared = cells.text()?;
    // An alias type is shown as its base; CLR types have none.
    let base = cells.text().unwrap_or(declared);
    let max_length = cells.number().unwrap_or(0);
    let precision = cells.number().unwrap_or(0);
    let scale = cells.number().unwrap_or(0);
    Some(Column {
        name,
        r#type: sql_type(&base, max_length, precision, scale),
        nullable: cells.bit(),
        identity: cells.bit(),
        default: cells.text(),
        computed: cells.text(),
        comment: cells.text(),
        masked: false,
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

/// Five result sets in one round trip: columns, keys, foreign keys, checks,
/// indexes.
const DETAILS: &str = "\
SELECT c.name, t.name, b.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity,
       d.definition, k.definition, CAST(e.value AS nvarchar(4000))
FROM sys.columns AS c
JOIN sys.types AS t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id
LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id
LEFT JOIN sys.extended_properties AS e
  ON e.class = 1 AND e.major_id = c.object_id AND e.minor_id = c.column_id
 AND e.name = N'MS_Description'
WHERE c.object_id = @id
ORDER BY c.column_id;
SELECT k.name, k.type, c.name
FROM sys.key_constraints AS k
JOIN sys.index_columns AS i ON i.object_id = k.parent_object_id AND i.index_id = k.unique_index_id
JOIN sys.columns AS c ON c.object_id = i.object_id AND c.column_id = i.column_id
WHERE k.parent_object_id = @id
ORDER BY k.name, i.key_ordinal;
SELECT f.object_id, f.parent_object_id, f.referenced_object_id, f.name,
       ps.name, pt.name, pc.name, rs.name, rt.name, rc.name
FROM sys.foreign_keys AS f
JOIN sys.foreign_key_columns AS l ON l.constraint_object_id = f.object_id
JOIN sys.tables AS pt ON pt.object_id = f.parent_object_id
JOIN sys.schemas AS ps ON ps.schema_id = pt.schema_id
JOIN sys.columns AS pc ON pc.object_id = l.parent_object_id AND pc.column_id = l.parent_column_id
JOIN sys.tables AS rt ON rt.object_id = f.referenced_object_id
JOIN sys.schemas AS rs ON rs.schema_id = rt.schema_id
JOIN sys.columns AS rc
  ON rc.object_id = l.referenced_object_id AND rc.column_id = l.referenced_column_id
WHERE f.parent_object_id = @id OR f.referenced_object_id = @id
ORDER BY f.name, f.object_id, l.constraint_column_id;
SELECT name, definition FROM sys.check_constraints WHERE parent_object_id = @id ORDER BY name;
SELECT i.name, i.type_desc, i.is_unique, i.filter_definition, c.name,
       ic.is_descending_key, ic.is_included_column
FROM sys.indexes AS i
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = @id AND i.index_id > 0 AND i.is_primary_key = 0 AND i.is_unique_constraint = 0
ORDER BY i.name, ic.is_included_column, ic.key_ordinal, ic.index_column_id";

#[cfg(test)]
mod tests;
