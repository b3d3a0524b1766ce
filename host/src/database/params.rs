//! Parameters of `sp_executesql`: names, declared types and wire values.

use std::borrow::Cow;
use std::collections::HashSet;

use tiberius::numeric::Numeric;
use tiberius::time as wire;
use tiberius::{ColumnData, IntoSql};

use super::error::Error;
use super::fits;
use super::text;
use super::value::{DateTime, Param, Time, Value};

/// Parameters ready to be bound.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// `@a int,@b nvarchar(4000)`
    pub(super) declaration: String,
    /// Names with the `@`, and values, in order.
    pub(super) values: Vec<(String, ColumnData<'static>)>,
}

/// A wire value on its way into a command.
pub(super) struct Raw(pub(super) ColumnData<'static>);

impl IntoSql<'static> for Raw {
    fn into_sql(self) -> ColumnData<'static> {
        self.0
    }
}

/// Checks names and types, and translates values.
pub(super) fn bind(params: Vec<Param>) -> Result<Bound, Error> {
    if params.len() > MAX_PARAMETERS {
        return Err(Error::InvalidStatement(format!(
            "a statement takes at most {MAX_PARAMETERS} parameters"
        )));
    }
    let mut bound = Bound::default();
    let mut names = HashSet::with_capacity(params.len());
    for param in params {
        let name = name(&param.name)?;
        if !names.insert(name.to_lowercase()) {
            return Err(invalid(
                &param.name,
                "bound twice; give each parameter once",
            ));
        }
        let number = match &param.value {
            Value::Decimal(digits) => decimal(digits),
            _ => None,
        };
        let (data, inferred) =
            encode(param.value).map_err(|reason| invalid(&param.name, &reason))?;
        let declared = match &param.sql_type {
            Some(given) => Cow::Borrowed(
                declared_type(given).ok_or_else(|| invalid(&param.name, NO_SUCH_TYPE))?,
            ),
            None => inferred,
        };
        let refused = |reason: String| invalid(&param.name, &reason);
        fits::check(&data, &declared).map_err(refused)?;
        // The driver's limits make text of some decimals.
        if let (ColumnData::String(_), Some(_)) = (&data, number) {
            fits::check(&ColumnData::Numeric(number), &declared).map_err(refused)?;
        }
        if !bound.declaration.is_empty() {
            bound.declaration.push(',');
        }
        bound.declaration.push_str(&name);
        bound.declaration.push(' ');
        bound.declaration.push_str(&declared);
        bound.values.push((name, data));
    }
    Ok(bound)
}

/// `customer_id` and `@customer_id` → `@customer_id`.
fn name(given: &str) -> Result<String, Error> {
    let bare = given.strip_prefix('@').unwrap_or(given);
    let mut chars = bare.chars();
    let starts = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = chars.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '#' | '$'));
    if starts && goes_on && bare.len() <= MAX_NAME && !bare.to_ascii_lowercase().starts_with("mcp_")
    {
        Ok(format!("@{bare}"))
    } else {
        Err(invalid(
            given,
            "not a parameter name; use up to 100 letters, digits and underscores, not beginning with mcp_",
        ))
    }
}

/// Accepts one built-in type with its arguments, and nothing around it: the
/// text becomes part of a declaration.
fn declared_type(given: &str) -> Option<&str> {
    let given = given.trim();
    let (base, arguments) = match given.split_once('(') {
        Some((base, rest)) => (base.trim_end(), Some(rest.strip_suffix(')')?)),
        None => (given, None),
    };
    let known = TYPES.iter().any(|known| known.eq_ignore_ascii_case(base));
    let sound = arguments.is_none_or(|arguments| {
        arguments.trim().eq_ignore_ascii_case("max")
            || arguments.split(',').all(|number| {
                let number = number.trim();
                !number.is_empty()
                    && number.len() <= 4
                    && number.bytes().all(|digit| digit.is_ascii_digit())
            })
    });
    (known && sound).then_some(given)
}

