//! Types of parameters: how a value arrives as JSON, stands in the file, and is
//! bound.

use std::borrow::Cow;
use std::cmp::Ordering;

use mssql_mcp_sdk::Value;
use serde_json::value::RawValue;
use toml::de::DeValue;

use crate::{decimal, temporal};

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Decimal,
    Boolean,
    Date,
    Time,
    Datetime,
    /// `datetime` with the `sql_type` datetimeoffset.
    DatetimeOffset,
    Uuid,
}

impl Kind {
    pub(crate) const NAMES: [&'static str; 9] = [
        "string", "integer", "number", "decimal", "boolean", "date", "time", "datetime", "uuid",
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "decimal" => Self::Decimal,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" => Self::Datetime,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// A value of this type, for messages.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Decimal => "a decimal such as \"12.50\", of at most 38 digits",
            Self::Boolean => "true or false",
            Self::Date => "a date such as 2024-05-31",
            Self::Time => "a time such as 09:30:00",
            Self::Datetime => "a date and time such as 2024-05-31T09:30:00, without a time zone",
            Self::DatetimeOffset => "a date and time such as 2024-05-31T09:30:00+02:00",
            Self::Uuid => "a UUID",
        }
    }

    /// JSON types that carry it.
    pub(crate) fn json_types(self) -> &'static [&'static str] {
        match self {
            Self::Integer => &["integer"],
            Self::Number => &["number"],
            Self::Boolean => &["boolean"],
            // Exact as text; models write numbers too.
            Self::Decimal => &["string", "number"],
            _ => &["string"],
        }
    }

    /// `format` or `pattern` of the JSON that carries it.
    pub(crate) fn form(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Decimal => Some(("pattern", r"^-?\d+(\.\d+)?$")),
            Self::Date => Some(("format", "date")),
            Self::Time => Some(("pattern", r"^\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$")),
            // `date-time` would ask for a time zone.
            Self::Datetime => Some((
                "pattern",
                r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?$",
            )),
            Self::DatetimeOffset => Some(("format", "date-time")),
            Self::Uuid => Some(("format", "uuid")),
            _ => None,
        }
    }

    /// The type that NULL is bound as.
    pub(crate) fn sql_type(self) -> &'static str {
        match self {
            Self::String => "nvarchar(4000)",
            Self::Integer => "int",
            Self::Number => "float",
            Self::Decimal => "decimal(38,10)",
            Self::Boolean => "bit",
            Self::Date => "date",
            Self::Time => "time(7)",
            Self::Datetime => "datetime2(7)",
            Self::DatetimeOffset => "datetimeoffset(7)",
            Self::Uuid => "uniqueidentifier",
        }
    }

    /// Whether values have an order that `min` and `max` can speak of.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Decimal)
    }

    /// The value that a JSON text stands for.
    pub(crate) fn value(self, json: &RawValue) -> Option<Value> {
        let text = || serde_json::from_str::<String>(json.get()).ok();
        Some(match self {
            Self::String => Value::Text(text()?),
            Self::Integer => Value::Int(integer(json.get())?),
            Self::Number => Value::Float(serde_json::from_str(json.get()).ok()?),
            Self::Decimal => Value::Decimal(decimal_digits(json.get())?.into_owned()),
            Self::Boolean => Value::Bit(serde_json::from_str(json.get()).ok()?),
            Self::Date => Value::Date(temporal::date(&text()?)?),
            Self::Time => Value::Time(temporal::time(&text()?)?),
            Self::Datetime => Value::Datetime(temporal::datetime(&text()?)?),
            Self::DatetimeOffset => Value::DatetimeOffset(temporal::datetime_offset(&text()?)?),
            Self::Uuid => Value::Uuid(text().filter(|text| is_uuid(text))?),
        })
    }

    /// The JSON text of a value in the file.
    pub(crate) fn literal(self, value: &DeValue<'_>) -> Option<Box<RawValue>> {
        let json = match (self, value) {
            (Self::Integer | Self::Number | Self::Decimal, DeValue::Integer(number)) => {
                i64::from_str_radix(number.as_str(), number.radix())
                    .ok()?
                    .to_string()
            }
            (Self::Number, DeValue::Float(number)) => {
                let number: f64 = number.as_str().parse().ok()?;
                serde_json::Value::from(number).to_string()
            }
            (Self::Decimal, DeValue::Float(number)) => quoted(number.as_str()),
            (Self::Boolean, DeValue::Boolean(flag)) => flag.to_string(),
            (
                Self::Date | Self::Time | Self::Datetime | Self::DatetimeOffset,
                DeValue::Datetime(datetime),
            ) => quoted(&datetime.to_string()),
            (Self::Integer | Self::Number | Self::Boolean, _) => return None,
            (_, DeValue::String(text)) => quoted(text),
            _ => return None,
        };
        let json = RawValue::from_string(json).ok()?;
        self.value(&json).is_some().then_some(json)
    }

    /// Compares two JSON texts of a type that [`Kind::is_number`].
    pub(crate) fn compare(self, a: &RawValue, b: &RawValue) -> Option<Ordering> {
        match self {
            Self::Integer => Some(integer(a.get())?.cmp(&integer(b.get())?)),
            Self::Number => {
                let float = |json: &RawValue| serde_json::from_str::<f64>(json.get()).ok();
                float(a)?.partial_cmp(&float(b)?)
            }
            Self::Decimal => Some(decimal::compare(
                &decimal_digits(a.get())?,
                &decimal_digits(b.get())?,
            )),
            _ => None,
        }
    }
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON Schema counts 5.0 among the integers.
fn integer(json: &str) -> Option<i64> {
    if let Ok(number) = serde_json::from_str(json) {
        return Some(number);
    }
    let number: f64 = serde_json::from_str(json).ok()?;
    // Above this a float is no exact number any more.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    exact.then_some(number as i64)
}

