//! `sys.columns` and its kin, and `sys.types`.

use std::borrow::Borrow;

use super::model::{Column, Model};
use super::object_id;
use super::server::COLLATION;
use super::sheet::{
    Field, NVARCHAR_MAX, SYSNAME, absent, int, maybe, never, optional, ordinal, required, sheet,
    text, variant,
};
use super::types::{TYPES, TypeRow, is_character, of_column};
use crate::schema::{Database, Table};
use crate::value::SqlType::{self, Bit, Int, SmallInt, TinyInt, Variant};
use crate::value::Value;

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let of = |wanted: fn(&Column<'_>) -> bool| model.columns.iter().filter(move |row| wanted(row));
    let identities = of(|row| identity(row).is_some()).map(|column| Identity {
        column,
        last: last_value(model.database, column),
    });
    vec![
        sheet("sys", "columns", &fields(), &model.columns),
        sheet(
            "sys",
            "computed_columns",
            &computed_fields(),
            of(|row| computed(row).is_some()),
        ),
        sheet("sys", "identity_columns", &identity_fields(), identities),
        sheet("sys", "types", &type_fields(), TYPES),
    ]
}

/// The columns of the database, of the catalogue views in `system`, and of the
/// two that list everything.
pub(super) fn all_columns(model: &Model<'_>, system: &[Table]) -> Table {
    let fields = fields::<Column<'_>>();
    let mut itself = sheet("sys", "all_columns", &fields, []);
    let objects = super::objects::all_objects(model, &[]);
    let columns: Vec<Column<'_>> = system
        .iter()
        .chain([&objects, &itself])
        .flat_map(|table| {
            let id = object_id(&table.schema, &table.name);
            table
                .columns
                .iter()
                .enumerate()
                .map(move |(index, column)| Column {
                    object_id: id,
                    schema: &table.schema,
                    table: &table.name,
                    id: ordinal(index),
                    name: column.name.clone(),
                    sql_type: column.sql_type,
                    nullable: column.nullable,
                    definition: None,
                })
        })
        .collect();
    let all = model.columns.iter().chain(&columns).cloned();
    let rows = sheet("sys", "all_columns", &fields, all).rows;
    itself.rows = rows;
    itself
}

struct Identity<'a> {
    column: &'a Column<'a>,
    /// The last value given.
    last: Option<i64>,
}

impl<'a> Borrow<Column<'a>> for Identity<'a> {
    fn borrow(&self) -> &Column<'a> {
        self.column
    }
}

fn fields<'a, T: Borrow<Column<'a>>>() -> Vec<Field<T>> {
    vec![
        required("object_id", Int, |row: &T| int(row.borrow().object_id)),
        optional("name", SYSNAME, |row: &T| text(row.borrow().name.as_str())),
        required("column_id", Int, |row: &T| int(row.borrow().id)),
        required("system_type_id", TinyInt, |row: &T| {
            int(of_column(row.borrow().sql_type).system_type_id)
        }),
        required("user_type_id", Int, |row: &T| {
            int(of_column(row.borrow().sql_type).user_type_id)
        }),
        required("max_length", SmallInt, |row: &T| {
            int(of_column(row.borrow().sql_type).max_length)
        }),
        required("precision", TinyInt, |row: &T| {
            int(of_column(row.borrow().sql_type).precision)
        }),
        required("scale", TinyInt, |row: &T| {
            int(of_column(row.borrow().sql_type).scale)
        }),
        optional("collation_name", SYSNAME, |row: &T| {
            collation(row.borrow().sql_type)
        }),
        optional("is_nullable", Bit, |row: &T| {
            Value::Bit(row.borrow().nullable)
        }),
        required("is_ansi_padded", Bit, |_| Value::Bit(true)),
        never("is_rowguidcol"),
        required("is_identity", Bit, |row: &T| {
            Value::Bit(identity(row.borrow()).is_some())
        }),
        required("is_computed", Bit, |row: &T| {
            Value::Bit(computed(row.borrow()).is_some())
        }),
        never("is_filestream"),
        never("is_replicated"),
        never("is_non_sql_subscribed"),
        never("is_merge_published"),
        never("is_dts_replicated"),
        never("is_xml_document"),
        required("xml_collection_id", Int, |_| int(0)),
        required("default_object_id", Int, |row: &T| {
            int(default_id(row.borrow()))
        }),
        required("rule_object_id", Int, |_| int(0)),
        never("is_sparse"),
        never("is_column_set"),
        required("generated_always_type", TinyInt, |_| int(0)),
        optional(
            "generated_always_type_desc",
            super::sheet::nvarchar(60),
            |_| text("NOT_APPLICABLE"),
        ),
        never("is_hidden"),
        never("is_masked"),
    ]
}

