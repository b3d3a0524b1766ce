//! Dates and times as text: ISO 8601, with a space for the `T` if one likes.

use mssql_mcp_sdk::{Date, Datetime, DatetimeOffset, Time};

/// `2024-02-29`
pub(crate) fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let exists = parts.next().is_none()
        && year >= 1
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day);
    exists.then_some(Date {
        year: i32::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
    })
}

/// `09:30`, `09:30:00` or `09:30:00.1234567`
pub(crate) fn time(text: &str) -> Option<Time> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let hours = digits(parts.next()?, 2)?;
    let minutes = digits(parts.next()?, 2)?;
    let seconds = match (parts.next(), fraction) {
        (Some(seconds), _) => digits(seconds, 2)?,
        (None, None) => 0,
        (None, Some(_)) => return None,
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let nanos = fraction.map_or(Some(0), nanos)?;
    let seconds = u64::from(hours * 3600 + minutes * 60 + seconds);
    Some(Time {
        nanos: seconds * 1_000_000_000 + nanos,
    })
}

/// A date, and a time that is midnight unless said.
pub(crate) fn datetime(text: &str) -> Option<Datetime> {
    let Some((day, clock)) = text.split_once(['T', 't', ' ']) else {
        return Some(Datetime {
            date: date(text)?,
            time: Time { nanos: 0 },
        });
    };
    Some(Datetime {
        date: date(day)?,
        time: time(clock)?,
    })
}

/// A date, a time and `Z` or an offset such as `+02:00`.
pub(crate) fn datetime_offset(text: &str) -> Option<DatetimeOffset> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return offset_at(local, 0);
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, offset) = match offset.strip_prefix('-') {
        Some(offset) => (-1, offset),
        None => (1, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    let minutes = i16::try_from(hours * 60 + minutes).ok()?;
    offset_at(local, sign * minutes)
}

fn offset_at(local: &str, offset_minutes: i16) -> Option<DatetimeOffset> {
    // A time zone without a time says nothing.
    local.contains(':').then_some(())?;
    Some(DatetimeOffset {
        local: datetime(local)?,
        offset_minutes,
    })
}

/// A number of exactly `length` digits.
fn digits(text: &str, length: usize) -> Option<u32> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The nanoseconds of up to nine digits behind the point.
fn nanos(fraction: &str) -> Option<u64> {
    let plain = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    plain
        .then(|| format!("{fraction:0<9}").parse().ok())
        .flatten()
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_read() {
        assert!(date("2024-02-29").is_some() && date("2000-02-29").is_some());
        assert_eq!(time("09:30").unwrap().nanos, 34_200_000_000_000);
        assert_eq!(time("00:00:01.5").unwrap().nanos, 1_500_000_000);
        assert_eq!(
            datetime("2024-05-01 10:00"),
            datetime("2024-05-01T10:00:00")
        );
        assert_eq!(datetime("2024-05-01").unwrap().time.nanos, 0);
        let minutes = |text| datetime_offset(text).map(|value| value.offset_minutes);
        assert_eq!(minutes("2024-05-01T10:00:00Z"), Some(0));
        assert_eq!(minutes("2024-05-01T10:00-03:30"), Some(-210));
    }

    #[test]
    fn what_does_not_exist_is_not() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-4-1",
            "0000-01-01",
            "x",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
        for text in [
            "24:00",
            "9:30",
            "09:60",
            "09:30.5",
            "09:30:00.",
            "09:30:00.0123456789",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
        for text in [
            "2024-05-01T",
            "2024-05-01T10:00Z",
            "2024-05-01 10:00+02:00",
            "10:00",
        ] {
            assert_eq!(datetime(text), None, "{text}");
        }
        for text in [
            "2024-05-01Z",
            "2024-05-01T10:00",
            "2024-05-01T10:00+15:00",
            "é",
            "",
        ] {
            assert_eq!(datetime_offset(text), None, "{text}");
        }
    }
}
