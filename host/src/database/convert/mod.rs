//! From the driver's values to ours: column types as SQL Server writes them,
//! and typed values that keep every digit.

use tiberius::{ColumnData, ColumnType};

use super::text;
use super::value::{Column, Date, DateTime, DateTimeOffset, Time, Value};

/// How the cells of a column are read where the wire type alone does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By the value's own variant.
    Plain,
    /// money and smallmoney arrive as `f64`.
    Money,
    /// sql_variant: money in it arrives as `f64`, and so does float.
    Variant,
    /// char(n) and nchar(n): trailing padding is no content.
    FixedChar,
    /// rowversion arrives as binary(8).
    RowVersion,
    /// A CLR type, as raw bytes.
    Udt,
    /// A document of one column, in rows of about 2 000 characters.
    JsonChunks,
    /// The same of FOR XML.
    XmlChunks,
}

/// What `sys.dm_exec_describe_first_result_set` says of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// Name, to tell a description of another result apart.
    pub(super) name: String,
    /// Exact type.
    pub(super) sql_type: String,
    /// Whether NULL can occur.
    pub(super) nullable: bool,
}

/// Joins what the wire and the description say of a column.
pub(super) fn column(wire: &tiberius::Column, described: Option<&Described>) -> (Column, Kind) {
    let kind = match wire.column_type() {
        ColumnType::Money | ColumnType::Money4 => Kind::Money,
        ColumnType::SSVariant => Kind::Variant,
        ColumnType::BigChar | ColumnType::NChar => Kind::FixedChar,
        ColumnType::Udt => Kind::Udt,
        ColumnType::BigBinary if described.is_some_and(is_rowversion) => Kind::RowVersion,
        _ if wire.name() == JSON_CHUNKS => Kind::JsonChunks,
        _ if wire.name() == XML_CHUNKS => Kind::XmlChunks,
        _ => Kind::Plain,
    };
    let sql_type = match (kind, described) {
        (Kind::RowVersion, _) => "rowversion".to_owned(),
        (_, Some(described)) => described.sql_type.clone(),
        (_, None) => wire_type(wire.column_type()).to_owned(),
    };
    let column = Column {
        name: wire.name().to_owned(),
        sql_type,
        nullable: described.is_none_or(|described| described.nullable),
        masked: false,
    };
    (column, kind)
}

/// The typed value of a cell of a column of `sql_type`.
pub(super) fn value(kind: Kind, sql_type: &str, data: ColumnData<'static>) -> Value {
    match data {
        ColumnData::Bit(Some(bit)) => Value::Bit(bit),
        ColumnData::U8(Some(number)) => Value::Int(number.into()),
        ColumnData::I16(Some(number)) => Value::Int(number.into()),
        ColumnData::I32(Some(number)) => Value::Int(number.into()),
        ColumnData::I64(Some(number)) => Value::Int(number),
        ColumnData::F32(Some(number)) => Value::Real(number),
        ColumnData::F64(Some(number)) if kind == Kind::Money => money(number),
        ColumnData::F64(Some(number)) => Value::Float(number),
        ColumnData::Numeric(Some(number)) => Value::Decimal(ascii(|out| {
            text::decimal(out, number.value(), number.scale());
        })),
        ColumnData::String(Some(text)) => Value::Text(owned_text(kind, text)),
        ColumnData::Binary(Some(bytes)) => match kind {
            Kind::Udt => Value::Other {
                sql_type: sql_type.to_owned(),
                text: ascii(|out| text::hex(out, &bytes)),
            },
            _ => Value::Bytes(bytes.into_owned()),
        },
        ColumnData::Guid(Some(uuid)) => Value::Uuid(
            uuid.as_hyphenated()
                .encode_upper(&mut tiberius::Uuid::encode_buffer())
                .to_owned(),
        ),
        ColumnData::Xml(Some(xml)) => Value::Other {
            sql_type: "xml".to_owned(),
            text: xml.into_owned().into_string(),
        },
        ColumnData::Date(Some(value)) => Value::Date(date(value)),
        ColumnData::Time(Some(value)) => Value::Time(time(value)),
        ColumnData::DateTime(Some(value)) => Value::DateTime(datetime(value)),
        ColumnData::SmallDateTime(Some(value)) => Value::DateTime(small_datetime(value)),
        ColumnData::DateTime2(Some(value)) => Value::DateTime(datetime2(value)),
        ColumnData::DateTimeOffset(Some(value)) => Value::DateTimeOffset(datetime_offset(value)),
        _ => Value::Null,
    }
}

/// date
pub(super) fn date(value: tiberius::time::Date) -> Date {
    text::date_from_days(value.days().into())
}

/// time(n)
pub(super) fn time(value: tiberius::time::Time) -> Time {
    let scale = u32::from(value.scale().min(9));
    Time {
        nanos: value
            .increments()
            .saturating_mul(10_u64.pow(9 - scale))
            .min(LAST_NANO),
    }
}