fn computed_fields<'a, T: Borrow<Column<'a>>>() -> Vec<Field<T>> {
    let mut fields = fields();
    fields.extend([
        optional("definition", NVARCHAR_MAX, |row: &T| {
            maybe(computed(row.borrow()), text)
        }),
        never("uses_database_collation"),
        never("is_persisted"),
    ]);
    fields
}

fn identity_fields<'a>() -> Vec<Field<Identity<'a>>> {
    let mut fields = fields::<Identity<'a>>();
    fields.extend([
        optional("seed_value", Variant, |row: &Identity<'_>| {
            maybe(identity(row.column), |(seed, _)| variant(Int, int(seed)))
        }),
        optional("increment_value", Variant, |row: &Identity<'_>| {
            maybe(identity(row.column), |(_, step)| variant(Int, int(step)))
        }),
        optional("last_value", Variant, |row: &Identity<'_>| {
            maybe(row.last, |last| variant(Int, int(last)))
        }),
        never("is_not_for_replication"),
    ]);
    fields
}

fn type_fields<'a>() -> Vec<Field<&'a TypeRow>> {
    vec![
        required("name", SYSNAME, |row| text(row.name)),
        required("system_type_id", TinyInt, |row| int(row.system_type_id)),
        required("user_type_id", Int, |row| int(row.user_type_id)),
        required("schema_id", Int, |_| int(4)),
        absent("principal_id", Int),
        required("max_length", SmallInt, |row| int(row.max_length)),
        required("precision", TinyInt, |row| int(row.precision)),
        required("scale", TinyInt, |row| int(row.scale)),
        optional("collation_name", SYSNAME, |row| {
            const CHARACTER: [u8; 6] = [35, 99, 167, 175, 231, 239];
            if CHARACTER.contains(&row.system_type_id) {
                text(COLLATION)
            } else {
                Value::Null
            }
        }),
        optional("is_nullable", Bit, |row| {
            Value::Bit(!matches!(row.name, "timestamp" | "sysname"))
        }),
        never("is_user_defined"),
        required("is_assembly_type", Bit, |row| {
            Value::Bit(row.system_type_id == 240)
        }),
        required("default_object_id", Int, |_| int(0)),
        required("rule_object_id", Int, |_| int(0)),
        never("is_table_type"),
    ]
}

fn collation(sql_type: SqlType) -> Value {
    if is_character(sql_type) {
        text(COLLATION)
    } else {
        Value::Null
    }
}

fn identity(column: &Column<'_>) -> Option<(i64, i64)> {
    column.definition?.identity
}

fn computed<'a>(column: &Column<'a>) -> Option<&'a str> {
    column.definition?.computed.as_deref()
}

fn default_id(column: &Column<'_>) -> i32 {
    column
        .definition
        .filter(|definition| definition.default.is_some())
        .map_or(0, |definition| {
            let name = super::model::default_name(column.table, &definition.name);
            object_id(column.schema, &name)
        })
}

fn last_value(database: &Database, column: &Column<'_>) -> Option<i64> {
    let table = database
        .tables
        .iter()
        .find(|table| table.schema == column.schema && table.name == column.table)?;
    let stored = table
        .columns
        .iter()
        .filter(|definition| definition.computed.is_none())
        .position(|definition| definition.name == column.name)?;
    table
        .rows
        .iter()
        .filter_map(|row| match row.get(stored) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        })
        .max()
}
