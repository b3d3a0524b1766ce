//! SQL Server's types: names, integer codes for SQLite functions, precedence,
//! and the result types of operators.

use crate::value::{Length, SqlType, Udt};

use super::error::{Result, clash, error};

/// One integer for a type, so that it can be an argument of a SQLite function.
pub(crate) fn code(t: SqlType) -> i64 {
    let pack = |kind: i64, a: u16, b: u8| kind | i64::from(a) << 8 | i64::from(b) << 24;
    match t {
        SqlType::Bit => 1,
        SqlType::TinyInt => 2,
        SqlType::SmallInt => 3,
        SqlType::Int => 4,
        SqlType::BigInt => 5,
        SqlType::Real => 6,
        SqlType::Float => 7,
        SqlType::Decimal { precision, scale } => pack(8, precision.into(), scale),
        SqlType::SmallMoney => 9,
        SqlType::Money => 10,
        SqlType::Char(n) => pack(11, n, 0),
        SqlType::VarChar(n) => pack(12, length_code(n), 0),
        SqlType::NChar(n) => pack(13, n, 0),
        SqlType::NVarChar(n) => pack(14, length_code(n), 0),
        SqlType::Text => 15,
        SqlType::NText => 16,
        SqlType::Binary(n) => pack(17, n, 0),
        SqlType::VarBinary(n) => pack(18, length_code(n), 0),
        SqlType::Image => 19,
        SqlType::RowVersion => 20,
        SqlType::UniqueIdentifier => 21,
        SqlType::Date => 22,
        SqlType::Time(s) => pack(23, 0, s),
        SqlType::DateTime => 24,
        SqlType::SmallDateTime => 25,
        SqlType::DateTime2(s) => pack(26, 0, s),
        SqlType::DateTimeOffset(s) => pack(27, 0, s),
        SqlType::Xml => 28,
        SqlType::Variant => 29,
        SqlType::Udt(Udt::Geography) => 30,
        SqlType::Udt(Udt::Geometry) => 31,
        SqlType::Udt(Udt::HierarchyId) => 32,
    }
}

/// The inverse of [`code`].
pub(crate) fn from_code(code: i64) -> SqlType {
    let a = u16::try_from(code >> 8 & 0xFFFF).unwrap_or(0);
    let scale = u8::try_from(code >> 24 & 0xFF).unwrap_or(0);
    match code & 0xFF {
        1 => SqlType::Bit,
        2 => SqlType::TinyInt,
        3 => SqlType::SmallInt,
        5 => SqlType::BigInt,
        6 => SqlType::Real,
        7 => SqlType::Float,
        8 => SqlType::Decimal {
            precision: u8::try_from(a).unwrap_or(38),
            scale,
        },
        9 => SqlType::SmallMoney,
        10 => SqlType::Money,
        11 => SqlType::Char(a),
        12 => SqlType::VarChar(length(a)),
        13 => SqlType::NChar(a),
        14 => SqlType::NVarChar(length(a)),
        15 => SqlType::Text,
        16 => SqlType::NText,
        17 => SqlType::Binary(a),
        18 => SqlType::VarBinary(length(a)),
        19 => SqlType::Image,
        20 => SqlType::RowVersion,
        21 => SqlType::UniqueIdentifier,
        22 => SqlType::Date,
        23 => SqlType::Time(scale),
        24 => SqlType::DateTime,
        25 => SqlType::SmallDateTime,
        26 => SqlType::DateTime2(scale),
        27 => SqlType::DateTimeOffset(scale),
        28 => SqlType::Xml,
        29 => SqlType::Variant,
        30 => SqlType::Udt(Udt::Geography),
        31 => SqlType::Udt(Udt::Geometry),
        32 => SqlType::Udt(Udt::HierarchyId),
        _ => SqlType::Int,
    }
}

/// The type's name without length, as the server's messages have it: the
/// catalogue's, but for decimal.
pub(crate) fn base_name(t: SqlType) -> &'static str {
    match t {
        SqlType::Decimal { .. } => "numeric",
        _ => crate::catalog::base_name(t),
    }
}

