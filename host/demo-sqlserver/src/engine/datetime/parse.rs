//! Reads dates and times from text, in the forms that us_english accepts.

use super::{BASE_1900, MONTHS, SECOND, days};
use crate::engine::storage::DAY;

/// What a text says: a date, a time, both, perhaps an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// Days since 0001-01-01.
    pub(crate) date: Option<u32>,
    /// Units of 100 ns since midnight.
    pub(crate) time: i64,
    /// Minutes east of UTC.
    pub(crate) offset: Option<i16>,
}

impl Parsed {
    /// The local instant; a time alone is on 1900-01-01.
    pub(crate) fn ticks(&self) -> i64 {
        self.date.map_or(BASE_1900, |d| i64::from(d) * DAY) + self.time
    }
}

/// Reads ISO, `yyyymmdd`, `m/d/yyyy` and month-name forms; None is a text that is neither.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Parsed {
            date: None,
            time: 0,
            offset: None,
        });
    }
    let mut parsed = Parsed {
        date: None,
        time: 0,
        offset: None,
    };
    // The T of ISO 8601 stands between digits; other letters begin words.
    let spaced = match text.find(['T', 't']) {
        Some(at)
            if text
                .as_bytes()
                .get(at.wrapping_sub(1))
                .is_some_and(u8::is_ascii_digit)
                && text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit) =>
        {
            format!("{} {}", text.get(..at)?, text.get(at + 1..)?)
        }
        _ => text.replace(',', " "),
    };
    let mut words: Vec<&str> = Vec::new();
    let mut time_seen = false;
    for word in spaced.split_whitespace() {
        let upper = word.to_ascii_uppercase();
        if word.contains(':') && !word.starts_with(['+', '-']) {
            if time_seen {
                return None;
            }
            time_seen = true;
            let (time, offset) = clock(word)?;
            parsed.time = time;
            parsed.offset = offset;
        } else if matches!(upper.as_str(), "AM" | "PM") && time_seen {
            parsed.time = half_day(parsed.time, upper == "PM")?;
        } else if time_seen && (word.starts_with(['+', '-']) || upper == "Z") {
            parsed.offset = Some(zone(word)?);
        } else {
            words.push(word);
        }
    }
    if !words.is_empty() {
        parsed.date = Some(calendar(&words)?);
    } else if !time_seen {
        return None;
    }
    Some(parsed)
}

fn calendar(words: &[&str]) -> Option<u32> {
    match words {
        [one] if one.bytes().all(|b| b.is_ascii_digit()) => match one.len() {
            8 => days(
                one.get(..4)?.parse().ok()?,
                one.get(4..6)?.parse().ok()?,
                one.get(6..)?.parse().ok()?,
            ),
            6 => days(
                century(one.get(..2)?.parse().ok()?),
                one.get(2..4)?.parse().ok()?,
                one.get(4..)?.parse().ok()?,
            ),
            4 => days(one.parse().ok()?, 1, 1),
            _ => None,
        },
        [one] => {
            let numbers: Vec<&str> = one.split(['-', '/', '.']).collect();
            let [a, b, c] = numbers.as_slice() else {
                return None;
            };
            let month_name = |s: &str| month(s);
            if let Some(m) = month_name(b) {
                return days(century_of(c)?, m, a.parse().ok()?);
            }
            if a.len() == 4 {
                days(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?)
            } else {
                days(century_of(c)?, a.parse().ok()?, b.parse().ok()?)
            }
        }
        [a, b, c] => match (month(a), month(b)) {
            (Some(m), _) => days(century_of(c)?, m, b.parse().ok()?),
            (_, Some(m)) => days(century_of(c)?, m, a.parse().ok()?),
            _ => None,
        },
        _ => None,
    }
}

fn century_of(text: &str) -> Option<i32> {
    let year: i32 = text.parse().ok()?;
    match text.len() {
        4 => Some(year),
        1 | 2 => Some(century(year)),
        _ => None,
    }
}

/// Two-digit years up to 49 are of this century (two digit year cutoff 2049).
fn century(year: i32) -> i32 {
    if year < 50 { 2000 + year } else { 1900 + year }
}

fn month(word: &str) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    let index = MONTHS.iter().position(|m| {
        let name = m.to_ascii_lowercase();
        name == lower || name.get(..3) == Some(lower.as_str())
    })?;
    u32::try_from(index + 1).ok()
}

/// `10:11[:12[.1234567]][AM][+01:00|Z]`
fn clock(word: &str) -> Option<(i64, Option<i16>)> {
    let upper = word.to_ascii_uppercase();
    let (body, offset) = match upper.find(['+', '-', 'Z']) {
        Some(at) => (upper.get(..at)?, Some(zone(upper.get(at..)?)?)),
        None => (upper.as_str(), None),
    };
    let (body, half) = match (body.strip_suffix("AM"), body.strip_suffix("PM")) {
        (Some(b), _) => (b, Some(false)),
        (_, Some(b)) => (b, Some(true)),
        _ => (body, None),
    };
    let mut fields = body.split(':');
    let hour: i64 = number(fields.next()?, 23)?;
    let minute: i64 = number(fields.next()?, 59)?;
    let (second, fraction) = match fields.next() {
        Some(s) => s.split_once('.').unwrap_or((s, "")),
        None => ("0", ""),
    };
    let second: i64 = number(second, 59)?;
    let fraction = match fields.next() {
        // 10:11:12:123 counts thousandths.
        Some(thousandths) => format!("{thousandths:0>3}"),
        None => fraction.to_owned(),
    };
    if fraction.len() > 9
        || !fraction.bytes().all(|b| b.is_ascii_digit())
        || fields.next().is_some()
    {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let time = ((hour * 60 + minute) * 60 + second) * SECOND + (nanos + 50) / 100;
    let time = match half {
        Some(pm) => half_day(time, pm)?,
        None => time,
    };
    Some((time, offset))
}

fn number(text: &str, max: i64) -> Option<i64> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 2)
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n| (0..=max).contains(n))
}

fn half_day(time: i64, pm: bool) -> Option<i64> {
    let hour = time / (3600 * SECOND);
    match (hour, pm) {
        (12, false) => Some(time - 12 * 3600 * SECOND),
        (0..=11, true) => Some(time + 12 * 3600 * SECOND),
        (0..=12, _) => Some(time),
        (_, true) => Some(time),
        _ => None,
    }
}

fn zone(text: &str) -> Option<i16> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let total = number(hours, 14)? * 60 + number(minutes, 59)?;
    i16::try_from(sign * total)
        .ok()
        .filter(|m| m.abs() <= 14 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_name_one_day() {
        let day = days(1997, 3, 5);
        for text in [
            "1997-03-05",
            "19970305",
            "3/5/1997",
            "Mar 5, 1997",
            "5 march 1997",
            "05-Mar-97",
            "1997/3/5",
        ] {
            assert_eq!(parse(text).unwrap().date, day, "{text}");
        }
        assert_eq!(parse("1997-13-05"), None);
        assert_eq!(parse("hello"), None);
    }

    #[test]
    fn times_keep_seven_digits_and_offsets() {
        let parsed = parse("2024-01-02T10:11:12.1234567+01:30").unwrap();
        assert_eq!(parsed.time, ((10 * 60 + 11) * 60 + 12) * SECOND + 1_234_567);
        assert_eq!(parsed.offset, Some(90));
        assert_eq!(parse("12:30 AM").unwrap().time, 30 * 60 * SECOND);
        assert_eq!(parse("2024-01-02 25:00"), None);
    }
}
