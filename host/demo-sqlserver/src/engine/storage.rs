//! How values lie in SQLite: in a form whose byte or number order is SQL
//! Server's order, so that SQLite's own comparisons, sorts and indexes are right.

use rusqlite::types::{Value as Stored, ValueRef};

use super::types;
use crate::value::{SqlType, Value};

/// Units of 100 ns in a day.
pub(crate) const DAY: i64 = 864_000_000_000;

/// What SQLite keeps for `value`.
pub(crate) fn encode(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Bit(b) => Stored::Integer((*b).into()),
        Value::Int(i) | Value::Money(i) => Stored::Integer(*i),
        Value::Real(r) => Stored::Real((*r).into()),
        Value::Float(f) => Stored::Real(*f),
        Value::Decimal(d) => Stored::Blob(decimal_key(*d).to_vec()),
        Value::Text(t) => Stored::Text(t.clone()),
        Value::Bytes(b) => Stored::Blob(b.clone()),
        Value::Guid(g) => Stored::Blob(guid_key(g).to_vec()),
        Value::Date(d) => Stored::Integer((*d).into()),
        Value::Time(t) => Stored::Integer(i64::try_from(*t).unwrap_or(0)),
        Value::DateTime(d, t) => Stored::Integer(ticks(*d, *t)),
        Value::DateTimeOffset(d, t, offset) => {
            let mut key = ticks(*d, *t).to_be_bytes().to_vec();
            key.extend(offset.to_be_bytes());
            Stored::Blob(key)
        }
        Value::Variant(inner) => {
            let (sql_type, value) = inner.as_ref();
            let mut key = types::code(*sql_type).to_be_bytes().to_vec();
            match encode(value) {
                Stored::Integer(i) => key.extend(i.to_be_bytes()),
                Stored::Real(r) => key.extend(r.to_be_bytes()),
                Stored::Text(t) => key.extend(t.into_bytes()),
                Stored::Blob(b) => key.extend(b),
                Stored::Null => return Stored::Null,
            }
            Stored::Blob(key)
        }
    }
}

/// The value of a stored cell of a known type.
pub(crate) fn decode(stored: ValueRef<'_>, sql_type: SqlType) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => match sql_type {
            SqlType::Bit => Value::Bit(i != 0),
            SqlType::Money | SqlType::SmallMoney => Value::Money(i),
            SqlType::Date => Value::Date(u32::try_from(i).unwrap_or(0)),
            SqlType::Time(_) => Value::Time(u64::try_from(i).unwrap_or(0)),
            SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2(_) => {
                let (d, t) = days_and_time(i);
                Value::DateTime(d, t)
            }
            SqlType::Real => Value::Real(i as f32),
            SqlType::Float => Value::Float(i as f64),
            _ => Value::Int(i),
        },
        ValueRef::Real(r) if sql_type == SqlType::Real => Value::Real(r as f32),
        ValueRef::Real(r) => Value::Float(r),
        ValueRef::Text(t) => Value::Text(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Blob(b) => match sql_type {
            SqlType::Decimal { .. } => Value::Decimal(decimal_of(b)),
            SqlType::UniqueIdentifier => Value::Guid(guid_of(b)),
            SqlType::DateTimeOffset(_) => {
                let (ticks, offset) = b.split_at_checked(8).unwrap_or((b, &[]));
                let (d, t) =
                    days_and_time(i64::from_be_bytes(ticks.try_into().unwrap_or_default()));
                Value::DateTimeOffset(
                    d,
                    t,
                    i16::from_be_bytes(offset.try_into().unwrap_or_default()),
                )
            }
            SqlType::Variant => variant(b),
            _ => Value::Bytes(b.to_vec()),
        },
    }
}

/// Order-preserving bytes of a decimal.
pub(crate) fn decimal_key(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ SIGN).to_be_bytes()
}

/// The inverse of [`decimal_key`].
pub(crate) fn decimal_of(key: &[u8]) -> i128 {
    (u128::from_be_bytes(key.try_into().unwrap_or(SIGN.to_be_bytes())) ^ SIGN).cast_signed()
}

/// Days since 0001-01-01 and time of day as one number.
pub(crate) fn ticks(days: u32, time: u64) -> i64 {
    i64::from(days) * DAY + i64::try_from(time).unwrap_or(0)
}

