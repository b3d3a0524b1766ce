//! `INFORMATION_SCHEMA` (ISO/IEC 9075-11, as SQL Server fills it).

use super::model::{Column, Kind, Model, Object};
use super::server::COLLATION;
use super::sheet::{
    Field, NVARCHAR_MAX, SYSNAME, absent, int, maybe, nvarchar, optional, ordinal, required, sheet,
    text,
};
use super::types::{base_name, is_character, is_unicode, of_column};
use crate::schema::Table;
use crate::value::SqlType::{self, Int, SmallInt, TinyInt};
use crate::value::{Length, Value};

pub(super) fn tables(model: &Model<'_>) -> Vec<Table> {
    let information = "INFORMATION_SCHEMA";
    let database = model.database.name.as_str();
    let of = |wanted: fn(&Kind<'_>) -> bool| {
        model
            .objects
            .iter()
            .filter(move |object| wanted(&object.kind))
            .map(move |object| Row {
                database,
                fact: object,
            })
    };
    let schemas = model.schemas.iter().map(|&(name, _)| Row {
        database,
        fact: name,
    });
    let columns = model.columns.iter().map(|column| Row {
        database,
        fact: column,
    });
    vec![
        sheet(information, "SCHEMATA", &schema_fields(), schemas),
        sheet(
            information,
            "TABLES",
            &table_fields(),
            of(|kind| matches!(kind, Kind::Table(_) | Kind::View(_))),
        ),
        sheet(
            information,
            "VIEWS",
            &view_fields(),
            of(|kind| matches!(kind, Kind::View(_))),
        ),
        sheet(information, "COLUMNS", &column_fields(), columns),
        sheet(
            information,
            "TABLE_CONSTRAINTS",
            &constraint_fields(),
            of(|kind| constraint_type(kind).is_some()),
        ),
        sheet(
            information,
            "KEY_COLUMN_USAGE",
            &key_usage_fields(),
            usages(model, false),
        ),
        sheet(
            information,
            "CONSTRAINT_COLUMN_USAGE",
            &column_usage_fields(),
            usages(model, true),
        ),
        sheet(
            information,
            "REFERENTIAL_CONSTRAINTS",
            &referential_fields(),
            referentials(model),
        ),
        sheet(
            information,
            "CHECK_CONSTRAINTS",
            &check_fields(),
            of(|kind| matches!(kind, Kind::Check(..))),
        ),
    ]
}

/// A fact, and the name of the database that each view begins with.
struct Row<'a, T> {
    database: &'a str,
    fact: T,
}

type ObjectRow<'a> = Row<'a, &'a Object<'a>>;

/// A column of a constraint.
struct Usage<'a> {
    constraint: &'a str,
    schema: &'a str,
    table: &'a str,
    column: &'a str,
    place: i32,
}

/// A foreign key, and the schema and name of the key it refers to.
struct Referential<'a> {
    schema: &'a str,
    name: &'a str,
    unique: Option<(&'a str, &'a str)>,
}

/// The columns of primary keys, unique constraints and foreign keys; of `CHECK`
/// constraints too where `checks` is set, as far as their condition names them.
fn usages<'a>(model: &'a Model<'a>, checks: bool) -> Vec<Row<'a, Usage<'a>>> {
    let mut usages = Vec::new();
    for object in &model.objects {
        let (table, columns): (&Table, Vec<&str>) = match object.kind {
            Kind::PrimaryKey(table, key) | Kind::Unique(table, key) => {
                (table, key.columns.iter().map(String::as_str).collect())
            }
            Kind::ForeignKey(table, key) => {
                (table, key.columns.iter().map(String::as_str).collect())
            }
            Kind::Check(table, check) if checks => {
                let named = |name: &&str| check.definition.contains(&format!("[{name}]"));
                let names = table.columns.iter().map(|column| column.name.as_str());
                (table, names.filter(named).collect())
            }
            _ => continue,
        };
        usages.extend(columns.into_iter().enumerate().map(|(index, column)| Row {
            database: model.database.name.as_str(),
            fact: Usage {
                constraint: &object.name,
                schema: object.schema,
                table: &table.name,
                column,
                place: ordinal(index),
            },
        }));
    }
    usages
}

