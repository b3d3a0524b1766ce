use super::*;
use crate::tds::encode;
use crate::tds::packet::PacketWriter;
use crate::tds::type_info;

fn sent(sql_type: SqlType, value: &Value) -> Vec<u8> {
    let mut writer = PacketWriter::reply(Vec::new(), 32_767, 0);
    type_info::put(&mut writer, sql_type, "db");
    let length = encode::length(sql_type, value).unwrap();
    encode::put(&mut writer, sql_type, value, length);
    writer.finish().split_off(8)
}

/// Types whose form is the same in a request as in a reply.
fn examples() -> Vec<(SqlType, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let variant = |base, value| Value::Variant(Box::new((base, value)));
    let decimal = SqlType::Decimal {
        precision: 38,
        scale: 5,
    };
    let instant = Value::DateTime(738_000, 123_456_700_000);
    vec![
        (SqlType::Bit, Value::Bit(true)),
        (SqlType::TinyInt, Value::Int(255)),
        (SqlType::SmallInt, Value::Int(-32_768)),
        (SqlType::Int, Value::Int(i32::MIN.into())),
        (SqlType::BigInt, Value::Int(i64::MIN)),
        (SqlType::Real, Value::Real(0.1)),
        (SqlType::Float, Value::Float(-0.1)),
        (decimal, Value::Decimal(-(10_i128.pow(38) - 1))),
        (SqlType::SmallMoney, Value::Money(-12_345)),
        (SqlType::Money, Value::Money(i64::MIN)),
        (SqlType::Char(4), text("Été ")),
        (SqlType::VarChar(Length::Limited(10)), text("")),
        (SqlType::VarChar(Length::Max), text("€")),
        (SqlType::NChar(2), text("日本")),
        (SqlType::NVarChar(Length::Limited(10)), text("\u{1F600}")),
        (SqlType::NVarChar(Length::Max), text("日本")),
        (SqlType::Binary(2), Value::Bytes(vec![0, 255])),
        (SqlType::VarBinary(Length::Limited(9)), Value::Bytes(vec![])),
        (
            SqlType::VarBinary(Length::Max),
            Value::Bytes(vec![1; 20_000]),
        ),
        (SqlType::UniqueIdentifier, Value::Guid([7; 16])),
        (SqlType::Date, Value::Date(LAST_DATE)),
        (SqlType::Time(7), Value::Time(date_time::DAY - 1)),
        (SqlType::Time(0), Value::Time(10_000_000)),
        (SqlType::DateTime, Value::DateTime(738_000, 30_000)),
        (
            SqlType::SmallDateTime,
            Value::DateTime(738_000, 600_000_000),
        ),
        (SqlType::DateTime2(7), instant.clone()),
        (SqlType::DateTime2(4), Value::DateTime(0, 1_000)),
        (
            SqlType::DateTimeOffset(7),
            Value::DateTimeOffset(9, 8, -840),
        ),
        (SqlType::Xml, text("<a/>")),
        (SqlType::Variant, variant(SqlType::Money, Value::Money(-1))),
        (SqlType::Variant, variant(decimal, Value::Decimal(5))),
        (SqlType::Variant, variant(SqlType::DateTime2(7), instant)),
        (
            SqlType::Variant,
            variant(SqlType::VarChar(Length::Limited(5)), text("é")),
        ),
    ]
}

#[test]
fn every_type_reads_back_what_was_written() {
    for (sql_type, value) in examples() {
        for value in [value, Value::Null] {
            let bytes = sent(sql_type, &value);
            let mut reader = Reader::new(&bytes);
            assert_eq!(typed_value(&mut reader).unwrap(), (sql_type, value));
            assert!(reader.is_empty());
        }
    }
}

#[test]
fn a_value_cut_anywhere_is_an_error() {
    for (sql_type, value) in examples() {
        let bytes = sent(sql_type, &value);
        let step = (bytes.len() / 100).max(1);
        for length in (0..bytes.len()).step_by(step) {
            let mut reader = Reader::new(&bytes[..length]);
            assert!(
                typed_value(&mut reader).is_err(),
                "{sql_type:?} at {length}"
            );
        }
    }
}

#[test]
fn garbage_in_any_byte_never_panics() {
    for (sql_type, value) in examples() {
        let whole = sent(sql_type, &value);
        for at in 0..whole.len().min(64) {
            for garbage in [0, 1, 0x26, 0x62, 0x7F, 0x80, 0xFE, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = garbage;
                let _ = typed_value(&mut Reader::new(&bytes));
            }
        }
    }
}

#[test]
fn chunks_are_joined_and_their_announced_length_is_not_allocated() {
    let mut bytes = vec![0xA5, 0xFF, 0xFF];
    bytes.extend((u64::MAX - 2).to_le_bytes());
    for chunk in [&b"ab"[..], b"c", b""] {
        bytes.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(chunk);
    }
    let (_, value) = typed_value(&mut Reader::new(&bytes)).unwrap();
    assert_eq!(value, Value::Bytes(b"abc".to_vec()));
}

#[test]
fn values_outside_the_calendar_are_errors() {
    for bytes in [
        &[0x28, 3, 0xFF, 0xFF, 0xFF][..],
        &[0x29, 0, 3, 0xFF, 0xFF, 0xFF],
        &[0x29, 8, 0],
        &[0x6F, 8, 8, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x6A, 17, 39, 0, 0],
        &[0x26, 3, 0],
    ] {
        assert!(typed_value(&mut Reader::new(bytes)).is_err(), "{bytes:?}");
    }
}
