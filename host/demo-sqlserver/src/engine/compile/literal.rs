//! Literals with the types that SQL Server gives them.

use sqlparser::ast::Value as Token;

use super::Typed;
use crate::engine::convert::convert;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::{decimal, types};
use crate::value::{Length, SqlType, Value};

/// The typed constant of a literal.
pub(super) fn literal(token: &Token) -> Result<Typed> {
    Ok(match token {
        Token::Null => Typed::constant(Value::Null, SqlType::Int),
        Token::Number(text, _) => number(text)?,
        Token::SingleQuotedString(text) => string(text, false),
        Token::NationalStringLiteral(text) => string(text, true),
        Token::HexStringLiteral(digits) => {
            let padded = if digits.len() % 2 == 0 {
                digits.clone()
            } else {
                format!("0{digits}")
            };
            let bytes = hex(&padded).ok_or_else(|| syntax(digits))?;
            let length = u16::try_from(bytes.len().clamp(1, 8000)).unwrap_or(8000);
            Typed::constant(
                Value::Bytes(bytes),
                SqlType::VarBinary(Length::Limited(length)),
            )
        }
        Token::Placeholder(text) if text.starts_with('$') => {
            let digits = text.get(1..).unwrap_or_default();
            let digits = if digits.is_empty() { "0" } else { digits };
            let value = convert(
                Value::Text(digits.to_owned()),
                SqlType::VarChar(Length::Max),
                SqlType::Money,
                None,
            )?;
            Typed::constant(value, SqlType::Money)
        }
        other => return Err(unsupported(format_args!("the literal {other}"))),
    })
}

/// varchar or nvarchar as long as the text.
pub(super) fn string(text: &str, unicode: bool) -> Typed {
    let length = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let limit = if unicode { 4000 } else { 8000 };
    let sql_type = types::text_type(unicode, (length <= limit).then_some(length));
    Typed::constant(Value::Text(text.to_owned()), sql_type)
}

fn number(text: &str) -> Result<Typed> {
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().map_err(|_| syntax(text))?;
        if value.is_infinite() {
            return Err(error(
                168,
                format!(
                    "The floating point value '{text}' is out of the range of computer representation (8 bytes)."
                ),
            ));
        }
        return Ok(Typed::constant(Value::Float(value), SqlType::Float));
    }
    if let Ok(small) = text.parse::<i32>() {
        return Ok(Typed::constant(Value::Int(small.into()), SqlType::Int));
    }
    let (digits, scale) = decimal::parse(text).ok_or_else(|| {
        error(1007, format!("The number '{text}' is out of the range for numeric representation (maximum precision 38)."))
    })?;
    let width = u8::try_from(digits.unsigned_abs().to_string().len()).unwrap_or(38);
    let precision = width.max(scale).clamp(1, 38);
    Ok(Typed::constant(
        Value::Decimal(digits),
        SqlType::Decimal { precision, scale },
    ))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