fn referentials<'a>(model: &'a Model<'a>) -> impl Iterator<Item = Row<'a, Referential<'a>>> {
    model.objects.iter().filter_map(|object| {
        let Kind::ForeignKey(_, key) = object.kind else {
            return None;
        };
        Some(Row {
            database: model.database.name.as_str(),
            fact: Referential {
                schema: object.schema,
                name: &object.name,
                unique: model
                    .referenced_index(key)
                    .and_then(|index| Some((key.references.0.as_str(), index.name?))),
            },
        })
    })
}

fn constraint_type(kind: &Kind<'_>) -> Option<&'static str> {
    match kind {
        Kind::PrimaryKey(..) => Some("PRIMARY KEY"),
        Kind::Unique(..) => Some("UNIQUE"),
        Kind::ForeignKey(..) => Some("FOREIGN KEY"),
        Kind::Check(..) => Some("CHECK"),
        _ => None,
    }
}

fn catalog<'a, T>(name: &'static str) -> Field<Row<'a, T>> {
    optional(name, SYSNAME, |row: &Row<'a, T>| text(row.database))
}

fn schema_fields<'a>() -> Vec<Field<Row<'a, &'a str>>> {
    vec![
        catalog("CATALOG_NAME"),
        required("SCHEMA_NAME", SYSNAME, |row| text(row.fact)),
        optional("SCHEMA_OWNER", SYSNAME, |row| {
            text(match row.fact {
                owner @ ("guest" | "INFORMATION_SCHEMA" | "sys") => owner,
                _ => "dbo",
            })
        }),
        absent("DEFAULT_CHARACTER_SET_CATALOG", SYSNAME),
        absent("DEFAULT_CHARACTER_SET_SCHEMA", SYSNAME),
        optional("DEFAULT_CHARACTER_SET_NAME", SYSNAME, |_| text("iso_1")),
    ]
}

fn table_fields<'a>() -> Vec<Field<ObjectRow<'a>>> {
    vec![
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("TABLE_NAME", SYSNAME, |row| text(row.fact.name.as_str())),
        optional("TABLE_TYPE", SqlType::VarChar(Length::Limited(10)), |row| {
            text(match row.fact.kind {
                Kind::View(_) => "VIEW",
                _ => "BASE TABLE",
            })
        }),
    ]
}

fn view_fields<'a>() -> Vec<Field<ObjectRow<'a>>> {
    vec![
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("TABLE_NAME", SYSNAME, |row| text(row.fact.name.as_str())),
        optional("VIEW_DEFINITION", nvarchar(4000), |row| {
            super::objects::module(row.fact)
        }),
        optional("CHECK_OPTION", SqlType::VarChar(Length::Limited(7)), |_| {
            text("NONE")
        }),
        required("IS_UPDATABLE", SqlType::VarChar(Length::Limited(2)), |_| {
            text("NO")
        }),
    ]
}

