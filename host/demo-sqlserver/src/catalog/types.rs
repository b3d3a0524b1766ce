//! What SQL Server reports about each type: ids, length in bytes, precision and
//! scale (`sys.types`, `sys.columns`).

use crate::value::{Length, SqlType, Udt};

/// A row of `sys.types`.
#[derive(Clone, Copy)]
pub(super) struct TypeRow {
    pub(super) name: &'static str,
    pub(super) system_type_id: u8,
    pub(super) user_type_id: i32,
    pub(super) max_length: i16,
    pub(super) precision: u8,
    pub(super) scale: u8,
}

/// The type with that `user_type_id`, as `TYPE_NAME` gives it.
#[must_use]
pub fn type_name(user_type_id: i32) -> Option<&'static str> {
    TYPES
        .iter()
        .find(|row| row.user_type_id == user_type_id)
        .map(|row| row.name)
}

/// The `user_type_id` of a type, as `TYPE_ID` gives it, in any case.
#[must_use]
pub fn type_id(name: &str) -> Option<i32> {
    TYPES
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(name))
        .map(|row| row.user_type_id)
}

/// A type as it is declared: `decimal(18,4)`, `nvarchar(max)`. A rowversion is
/// called `timestamp`, as everywhere in the catalogue.
#[must_use]
pub fn declared(sql_type: SqlType) -> String {
    let name = base_name(sql_type);
    match sql_type {
        SqlType::Decimal { precision, scale } => format!("{name}({precision},{scale})"),
        SqlType::Char(length) | SqlType::NChar(length) | SqlType::Binary(length) => {
            format!("{name}({length})")
        }
        SqlType::VarChar(length) | SqlType::NVarChar(length) | SqlType::VarBinary(length) => {
            match length {
                Length::Limited(length) => format!("{name}({length})"),
                Length::Max => format!("{name}(max)"),
            }
        }
        SqlType::Time(scale) | SqlType::DateTime2(scale) | SqlType::DateTimeOffset(scale) => {
            format!("{name}({scale})")
        }
        _ => name.to_owned(),
    }
}

/// The type without length, precision and scale.
pub(crate) fn base_name(sql_type: SqlType) -> &'static str {
    match sql_type {
        SqlType::Bit => "bit",
        SqlType::TinyInt => "tinyint",
        SqlType::SmallInt => "smallint",
        SqlType::Int => "int",
        SqlType::BigInt => "bigint",
        SqlType::Real => "real",
        SqlType::Float => "float",
        SqlType::Decimal { .. } => "decimal",
        SqlType::SmallMoney => "smallmoney",
        SqlType::Money => "money",
        SqlType::Char(_) => "char",
        SqlType::VarChar(_) => "varchar",
        SqlType::NChar(_) => "nchar",
        SqlType::NVarChar(_) => "nvarchar",
        SqlType::Text => "text",
        SqlType::NText => "ntext",
        SqlType::Binary(_) => "binary",
        SqlType::VarBinary(_) => "varbinary",
        SqlType::Image => "image",
        SqlType::RowVersion => "timestamp",
        SqlType::UniqueIdentifier => "uniqueidentifier",
        SqlType::Date => "date",
        SqlType::Time(_) => "time",
        SqlType::DateTime => "datetime",
        SqlType::SmallDateTime => "smalldatetime",
        SqlType::DateTime2(_) => "datetime2",
        SqlType::DateTimeOffset(_) => "datetimeoffset",
        SqlType::Xml => "xml",
        SqlType::Variant => "sql_variant",
        SqlType::Udt(Udt::Geography) => "geography",
        SqlType::Udt(Udt::Geometry) => "geometry",
        SqlType::Udt(Udt::HierarchyId) => "hierarchyid",
    }
}

