//! Date and time functions over instants (100 ns units since 0001-01-01).

use rusqlite::Connection;
use rusqlite::types::Value as Stored;

use super::{Args, strict};
use crate::engine::datetime::{self, MONTHS, Part, SECOND, WEEKDAYS};
use crate::engine::error::{Result, error};
use crate::engine::storage::{DAY, ticks};
use crate::value::SqlType;

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    // dt_add(part, number, instant, type)
    strict(c, "dt_add", 4, |a| {
        let sql_type = a.sql_type(3);
        datetime::add(part(a, 0), a.int(1), a.int(2), sql_type).map(Stored::Integer)
    })?;
    // dt_diff(part, from, to, big)
    strict(c, "dt_diff", 4, |a| {
        let difference = datetime::difference(part(a, 0), a.int(1), a.int(2))?;
        if a.int(3) == 0 && i32::try_from(difference).is_err() {
            return Err(datetime::difference_overflow());
        }
        Ok(Stored::Integer(difference))
    })?;
    // dt_part(part, instant, offset)
    strict(c, "dt_part", 3, |a| {
        Ok(Stored::Integer(datetime::part_of(
            part(a, 0),
            a.int(1),
            offset(a, 2),
        )))
    })?;
    strict(c, "dt_name", 3, |a| {
        let number = datetime::part_of(part(a, 0), a.int(1), offset(a, 2));
        let named = |names: &[&str]| {
            usize::try_from(number - 1)
                .ok()
                .and_then(|i| names.get(i).copied())
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Stored::Text(match part(a, 0) {
            Part::Month => named(&MONTHS),
            Part::WeekDay => named(&WEEKDAYS),
            Part::Offset => format!(
                "{}{:02}:{:02}",
                if number < 0 { '-' } else { '+' },
                number.abs() / 60,
                number.abs() % 60
            ),
            _ => number.to_string(),
        }))
    })?;
    strict(c, "dt_eomonth", 2, |a| {
        datetime::end_of_month(a.int(0), a.int(1)).map(Stored::Integer)
    })?;
    // dt_trunc(part, instant)
    strict(c, "dt_trunc", 2, |a| {
        truncate(part(a, 0), a.int(1)).map(Stored::Integer)
    })?;
    strict(c, "dt_from_parts", 3, |a| {
        let day = i32::try_from(a.int(0))
            .ok()
            .zip(u32::try_from(a.int(1)).ok())
            .zip(u32::try_from(a.int(2)).ok())
            .and_then(|((y, m), d)| datetime::days(y, m, d));
        day.map(|d| Stored::Integer(d.into())).ok_or_else(bad_parts)
    })?;
    // dt_time_parts(hour, minute, second, fraction, precision): time of day
    strict(c, "dt_time_parts", 5, |a| {
        let (h, m, s, f, p) = (a.int(0), a.int(1), a.int(2), a.int(3), a.int(4));
        let unit = u32::try_from(7 - p)
            .ok()
            .map(|e| 10_i64.pow(e))
            .ok_or_else(bad_parts)?;
        let fraction = f
            .checked_mul(unit)
            .filter(|f| (0..SECOND).contains(f))
            .ok_or_else(bad_parts)?;
        if (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s) {
            Ok(Stored::Integer(((h * 60 + m) * 60 + s) * SECOND + fraction))
        } else {
            Err(bad_parts())
        }
    })?;
    // dto_local(stored): the local instant; dto_utc: the one in UTC; dto_offset: minutes
    strict(c, "dto_utc", 1, |a| Ok(Stored::Integer(split(a).0)))?;
    strict(c, "dto_local", 1, |a| {
        let (utc, offset) = split(a);
        Ok(Stored::Integer(utc + i64::from(offset) * 60 * SECOND))
    })?;
    strict(c, "dto_offset", 1, |a| {
        Ok(Stored::Integer(split(a).1.into()))
    })?;
    // dto_make(instant in UTC, offset)
    strict(c, "dto_make", 2, |a| {
        let mut key = a.int(0).to_be_bytes().to_vec();
        key.extend(offset(a, 1).to_be_bytes());
        Ok(Stored::Blob(key))
    })
}

fn part(a: &Args<'_, '_>, index: usize) -> Part {
    Part::from_code(a.int(index))
}

fn offset(a: &Args<'_, '_>, index: usize) -> i16 {
    i16::try_from(a.int(index)).unwrap_or(0)
}

fn split(a: &Args<'_, '_>) -> (i64, i16) {
    let (ticks, offset) = a.blob(0).split_at_checked(8).unwrap_or_default();
    (
        i64::from_be_bytes(ticks.try_into().unwrap_or_default()),
        i16::from_be_bytes(offset.try_into().unwrap_or_default()),
    )
}

fn truncate(part: Part, instant: i64) -> Result<i64> {
    use chrono::Datelike;
    let day = datetime::date_of(instant);
    let start =
        |year: i32, month: u32| datetime::days(year, month, 1).map_or(instant, |d| ticks(d, 0));
    let unit = |u: i64| instant.div_euclid(u) * u;
    Ok(match part {
        Part::Year => start(day.year(), 1),
        Part::Quarter => start(day.year(), day.month0() / 3 * 3 + 1),
        Part::Month => start(day.year(), day.month()),
        // Weeks begin on Sunday; 0001-01-01 was a Monday.
        Part::Week => (instant.div_euclid(DAY) + 1).div_euclid(7) * 7 * DAY - DAY,
        Part::IsoWeek => instant.div_euclid(DAY).div_euclid(7) * 7 * DAY,
        Part::Day | Part::DayOfYear => unit(DAY),
        Part::Hour => unit(3600 * SECOND),
        Part::Minute => unit(60 * SECOND),
        Part::Second => unit(SECOND),
        Part::Millisecond => unit(10_000),
        Part::Microsecond => unit(10),
        _ => {
            return Err(error(
                9810,
                "The datepart is not supported by date function datetrunc.",
            ));
        }
    })
}

fn bad_parts() -> crate::value::SqlError {
    error(
        289,
        format!(
            "Cannot construct data type {}, some of the arguments have values which are not valid.",
            crate::engine::types::base_name(SqlType::Date)
        ),
    )
}
