//! CAST and CONVERT between any two types, with SQL Server's rounding, padding,
//! overflow and error numbers.

mod text;

use super::error::{Result, bad_date, error, no_conversion, overflow};
use super::storage::{DAY, days_and_time, ticks};
use super::{datetime, decimal, types};
use crate::value::{Length, SqlType, Value};

pub(crate) use self::text::{cut, hex, to_text};

/// Converts a value of type `from` to type `to`.
pub(crate) fn convert(
    value: Value,
    from: SqlType,
    to: SqlType,
    style: Option<i64>,
) -> Result<Value> {
    if let Value::Variant(inner) = value {
        let (base, inner) = *inner;
        return if to == SqlType::Variant {
            Ok(Value::Variant(Box::new((base, inner))))
        } else {
            convert(inner, base, to, style)
        };
    }
    if value == Value::Null {
        return Ok(Value::Null);
    }
    match to {
        SqlType::Variant => Ok(Value::Variant(Box::new((from, value)))),
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            integer(&value, from, to)
        }
        SqlType::Real | SqlType::Float => float(&value, from, to),
        SqlType::Decimal { precision, scale } => {
            let (digits, has) = exact(&value, from, to)?;
            decimal::rescale(digits, has, scale)
                .and_then(|d| decimal::fit(d, precision, scale))
                .map(Value::Decimal)
                .map_err(|_| overflow_from(from, to))
        }
        SqlType::Money | SqlType::SmallMoney => {
            let (digits, has) = exact(&value, from, to)?;
            let units = decimal::rescale(digits, has, 4)?;
            let money = i64::try_from(units).map_err(|_| overflow_from(from, to))?;
            let small = to == SqlType::SmallMoney && i32::try_from(money).is_err();
            if small {
                Err(overflow_from(from, to))
            } else {
                Ok(Value::Money(money))
            }
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Image | SqlType::RowVersion => {
            binary(value, from, to, style)
        }
        SqlType::UniqueIdentifier => guid(&value, from, to),
        _ if types::is_temporal(to) => temporal(&value, from, to),
        _ if types::is_text(to) => {
            text::pad(to_text(&value, from, style)?, from, to).map(Value::Text)
        }
        _ if from == to => Ok(value),
        _ => Err(no_conversion(from, to)),
    }
}

fn integer(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    if to == SqlType::Bit {
        return Ok(Value::Bit(match value {
            Value::Bit(b) => *b,
            Value::Int(i) | Value::Money(i) => *i != 0,
            Value::Decimal(d) => *d != 0,
            Value::Float(f) => *f != 0.0,
            Value::Real(r) => *r != 0.0,
            Value::Text(t) => match t.trim() {
                t if t.eq_ignore_ascii_case("true") => true,
                t if t.eq_ignore_ascii_case("false") => false,
                t => t.parse::<i64>().map_err(|_| text_failure(t, from, to))? != 0,
            },
            Value::Bytes(b) => b.iter().any(|b| *b != 0),
            _ => return Err(no_conversion(from, to)),
        }));
    }
    let whole = match value {
        Value::Bit(b) => i128::from(*b),
        Value::Int(i) => i128::from(*i),
        Value::Money(m) => decimal::round_div((*m).into(), 10_000),
        Value::Decimal(d) => d / decimal::pow10(types::decimal_shape(from).1.into()),
        Value::Float(f) => truncated(*f, to)?,
        Value::Real(r) => truncated((*r).into(), to)?,
        Value::Text(t) => {
            let trimmed = t.trim();
            let signless = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
            if trimmed.is_empty() {
                0
            } else if signless.is_empty() || !signless.bytes().all(|b| b.is_ascii_digit()) {
                return Err(text_failure(t, from, to));
            } else {
                trimmed
                    .parse::<i128>()
                    .map_err(|_| text_overflow(t, from, to))?
            }
        }
        Value::Bytes(b) => {
            let tail = b.get(b.len().saturating_sub(8)..).unwrap_or_default();
            let bits = tail.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
            match to {
                SqlType::Int => i128::from(bits as u32 as i32),
                SqlType::SmallInt => i128::from(bits as u16 as i16),
                SqlType::TinyInt => i128::from(bits as u8),
                _ => i128::from(bits.cast_signed()),
            }
        }
        Value::DateTime(d, t) if matches!(from, SqlType::DateTime | SqlType::SmallDateTime) => {
            let since = ticks(*d, *t) - datetime::BASE_1900;
            i128::from((since + DAY / 2).div_euclid(DAY))
        }
        _ => return Err(no_conversion(from, to)),
    };
    let fits = match to {
        SqlType::TinyInt => u8::try_from(whole).is_ok(),
        SqlType::SmallInt => i16::try_from(whole).is_ok(),
        SqlType::Int => i32::try_from(whole).is_ok(),
        _ => i64::try_from(whole).is_ok(),
    };
    match i64::try_from(whole) {
        Ok(whole) if fits => Ok(Value::Int(whole)),
        _ => Err(match value {
            Value::Text(t) => text_overflow(t, from, to),
            Value::Int(i) if matches!(to, SqlType::TinyInt | SqlType::SmallInt) => error(
                220,
                format!(
                    "Arithmetic overflow error for data type {}, value = {i}.",
                    types::base_name(to)
                ),
            ),
            _ => overflow_from(from, to),
        }),
    }
}

