//! Values as text, as CAST and CONVERT write them.

use crate::engine::error::{Result, error, no_conversion, overflow, unsupported};
use crate::engine::storage::ticks;
use crate::engine::{datetime, decimal, types};
use crate::value::{Length, SqlType, Value};

/// The text of a value before it is fitted to a length.
pub(crate) fn to_text(value: &Value, from: SqlType, style: Option<i64>) -> Result<String> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Text(t) => t.clone(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::Int(i) => i.to_string(),
        Value::Decimal(d) => decimal::to_text(*d, types::decimal_shape(from).1),
        Value::Money(m) => money(*m, style)?,
        Value::Float(f) => float(*f, 6, style)?,
        Value::Real(r) => float(f64::from(*r), 6, style)?,
        Value::Guid(g) => uuid::Uuid::from_bytes(*g)
            .hyphenated()
            .encode_upper(&mut uuid::Uuid::encode_buffer())
            .to_owned(),
        Value::Date(d) => datetime::styled(ticks(*d, 0), from, 0, style)?,
        Value::Time(t) => datetime::styled(ticks(0, *t), from, 0, style)?,
        Value::DateTime(d, t) => datetime::styled(ticks(*d, *t), from, 0, style)?,
        Value::DateTimeOffset(d, t, o) => datetime::styled(
            ticks(*d, *t) + i64::from(*o) * 60 * datetime::SECOND,
            from,
            *o,
            style,
        )?,
        Value::Bytes(b) => match style.unwrap_or(0) {
            0 if types::is_binary(from) => {
                if !b.is_ascii() {
                    return Err(unsupported(
                        "conversion of binary data to characters without style 1 or 2",
                    ));
                }
                String::from_utf8_lossy(b).into_owned()
            }
            1 => format!("0x{}", hex(b)),
            2 => hex(b),
            _ => return Err(no_conversion(from, SqlType::VarChar(Length::Max))),
        },
        Value::Variant(inner) => {
            let (base, value) = inner.as_ref();
            to_text(value, *base, style)?
        }
    })
}

/// Fits text to its type: pads char, cuts varchar, refuses cut numbers.
pub(crate) fn pad(text: String, from: SqlType, to: SqlType) -> Result<String> {
    let (_, Some(limit)) = types::text_shape(to) else {
        return Ok(text);
    };
    let limit = usize::from(limit);
    // Bytes bound characters from above: most text needs no counting.
    let length = if text.len() <= limit && text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    };
    if length > limit {
        if types::is_integer(from) && !matches!(to, SqlType::NChar(_) | SqlType::NVarChar(_)) {
            return pad("*".into(), SqlType::VarChar(Length::Max), to);
        }
        if types::is_number(from) {
            return Err(overflow(to));
        }
        if from == SqlType::UniqueIdentifier {
            return Err(error(
                8170,
                "Insufficient result space to convert uniqueidentifier value to char.",
            ));
        }
        return Ok(cut(&text, limit));
    }
    Ok(match to {
        SqlType::Char(_) | SqlType::NChar(_) => format!("{text}{:gap$}", "", gap = limit - length),
        _ => text,
    })
}

/// The first `limit` UTF-16 units.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let mut left = limit;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}

/// Reads `0x1F` or `1F`.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Uppercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        })
}

/// Style 0: two places; 1: with thousands separators; 2: four places.
fn money(units: i64, style: Option<i64>) -> Result<String> {
    let style = style.unwrap_or(0);
    match style {
        2 | 126 => Ok(decimal::to_text(units.into(), 4)),
        0 | 1 => {
            let plain = decimal::to_text(decimal::round_div(units.into(), 100), 2);
            if style == 0 {
                return Ok(plain);
            }
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
            Ok(format!(
                "{}.{fraction}",
                crate::engine::functions::grouped(whole)
            ))
        }
        other => Err(error(
            281,
            format!(
                "{other} is not a valid style number when converting from money to a character string."
            ),
        )),
    }
}

/// Six significant digits, with an exponent below 0.0001 and from 1e6 on.
fn float(value: f64, digits: usize, style: Option<i64>) -> Result<String> {
    if style.unwrap_or(0) != 0 {
        return match style {
            Some(1) => Ok(exponent(value, 8)),
            Some(2) => Ok(exponent(value, 16)),
            Some(3) => Ok(exponent(value, 17)),
            _ => Err(unsupported("this style for float")),
        };
    }
    if value == 0.0 {
        return Ok("0".into());
    }
    let scientific = format!("{value:.places$e}", places = digits - 1);
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if (-5..i32::try_from(digits).unwrap_or(6)).contains(&power) {
        let places = usize::try_from(i32::try_from(digits).unwrap_or(6) - 1 - power).unwrap_or(0);
        return Ok(trim(&format!("{value:.places$}")));
    }
    Ok(format!(
        "{}e{}{:03}",
        trim(mantissa),
        if power < 0 { '-' } else { '+' },
        power.abs()
    ))
}

fn exponent(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.places$e}", places = digits - 1);
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    format!(
        "{mantissa}e{}{:03}",
        if power < 0 { '-' } else { '+' },
        power.abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_with_six_digits() {
        assert_eq!(float(3.0, 6, None).unwrap(), "3");
        assert_eq!(float(1_234_567.0, 6, None).unwrap(), "1.23457e+006");
        assert_eq!(float(0.1, 6, None).unwrap(), "0.1");
        assert_eq!(float(1e-10, 6, None).unwrap(), "1e-010");
    }

    #[test]
    fn money_is_written_by_style() {
        assert_eq!(money(123_456_789, Some(1)).unwrap(), "12,345.68");
        assert_eq!(money(15_000, None).unwrap(), "1.50");
        assert_eq!(money(15_000, Some(2)).unwrap(), "1.5000");
    }
}
