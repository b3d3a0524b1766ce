//! A catalogue view as a list of columns, each with its type and how its value
//! follows from a row's fact.

use crate::schema::{ColumnDef, Table};
use crate::value::{Length, SqlType, Value};

/// The type `sysname`.
pub(super) const SYSNAME: SqlType = nvarchar(128);
/// What definitions are of.
pub(super) const NVARCHAR_MAX: SqlType = SqlType::NVarChar(Length::Max);

pub(super) const fn nvarchar(characters: u16) -> SqlType {
    SqlType::NVarChar(Length::Limited(characters))
}

/// A column of a catalogue view over facts of type `T`.
pub(super) struct Field<T> {
    name: &'static str,
    sql_type: SqlType,
    nullable: bool,
    value: fn(&T) -> Value,
}

/// A NOT NULL column.
pub(super) fn required<T>(
    name: &'static str,
    sql_type: SqlType,
    value: fn(&T) -> Value,
) -> Field<T> {
    Field {
        name,
        sql_type,
        nullable: false,
        value,
    }
}

/// A column that may be NULL.
pub(super) fn optional<T>(
    name: &'static str,
    sql_type: SqlType,
    value: fn(&T) -> Value,
) -> Field<T> {
    Field {
        name,
        sql_type,
        nullable: true,
        value,
    }
}

/// A bit that is 0 in every row.
pub(super) fn never<T>(name: &'static str) -> Field<T> {
    required(name, SqlType::Bit, |_| Value::Bit(false))
}

/// A column that is NULL in every row.
pub(super) fn absent<T>(name: &'static str, sql_type: SqlType) -> Field<T> {
    optional(name, sql_type, |_| Value::Null)
}

/// The view with a row for each fact.
pub(super) fn sheet<T>(
    schema: &str,
    name: &str,
    fields: &[Field<T>],
    facts: impl IntoIterator<Item = T>,
) -> Table {
    Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        columns: fields
            .iter()
            .map(|field| ColumnDef {
                name: field.name.to_owned(),
                sql_type: field.sql_type,
                nullable: field.nullable,
                default: None,
                identity: None,
                computed: None,
                comment: None,
            })
            .collect(),
        rows: facts
            .into_iter()
            .map(|fact| fields.iter().map(|field| (field.value)(&fact)).collect())
            .collect(),
        ..Table::default()
    }
}

pub(super) fn int(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

pub(super) fn maybe<T>(value: Option<T>, as_value: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, as_value)
}

/// A `sql_variant`.
pub(super) fn variant(sql_type: SqlType, value: Value) -> Value {
    Value::Variant(Box::new((sql_type, value)))
}

/// A count as SQL Server counts rows.
pub(super) fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A place in a list of columns, from 1.
pub(super) fn ordinal(index: usize) -> i32 {
    i32::try_from(index).map_or(i32::MAX, |index| index.saturating_add(1))
}