/// Reads a declared type: `nvarchar(max)`, `decimal(10, 2)`. In CAST a missing
/// length is 30, in declarations 1.
pub(crate) fn parse(text: &str, default_length: u16) -> Result<SqlType> {
    let lower = text.trim().to_ascii_lowercase();
    let (name, rest) = lower
        .split_once('(')
        .map_or((lower.as_str(), None), |(n, r)| (n.trim(), Some(r)));
    let arguments: Vec<&str> = rest
        .map(|r| r.trim_end_matches(')').split(',').map(str::trim).collect())
        .unwrap_or_default();
    let number = |i: usize| arguments.get(i).and_then(|a| a.parse::<u16>().ok());
    let limited = |max: u16| {
        match arguments.first() {
        Some(&"max") => Ok(Length::Max),
        None => Ok(Length::Limited(default_length)),
        Some(_) => number(0).filter(|n| (1..=max).contains(n)).map(Length::Limited).ok_or_else(|| {
            error(131, format!("The size ({}) given to the type '{name}' exceeds the maximum allowed for any data type (8000).", arguments.join(",")))
        }),
    }
    };
    let fixed = |max: u16| match limited(max)? {
        Length::Limited(n) => Ok(n),
        Length::Max => Err(error(
            1002,
            format!("Line 1: Specified scale {name} is invalid."),
        )),
    };
    let scale = || {
        let n = number(0).unwrap_or(7);
        u8::try_from(n)
            .ok()
            .filter(|n| *n <= 7)
            .ok_or_else(|| error(1002, format!("Line 1: Specified scale {n} is invalid.")))
    };
    Ok(match name {
        "bit" => SqlType::Bit,
        "tinyint" => SqlType::TinyInt,
        "smallint" => SqlType::SmallInt,
        "int" | "integer" => SqlType::Int,
        "bigint" => SqlType::BigInt,
        "real" => SqlType::Real,
        "float" if number(0).is_some_and(|n| n <= 24) => SqlType::Real,
        "float" | "double precision" | "double" => SqlType::Float,
        "decimal" | "numeric" | "dec" => {
            let precision = number(0).and_then(|n| u8::try_from(n).ok()).unwrap_or(18);
            let scale = number(1).and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
            if precision == 0 || precision > 38 || scale > precision {
                return Err(error(
                    2750,
                    format!(
                        "Column or parameter #1: Specified column precision {precision} is greater than the maximum precision of 38."
                    ),
                ));
            }
            SqlType::Decimal { precision, scale }
        }
        "money" => SqlType::Money,
        "smallmoney" => SqlType::SmallMoney,
        "char" | "character" => SqlType::Char(fixed(8000)?),
        "varchar" | "char varying" | "character varying" => SqlType::VarChar(limited(8000)?),
        "nchar" => SqlType::NChar(fixed(4000)?),
        "nvarchar" => SqlType::NVarChar(limited(4000)?),
        "sysname" => SqlType::NVarChar(Length::Limited(128)),
        "text" => SqlType::Text,
        "ntext" => SqlType::NText,
        "binary" => SqlType::Binary(fixed(8000)?),
        "varbinary" => SqlType::VarBinary(limited(8000)?),
        "image" => SqlType::Image,
        "rowversion" | "timestamp" => SqlType::RowVersion,
        "uniqueidentifier" => SqlType::UniqueIdentifier,
        "date" => SqlType::Date,
        "time" => SqlType::Time(scale()?),
        "datetime" => SqlType::DateTime,
        "smalldatetime" => SqlType::SmallDateTime,
        "datetime2" => SqlType::DateTime2(scale()?),
        "datetimeoffset" => SqlType::DateTimeOffset(scale()?),
        "xml" => SqlType::Xml,
        "sql_variant" => SqlType::Variant,
        _ => {
            return Err(error(
                243,
                format!("Type {text} is not a defined system type."),
            ));
        }
    })
}

/// Whether values are text in SQLite.
pub(crate) fn is_text(t: SqlType) -> bool {
    matches!(
        t,
        SqlType::Char(_)
            | SqlType::VarChar(_)
            | SqlType::NChar(_)
            | SqlType::NVarChar(_)
            | SqlType::Text
            | SqlType::NText
            | SqlType::Xml
    )
}

/// Whether text is Unicode, and its length in characters (None is max).
pub(crate) fn text_shape(t: SqlType) -> (bool, Option<u16>) {
    match t {
        SqlType::Char(n) => (false, Some(n)),
        SqlType::VarChar(Length::Limited(n)) => (false, Some(n)),
        SqlType::NChar(n) => (true, Some(n)),
        SqlType::NVarChar(Length::Limited(n)) => (true, Some(n)),
        SqlType::VarChar(Length::Max) | SqlType::Text => (false, None),
        SqlType::NVarChar(Length::Max) | SqlType::NText | SqlType::Xml => (true, None),
        other => (false, Some(display_length(other))),
    }
}