fn encode(value: Value) -> Result<(ColumnData<'static>, Cow<'static, str>), String> {
    let pair = match value {
        Value::Null => (ColumnData::String(None), "nvarchar(4000)".into()),
        Value::Bit(bit) => (ColumnData::Bit(Some(bit)), "bit".into()),
        // As T-SQL reads the literal: int while it fits.
        Value::Int(number) => match i32::try_from(number) {
            Ok(number) => (ColumnData::I32(Some(number)), "int".into()),
            Err(_) => (ColumnData::I64(Some(number)), "bigint".into()),
        },
        Value::Real(number) => (
            ColumnData::F32(Some(finite(number.into()).map(|_| number)?)),
            "real".into(),
        ),
        Value::Float(number) => (ColumnData::F64(Some(finite(number)?)), "float".into()),
        Value::Decimal(digits) => {
            let number = decimal(&digits).ok_or("not a decimal of at most 38 digits")?;
            let declared = format!("decimal(38,{})", number.scale()).into();
            // The driver counts one digit before the point even where it is 0, and
            // cannot write a precision of 39: the server reads such a one itself.
            let data = if number.scale() == 38 {
                ColumnData::String(Some(digits.into()))
            } else {
                ColumnData::Numeric(Some(number))
            };
            (data, declared)
        }
        Value::Text(text) | Value::Json(text) => character(text),
        Value::Other { sql_type, text } => {
            let (data, inferred) = character(text);
            let declared = declared_type(&sql_type).map(str::to_owned);
            (data, declared.map_or(inferred, Cow::Owned))
        }
        Value::Bytes(bytes) => {
            let declared = if bytes.len() <= 8_000 {
                "varbinary(8000)"
            } else {
                "varbinary(max)"
            };
            (ColumnData::Binary(Some(bytes.into())), declared.into())
        }
        Value::Date(date) => {
            let days = text::days_from_date(date).ok_or(NO_SUCH_DATE)?;
            (ColumnData::Date(Some(wire::Date::new(days))), "date".into())
        }
        Value::Time(time) => (ColumnData::Time(Some(ticks(time)?)), "time(7)".into()),
        Value::DateTime(value) => (
            ColumnData::DateTime2(Some(datetime2(value, 0)?)),
            "datetime2(7)".into(),
        ),
        Value::DateTimeOffset(value) => {
            let minutes = value.offset_minutes;
            if minutes.unsigned_abs() > 14 * 60 {
                return Err("an offset lies within 14 hours of UTC".to_owned());
            }
            (
                ColumnData::DateTimeOffset(Some(wire::DateTimeOffset::new(
                    datetime2(value.local, minutes)?,
                    minutes,
                ))),
                "datetimeoffset(7)".into(),
            )
        }
        Value::Uuid(text) => {
            let uuid = tiberius::Uuid::parse_str(&text).map_err(|_| "not a uuid")?;
            (ColumnData::Guid(Some(uuid)), "uniqueidentifier".into())
        }
    };
    Ok(pair)
}

fn character(text: String) -> (ColumnData<'static>, Cow<'static, str>) {
    let declared = if text.len() <= 4_000 || text.encode_utf16().nth(4_000).is_none() {
        "nvarchar(4000)"
    } else {
        "nvarchar(max)"
    };
    (ColumnData::String(Some(text.into())), declared.into())
}

fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err("SQL Server has no infinity and no NaN".to_owned())
    }
}

/// Reads `-12.50` without a detour through a float.
fn decimal(text: &str) -> Option<Numeric> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let significant = whole.trim_start_matches('0').len() + fraction.len();
    if (whole.is_empty() && fraction.is_empty()) || significant > 38 {
        return None;
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i128::from(digit - b'0');
    }
    let scale = u8::try_from(fraction.len()).ok()?;
    Some(Numeric::new_with_scale(sign * value, scale))
}

fn ticks(time: Time) -> Result<wire::Time, String> {
    let increments = time.nanos / 100;
    if increments >= TICKS_PER_DAY {
        return Err("a time of day ends before 24:00".to_owned());
    }
    Ok(wire::Time::new(increments, 7))
}

/// `value`, which lies `offset` minutes east of UTC, in UTC.
fn datetime2(value: DateTime, offset: i16) -> Result<wire::DateTime2, String> {
    let local = i64::try_from(ticks(value.time)?.increments()).unwrap_or(0);
    let per_day = i64::try_from(TICKS_PER_DAY).unwrap_or(i64::MAX);
    let utc = local - i64::from(offset) * 600_000_000;
    let days =
        i64::from(text::days_from_date(value.date).ok_or(NO_SUCH_DATE)?) + utc.div_euclid(per_day);
    let days = u32::try_from(days)
        .ok()
        .filter(|days| *days <= LAST_DAY)
        .ok_or(NO_SUCH_DATE)?;
    let time = u64::try_from(utc.rem_euclid(per_day)).unwrap_or(0);
    Ok(wire::DateTime2::new(
        wire::Date::new(days),
        wire::Time::new(time, 7),
    ))
}

