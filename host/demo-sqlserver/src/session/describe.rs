//! `sp_describe_first_result_set`: the columns of a query without its rows.

use super::prepared::error;
use crate::backend::BackendSession;
use crate::value::{Column, Flow, Length, Sink, SqlError, SqlType, Udt, Value};

/// The columns that `sql` returns first; none where it is not a query.
///
/// Only a query is run, up to its columns: it has no effect.
///
/// # Errors
/// What the query itself would answer.
pub(crate) fn first_result_set(
    session: &mut dyn BackendSession,
    sql: &str,
) -> Result<Vec<Column>, SqlError> {
    let first_word = sql
        .split(|character: char| !character.is_ascii_alphabetic())
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    if !["select", "with"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(first_word))
    {
        return Ok(Vec::new());
    }
    if sql.contains('@') {
        return Err(error(
            11_513,
            "not supported by the embedded database: describing a query with parameters".to_owned(),
        ));
    }
    let mut described = Described::default();
    match session.execute(sql, Some(&[]), &mut described) {
        Err(error) if described.columns.is_none() => Err(error),
        _ => Ok(described.columns.unwrap_or_default()),
    }
}

/// Sends the description as a result set of its own.
pub(crate) fn put(columns: &[Column], sink: &mut dyn Sink) {
    let layout: Vec<Column> = LAYOUT
        .iter()
        .map(|(name, sql_type)| Column {
            name: (*name).to_owned(),
            sql_type: *sql_type,
            nullable: true,
            identity: false,
        })
        .collect();
    let mut flow = sink.columns(&layout);
    let mut count = 0;
    for column in columns {
        if flow == Flow::Stop {
            return;
        }
        count += 1;
        flow = sink.row(&row(count, column));
    }
    let _ = sink.done(u64::try_from(count).ok());
}

/// Takes the columns and nothing else.
#[derive(Default)]
struct Described {
    columns: Option<Vec<Column>>,
}

impl Sink for Described {
    fn columns(&mut self, columns: &[Column]) -> Flow {
        self.columns.get_or_insert_with(|| columns.to_vec());
        Flow::Stop
    }

    fn row(&mut self, _: &[Value]) -> Flow {
        Flow::Stop
    }

    fn done(&mut self, _: Option<u64>) -> Flow {
        Flow::Continue
    }

    fn info(&mut self, _: &SqlError) -> Flow {
        Flow::Continue
    }
}

fn row(ordinal: i64, column: &Column) -> Vec<Value> {
    let described = system_type(column.sql_type);
    let collation = if described.collated {
        Value::Text("SQL_Latin1_General_CP1_CI_AS".to_owned())
    } else {
        Value::Null
    };
    vec![
        Value::Bit(false),
        Value::Int(ordinal),
        Value::Text(column.name.clone()),
        Value::Bit(column.nullable),
        Value::Int(described.id),
        Value::Text(described.name),
        Value::Int(described.max_length),
        Value::Int(described.precision),
        Value::Int(described.scale),
        collation,
        Value::Bit(column.identity),
        Value::Bit(false),
        Value::Bit(false),
    ]
}

/// A row of `sys.types` as a column uses it.
struct SystemType {
    id: i64,
    name: String,
    max_length: i64,
    precision: i64,
    scale: i64,
    collated: bool,
}

