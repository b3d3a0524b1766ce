//! Dates and times as SQL Server counts, reads and writes them. An instant is a
//! number of 100 ns units since 0001-01-01; `datetime` rounds to 1/300 s.

mod parse;
mod write;

use chrono::{Datelike, Months, NaiveDate};

pub(crate) use self::parse::parse;
pub(crate) use self::write::{MONTHS, WEEKDAYS, styled};
use super::error::{Result, date_overflow, error, unsupported};
use super::storage::DAY;
use crate::value::SqlType;

/// One second.
pub(crate) const SECOND: i64 = 10_000_000;

/// 1900-01-01, to which times and numbers are added.
pub(crate) const BASE_1900: i64 = 693_595 * DAY;

/// A unit of DATEADD, DATEDIFF, DATEPART, DATENAME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// year, yy, yyyy
    Year,
    /// quarter, qq, q
    Quarter,
    /// month, mm, m
    Month,
    /// dayofyear, dy, y
    DayOfYear,
    /// day, dd, d
    Day,
    /// week, wk, ww
    Week,
    /// weekday, dw, w
    WeekDay,
    /// hour, hh
    Hour,
    /// minute, mi, n
    Minute,
    /// second, ss, s
    Second,
    /// millisecond, ms
    Millisecond,
    /// microsecond, mcs
    Microsecond,
    /// nanosecond, ns
    Nanosecond,
    /// iso_week, isowk, isoww
    IsoWeek,
    /// tzoffset, tz
    Offset,
}

impl Part {
    /// Reads a unit's name or abbreviation.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" | "yy" | "yyyy" => Self::Year,
            "quarter" | "qq" | "q" => Self::Quarter,
            "month" | "mm" | "m" => Self::Month,
            "dayofyear" | "dy" | "y" => Self::DayOfYear,
            "day" | "dd" | "d" => Self::Day,
            "week" | "wk" | "ww" => Self::Week,
            "weekday" | "dw" | "w" => Self::WeekDay,
            "hour" | "hh" => Self::Hour,
            "minute" | "mi" | "n" => Self::Minute,
            "second" | "ss" | "s" => Self::Second,
            "millisecond" | "ms" => Self::Millisecond,
            "microsecond" | "mcs" => Self::Microsecond,
            "nanosecond" | "ns" => Self::Nanosecond,
            "iso_week" | "isowk" | "isoww" => Self::IsoWeek,
            "tzoffset" | "tz" => Self::Offset,
            _ => return None,
        })
    }

    /// Position in [`Self::from_code`], for SQLite functions.
    pub(crate) fn code(self) -> i64 {
        self as i64
    }

    /// The inverse of [`Self::code`].
    pub(crate) fn from_code(code: i64) -> Self {
        const ALL: [Part; 15] = [
            Part::Year,
            Part::Quarter,
            Part::Month,
            Part::DayOfYear,
            Part::Day,
            Part::Week,
            Part::WeekDay,
            Part::Hour,
            Part::Minute,
            Part::Second,
            Part::Millisecond,
            Part::Microsecond,
            Part::Nanosecond,
            Part::IsoWeek,
            Part::Offset,
        ];
        usize::try_from(code)
            .ok()
            .and_then(|i| ALL.get(i))
            .copied()
            .unwrap_or(Self::Day)
    }
}

/// Days since 0001-01-01 of a calendar date.
pub(crate) fn days(year: i32, month: u32, day: u32) -> Option<u32> {
    if !(1..=9999).contains(&year) {
        return None;
    }
    u32::try_from(NaiveDate::from_ymd_opt(year, month, day)?.num_days_from_ce() - 1).ok()
}

/// The calendar date of a day number; out of range is the first day.
pub(crate) fn date(days: i64) -> NaiveDate {
    i32::try_from(days + 1)
        .ok()
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .unwrap_or_default()
}

/// The calendar date of an instant.
pub(crate) fn date_of(ticks: i64) -> NaiveDate {
    date(ticks.div_euclid(DAY))
}

/// Rounds 100 ns units to a scale of 0 to 7.
pub(crate) fn round_scale(ticks: i64, scale: u8) -> i64 {
    let unit = 10_i64.pow(u32::from(7 - scale.min(7)));
    (ticks + unit / 2).div_euclid(unit) * unit
}