/// datetime: 1/300 seconds, shown rounded to .000, .003 or .007 as everywhere.
pub(super) fn datetime(value: tiberius::time::DateTime) -> DateTime {
    let millis = (u64::from(value.seconds_fragments()) * 10 + 1) / 3;
    DateTime {
        date: text::date_from_days(DAYS_TO_1900 + i64::from(value.days())),
        time: Time {
            nanos: (millis * 1_000_000).min(LAST_NANO),
        },
    }
}

/// smalldatetime: whole minutes.
pub(super) fn small_datetime(value: tiberius::time::SmallDateTime) -> DateTime {
    DateTime {
        date: text::date_from_days(DAYS_TO_1900 + i64::from(value.days())),
        time: Time {
            nanos: u64::from(value.seconds_fragments()) * 60_000_000_000,
        },
    }
}

/// datetime2(n)
pub(super) fn datetime2(value: tiberius::time::DateTime2) -> DateTime {
    DateTime {
        date: date(value.date()),
        time: time(value.time()),
    }
}

/// datetimeoffset(n): UTC on the wire, local time in every display.
pub(super) fn datetime_offset(value: tiberius::time::DateTimeOffset) -> DateTimeOffset {
    let utc = value.datetime2();
    let nanos = i128::from(time(utc.time()).nanos) + i128::from(value.offset()) * 60_000_000_000;
    let days =
        i64::from(utc.date().days()) + i64::try_from(nanos.div_euclid(NANOS_PER_DAY)).unwrap_or(0);
    DateTimeOffset {
        local: DateTime {
            date: text::date_from_days(days),
            time: Time {
                nanos: u64::try_from(nanos.rem_euclid(NANOS_PER_DAY)).unwrap_or(0),
            },
        },
        offset_minutes: value.offset(),
    }
}

/// Money as the driver holds it: a decimal while that is exact, else no more
/// than the float it is.
fn money(number: f64) -> Value {
    let mut exact = true;
    let digits = ascii(|out| exact = text::money(out, number));
    if exact {
        Value::Decimal(digits)
    } else {
        Value::Float(number)
    }
}

/// The content of a character cell: char(n) is padded with spaces to n.
pub(super) fn content(kind: Kind, text: &str) -> &str {
    match kind {
        Kind::FixedChar => text.trim_end_matches(' '),
        _ => text,
    }
}

fn owned_text(kind: Kind, text: std::borrow::Cow<'static, str>) -> String {
    let mut text = text.into_owned();
    let length = content(kind, &text).len();
    text.truncate(length);
    text
}

fn ascii(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(40);
    write(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn is_rowversion(described: &Described) -> bool {
    matches!(described.sql_type.as_str(), "timestamp" | "rowversion")
}

/// The type that the wire's type token stands for, without the length and
/// precision that the driver does not hand on.
fn wire_type(wire: ColumnType) -> &'static str {
    match wire {
        ColumnType::Null | ColumnType::Int4 | ColumnType::Intn => "int",
        ColumnType::Bit | ColumnType::Bitn => "bit",
        ColumnType::Int1 => "tinyint",
        ColumnType::Int2 => "smallint",
        ColumnType::Int8 => "bigint",
        ColumnType::Datetime4 => "smalldatetime",
        ColumnType::Float4 => "real",
        ColumnType::Float8 | ColumnType::Floatn => "float",
        ColumnType::Money => "money",
        ColumnType::Money4 => "smallmoney",
        ColumnType::Datetime | ColumnType::Datetimen => "datetime",
        ColumnType::Guid => "uniqueidentifier",
        ColumnType::Decimaln => "decimal",
        ColumnType::Numericn => "numeric",
        ColumnType::Daten => "date",
        ColumnType::Timen => "time",
        ColumnType::Datetime2 => "datetime2",
        ColumnType::DatetimeOffsetn => "datetimeoffset",
        ColumnType::BigVarBin => "varbinary",
        ColumnType::BigVarChar => "varchar",
        ColumnType::BigBinary => "binary",
        ColumnType::BigChar => "char",
        ColumnType::NVarchar => "nvarchar",
        ColumnType::NChar => "nchar",
        ColumnType::Xml => "xml",
        ColumnType::Udt => "udt",
        ColumnType::Text => "text",
        ColumnType::Image => "image",
        ColumnType::NText => "ntext",
        ColumnType::SSVariant => "sql_variant",
    }
}

const DAYS_TO_1900: i64 = 693_595;
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const LAST_NANO: u64 = 86_399_999_999_999;

/// The names SQL Server gives the one column of FOR JSON and FOR XML.
const JSON_CHUNKS: &str = "JSON_F52E2B61-18A1-11d1-B105-00805F49916B";
const XML_CHUNKS: &str = "XML_F52E2B61-18A1-11d1-B105-00805F49916B";

#[cfg(test)]
mod tests;