/// The inverse of [`ticks`].
pub(crate) fn days_and_time(ticks: i64) -> (u32, u64) {
    (
        u32::try_from(ticks.div_euclid(DAY)).unwrap_or(0),
        u64::try_from(ticks.rem_euclid(DAY)).unwrap_or(0),
    )
}

/// SQLite source text of a constant.
pub(crate) fn literal(value: &Value) -> String {
    match encode(value) {
        Stored::Null => "NULL".into(),
        // The smallest integer has no literal of its own.
        Stored::Integer(i64::MIN) => "(-9223372036854775807 - 1)".into(),
        Stored::Integer(i) if i < 0 => format!("({i})"),
        Stored::Integer(i) => i.to_string(),
        Stored::Real(r) => format!("({r:e})"),
        Stored::Text(t) if t.contains('\0') => format!("CAST({} AS TEXT)", hex(t.as_bytes())),
        Stored::Text(t) => format!("'{}'", t.replace('\'', "''")),
        Stored::Blob(b) => hex(&b),
    }
}

/// Exponents beyond 38 digits keep the sign bit free, so flipping it orders.
const SIGN: u128 = 1 << 127;

/// SQL Server compares the last six bytes first, then groups from right to left.
fn guid_key(written: &[u8; 16]) -> [u8; 16] {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e @ ..] = *written;
    let [e0, e1, e2, e3, e4, e5] = e;
    [
        e0, e1, e2, e3, e4, e5, d0, d1, c1, c0, b1, b0, a3, a2, a1, a0,
    ]
}

fn guid_of(key: &[u8]) -> [u8; 16] {
    let key: [u8; 16] = key.try_into().unwrap_or_default();
    let [
        e0,
        e1,
        e2,
        e3,
        e4,
        e5,
        d0,
        d1,
        c1,
        c0,
        b1,
        b0,
        a3,
        a2,
        a1,
        a0,
    ] = key;
    [
        a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e0, e1, e2, e3, e4, e5,
    ]
}

fn variant(key: &[u8]) -> Value {
    let (code, body) = key.split_at_checked(8).unwrap_or((key, &[]));
    let base = types::from_code(i64::from_be_bytes(code.try_into().unwrap_or_default()));
    let number = || i64::from_be_bytes(body.try_into().unwrap_or_default());
    let value = if types::is_text(base) {
        decode(ValueRef::Text(body), base)
    } else if types::is_float(base) {
        decode(
            ValueRef::Real(f64::from_bits(number().cast_unsigned())),
            base,
        )
    } else if types::is_binary(base)
        || matches!(
            base,
            SqlType::Decimal { .. } | SqlType::UniqueIdentifier | SqlType::DateTimeOffset(_)
        )
    {
        decode(ValueRef::Blob(body), base)
    } else {
        decode(ValueRef::Integer(number()), base)
    };
    Value::Variant(Box::new((base, value)))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::super::decimal;
    use super::*;

    fn round_trip(value: Value, sql_type: SqlType) {
        let stored = encode(&value);
        let read = decode(ValueRef::from(&stored), sql_type);
        drop(stored);
        assert_eq!((read, sql_type), (value, sql_type));
    }

    #[test]
    fn every_representation_reads_back() {
        round_trip(
            Value::Decimal(-decimal::MAX),
            SqlType::Decimal {
                precision: 38,
                scale: 3,
            },
        );
        round_trip(
            Value::Guid(std::array::from_fn(|i| i as u8)),
            SqlType::UniqueIdentifier,
        );
        round_trip(
            Value::DateTimeOffset(738_000, 5, -90),
            SqlType::DateTimeOffset(7),
        );
        round_trip(
            Value::DateTime(3_652_058, 863_999_999_999),
            SqlType::DateTime2(7),
        );
        round_trip(
            Value::Variant(Box::new((SqlType::Float, Value::Float(-1.5)))),
            SqlType::Variant,
        );
        round_trip(
            Value::Variant(Box::new((SqlType::Int, Value::Int(-3)))),
            SqlType::Variant,
        );
    }

    #[test]
    fn decimals_order_as_their_bytes() {
        let mut values = [0, -1, 1, decimal::MAX, -decimal::MAX, 255, 256];
        values.sort_unstable();
        assert!(values.is_sorted_by_key(|v| decimal_key(*v)));
    }
}