/// Rounds to `datetime`'s 1/300 s; written out, its milliseconds end in 0, 3 or 7.
pub(crate) fn round_datetime(ticks: i64) -> i64 {
    let (day, time) = (ticks.div_euclid(DAY), ticks.rem_euclid(DAY));
    let thirds = (time * 3 + 50_000) / 100_000;
    day * DAY + (thirds * 100_000 + 1) / 3
}

/// Rounds an instant as values of the type are kept, and checks the range.
pub(crate) fn fit(ticks: i64, sql_type: SqlType) -> Result<i64> {
    let rounded = match sql_type {
        SqlType::DateTime => round_datetime(ticks),
        SqlType::SmallDateTime => (ticks + 30 * SECOND).div_euclid(60 * SECOND) * 60 * SECOND,
        SqlType::Date => ticks.div_euclid(DAY) * DAY,
        SqlType::DateTime2(s) | SqlType::DateTimeOffset(s) => round_scale(ticks, s),
        SqlType::Time(s) => return Ok(round_scale(ticks.rem_euclid(DAY), s).rem_euclid(DAY)),
        _ => ticks,
    };
    let (low, high) = match sql_type {
        SqlType::DateTime => (639_905, 3_652_059),
        SqlType::SmallDateTime => (693_595, 759_131),
        _ => (0, 3_652_059),
    };
    if rounded >= low * DAY && rounded < high * DAY {
        Ok(rounded)
    } else {
        Err(error(
            242,
            format!(
                "The conversion of a varchar data type to a {} data type resulted in an out-of-range value.",
                super::types::base_name(sql_type)
            ),
        ))
    }
}

/// DATEADD on an instant.
pub(crate) fn add(part: Part, number: i64, ticks: i64, of: SqlType) -> Result<i64> {
    let out = || date_overflow(of);
    let months = match part {
        Part::Year => Some(12),
        Part::Quarter => Some(3),
        Part::Month => Some(1),
        _ => None,
    };
    let moved = if let Some(months) = months {
        let by = number.checked_mul(months).ok_or_else(out)?;
        let step = Months::new(u32::try_from(by.unsigned_abs()).map_err(|_| out())?);
        let from = date_of(ticks);
        let to = if by < 0 {
            from.checked_sub_months(step)
        } else {
            from.checked_add_months(step)
        };
        let days = i64::from(to.ok_or_else(out)?.num_days_from_ce() - 1);
        days.checked_mul(DAY)
            .and_then(|day| day.checked_add(ticks.rem_euclid(DAY)))
            .ok_or_else(out)?
    } else {
        let delta = match part {
            Part::Nanosecond => number / 100,
            _ => number.checked_mul(unit(part)?).ok_or_else(out)?,
        };
        ticks.checked_add(delta).ok_or_else(out)?
    };
    if let SqlType::Time(_) = of {
        return Ok(moved.rem_euclid(DAY));
    }
    fit(moved, of).map_err(|_| out())
}

/// DATEDIFF: boundaries of the unit crossed from `a` to `b`.
pub(crate) fn difference(part: Part, a: i64, b: i64) -> Result<i64> {
    let (from, to) = (date_of(a), date_of(b));
    let years = i64::from(to.year() - from.year());
    Ok(match part {
        Part::Year => years,
        Part::Quarter => years * 4 + i64::from(to.month0() / 3) - i64::from(from.month0() / 3),
        Part::Month => years * 12 + i64::from(to.month0()) - i64::from(from.month0()),
        // 0001-01-01 was a Monday; weeks begin on Sunday whatever DATEFIRST is.
        Part::Week => (b.div_euclid(DAY) + 1).div_euclid(7) - (a.div_euclid(DAY) + 1).div_euclid(7),
        Part::Nanosecond => (b - a).checked_mul(100).ok_or_else(difference_overflow)?,
        Part::Offset | Part::IsoWeek => return Err(unsupported("DATEDIFF by this datepart")),
        _ => b.div_euclid(unit(part)?) - a.div_euclid(unit(part)?),
    })
}

/// 535
pub(crate) fn difference_overflow() -> crate::value::SqlError {
    error(
        535,
        "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.",
    )
}

