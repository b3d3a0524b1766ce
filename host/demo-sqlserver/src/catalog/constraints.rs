//! Keys, foreign keys, checks and defaults.

use super::model::{IndexFact, Kind, Model, Object, column_id};
use super::object_id;
use super::objects::{AsObject, fields};
use super::sheet::{
    Field, NVARCHAR_MAX, int, maybe, never, nvarchar, optional, ordinal, required, sheet, text,
};
use crate::schema::{ForeignKey, Table};
use crate::value::SqlType::{Bit, Int, TinyInt};
use crate::value::Value;

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let checks = rows(model, |kind| match kind {
        Kind::Check(_, check) => Some((0, check.definition.as_str())),
        _ => None,
    });
    let defaults = rows(model, |kind| match kind {
        Kind::Default(column, expression) => Some((column, expression)),
        _ => None,
    });
    vec![
        sheet("sys", "key_constraints", &key_fields(), keys(model)),
        sheet(
            "sys",
            "foreign_keys",
            &foreign_key_fields(),
            foreign_keys(model),
        ),
        sheet("sys", "foreign_key_columns", &pair_fields(), pairs(model)),
        sheet("sys", "check_constraints", &check_fields(), checks),
        sheet("sys", "default_constraints", &default_fields(), defaults),
    ]
}

/// A constraint with what its own view adds to `sys.objects`.
struct Row<'a, T> {
    object: &'a Object<'a>,
    detail: T,
}

impl<T> AsObject for Row<'_, T> {
    fn object(&self) -> &Object<'_> {
        self.object
    }
}

/// What a foreign key refers to: a table, and the id of its key's index there.
struct Target {
    table: i32,
    index: Option<i32>,
}

/// One pair of columns of a foreign key.
struct Pair {
    constraint: i32,
    place: i32,
    parent: (i32, i32),
    referenced: (i32, i32),
}

fn rows<'a, T>(model: &'a Model<'a>, detail: fn(Kind<'a>) -> Option<T>) -> Vec<Row<'a, T>> {
    model
        .objects
        .iter()
        .filter_map(|object| {
            let detail = detail(object.kind)?;
            Some(Row { object, detail })
        })
        .collect()
}

/// Each with its index.
fn keys<'a>(model: &'a Model<'a>) -> impl Iterator<Item = Row<'a, Option<&'a IndexFact<'a>>>> {
    model
        .objects
        .iter()
        .filter(|object| matches!(object.kind, Kind::PrimaryKey(..) | Kind::Unique(..)))
        .map(|object| Row {
            object,
            detail: model.indexes.iter().find(|index| {
                index.object_id == object.parent_id && index.name == Some(object.name.as_str())
            }),
        })
}

/// Each with the table it refers to and the index there.
fn foreign_keys<'a>(model: &'a Model<'a>) -> Vec<Row<'a, Target>> {
    references(model)
        .map(|(object, _, key)| Row {
            object,
            detail: Target {
                table: object_id(&key.references.0, &key.references.1),
                index: model.referenced_index(key).map(|index| index.id),
            },
        })
        .collect()
}

fn references<'a>(
    model: &'a Model<'a>,
) -> impl Iterator<Item = (&'a Object<'a>, &'a Table, &'a ForeignKey)> {
    model.objects.iter().filter_map(|object| match object.kind {
        Kind::ForeignKey(table, key) => Some((object, table, key)),
        _ => None,
    })
}

fn pairs<'a>(model: &'a Model<'a>) -> impl Iterator<Item = Pair> + use<'a> {
    references(model).flat_map(|(object, table, key)| {
        let referenced = object_id(&key.references.0, &key.references.1);
        let target = model
            .database
            .tables
            .iter()
            .find(|table| key.references == (table.schema.clone(), table.name.clone()));
        key.columns
            .iter()
            .zip(&key.referenced_columns)
            .enumerate()
            .map(move |(index, (from, to))| Pair {
                constraint: object.id,
                place: ordinal(index),
                parent: (object.parent_id, column_id(&table.columns, from)),
                referenced: (
                    referenced,
                    target.map_or(0, |target| column_id(&target.columns, to)),
                ),
            })
    })
}

fn key_fields<'a>() -> Vec<Field<Row<'a, Option<&'a IndexFact<'a>>>>> {
    let mut fields = fields();
    fields.extend([
        optional(
            "unique_index_id",
            Int,
            |row: &Row<'_, Option<&IndexFact<'_>>>| maybe(row.detail, |index| int(index.id)),
        ),
        never("is_system_named"),
        required("is_enforced", Bit, |_| Value::Bit(true)),
    ]);
    fields
}

fn foreign_key_fields<'a>() -> Vec<Field<Row<'a, Target>>> {
    let mut fields = fields();
    fields.extend([
        optional("referenced_object_id", Int, |row: &Row<'_, Target>| {
            int(row.detail.table)
        }),
        optional("key_index_id", Int, |row: &Row<'_, Target>| {
            maybe(row.detail.index, int)
        }),
        never("is_disabled"),
        never("is_not_for_replication"),
        never("is_not_trusted"),
        required("delete_referential_action", TinyInt, |_| int(0)),
        optional("delete_referential_action_desc", nvarchar(60), |_| {
            text("NO_ACTION")
        }),
        required("update_referential_action", TinyInt, |_| int(0)),
        optional("update_referential_action_desc", nvarchar(60), |_| {
            text("NO_ACTION")
        }),
        never("is_system_named"),
    ]);
    fields
}

fn pair_fields() -> Vec<Field<Pair>> {
    vec![
        required("constraint_object_id", Int, |row| int(row.constraint)),
        required("constraint_column_id", Int, |row| int(row.place)),
        required("parent_object_id", Int, |row| int(row.parent.0)),
        required("parent_column_id", Int, |row| int(row.parent.1)),
        required("referenced_object_id", Int, |row| int(row.referenced.0)),
        required("referenced_column_id", Int, |row| int(row.referenced.1)),
    ]
}

fn check_fields<'a>() -> Vec<Field<Row<'a, (i32, &'a str)>>> {
    let mut fields = fields();
    fields.extend([
        never("is_disabled"),
        never("is_not_for_replication"),
        never("is_not_trusted"),
        required("parent_column_id", Int, |row: &Row<'_, (i32, &str)>| {
            int(row.detail.0)
        }),
        optional("definition", NVARCHAR_MAX, |row: &Row<'_, (i32, &str)>| {
            text(row.detail.1)
        }),
        never("uses_database_collation"),
        never("is_system_named"),
    ]);
    fields
}

fn default_fields<'a>() -> Vec<Field<Row<'a, (i32, &'a str)>>> {
    let mut fields = fields();
    fields.extend([
        required("parent_column_id", Int, |row: &Row<'_, (i32, &str)>| {
            int(row.detail.0)
        }),
        optional("definition", NVARCHAR_MAX, |row: &Row<'_, (i32, &str)>| {
            text(row.detail.1)
        }),
        required("is_system_named", Bit, |_| Value::Bit(true)),
    ]);
    fields
}