fn system_type(sql_type: SqlType) -> SystemType {
    let plain = |id, name: &str, max_length, precision, scale| SystemType {
        id,
        name: name.to_owned(),
        max_length,
        precision,
        scale,
        collated: false,
    };
    let text = |id, name: String, max_length| SystemType {
        id,
        name,
        max_length,
        precision: 0,
        scale: 0,
        collated: true,
    };
    let time = |id, name: &str, max_length, whole: i64, scale: u8| {
        let scale_digits = i64::from(scale);
        let point = i64::from(scale > 0);
        plain(
            id,
            &format!("{name}({scale})"),
            max_length,
            whole + point + scale_digits,
            scale_digits,
        )
    };
    match sql_type {
        SqlType::Bit => plain(104, "bit", 1, 1, 0),
        SqlType::TinyInt => plain(48, "tinyint", 1, 3, 0),
        SqlType::SmallInt => plain(52, "smallint", 2, 5, 0),
        SqlType::Int => plain(56, "int", 4, 10, 0),
        SqlType::BigInt => plain(127, "bigint", 8, 19, 0),
        SqlType::Real => plain(59, "real", 4, 24, 0),
        SqlType::Float => plain(62, "float", 8, 53, 0),
        SqlType::Decimal { precision, scale } => {
            let bytes = match precision {
                0..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                _ => 17,
            };
            let name = format!("decimal({precision},{scale})");
            plain(106, &name, bytes, precision.into(), scale.into())
        }
        SqlType::SmallMoney => plain(122, "smallmoney", 4, 10, 4),
        SqlType::Money => plain(60, "money", 8, 19, 4),
        SqlType::Char(n) => text(175, format!("char({n})"), n.into()),
        SqlType::VarChar(length) => text(167, named("varchar", length), bytes(length, 1)),
        SqlType::NChar(n) => text(239, format!("nchar({n})"), i64::from(n) * 2),
        SqlType::NVarChar(length) => text(231, named("nvarchar", length), bytes(length, 2)),
        SqlType::Text => text(35, "text".to_owned(), 16),
        SqlType::NText => text(99, "ntext".to_owned(), 16),
        SqlType::Binary(n) => plain(173, &format!("binary({n})"), n.into(), 0, 0),
        SqlType::VarBinary(length) => {
            plain(165, &named("varbinary", length), bytes(length, 1), 0, 0)
        }
        SqlType::Image => plain(34, "image", 16, 0, 0),
        SqlType::RowVersion => plain(189, "timestamp", 8, 0, 0),
        SqlType::UniqueIdentifier => plain(36, "uniqueidentifier", 16, 0, 0),
        SqlType::Date => plain(40, "date", 3, 10, 0),
        SqlType::Time(scale) => time(41, "time", 5, 8, scale),
        SqlType::DateTime => plain(61, "datetime", 8, 23, 3),
        SqlType::SmallDateTime => plain(58, "smalldatetime", 4, 16, 0),
        SqlType::DateTime2(scale) => time(42, "datetime2", 8, 19, scale),
        SqlType::DateTimeOffset(scale) => time(43, "datetimeoffset", 10, 26, scale),
        SqlType::Xml => plain(241, "xml", -1, 0, 0),
        SqlType::Variant => plain(98, "sql_variant", 8_016, 0, 0),
        SqlType::Udt(Udt::Geography) => plain(240, "geography", -1, 0, 0),
        SqlType::Udt(Udt::Geometry) => plain(240, "geometry", -1, 0, 0),
        SqlType::Udt(Udt::HierarchyId) => plain(240, "hierarchyid", 892, 0, 0),
    }
}

fn named(name: &str, length: Length) -> String {
    match length {
        Length::Limited(length) => format!("{name}({length})"),
        Length::Max => format!("{name}(max)"),
    }
}

fn bytes(length: Length, width: i64) -> i64 {
    match length {
        Length::Limited(length) => i64::from(length) * width,
        Length::Max => -1,
    }
}

const NAME: SqlType = SqlType::NVarChar(Length::Limited(128));

/// The columns of the real procedure's result that drivers read.
const LAYOUT: [(&str, SqlType); 13] = [
    ("is_hidden", SqlType::Bit),
    ("column_ordinal", SqlType::Int),
    ("name", NAME),
    ("is_nullable", SqlType::Bit),
    ("system_type_id", SqlType::Int),
    ("system_type_name", SqlType::NVarChar(Length::Limited(256))),
    ("max_length", SqlType::SmallInt),
    ("precision", SqlType::TinyInt),
    ("scale", SqlType::TinyInt),
    ("collation_name", NAME),
    ("is_identity_column", SqlType::Bit),
    ("is_computed_column", SqlType::Bit),
    ("is_sparse_column_set", SqlType::Bit),
];