/// DATEPART, with DATEFIRST 7; `offset` in minutes.
pub(crate) fn part_of(part: Part, ticks: i64, offset: i16) -> i64 {
    let day = date_of(ticks);
    let time = ticks.rem_euclid(DAY);
    match part {
        Part::Year => day.year().into(),
        Part::Quarter => i64::from(day.month0() / 3 + 1),
        Part::Month => day.month().into(),
        Part::DayOfYear => day.ordinal().into(),
        Part::Day => day.day().into(),
        Part::Week => {
            let first = day
                .with_ordinal(1)
                .unwrap_or(day)
                .weekday()
                .num_days_from_sunday();
            i64::from((day.ordinal0() + first) / 7 + 1)
        }
        Part::WeekDay => i64::from(day.weekday().number_from_sunday()),
        Part::Hour => time / (3600 * SECOND),
        Part::Minute => time / (60 * SECOND) % 60,
        Part::Second => time / SECOND % 60,
        Part::Millisecond => time % SECOND / 10_000,
        Part::Microsecond => time % SECOND / 10,
        Part::Nanosecond => time % SECOND * 100,
        Part::IsoWeek => day.iso_week().week().into(),
        Part::Offset => offset.into(),
    }
}

/// EOMONTH: the last day of the month `months` away, as a day number.
pub(crate) fn end_of_month(ticks: i64, months: i64) -> Result<i64> {
    let moved = add(Part::Month, months, ticks, SqlType::Date)?;
    let day = date_of(moved);
    let days = day.num_days_in_month();
    Ok(moved.div_euclid(DAY) + i64::from(days) - i64::from(day.day()))
}

fn unit(part: Part) -> Result<i64> {
    Ok(match part {
        Part::Week => 7 * DAY,
        Part::Day | Part::DayOfYear | Part::WeekDay => DAY,
        Part::Hour => 3600 * SECOND,
        Part::Minute => 60 * SECOND,
        Part::Second => SECOND,
        Part::Millisecond => 10_000,
        Part::Microsecond => 10,
        _ => return Err(unsupported("this datepart here")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        parse(text).unwrap().ticks()
    }

    #[test]
    fn adding_a_month_stays_in_the_month() {
        assert_eq!(
            add(Part::Month, 1, at("2024-01-31"), SqlType::DateTime).unwrap(),
            at("2024-02-29")
        );
        assert_eq!(
            add(Part::Year, -1, at("2024-02-29 10:00"), SqlType::DateTime).unwrap(),
            at("2023-02-28 10:00")
        );
        for years in [9_000, 99_999, i64::MAX] {
            let error = add(Part::Year, years, at("2024-02-29"), SqlType::DateTime).unwrap_err();
            assert_eq!(error.number, 517, "{years}");
        }
    }

    #[test]
    fn differences_count_boundaries() {
        assert_eq!(
            difference(Part::Year, at("2023-12-31"), at("2024-01-01")).unwrap(),
            1
        );
        assert_eq!(
            difference(Part::Day, at("2024-01-01 23:59"), at("2024-01-02 00:01")).unwrap(),
            1
        );
        assert_eq!(
            difference(Part::Week, at("2024-01-06"), at("2024-01-07")).unwrap(),
            1
        );
        assert_eq!(
            difference(Part::Hour, at("2024-01-01 10:59"), at("2024-01-01 09:01")).unwrap(),
            -1
        );
    }

    #[test]
    fn datetime_keeps_three_hundredths() {
        assert_eq!(
            round_datetime(at("2024-01-01 00:00:00.0049")),
            at("2024-01-01") + 33_333
        );
        assert_eq!(
            round_datetime(at("2024-01-01 00:00:00.001")),
            at("2024-01-01")
        );
    }

    #[test]
    fn parts_follow_datefirst_seven() {
        assert_eq!(part_of(Part::WeekDay, at("2024-01-07"), 0), 1);
        assert_eq!(part_of(Part::Week, at("2024-01-07"), 0), 2);
        assert_eq!(part_of(Part::IsoWeek, at("2024-01-07"), 0), 1);
        assert_eq!(
            end_of_month(at("2024-02-03"), 0).unwrap(),
            at("2024-02-29") / DAY
        );
    }
}