fn truncated(value: f64, to: SqlType) -> Result<i128> {
    if value.is_finite() && value.abs() < 1e19 {
        Ok(value.trunc() as i128)
    } else {
        Err(overflow(to))
    }
}

fn float(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    let number = match value {
        Value::Bit(b) => f64::from(u8::from(*b)),
        Value::Int(i) => *i as f64,
        Value::Money(m) => *m as f64 / 10_000.0,
        // Through text: the nearest float to the exact decimal.
        Value::Decimal(d) => decimal::to_text(*d, types::decimal_shape(from).1)
            .parse()
            .unwrap_or(0.0),
        Value::Float(f) => *f,
        Value::Real(r) => f64::from(*r),
        Value::Text(t) if t.trim().is_empty() => 0.0,
        Value::Text(t) => t
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|f| f.is_finite() && t.bytes().any(|b| b.is_ascii_digit()))
            .ok_or_else(|| {
                error(
                    8114,
                    format!(
                        "Error converting data type {} to {}.",
                        types::base_name(from),
                        types::base_name(to)
                    ),
                )
            })?,
        Value::DateTime(d, t) if matches!(from, SqlType::DateTime | SqlType::SmallDateTime) => {
            (ticks(*d, *t) - datetime::BASE_1900) as f64 / DAY as f64
        }
        _ => return Err(no_conversion(from, to)),
    };
    if to == SqlType::Real {
        let narrow = number as f32;
        return if narrow.is_finite() {
            Ok(Value::Real(narrow))
        } else {
            Err(overflow(to))
        };
    }
    Ok(Value::Float(number))
}

/// Digits and scale of a number or numeric text.
fn exact(value: &Value, from: SqlType, to: SqlType) -> Result<(i128, u8)> {
    let money = types::is_money(to);
    Ok(match value {
        Value::Bit(b) => (i128::from(*b), 0),
        Value::Int(i) => (i128::from(*i), 0),
        Value::Money(m) => (i128::from(*m), 4),
        Value::Decimal(d) => (*d, types::decimal_shape(from).1),
        Value::Float(f) => float_digits(*f, to)?,
        Value::Real(r) => float_digits(f64::from(*r), to)?,
        Value::Text(t) if money => {
            let cleaned = t.trim().replace([',', '$'], "");
            if cleaned.is_empty() {
                (0, 0)
            } else {
                decimal::parse(&cleaned).ok_or_else(|| error(235, "Cannot convert a char value to money. The char value has incorrect syntax."))?
            }
        }
        Value::Text(t) => decimal::parse(t).ok_or_else(|| {
            error(
                8114,
                format!(
                    "Error converting data type {} to {}.",
                    types::base_name(from),
                    types::base_name(to)
                ),
            )
        })?,
        Value::DateTime(d, t) if matches!(from, SqlType::DateTime | SqlType::SmallDateTime) => {
            let since = i128::from(ticks(*d, *t) - datetime::BASE_1900);
            (
                decimal::round_div(since * decimal::pow10(10), DAY.into()),
                10,
            )
        }
        _ => return Err(no_conversion(from, to)),
    })
}

/// The decimal of a float at the target's scale: seventeen significant digits
/// are all that a float has.
fn float_digits(value: f64, to: SqlType) -> Result<(i128, u8)> {
    if !value.is_finite() || value.abs() >= 1e38 {
        return Err(overflow(to));
    }
    let scale = match to {
        SqlType::Decimal { scale, .. } => scale,
        _ => 4,
    };
    let text = format!("{value:.places$}", places = usize::from(scale));
    decimal::parse(&text).ok_or_else(|| overflow(to))
}

fn binary(value: Value, from: SqlType, to: SqlType, style: Option<i64>) -> Result<Value> {
    let integer_bytes = |i: i64| -> Vec<u8> {
        let bytes = i.to_be_bytes();
        let width = match from {
            SqlType::Bit | SqlType::TinyInt => 1,
            SqlType::SmallInt => 2,
            SqlType::Int => 4,
            _ => 8,
        };
        bytes.get(8 - width..).unwrap_or_default().to_vec()
    };
    let is_integer = types::is_integer(from);
    let mut bytes = match value {
        Value::Bytes(b) => b,
        Value::Text(t) => match style.unwrap_or(0) {
            0 if types::text_shape(from).0 => t.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            0 => {
                if !t.is_ascii() {
                    return Err(super::error::unsupported(
                        "conversion of varchar beyond ASCII to binary",
                    ));
                }
                t.into_bytes()
            }
            1 | 2 => text::from_hex(&t)
                .ok_or_else(|| error(8114, "Error converting data type varchar to varbinary."))?,
            other => {
                return Err(error(
                    9809,
                    format!(
                        "The style {other} is not supported for conversions from varchar to varbinary."
                    ),
                ));
            }
        },
        Value::Int(i) => integer_bytes(i),
        Value::Bit(b) => vec![u8::from(b)],
        Value::Guid(g) => {
            let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = g;
            let mut bytes = vec![a3, a2, a1, a0, b1, b0, c1, c0];
            bytes.extend(rest);
            bytes
        }
        _ => {
            return Err(super::error::unsupported(format_args!(
                "conversion of {} to binary",
                types::base_name(from)
            )));
        }
    };
    match to {
        SqlType::Binary(n) => {
            let n = usize::from(n);
            // Numbers keep their low bytes, everything else its first.
            if is_integer && bytes.len() < n {
                bytes.splice(0..0, std::iter::repeat_n(0, n - bytes.len()));
            }
            bytes.resize(n, 0);
        }
        SqlType::VarBinary(Length::Limited(n)) => bytes.truncate(n.into()),
        SqlType::RowVersion => bytes.resize(8, 0),
        _ => {}
    }
    Ok(Value::Bytes(bytes))
}