fn column_fields<'a>() -> Vec<Field<Row<'a, &'a Column<'a>>>> {
    vec![
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("TABLE_NAME", SYSNAME, |row| text(row.fact.table)),
        optional("COLUMN_NAME", SYSNAME, |row| text(row.fact.name.as_str())),
        required("ORDINAL_POSITION", Int, |row| int(row.fact.id)),
        optional("COLUMN_DEFAULT", nvarchar(4000), |row| {
            let default = row
                .fact
                .definition
                .and_then(|column| column.default.as_deref());
            maybe(default, text)
        }),
        optional("IS_NULLABLE", SqlType::VarChar(Length::Limited(3)), |row| {
            text(if row.fact.nullable { "YES" } else { "NO" })
        }),
        optional("DATA_TYPE", SYSNAME, |row| {
            text(base_name(row.fact.sql_type))
        }),
        optional("CHARACTER_MAXIMUM_LENGTH", Int, |row| {
            maybe(lengths(row.fact.sql_type), |(length, _)| int(length))
        }),
        optional("CHARACTER_OCTET_LENGTH", Int, |row| {
            maybe(lengths(row.fact.sql_type), |(_, octets)| int(octets))
        }),
        optional("NUMERIC_PRECISION", TinyInt, |row| {
            maybe(numeric(row.fact.sql_type), |(precision, _, _)| {
                int(precision)
            })
        }),
        optional("NUMERIC_PRECISION_RADIX", SmallInt, |row| {
            maybe(numeric(row.fact.sql_type), |(_, radix, _)| int(radix))
        }),
        optional("NUMERIC_SCALE", Int, |row| {
            let scale = numeric(row.fact.sql_type).and_then(|(_, _, scale)| scale);
            maybe(scale, int)
        }),
        optional("DATETIME_PRECISION", SmallInt, |row| {
            maybe(fraction(row.fact.sql_type), int)
        }),
        absent("CHARACTER_SET_CATALOG", SYSNAME),
        absent("CHARACTER_SET_SCHEMA", SYSNAME),
        optional("CHARACTER_SET_NAME", SYSNAME, |row| {
            match (
                is_unicode(row.fact.sql_type),
                is_character(row.fact.sql_type),
            ) {
                (true, _) => text("UNICODE"),
                (_, true) => text("iso_1"),
                _ => Value::Null,
            }
        }),
        absent("COLLATION_CATALOG", SYSNAME),
        absent("COLLATION_SCHEMA", SYSNAME),
        optional("COLLATION_NAME", SYSNAME, |row| {
            let character = is_character(row.fact.sql_type);
            maybe(character.then_some(COLLATION), text)
        }),
        absent("DOMAIN_CATALOG", SYSNAME),
        absent("DOMAIN_SCHEMA", SYSNAME),
        absent("DOMAIN_NAME", SYSNAME),
    ]
}

fn constraint_fields<'a>() -> Vec<Field<ObjectRow<'a>>> {
    vec![
        catalog("CONSTRAINT_CATALOG"),
        optional("CONSTRAINT_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("CONSTRAINT_NAME", SYSNAME, |row| {
            text(row.fact.name.as_str())
        }),
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        optional("TABLE_NAME", SYSNAME, |row| match row.fact.kind {
            Kind::PrimaryKey(table, _)
            | Kind::Unique(table, _)
            | Kind::ForeignKey(table, _)
            | Kind::Check(table, _) => text(table.name.as_str()),
            _ => Value::Null,
        }),
        optional(
            "CONSTRAINT_TYPE",
            SqlType::VarChar(Length::Limited(11)),
            |row| maybe(constraint_type(&row.fact.kind), text),
        ),
        required(
            "IS_DEFERRABLE",
            SqlType::VarChar(Length::Limited(2)),
            |_| text("NO"),
        ),
        required(
            "INITIALLY_DEFERRED",
            SqlType::VarChar(Length::Limited(2)),
            |_| text("NO"),
        ),
    ]
}

fn key_usage_fields<'a>() -> Vec<Field<Row<'a, Usage<'a>>>> {
    vec![
        catalog("CONSTRAINT_CATALOG"),
        optional("CONSTRAINT_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("CONSTRAINT_NAME", SYSNAME, |row| text(row.fact.constraint)),
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("TABLE_NAME", SYSNAME, |row| text(row.fact.table)),
        optional("COLUMN_NAME", SYSNAME, |row| text(row.fact.column)),
        required("ORDINAL_POSITION", Int, |row| int(row.fact.place)),
    ]
}