/// varchar or nvarchar of a length; beyond the limit it stays at the limit.
pub(crate) fn text_type(unicode: bool, length: Option<u32>) -> SqlType {
    let cap = if unicode { 4000 } else { 8000 };
    let length = length.map_or(Length::Max, |n| {
        Length::Limited(u16::try_from(n.clamp(1, cap)).unwrap_or(cap as u16))
    });
    if unicode {
        SqlType::NVarChar(length)
    } else {
        SqlType::VarChar(length)
    }
}

/// Whether the type is bit, tinyint … bigint.
pub(crate) fn is_integer(t: SqlType) -> bool {
    matches!(
        t,
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt
    )
}

/// Whether the type is money or smallmoney.
pub(crate) fn is_money(t: SqlType) -> bool {
    matches!(t, SqlType::Money | SqlType::SmallMoney)
}

/// Whether the type is float or real.
pub(crate) fn is_float(t: SqlType) -> bool {
    matches!(t, SqlType::Float | SqlType::Real)
}

/// Whether the type counts.
pub(crate) fn is_number(t: SqlType) -> bool {
    is_integer(t) || is_money(t) || is_float(t) || matches!(t, SqlType::Decimal { .. })
}

/// Whether the type is a date or time.
pub(crate) fn is_temporal(t: SqlType) -> bool {
    matches!(
        t,
        SqlType::Date
            | SqlType::Time(_)
            | SqlType::DateTime
            | SqlType::SmallDateTime
            | SqlType::DateTime2(_)
            | SqlType::DateTimeOffset(_)
    )
}

/// Whether the type is binary data.
pub(crate) fn is_binary(t: SqlType) -> bool {
    matches!(
        t,
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Image | SqlType::RowVersion
    )
}

