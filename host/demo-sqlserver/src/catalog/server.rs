//! Schemas, databases, settings, and the comments on everything
//! (`sys.extended_properties`).

use super::model::{Kind, Model};
use super::sheet::{
    Field, SYSNAME, absent, int, never, nvarchar, optional, required, sheet, text, variant,
};
use crate::schema::Table;
use crate::value::SqlType::{Bit, DateTime, Int, TinyInt, Variant};
use crate::value::Value;

/// The collation of the database and of every character column.
pub(super) const COLLATION: &str = "SQL_Latin1_General_CP1_CI_AS";

/// When every object was made: 2024-01-15 09:00, as days since 0001-01-01 and
/// ticks of 100 ns.
pub(super) const CREATED: Value = Value::DateTime(738_899, 9 * 36_000_000_000);

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let databases = [
        "master",
        "tempdb",
        "model",
        "msdb",
        model.database.name.as_str(),
    ];
    vec![
        sheet(
            "sys",
            "schemas",
            &schema_fields(),
            model.schemas.iter().copied(),
        ),
        sheet(
            "sys",
            "databases",
            &database_fields(),
            databases.into_iter().zip(1..),
        ),
        sheet("sys", "configurations", &setting_fields(), SETTINGS),
        sheet(
            "sys",
            "extended_properties",
            &property_fields(),
            comments(model),
        ),
    ]
}

struct Comment<'a> {
    object_id: i32,
    /// 0 for a comment on the table or view itself.
    column_id: i32,
    text: &'a str,
}

fn comments<'a>(model: &'a Model<'a>) -> impl Iterator<Item = Comment<'a>> {
    let objects = model.objects.iter().filter_map(|object| {
        let comment = match object.kind {
            Kind::Table(table) => table.comment.as_deref(),
            Kind::View(view) => view.comment.as_deref(),
            _ => None,
        };
        Some(Comment {
            object_id: object.id,
            column_id: 0,
            text: comment?,
        })
    });
    let columns = model.columns.iter().filter_map(|column| {
        let text = column.definition?.comment.as_deref()?;
        Some(Comment {
            object_id: column.object_id,
            column_id: column.id,
            text,
        })
    });
    objects.chain(columns)
}

fn schema_fields<'a>() -> Vec<Field<(&'a str, i32)>> {
    vec![
        required("name", SYSNAME, |row| text(row.0)),
        required("schema_id", Int, |row| int(row.1)),
        // A system schema belongs to the principal of the same id, others to dbo.
        optional("principal_id", Int, |row| {
            int(if row.1 < 5 { row.1 } else { 1 })
        }),
    ]
}

fn property_fields<'a>() -> Vec<Field<Comment<'a>>> {
    vec![
        required("class", TinyInt, |_| int(1)),
        optional("class_desc", nvarchar(60), |_| text("OBJECT_OR_COLUMN")),
        required("major_id", Int, |row| int(row.object_id)),
        required("minor_id", Int, |row| int(row.column_id)),
        required("name", SYSNAME, |_| text("MS_Description")),
        optional("value", Variant, |row| {
            variant(nvarchar(4000), text(row.text))
        }),
    ]
}

fn database_fields<'a>() -> Vec<Field<(&'a str, i32)>> {
    vec![
        required("name", SYSNAME, |row| text(row.0)),
        required("database_id", Int, |row| int(row.1)),
        absent("source_database_id", Int),
        required("create_date", DateTime, |_| CREATED),
        required("compatibility_level", TinyInt, |_| int(160)),
        optional("collation_name", SYSNAME, |_| text(COLLATION)),
        optional("user_access", TinyInt, |_| int(0)),
        optional("user_access_desc", nvarchar(60), |_| text("MULTI_USER")),
        never("is_read_only"),
        never("is_auto_close_on"),
        optional("state", TinyInt, |_| int(0)),
        optional("state_desc", nvarchar(60), |_| text("ONLINE")),
        never("is_in_standby"),
        optional("snapshot_isolation_state", TinyInt, |_| int(0)),
        optional("snapshot_isolation_state_desc", nvarchar(60), |_| {
            text("OFF")
        }),
        optional("is_read_committed_snapshot_on", Bit, |_| Value::Bit(false)),
        optional("recovery_model", TinyInt, |_| int(3)),
        optional("recovery_model_desc", nvarchar(60), |_| text("SIMPLE")),
        never("is_trustworthy_on"),
        never("is_encrypted"),
        never("is_query_store_on"),
        required("containment", TinyInt, |_| int(0)),
        optional("containment_desc", nvarchar(60), |_| text("NONE")),
    ]
}

struct Setting {
    id: i32,
    name: &'static str,
    value: i32,
    greatest: i32,
    description: &'static str,
}

fn setting_fields<'a>() -> Vec<Field<&'a Setting>> {
    let number: fn(&&Setting) -> Value = |row| variant(Int, int(row.value));
    vec![
        required("configuration_id", Int, |row| int(row.id)),
        required("name", nvarchar(35), |row| text(row.name)),
        optional("value", Variant, number),
        optional("minimum", Variant, |_| variant(Int, int(0))),
        optional("maximum", Variant, |row| variant(Int, int(row.greatest))),
        optional("value_in_use", Variant, number),
        required("description", nvarchar(255), |row| text(row.description)),
        required("is_dynamic", Bit, |_| Value::Bit(true)),
        required("is_advanced", Bit, |_| Value::Bit(true)),
    ]
}

const fn switch(id: i32, name: &'static str, description: &'static str) -> Setting {
    Setting {
        id,
        name,
        value: 0,
        greatest: 1,
        description,
    }
}

const SETTINGS: &[Setting] = &[
    Setting {
        id: 1520,
        name: "remote query timeout (s)",
        value: 600,
        greatest: i32::MAX,
        description: "Longest a query to another server may take, in seconds",
    },
    Setting {
        id: 1539,
        name: "max degree of parallelism",
        value: 0,
        greatest: 32767,
        description: "Most processors a statement may use",
    },
    Setting {
        id: 1544,
        name: "max server memory (MB)",
        value: i32::MAX,
        greatest: i32::MAX,
        description: "Most memory the server may use, in MB",
    },
    switch(1562, "clr enabled", "Whether user code of the CLR may run"),
    switch(
        16390,
        "xp_cmdshell",
        "Whether commands of the operating system may run",
    ),
    switch(
        16391,
        "Ad Hoc Distributed Queries",
        "Whether OPENROWSET may name any source",
    ),
];
