//! Points in time as the values carry them: days since 0001-01-01, and ticks of
//! 100 ns since midnight.

use chrono::{Datelike as _, NaiveDate};

use crate::value::Value;

/// Ticks of a second.
pub(super) const SECOND: u64 = 10_000_000;
/// Ticks of a minute.
pub(super) const MINUTE: u64 = 60 * SECOND;
/// Ticks of an hour.
pub(super) const HOUR: u64 = 60 * MINUTE;

/// Days since 0001-01-01; 0 for a date that does not exist.
pub(super) fn day(year: i32, month: u32, day: u32) -> u32 {
    NaiveDate::from_ymd_opt(year, month, day)
        .and_then(|date| u32::try_from(date.num_days_from_ce() - 1).ok())
        .unwrap_or_default()
}

/// A datetime at midnight.
pub(super) fn midnight(day: u32) -> Value {
    Value::DateTime(day, 0)
}
