//! `dbo.AllTypes`: a column of every type, with values that are easy to get
//! wrong.

use super::calendar::{HOUR, MINUTE, SECOND, day};
use super::draft::{Draft, nvarchar, varchar};
use crate::schema::Table;
use crate::value::{Length, SqlType, Udt, Value};

/// Rows: 1 hard values, 2 NULLs, 3 the least and 4 the greatest value of each
/// type, 5 more hard ones.
pub(super) fn table() -> Table {
    let columns = columns();
    let mut draft = Draft::table(
        "dbo",
        "AllTypes",
        "One column of every type: 1 hard values, 2 NULLs, 3 least, 4 greatest, 5 more hard values",
    )
    .required("Id", SqlType::Int, "Number of the row")
    .primary_key("Id");
    let mut rows: Vec<Vec<Value>> = (1..=5).map(|id| vec![Value::Int(id)]).collect();
    for (name, sql_type, [hard, least, greatest, other]) in columns {
        for (row, value) in rows
            .iter_mut()
            .zip([hard, Value::Null, least, greatest, other])
        {
            row.push(value);
        }
        draft = draft.optional(name, sql_type, "");
    }
    // The server writes it, so it is never NULL.
    draft = draft.required(
        "c_rowversion",
        SqlType::RowVersion,
        "Changes with every update",
    );
    for (row, version) in rows.iter_mut().zip(2001_u64..) {
        row.push(Value::Bytes(version.to_be_bytes().to_vec()));
    }
    draft.rows(rows)
}