fn column_usage_fields<'a>() -> Vec<Field<Row<'a, Usage<'a>>>> {
    vec![
        catalog("TABLE_CATALOG"),
        optional("TABLE_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("TABLE_NAME", SYSNAME, |row| text(row.fact.table)),
        optional("COLUMN_NAME", SYSNAME, |row| text(row.fact.column)),
        catalog("CONSTRAINT_CATALOG"),
        optional("CONSTRAINT_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("CONSTRAINT_NAME", SYSNAME, |row| text(row.fact.constraint)),
    ]
}

fn referential_fields<'a>() -> Vec<Field<Row<'a, Referential<'a>>>> {
    vec![
        catalog("CONSTRAINT_CATALOG"),
        optional("CONSTRAINT_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("CONSTRAINT_NAME", SYSNAME, |row| text(row.fact.name)),
        catalog("UNIQUE_CONSTRAINT_CATALOG"),
        optional("UNIQUE_CONSTRAINT_SCHEMA", SYSNAME, |row| {
            maybe(row.fact.unique, |(schema, _)| text(schema))
        }),
        optional("UNIQUE_CONSTRAINT_NAME", SYSNAME, |row| {
            maybe(row.fact.unique, |(_, name)| text(name))
        }),
        optional("MATCH_OPTION", SqlType::VarChar(Length::Limited(7)), |_| {
            text("SIMPLE")
        }),
        optional("UPDATE_RULE", SqlType::VarChar(Length::Limited(11)), |_| {
            text("NO ACTION")
        }),
        optional("DELETE_RULE", SqlType::VarChar(Length::Limited(11)), |_| {
            text("NO ACTION")
        }),
    ]
}

fn check_fields<'a>() -> Vec<Field<ObjectRow<'a>>> {
    vec![
        catalog("CONSTRAINT_CATALOG"),
        optional("CONSTRAINT_SCHEMA", SYSNAME, |row| text(row.fact.schema)),
        required("CONSTRAINT_NAME", SYSNAME, |row| {
            text(row.fact.name.as_str())
        }),
        optional("CHECK_CLAUSE", NVARCHAR_MAX, |row| match row.fact.kind {
            Kind::Check(_, check) => text(check.definition.as_str()),
            _ => Value::Null,
        }),
    ]
}

/// Greatest length in characters (or bytes) and in bytes; -1 for `max`.
fn lengths(sql_type: SqlType) -> Option<(i32, i32)> {
    let octets = i32::from(of_column(sql_type).max_length);
    match sql_type {
        SqlType::Text | SqlType::Image => Some((i32::MAX, i32::MAX)),
        SqlType::NText => Some((i32::MAX / 2, i32::MAX - 1)),
        SqlType::NChar(_) | SqlType::NVarChar(Length::Limited(_)) => Some((octets / 2, octets)),
        SqlType::Variant => Some((0, 0)),
        SqlType::Char(_)
        | SqlType::VarChar(_)
        | SqlType::NVarChar(Length::Max)
        | SqlType::Binary(_)
        | SqlType::VarBinary(_)
        | SqlType::Xml
        | SqlType::Udt(_) => Some((octets, octets)),
        _ => None,
    }
}

/// Precision, its radix, and the scale where there is one.
fn numeric(sql_type: SqlType) -> Option<(u8, u8, Option<u8>)> {
    let row = of_column(sql_type);
    match sql_type {
        SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Decimal { .. }
        | SqlType::SmallMoney
        | SqlType::Money => Some((row.precision, 10, Some(row.scale))),
        SqlType::Real | SqlType::Float => Some((row.precision, 2, None)),
        _ => None,
    }
}

/// Digits of a second's fraction.
fn fraction(sql_type: SqlType) -> Option<u8> {
    match sql_type {
        SqlType::Date
        | SqlType::Time(_)
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::DateTime2(_)
        | SqlType::DateTimeOffset(_) => Some(of_column(sql_type).scale),
        _ => None,
    }
}
