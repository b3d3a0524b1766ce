//! The rows of the company.

pub(super) mod goods;
pub(super) mod log;
pub(super) mod people;
pub(super) mod places;
pub(super) mod sales;
pub(super) mod trade;

use crate::value::Value;

pub(super) type Row = Vec<Value>;

pub(super) fn int(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// NULL for an empty text.
pub(super) fn text_or_null(value: &str) -> Value {
    if value.is_empty() {
        Value::Null
    } else {
        text(value)
    }
}

/// An amount in cents.
pub(super) fn cents(value: i64) -> Value {
    Value::Money(value * 100)
}

/// A number from a position in a list, from 1.
pub(super) fn number(index: usize) -> i64 {
    i64::try_from(index).map_or(i64::MAX, |index| index.saturating_add(1))
}