fn invalid(name: &str, reason: &str) -> Error {
    Error::InvalidParameter {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

/// TDS allows 2 100; statement, declaration and the description take four.
const MAX_PARAMETERS: usize = 2_096;
const MAX_NAME: usize = 100;
const TICKS_PER_DAY: u64 = 864_000_000_000;
/// 9999-12-31
const LAST_DAY: u32 = 3_652_058;
const NO_SUCH_DATE: &str = "no such date between 0001-01-01 and 9999-12-31";
const NO_SUCH_TYPE: &str = "not a built-in type; write it as nvarchar(50) or decimal(18,4)";
const TYPES: [&str; 31] = [
    "bigint",
    "binary",
    "bit",
    "char",
    "date",
    "datetime",
    "datetime2",
    "datetimeoffset",
    "decimal",
    "float",
    "geography",
    "geometry",
    "hierarchyid",
    "int",
    "money",
    "nchar",
    "numeric",
    "nvarchar",
    "real",
    "rowversion",
    "smalldatetime",
    "smallint",
    "smallmoney",
    "sql_variant",
    "sysname",
    "time",
    "tinyint",
    "uniqueidentifier",
    "varbinary",
    "varchar",
    "xml",
];

#[cfg(test)]
mod tests {
    use super::super::value::{Date, DateTimeOffset};
    use super::*;

    fn one(value: Value, sql_type: Option<&str>) -> Result<Bound, Error> {
        bind(vec![Param {
            name: "p".into(),
            value,
            sql_type: sql_type.map(Into::into),
        }])
    }

    #[test]
    fn types_follow_the_value_unless_given() {
        for (value, declaration) in [
            (Value::Int(7), "@p int"),
            (Value::Int(1 << 40), "@p bigint"),
            (Value::Decimal("-12.50".into()), "@p decimal(38,2)"),
            (Value::Text("a".into()), "@p nvarchar(4000)"),
            (Value::Text("a".repeat(4_001)), "@p nvarchar(max)"),
            (Value::Bytes(vec![0; 8_001]), "@p varbinary(max)"),
            (Value::Null, "@p nvarchar(4000)"),
        ] {
            assert_eq!(one(value, None).unwrap().declaration, declaration);
        }
        let given = one(Value::Text("x".into()), Some("varchar(20)")).unwrap();
        assert_eq!(given.declaration, "@p varchar(20)");
    }

    #[test]
    fn a_type_cannot_smuggle_another_parameter_or_statement() {
        for text in [
            "int, @q int",
            "int) SELECT 1 --",
            "varchar(10",
            "varchar(10)) ",
            "dbo.Secret",
            "",
        ] {
            assert!(one(Value::Null, Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_plain_and_bound_once() {
        for bad in ["", "1a", "a b", "a;b", "@", "mcp_statement"] {
            assert!(name(bad).is_err(), "{bad}");
        }
        assert_eq!(name("@id").unwrap(), "@id");
        let param = |name: &str| Param {
            name: name.into(),
            value: Value::Null,
            sql_type: None,
        };
        assert!(bind(vec![param("id"), param("@ID")]).is_err());
    }

    #[test]
    fn decimals_are_read_digit_by_digit() {
        let number = decimal("-1234567890123456789012345678.0123456789").unwrap();
        assert_eq!(
            number.value(),
            -12_345_678_901_234_567_890_123_456_780_123_456_789
        );
        assert_eq!(number.scale(), 10);
        for bad in [
            "",
            ".",
            "1e3",
            "1.2.3",
            "--1",
            "123456789012345678901234567890123456789",
        ] {
            assert!(decimal(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_offset_turns_local_time_into_utc_across_midnight() {
        let local = DateTime {
            date: Date {
                year: 2024,
                month: 3,
                day: 1,
            },
            time: Time {
                nanos: 3_600_000_000_000,
            },
        };
        let value = Value::DateTimeOffset(DateTimeOffset {
            local,
            offset_minutes: 330,
        });
        let (data, _) = encode(value).unwrap();
        let ColumnData::DateTimeOffset(Some(sent)) = data else {
            panic!("{data:?}");
        };
        assert_eq!(
            super::super::convert::datetime_offset(sent).local,
            local,
            "what is sent reads back"
        );
        assert_eq!(sent.datetime2().date().days(), 738_944);
    }
}