/// From `"12.50"`, 12.50 or 1.25e1.
fn decimal_digits(json: &str) -> Option<Cow<'_, str>> {
    let digits = if json.starts_with('"') {
        Cow::Owned(serde_json::from_str(json).ok()?)
    } else if json.contains(['e', 'E']) {
        Cow::Owned(serde_json::from_str::<f64>(json).ok()?.to_string())
    } else {
        Cow::Borrowed(json)
    };
    decimal::is_decimal(&digits).then_some(digits)
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    [8, 4, 4, 4, 12].iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind, json: &str) -> Option<Value> {
        kind.value(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn numbers_keep_every_digit() {
        assert_eq!(
            value(Kind::Integer, "9007199254740993"),
            Some(Value::Int(9_007_199_254_740_993))
        );
        assert_eq!(value(Kind::Integer, "5.0"), Some(Value::Int(5)));
        for exact in ["12345678901234567.89", "\"12345678901234567.89\""] {
            assert_eq!(
                value(Kind::Decimal, exact),
                Some(Value::Decimal("12345678901234567.89".to_owned()))
            );
        }
        assert_eq!(
            value(Kind::Decimal, "1.25e1"),
            Some(Value::Decimal("12.5".to_owned()))
        );
    }

    #[test]
    fn values_of_another_type_are_none() {
        for (kind, json) in [
            (Kind::String, "5"),
            (Kind::Integer, "5.5"),
            (Kind::Integer, "\"5\""),
            (Kind::Integer, "1e300"),
            (Kind::Decimal, "\"a\""),
            (Kind::Boolean, "1"),
            (Kind::Date, "\"2024-02-30\""),
            (Kind::Datetime, "\"2024-02-03T10:00:00Z\""),
            (Kind::Uuid, "\"6F9619FF-8B86-D011-B42D\""),
            (Kind::String, "null"),
        ] {
            assert_eq!(value(kind, json), None, "{kind:?} {json}");
        }
        assert!(value(Kind::Uuid, "\"6F9619FF-8B86-D011-B42D-00C04FC964FF\"").is_some());
    }
}
