//! Writes dates and times as text: the styles of CONVERT.

use chrono::Datelike;

use super::{Part, part_of};
use crate::engine::error::{Result, error};
use crate::engine::storage::DAY;
use crate::value::SqlType;

/// English month names.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// English weekday names from Sunday.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// CONVERT(varchar, instant, style). `offset` belongs to datetimeoffset alone.
pub(crate) fn styled(
    ticks: i64,
    sql_type: SqlType,
    offset: i16,
    style: Option<i64>,
) -> Result<String> {
    let default = if matches!(sql_type, SqlType::DateTime | SqlType::SmallDateTime) {
        0
    } else {
        121
    };
    let style = style.unwrap_or(default);
    // A three-hundredth is shown as .003 or .007.
    let ticks = if sql_type == SqlType::DateTime {
        super::round_scale(ticks, 3)
    } else {
        ticks
    };
    let (date, time) = halves(ticks, sql_type, style).ok_or_else(|| {
        error(281, format!("{style} is not a valid style number when converting from {} to a character string.", crate::engine::types::base_name(sql_type)))
    })?;
    let separator = if matches!(style, 126 | 127) { "T" } else { " " };
    let mut text = match sql_type {
        SqlType::Date => date,
        SqlType::Time(_) => time,
        _ if date.is_empty() => time,
        _ if time.is_empty() => date,
        _ => format!("{date}{separator}{time}"),
    };
    if let SqlType::DateTimeOffset(_) = sql_type
        && !matches!(style, 1..=7 | 10..=12 | 23 | 101..=107 | 110..=112)
    {
        let sign = if offset < 0 { '-' } else { '+' };
        let gap = if matches!(style, 126 | 127) { "" } else { " " };
        text.push_str(&format!(
            "{gap}{sign}{:02}:{:02}",
            offset.abs() / 60,
            offset.abs() % 60
        ));
    }
    Ok(text)
}

/// `10:11:12.123` with as many digits as the scale.
pub(crate) fn time_text(ticks: i64, scale: u8) -> String {
    let at = |part| part_of(part, ticks, 0);
    let base = format!(
        "{:02}:{:02}:{:02}",
        at(Part::Hour),
        at(Part::Minute),
        at(Part::Second)
    );
    if scale == 0 {
        return base;
    }
    let fraction = format!("{:07}", ticks.rem_euclid(DAY) % super::SECOND);
    format!(
        "{base}.{}",
        fraction
            .get(..usize::from(scale.min(7)))
            .unwrap_or_default()
    )
}

fn halves(ticks: i64, sql_type: SqlType, style: i64) -> Option<(String, String)> {
    let day = super::date_of(ticks);
    let (year, month, date) = (day.year(), day.month(), day.day());
    let short = year % 100;
    let name = MONTHS.get(day.month0() as usize)?.get(..3)?;
    let at = |part| part_of(part, ticks, 0);
    let scale = match sql_type {
        SqlType::DateTime2(s) | SqlType::DateTimeOffset(s) | SqlType::Time(s) => s,
        SqlType::SmallDateTime => 0,
        _ => 3,
    };
    let hms = || time_text(ticks, 0);
    let (hour12, half) = {
        let hour = at(Part::Hour);
        (
            if hour % 12 == 0 { 12 } else { hour % 12 },
            if hour < 12 { "AM" } else { "PM" },
        )
    };
    let to_minute = || format!("{hour12:>2}:{:02}{half}", at(Part::Minute));
    // Milliseconds of datetime follow a colon in the old styles.
    let old_fraction = |separator: char| {
        if scale == 0 {
            String::new()
        } else {
            format!(
                "{separator}{}",
                time_text(ticks, scale).get(9..).unwrap_or_default()
            )
        }
    };
    let none = String::new;
    let point = if matches!(sql_type, SqlType::DateTime) {
        ':'
    } else {
        '.'
    };
    Some(match style {
        0 | 100 => (format!("{name} {date:>2} {year}"), to_minute()),
        1 => (format!("{month:02}/{date:02}/{short:02}"), none()),
        101 => (format!("{month:02}/{date:02}/{year:04}"), none()),
        2 => (format!("{short:02}.{month:02}.{date:02}"), none()),
        102 => (format!("{year:04}.{month:02}.{date:02}"), none()),
        3 => (format!("{date:02}/{month:02}/{short:02}"), none()),
        103 => (format!("{date:02}/{month:02}/{year:04}"), none()),
        4 => (format!("{date:02}.{month:02}.{short:02}"), none()),
        104 => (format!("{date:02}.{month:02}.{year:04}"), none()),
        5 => (format!("{date:02}-{month:02}-{short:02}"), none()),
        105 => (format!("{date:02}-{month:02}-{year:04}"), none()),
        6 => (format!("{date:02} {name} {short:02}"), none()),
        106 => (format!("{date:02} {name} {year:04}"), none()),
        7 => (format!("{name} {date:02}, {short:02}"), none()),
        107 => (format!("{name} {date:02}, {year:04}"), none()),
        8 | 24 | 108 => (none(), hms()),
        9 | 109 => (
            format!("{name} {date:>2} {year}"),
            format!(
                "{hour12:>2}:{:02}:{:02}{}{half}",
                at(Part::Minute),
                at(Part::Second),
                old_fraction(point)
            ),
        ),
        10 => (format!("{month:02}-{date:02}-{short:02}"), none()),
        110 => (format!("{month:02}-{date:02}-{year:04}"), none()),
        11 => (format!("{short:02}/{month:02}/{date:02}"), none()),
        111 => (format!("{year:04}/{month:02}/{date:02}"), none()),
        12 => (format!("{short:02}{month:02}{date:02}"), none()),
        112 => (format!("{year:04}{month:02}{date:02}"), none()),
        13 | 113 => (
            format!("{date:02} {name} {year:04}"),
            format!("{}{}", hms(), old_fraction(point)),
        ),
        14 | 114 => (none(), format!("{}{}", hms(), old_fraction(point))),
        20 | 120 => (format!("{year:04}-{month:02}-{date:02}"), hms()),
        21 | 25 | 121 => (
            format!("{year:04}-{month:02}-{date:02}"),
            if scale == 0 && sql_type == SqlType::SmallDateTime {
                format!("{}.000", hms())
            } else {
                time_text(ticks, scale)
            },
        ),
        23 => (format!("{year:04}-{month:02}-{date:02}"), none()),
        126 | 127 => {
            let whole = ticks.rem_euclid(super::SECOND) == 0;
            let cut = whole && matches!(sql_type, SqlType::DateTime | SqlType::SmallDateTime);
            (
                format!("{year:04}-{month:02}-{date:02}"),
                if cut { hms() } else { time_text(ticks, scale) },
            )
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn the_documented_styles_are_written() {
        let ticks = parse("1996-07-04 15:06:07.123").unwrap().ticks();
        let write = |style| styled(ticks, SqlType::DateTime, 0, style).unwrap();
        assert_eq!(write(None), "Jul  4 1996  3:06PM");
        assert_eq!(write(Some(101)), "07/04/1996");
        assert_eq!(write(Some(112)), "19960704");
        assert_eq!(write(Some(120)), "1996-07-04 15:06:07");
        assert_eq!(write(Some(121)), "1996-07-04 15:06:07.123");
        assert_eq!(write(Some(126)), "1996-07-04T15:06:07.123");
        assert_eq!(write(Some(114)), "15:06:07:123");
        assert_eq!(styled(ticks, SqlType::Date, 0, None).unwrap(), "1996-07-04");
        assert!(styled(ticks, SqlType::DateTime, 0, Some(131)).is_err());
    }
}