/// The facts of a column of that type: its row of `sys.types` with the length,
/// precision and scale of the column.
pub(super) fn of_column(sql_type: SqlType) -> TypeRow {
    let name = base_name(sql_type);
    let row = TYPES
        .iter()
        .find(|row| row.name == name)
        .copied()
        .unwrap_or(TypeRow { name, ..UNKNOWN });
    let sized = |max_length| TypeRow { max_length, ..row };
    let timed = |max_length, without_fraction: u8, scale: u8| TypeRow {
        max_length,
        // The point counts as a digit where there is a fraction.
        precision: without_fraction + if scale == 0 { 0 } else { scale + 1 },
        scale,
        ..row
    };
    match sql_type {
        SqlType::Decimal { precision, scale } => TypeRow {
            max_length: decimal_bytes(precision),
            precision,
            scale,
            ..row
        },
        SqlType::Char(length) | SqlType::Binary(length) => sized(bytes(length, 1)),
        SqlType::NChar(length) => sized(bytes(length, 2)),
        SqlType::VarChar(length) | SqlType::VarBinary(length) => sized(variable_bytes(length, 1)),
        SqlType::NVarChar(length) => sized(variable_bytes(length, 2)),
        SqlType::Time(scale) => timed(3 + fraction_bytes(scale), 8, scale),
        SqlType::DateTime2(scale) => timed(6 + fraction_bytes(scale), 19, scale),
        SqlType::DateTimeOffset(scale) => timed(8 + fraction_bytes(scale), 26, scale),
        _ => row,
    }
}

/// Whether the type has a collation.
pub(super) fn is_character(sql_type: SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Text
    ) || is_unicode(sql_type)
}

/// Whether it is nchar, nvarchar or ntext.
pub(super) fn is_unicode(sql_type: SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::NChar(_) | SqlType::NVarChar(_) | SqlType::NText
    )
}

fn bytes(length: u16, width: u16) -> i16 {
    i16::try_from(length.saturating_mul(width)).unwrap_or(8000)
}

fn variable_bytes(length: Length, width: u16) -> i16 {
    match length {
        Length::Limited(length) => bytes(length, width),
        Length::Max => -1,
    }
}

fn decimal_bytes(precision: u8) -> i16 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

fn fraction_bytes(scale: u8) -> i16 {
    match scale {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

const fn row(name: &'static str, id: u8, max_length: i16, precision: u8, scale: u8) -> TypeRow {
    TypeRow {
        name,
        system_type_id: id,
        user_type_id: id as i32,
        max_length,
        precision,
        scale,
    }
}

/// A CLR type, or `sysname`: its id is not that of the system type under it.
const fn derived(name: &'static str, system: u8, user: i32, max_length: i16) -> TypeRow {
    TypeRow {
        name,
        system_type_id: system,
        user_type_id: user,
        max_length,
        precision: 0,
        scale: 0,
    }
}

const UNKNOWN: TypeRow = derived("", 0, 0, 0);

/// The rows of `sys.types` in SQL Server 2022.
pub(super) const TYPES: &[TypeRow] = &[
    row("image", 34, 16, 0, 0),
    row("text", 35, 16, 0, 0),
    row("uniqueidentifier", 36, 16, 0, 0),
    row("date", 40, 3, 10, 0),
    row("time", 41, 5, 16, 7),
    row("datetime2", 42, 8, 27, 7),
    row("datetimeoffset", 43, 10, 34, 7),
    row("tinyint", 48, 1, 3, 0),
    row("smallint", 52, 2, 5, 0),
    row("int", 56, 4, 10, 0),
    row("smalldatetime", 58, 4, 16, 0),
    row("real", 59, 4, 24, 0),
    row("money", 60, 8, 19, 4),
    row("datetime", 61, 8, 23, 3),
    row("float", 62, 8, 53, 0),
    row("sql_variant", 98, 8016, 0, 0),
    row("ntext", 99, 16, 0, 0),
    row("bit", 104, 1, 1, 0),
    row("decimal", 106, 17, 38, 38),
    row("numeric", 108, 17, 38, 38),
    row("smallmoney", 122, 4, 10, 4),
    row("bigint", 127, 8, 19, 0),
    derived("hierarchyid", 240, 128, 892),
    derived("geometry", 240, 129, -1),
    derived("geography", 240, 130, -1),
    row("varbinary", 165, 8000, 0, 0),
    row("varchar", 167, 8000, 0, 0),
    row("binary", 173, 8000, 0, 0),
    row("char", 175, 8000, 0, 0),
    row("timestamp", 189, 8, 0, 0),
    row("nvarchar", 231, 8000, 0, 0),
    row("nchar", 239, 8000, 0, 0),
    row("xml", 241, -1, 0, 0),
    derived("sysname", 231, 256, 256),
];