fn guid(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    match value {
        Value::Guid(g) => Ok(Value::Guid(*g)),
        Value::Text(t) => uuid::Uuid::try_parse(t.trim())
            .map(|u| Value::Guid(u.into_bytes()))
            .map_err(|_| error(8169, "Conversion failed when converting from a character string to uniqueidentifier.")),
        Value::Bytes(b) => {
            let mut raw = b.clone();
            raw.resize(16, 0);
            let bytes: [u8; 16] = raw.try_into().unwrap_or_default();
            Ok(Value::Guid(uuid::Uuid::from_bytes_le(bytes).into_bytes()))
        }
        _ => Err(no_conversion(from, to)),
    }
}

fn temporal(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    // The local instant and the offset it was written with.
    let (local, offset) = match value {
        Value::Date(_) if matches!(to, SqlType::Time(_)) => return Err(no_conversion(from, to)),
        Value::Date(d) => (ticks(*d, 0), 0),
        Value::Time(_) if to == SqlType::Date => return Err(no_conversion(from, to)),
        Value::Time(t) => (datetime::BASE_1900 + ticks(0, *t), 0),
        Value::DateTime(d, t) => (ticks(*d, *t), 0),
        Value::DateTimeOffset(d, t, o) => {
            (ticks(*d, *t) + i64::from(*o) * 60 * datetime::SECOND, *o)
        }
        Value::Text(t) => {
            let parsed = datetime::parse(t).ok_or_else(bad_date)?;
            if parsed.offset.is_some()
                && matches!(to, SqlType::DateTime | SqlType::SmallDateTime)
                && !t.contains(['Z', 'z'])
            {
                return Err(bad_date());
            }
            (parsed.ticks(), parsed.offset.unwrap_or(0))
        }
        // Numbers are days since 1900 for the two old types.
        Value::Bit(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Float(_)
        | Value::Real(_)
        | Value::Money(_)
            if matches!(to, SqlType::DateTime | SqlType::SmallDateTime) =>
        {
            let since = match value {
                Value::Float(f) => (*f * DAY as f64).round() as i64,
                Value::Real(r) => (f64::from(*r) * DAY as f64).round() as i64,
                _ => {
                    let (digits, scale) = exact(value, from, to)?;
                    let scaled = digits.checked_mul(DAY.into()).ok_or_else(|| overflow(to))?;
                    i64::try_from(decimal::round_div(scaled, decimal::pow10(scale.into())))
                        .map_err(|_| overflow(to))?
                }
            };
            (
                datetime::BASE_1900
                    .checked_add(since)
                    .ok_or_else(|| overflow(to))?,
                0,
            )
        }
        _ => return Err(no_conversion(from, to)),
    };
    let fitted = datetime::fit(local, to).map_err(|e| {
        if matches!(value, Value::Text(_)) {
            e
        } else {
            overflow(to)
        }
    })?;
    let (days, time) = days_and_time(fitted);
    Ok(match to {
        SqlType::Date => Value::Date(days),
        SqlType::Time(_) => Value::Time(time),
        SqlType::DateTimeOffset(_) => {
            let (days, time) = days_and_time(fitted - i64::from(offset) * 60 * datetime::SECOND);
            Value::DateTimeOffset(days, time, offset)
        }
        _ => Value::DateTime(days, time),
    })
}

/// 245
fn text_failure(text: &str, from: SqlType, to: SqlType) -> crate::value::SqlError {
    error(
        245,
        format!(
            "Conversion failed when converting the {} value '{text}' to data type {}.",
            types::base_name(from),
            types::base_name(to)
        ),
    )
}

/// 248, or 8115 where the target is bigint
fn text_overflow(text: &str, from: SqlType, to: SqlType) -> crate::value::SqlError {
    if to == SqlType::Int {
        error(
            248,
            format!(
                "The conversion of the {} value '{text}' overflowed an int column.",
                types::base_name(from)
            ),
        )
    } else {
        overflow_from(from, to)
    }
}

fn overflow_from(from: SqlType, to: SqlType) -> crate::value::SqlError {
    error(
        8115,
        format!(
            "Arithmetic overflow error converting {} to data type {}.",
            types::base_name(from),
            types::base_name(to)
        ),
    )
}