type Spec = (&'static str, SqlType, [Value; 4]);

fn columns() -> Vec<Spec> {
    let mut columns = numbers();
    columns.extend(characters());
    columns.extend(binaries());
    columns.extend(times());
    columns.extend(others());
    columns
}

fn numbers() -> Vec<Spec> {
    use Value::{Bit, Decimal, Float, Int, Money, Real};
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    vec![
        (
            "c_bit",
            SqlType::Bit,
            [Bit(true), Bit(false), Bit(true), Bit(false)],
        ),
        (
            "c_tinyint",
            SqlType::TinyInt,
            [Int(200), Int(0), Int(255), Int(1)],
        ),
        (
            "c_smallint",
            SqlType::SmallInt,
            [
                Int(-12_345),
                Int(i16::MIN.into()),
                Int(i16::MAX.into()),
                Int(-1),
            ],
        ),
        (
            "c_int",
            SqlType::Int,
            [
                Int(16_777_217),
                Int(i32::MIN.into()),
                Int(i32::MAX.into()),
                Int(-1),
            ],
        ),
        (
            "c_bigint",
            SqlType::BigInt,
            [
                Int(9_007_199_254_740_993),
                Int(i64::MIN),
                Int(i64::MAX),
                Int(-9_007_199_254_740_993),
            ],
        ),
        (
            "c_decimal",
            decimal(38, 10),
            [
                Decimal(-12_345_678_901_234_567_890_123_456_780_123_456_789),
                Decimal(-GREATEST_DECIMAL),
                Decimal(GREATEST_DECIMAL),
                Decimal(-1),
            ],
        ),
        (
            "c_decimal_5_2",
            decimal(5, 2),
            [Decimal(-5), Decimal(-99_999), Decimal(99_999), Decimal(10)],
        ),
        (
            "c_decimal_38_0",
            decimal(38, 0),
            [
                Decimal(1 << 100),
                Decimal(-GREATEST_DECIMAL),
                Decimal(GREATEST_DECIMAL),
                Decimal(0),
            ],
        ),
        (
            "c_money",
            SqlType::Money,
            [Money(i64::MAX), Money(i64::MIN), Money(i64::MAX), Money(1)],
        ),
        (
            "c_smallmoney",
            SqlType::SmallMoney,
            [
                Money(-500),
                Money(i32::MIN.into()),
                Money(i32::MAX.into()),
                Money(1),
            ],
        ),
        (
            "c_real",
            SqlType::Real,
            [
                Real(0.1),
                Real(f32::MIN),
                Real(f32::MAX),
                Real(f32::MIN_POSITIVE),
            ],
        ),
        (
            "c_float",
            SqlType::Float,
            [
                Float(0.1),
                Float(f64::MIN),
                Float(f64::MAX),
                Float(f64::MIN_POSITIVE),
            ],
        ),
    ]
}

fn characters() -> Vec<Spec> {
    // Every character of code page 1252 in the first two, any in the others.
    let narrow = "Zürich € ñ ß".to_owned();
    let wide = "Zürich 日本 ñ 😀👩‍👩‍👧".to_owned();
    let long = |piece: &str, times| Value::Text(piece.repeat(times));
    let padded = |text: &str| Value::Text(format!("{text:<10}"));
    let text = |text: &str| Value::Text(text.to_owned());
    vec![
        (
            "c_char",
            SqlType::Char(10),
            [padded("abc"), padded(""), padded("ÿÿÿÿÿÿÿÿÿÿ"), padded("ñ")],
        ),
        (
            "c_varchar",
            varchar(50),
            [
                text(&narrow),
                text(""),
                long("ÿ", 50),
                text("'; DROP TABLE x; --"),
            ],
        ),
        (
            "c_varchar_max",
            SqlType::VarChar(Length::Max),
            [
                long("0123456789", 1_000),
                text(""),
                long("ÿ", 20_000),
                text(&narrow),
            ],
        ),
        (
            "c_nchar",
            SqlType::NChar(10),
            [
                padded("日本"),
                padded(""),
                padded("\u{ffee}\u{ffee}"),
                padded("ñ"),
            ],
        ),
        (
            "c_nvarchar",
            nvarchar(50),
            [
                text(&wide),
                text(""),
                long("😀", 25),
                text("line 1\r\nline 2\ttab \"quoted\" \\"),
            ],
        ),
        (
            "c_nvarchar_max",
            SqlType::NVarChar(Length::Max),
            [
                long("日本😀ñ ", 1_000),
                text(""),
                long("\u{ffee}", 20_000),
                text(&wide),
            ],
        ),
        (
            "c_text",
            SqlType::Text,
            [text(&narrow), text(""), long("ÿ", 10_000), text("x")],
        ),
        (
            "c_ntext",
            SqlType::NText,
            [text(&wide), text(""), long("日本", 5_000), text("x")],
        ),
        (
            "c_xml",
            SqlType::Xml,
            [
                text("<city name=\"Zürich\"><ward>日本</ward></city>"),
                text(""),
                long("<a/>", 3_000),
                text("<a>&amp;&lt;</a>"),
            ],
        ),
    ]
}

fn binaries() -> Vec<Spec> {
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let cycle = |length| Value::Bytes((0..=u8::MAX).cycle().take(length).collect());
    vec![
        (
            "c_binary",
            SqlType::Binary(8),
            [
                bytes(&[0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0, 0]),
                bytes(&[0; 8]),
                bytes(&[0xFF; 8]),
                bytes(&[1; 8]),
            ],
        ),
        (
            "c_varbinary",
            SqlType::VarBinary(Length::Limited(50)),
            [
                bytes(&[0xDE, 0xAD, 0xBE, 0xEF]),
                bytes(&[]),
                bytes(&[0xFF; 50]),
                bytes(&[0]),
            ],
        ),
        (
            "c_varbinary_max",
            SqlType::VarBinary(Length::Max),
            [cycle(10_000), bytes(&[]), cycle(40_000), bytes(&[0])],
        ),
        (
            "c_image",
            SqlType::Image,
            [bytes(PIXEL), bytes(&[]), cycle(10_000), bytes(&[0])],
        ),
    ]
}

fn times() -> Vec<Spec> {
    use Value::{Date, DateTime, DateTimeOffset, Time};
    let leap_day = day(2024, 2, 29);
    let (first, last) = (day(1, 1, 1), day(9999, 12, 31));
    let afternoon = 13 * HOUR + 14 * MINUTE + 15 * SECOND + 1_234_567;
    let end = 24 * HOUR - 1;
    // datetime counts in 1/300 s: .000, .003, .007, .010 …
    let noon = 12 * HOUR;
    vec![
        (
            "c_date",
            SqlType::Date,
            [
                Date(leap_day),
                Date(first),
                Date(last),
                Date(day(1900, 1, 1)),
            ],
        ),
        (
            "c_time",
            SqlType::Time(7),
            [Time(afternoon), Time(0), Time(end), Time(1)],
        ),
        (
            "c_time_0",
            SqlType::Time(0),
            [
                Time(afternoon / SECOND * SECOND),
                Time(0),
                Time(24 * HOUR - SECOND),
                Time(SECOND),
            ],
        ),
        (
            "c_datetime",
            SqlType::DateTime,
            [
                DateTime(leap_day, noon + 30_000),
                DateTime(day(1753, 1, 1), 0),
                DateTime(last, 24 * HOUR - 30_000),
                DateTime(day(1899, 12, 31), noon + 70_000),
            ],
        ),
        (
            "c_smalldatetime",
            SqlType::SmallDateTime,
            [
                DateTime(leap_day, noon + 34 * MINUTE),
                DateTime(day(1900, 1, 1), 0),
                DateTime(day(2079, 6, 6), 24 * HOUR - MINUTE),
                DateTime(day(2000, 1, 1), MINUTE),
            ],
        ),
        (
            "c_datetime2",
            SqlType::DateTime2(7),
            [
                DateTime(leap_day, afternoon),
                DateTime(first, 0),
                DateTime(last, end),
                DateTime(day(1582, 10, 10), 1),
            ],
        ),
        (
            "c_datetime2_3",
            SqlType::DateTime2(3),
            [
                DateTime(leap_day, noon + 1_230_000),
                DateTime(first, 0),
                DateTime(last, 24 * HOUR - 10_000),
                DateTime(day(1999, 12, 31), 10_000),
            ],
        ),
        (
            "c_datetimeoffset",
            SqlType::DateTimeOffset(7),
            [
                DateTimeOffset(leap_day, afternoon - 5 * HOUR - 30 * MINUTE, 330),
                DateTimeOffset(first, 0, 0),
                DateTimeOffset(last, end, 0),
                DateTimeOffset(leap_day, noon, -14 * 60),
            ],
        ),
    ]
}

fn others() -> Vec<Spec> {
    let bytes = |parts: &[&[u8]]| Value::Bytes(parts.concat());
    let variant = |sql_type, value| Value::Variant(Box::new((sql_type, value)));
    let [zero, one, two, ninety, half_turn] =
        [0.0_f64, 1.0, 2.0, 90.0, 180.0].map(f64::to_le_bytes);
    vec![
        (
            "c_uniqueidentifier",
            SqlType::UniqueIdentifier,
            [
                Value::Guid(0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10_u128.to_be_bytes()),
                Value::Guid([0; 16]),
                Value::Guid([0xFF; 16]),
                Value::Guid(0x6F96_19FF_8B86_D011_B42D_00C0_4FC9_64FF_u128.to_be_bytes()),
            ],
        ),
        (
            "c_sql_variant",
            SqlType::Variant,
            [
                variant(SqlType::Int, Value::Int(42)),
                variant(nvarchar(20), Value::Text("日本".to_owned())),
                variant(
                    SqlType::Decimal {
                        precision: 5,
                        scale: 2,
                    },
                    Value::Decimal(-5),
                ),
                variant(SqlType::DateTime2(7), Value::DateTime(day(2024, 2, 29), 1)),
            ],
        ),
        (
            // [MS-SSCLRT] 2.1: latitude comes before longitude.
            "c_geography",
            SqlType::Udt(Udt::Geography),
            [
                bytes(&[&WGS84, POINT, &two, &one]),
                bytes(&[&WGS84, EMPTY_POINT]),
                bytes(&[&WGS84, POINT, &ninety, &half_turn]),
                bytes(&[&WGS84, LINE, &zero, &zero, &one, &one]),
            ],
        ),
        (
            "c_geometry",
            SqlType::Udt(Udt::Geometry),
            [
                bytes(&[&WGS84, POINT, &one, &two]),
                bytes(&[&[0; 4], EMPTY_POINT]),
                bytes(&[&[0; 4], LINE, &zero, &zero, &one, &two]),
                bytes(&[&[0; 4], POINT, &zero, &zero]),
            ],
        ),
        (
            // /1/2/, / (no bytes), /1/1/ and /1/.
            "c_hierarchyid",
            SqlType::Udt(Udt::HierarchyId),
            [
                bytes(&[&[0x5B, 0x40]]),
                bytes(&[]),
                bytes(&[&[0x5A, 0xC0]]),
                bytes(&[&[0x58]]),
            ],
        ),
    ]
}

/// 38 nines: the digits of the greatest decimal of precision 38.
const GREATEST_DECIMAL: i128 = 10_i128.pow(38) - 1;

/// SRID 4326, little-endian.
const WGS84: [u8; 4] = 4326_u32.to_le_bytes();
/// Version 1; valid, a single point ([MS-SSCLRT] 2.1.1).
const POINT: &[u8] = &[1, 0x0C];
/// Version 1; valid, a single line segment.
const LINE: &[u8] = &[1, 0x14];
/// Version 1; valid; no points, no figures, one shape: no parent, no figure, a
/// point.
const EMPTY_POINT: &[u8] = &[
    1, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,
];

/// A black pixel: a bitmap of 1 × 1, 24 bits.
pub(super) const PIXEL: &[u8] = &[
    b'B', b'M', 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0,
    24, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