/// Precision and scale of a number that takes part in decimal arithmetic.
pub(crate) fn decimal_shape(t: SqlType) -> (u8, u8) {
    match t {
        SqlType::Decimal { precision, scale } => (precision, scale),
        SqlType::Money => (19, 4),
        SqlType::SmallMoney => (10, 4),
        SqlType::BigInt => (19, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::TinyInt => (3, 0),
        SqlType::Bit => (1, 0),
        _ => (10, 0),
    }
}

/// The type of CASE, COALESCE, UNION and comparisons over two types (data type precedence).
pub(crate) fn common(a: SqlType, b: SqlType) -> Result<SqlType> {
    if a == b {
        return Ok(a);
    }
    let (high, low) = if precedence(a) >= precedence(b) {
        (a, b)
    } else {
        (b, a)
    };
    if matches!(high, SqlType::Udt(_)) || matches!(low, SqlType::Udt(_)) {
        return Err(clash(a, b));
    }
    Ok(match high {
        SqlType::Decimal { .. } => {
            let ((p1, s1), (p2, s2)) = if is_text(low) {
                (decimal_shape(high), decimal_shape(high))
            } else {
                (decimal_shape(high), decimal_shape(low))
            };
            let scale = s1.max(s2);
            let precision = (p1 - s1).max(p2 - s2) + scale;
            SqlType::Decimal {
                precision: precision.min(38),
                scale,
            }
        }
        _ if is_text(high) && is_text(low) => {
            let ((u1, n1), (u2, n2)) = (text_shape(high), text_shape(low));
            let fixed = matches!(
                (high, low),
                (
                    SqlType::Char(_) | SqlType::NChar(_),
                    SqlType::Char(_) | SqlType::NChar(_)
                )
            );
            match (n1, n2) {
                (Some(n1), Some(n2)) if fixed && n1 == n2 => {
                    if u1 || u2 {
                        SqlType::NChar(n1)
                    } else {
                        SqlType::Char(n1)
                    }
                }
                (Some(n1), Some(n2)) => text_type(u1 || u2, Some(n1.max(n2).into())),
                _ => text_type(u1 || u2, None),
            }
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) if is_binary(low) => {
            let length = |t| match t {
                SqlType::Binary(n) | SqlType::VarBinary(Length::Limited(n)) => Some(n),
                _ => None,
            };
            match (length(high), length(low)) {
                (Some(a), Some(b)) => SqlType::VarBinary(Length::Limited(a.max(b))),
                _ => SqlType::VarBinary(Length::Max),
            }
        }
        SqlType::DateTime2(s) => match low {
            SqlType::DateTime2(o) => SqlType::DateTime2(s.max(o)),
            _ => high,
        },
        SqlType::Time(s) => match low {
            SqlType::Time(o) => SqlType::Time(s.max(o)),
            other if is_temporal(other) && other == SqlType::Date => return Err(clash(a, b)),
            _ => high,
        },
        other => other,
    })
}

/// Result type of `+ - * / %` over numbers, with SQL Server's precision rules.
pub(crate) fn arithmetic(op: char, a: SqlType, b: SqlType) -> Result<SqlType> {
    if is_float(a) || is_float(b) {
        return Ok(if a == SqlType::Real && b == SqlType::Real {
            SqlType::Real
        } else {
            SqlType::Float
        });
    }
    let decimal = |t| matches!(t, SqlType::Decimal { .. });
    if decimal(a) || decimal(b) {
        let ((p1, s1), (p2, s2)) = (widths(a), widths(b));
        let (precision, scale) = match op {
            '*' => (p1 + p2 + 1, s1 + s2),
            '/' => {
                let scale = 6.max(s1 + p2 + 1);
                (p1 - s1 + s2 + scale, scale)
            }
            '%' => {
                let scale = s1.max(s2);
                ((p1 - s1).min(p2 - s2) + scale, scale)
            }
            _ => {
                let scale = s1.max(s2);
                ((p1 - s1).max(p2 - s2) + scale + 1, scale)
            }
        };
        return Ok(bounded(precision, scale, matches!(op, '*' | '/')));
    }
    if is_money(a) || is_money(b) {
        return Ok(
            if a == SqlType::Money || b == SqlType::Money || !(is_money(a) && is_money(b)) {
                SqlType::Money
            } else {
                SqlType::SmallMoney
            },
        );
    }
    common(a, b)
}

/// Caps a decimal at 38 digits: the integral part is kept, the scale gives way
/// down to 6 (multiplication and division), or by as much as the excess.
fn bounded(precision: i32, scale: i32, product: bool) -> SqlType {
    let (p, s) = if precision <= 38 {
        (precision, scale)
    } else if product {
        let integral = precision - scale;
        (
            38,
            if integral < 32 {
                scale.min(38 - integral)
            } else {
                scale.min(6)
            },
        )
    } else {
        (38, (scale - (precision - 38)).max(0))
    };
    SqlType::Decimal {
        precision: u8::try_from(p).unwrap_or(38),
        scale: u8::try_from(s).unwrap_or(0),
    }
}

fn widths(t: SqlType) -> (i32, i32) {
    let (p, s) = decimal_shape(t);
    (p.into(), s.into())
}

/// Characters that a value of the type takes when it becomes text.
fn display_length(t: SqlType) -> u16 {
    match t {
        SqlType::Bit => 1,
        SqlType::TinyInt => 4,
        SqlType::SmallInt => 6,
        SqlType::Int => 12,
        SqlType::BigInt => 20,
        SqlType::UniqueIdentifier => 36,
        SqlType::Decimal { .. } => 41,
        _ => 30,
    }
}

fn precedence(t: SqlType) -> u8 {
    match t {
        SqlType::Udt(_) => 32,
        SqlType::Variant => 31,
        SqlType::Xml => 30,
        SqlType::DateTimeOffset(_) => 29,
        SqlType::DateTime2(_) => 28,
        SqlType::DateTime => 27,
        SqlType::SmallDateTime => 26,
        SqlType::Date => 25,
        SqlType::Time(_) => 24,
        SqlType::Float => 23,
        SqlType::Real => 22,
        SqlType::Decimal { .. } => 21,
        SqlType::Money => 20,
        SqlType::SmallMoney => 19,
        SqlType::BigInt => 18,
        SqlType::Int => 17,
        SqlType::SmallInt => 16,
        SqlType::TinyInt => 15,
        SqlType::Bit => 14,
        SqlType::NText => 13,
        SqlType::Text => 12,
        SqlType::Image => 11,
        SqlType::RowVersion => 10,
        SqlType::UniqueIdentifier => 9,
        SqlType::NVarChar(_) => 8,
        SqlType::NChar(_) => 7,
        SqlType::VarChar(_) => 6,
        SqlType::Char(_) => 5,
        SqlType::VarBinary(_) => 4,
        SqlType::Binary(_) => 3,
    }
}

fn length_code(length: Length) -> u16 {
    match length {
        Length::Limited(n) => n,
        Length::Max => u16::MAX,
    }
}

fn length(code: u16) -> Length {
    if code == u16::MAX {
        Length::Max
    } else {
        Length::Limited(code)
    }
}
