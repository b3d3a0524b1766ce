use super::*;
use crate::value::Udt;

fn encoded(sql_type: SqlType, value: &Value) -> Vec<u8> {
    let mut writer = PacketWriter::reply(Vec::new(), 32_767, 0);
    let length = length(sql_type, value).unwrap();
    put(&mut writer, sql_type, value, length);
    writer.finish().split_off(8)
}

#[test]
fn numbers_are_little_endian_of_their_type_s_width() {
    for (sql_type, value, bytes) in [
        (SqlType::Bit, Value::Bit(true), &[1, 1][..]),
        (SqlType::TinyInt, Value::Int(200), &[1, 200]),
        (SqlType::SmallInt, Value::Int(-2), &[2, 0xFE, 0xFF]),
        (SqlType::Int, Value::Int(258), &[4, 2, 1, 0, 0]),
        (
            SqlType::BigInt,
            Value::Int(-1),
            &[8, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (
            SqlType::SmallMoney,
            Value::Money(-1),
            &[4, 255, 255, 255, 255],
        ),
        (
            SqlType::Money,
            Value::Money(0x1_0000_0002),
            &[8, 1, 0, 0, 0, 2, 0, 0, 0],
        ),
        (
            SqlType::Decimal {
                precision: 9,
                scale: 2,
            },
            Value::Decimal(-258),
            &[5, 0, 2, 1, 0, 0],
        ),
        (SqlType::Real, Value::Real(1.0), &[4, 0, 0, 0x80, 0x3F]),
    ] {
        assert_eq!(encoded(sql_type, &value), bytes, "{sql_type:?}");
    }
}

#[test]
fn a_decimal_of_38_digits_fills_17_bytes() {
    let sql_type = SqlType::Decimal {
        precision: 38,
        scale: 38,
    };
    let digits = 10_i128.pow(38) - 1;
    let bytes = encoded(sql_type, &Value::Decimal(-digits));
    assert_eq!(bytes[..2], [17, 0]);
    assert_eq!(bytes[2..], digits.to_le_bytes());
    assert_eq!(length(sql_type, &Value::Decimal(digits + 1)), Err(Misfit));
}

#[test]
fn a_guid_is_mixed_endian() {
    let guid = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF";
    assert_eq!(
        encoded(SqlType::UniqueIdentifier, &Value::Guid(guid)),
        b"\x10\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF"
    );
}

#[test]
fn fixed_lengths_are_padded_and_overlong_values_refused() {
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(encoded(SqlType::Char(3), &text("é")), b"\x03\0\xE9  ");
    assert_eq!(encoded(SqlType::NChar(2), &text("é")), b"\x04\0\xE9\0 \0");
    assert_eq!(
        encoded(SqlType::Binary(3), &Value::Bytes(vec![7])),
        b"\x03\0\x07\0\0"
    );
    assert_eq!(length(SqlType::Char(1), &text("ab")), Err(Misfit));
    let limited = SqlType::NVarChar(Length::Limited(4_000));
    assert_eq!(length(limited, &text(&"a".repeat(4_001))), Err(Misfit));
    assert_eq!(length(SqlType::Int, &Value::Int(1 << 40)), Err(Misfit));
    assert_eq!(length(SqlType::Int, &text("1")), Err(Misfit));
}

#[test]
fn long_values_travel_in_one_chunk_and_empty_ones_in_none() {
    let max = SqlType::VarBinary(Length::Max);
    assert_eq!(
        encoded(max, &Value::Bytes(vec![9, 8])),
        [&[2, 0, 0, 0, 0, 0, 0, 0][..], &[2, 0, 0, 0, 9, 8], &[0; 4]].concat()
    );
    assert_eq!(encoded(max, &Value::Bytes(Vec::new())), [0; 12]);
    assert_eq!(encoded(max, &Value::Null), [255; 8]);
    assert_eq!(
        encoded(SqlType::Udt(Udt::Geography), &Value::Null),
        [255; 8]
    );
}

#[test]
fn a_null_is_as_long_as_its_layout_says() {
    for sql_type in [
        SqlType::Int,
        SqlType::Date,
        SqlType::Char(4),
        SqlType::NVarChar(Length::Max),
        SqlType::NText,
        SqlType::Variant,
    ] {
        assert_eq!(
            encoded(sql_type, &Value::Null).len(),
            Layout::of(sql_type).null_length(),
            "{sql_type:?}"
        );
    }
}

#[test]
fn a_variant_names_its_base_type() {
    let variant = |base, value| Value::Variant(Box::new((base, value)));
    assert_eq!(
        encoded(SqlType::Variant, &variant(SqlType::Int, Value::Int(5))),
        [6, 0, 0, 0, 0x38, 0, 5, 0, 0, 0]
    );
    let text = variant(
        SqlType::NVarChar(Length::Limited(10)),
        Value::Text("a".to_owned()),
    );
    assert_eq!(
        encoded(SqlType::Variant, &text),
        [11, 0, 0, 0, 0xE7, 7, 9, 4, 0xD0, 0, 0x34, 20, 0, b'a', 0]
    );
    assert_eq!(
        length(
            SqlType::Variant,
            &variant(SqlType::Xml, Value::Text(String::new()))
        ),
        Err(Misfit)
    );
}

#[test]
fn times_take_the_bytes_of_their_scale() {
    assert_eq!(
        encoded(SqlType::Time(0), &Value::Time(10_000_000)),
        [3, 1, 0, 0]
    );
    assert_eq!(
        encoded(SqlType::Time(7), &Value::Time(1)),
        [5, 1, 0, 0, 0, 0]
    );
    assert_eq!(
        encoded(
            SqlType::DateTime2(0),
            &Value::DateTime(1, date_time::DAY - 1)
        ),
        [6, 0, 0, 0, 2, 0, 0],
        "rounding carries into the day"
    );
    assert_eq!(
        encoded(
            SqlType::DateTimeOffset(3),
            &Value::DateTimeOffset(1, 10_000, -330)
        ),
        [9, 1, 0, 0, 0, 1, 0, 0, 0xB6, 0xFE]
    );
}
