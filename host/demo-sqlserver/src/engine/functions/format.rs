//! FORMAT for en-US: standard and custom patterns of numbers and dates.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;

use super::scalar;
use crate::engine::datetime::{self, MONTHS, Part, SECOND, WEEKDAYS};
use crate::engine::error::{Result, unsupported};
use crate::engine::storage::{DAY, decode, ticks};
use crate::engine::{decimal, types};
use crate::value::Value;

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    // format(value, type, pattern)
    scalar(c, "t_format", 3, |a| {
        if a.null(0) || a.null(2) {
            return Ok(Stored::Null);
        }
        let sql_type = a.sql_type(1);
        let pattern = a.text(2);
        let text = match decode(a.raw(0), sql_type) {
            Value::Date(d) => date(ticks(d, 0), pattern)?,
            Value::DateTime(d, t) => date(ticks(d, t), pattern)?,
            Value::DateTimeOffset(d, t, o) => {
                date(ticks(d, t) + i64::from(o) * 60 * SECOND, pattern)?
            }
            Value::Int(i) => number(i.into(), 0, pattern)?,
            Value::Money(m) => number(m.into(), 4, pattern)?,
            Value::Decimal(d) => number(d, types::decimal_shape(sql_type).1, pattern)?,
            Value::Float(f) => float(f, pattern)?,
            Value::Real(r) => float(f64::from(r), pattern)?,
            _ => return Err(unsupported("FORMAT of this type")),
        };
        Ok(Stored::Text(text))
    })
}

/// Thousands separated by commas; a sign may lead.
pub(crate) fn grouped(whole: &str) -> String {
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", whole),
    };
    let mut out = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn float(value: f64, pattern: &str) -> Result<String> {
    let (digits, scale) = decimal::parse(&format!("{value:.15}"))
        .ok_or_else(|| unsupported("FORMAT of a float this large"))?;
    number(digits, scale, pattern)
}

fn number(value: i128, scale: u8, pattern: &str) -> Result<String> {
    let mut letters = pattern.chars();
    let places = pattern.get(1..).unwrap_or_default();
    match (
        letters.next(),
        places
            .parse::<u8>()
            .ok()
            .or(places.is_empty().then_some(2))
            .filter(|p| *p <= 20),
    ) {
        (Some('N' | 'n'), Some(places)) => fixed(value, scale, places, true),
        (Some('F' | 'f'), Some(places)) => fixed(value, scale, places, false),
        (Some('C' | 'c'), Some(places)) => {
            let text = fixed(value.abs(), scale, places, true)?;
            Ok(if value < 0 {
                format!("-${text}")
            } else {
                format!("${text}")
            })
        }
        (Some('P' | 'p'), Some(places)) => {
            let times = value
                .checked_mul(100)
                .ok_or_else(|| unsupported("FORMAT of a number this large"))?;
            Ok(format!("{}%", fixed(times, scale, places, true)?))
        }
        (Some('D' | 'd'), _) if scale == 0 && places.bytes().all(|b| b.is_ascii_digit()) => {
            let width = places.parse::<usize>().unwrap_or(0).min(100);
            Ok(format!(
                "{}{:0>width$}",
                if value < 0 { "-" } else { "" },
                value.unsigned_abs()
            ))
        }
        _ => custom(value, scale, pattern),
    }
}

fn fixed(value: i128, scale: u8, places: u8, group: bool) -> Result<String> {
    let text = decimal::to_text(decimal::rescale(value, scale, places)?, places);
    if !group {
        return Ok(text);
    }
    Ok(match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
        None => grouped(&text),
    })
}

/// `#,##0.00%` with literal text before and after.
fn custom(value: i128, scale: u8, pattern: &str) -> Result<String> {
    if pattern.contains([';', 'e', 'E', '\\', '\'', '"', '‰']) {
        return Err(unsupported(format_args!(
            "FORMAT with the pattern '{pattern}'"
        )));
    }
    let digit = |c: char| matches!(c, '0' | '#' | '.' | ',');
    let (Some(start), Some(end)) = (pattern.find(digit), pattern.rfind(digit)) else {
        return Err(unsupported(format_args!(
            "FORMAT with the pattern '{pattern}'"
        )));
    };
    let (prefix, body, suffix) = (
        pattern.get(..start).unwrap_or_default(),
        pattern.get(start..=end).unwrap_or_default(),
        pattern.get(end + 1..).unwrap_or_default(),
    );
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if !body.chars().all(digit) || fraction.contains(['.', ',']) || whole.ends_with(',') {
        return Err(unsupported(format_args!(
            "FORMAT with the pattern '{pattern}'"
        )));
    }
    let value = if pattern.contains('%') {
        value.saturating_mul(100)
    } else {
        value
    };
    let places = u8::try_from(fraction.len()).unwrap_or(20);
    let required = fraction.trim_end_matches('#').len();
    let rounded = decimal::rescale(value, scale, places)?;
    let text = decimal::to_text(rounded.abs(), places);
    let (digits, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let kept = decimals.trim_end_matches('0').len().max(required);
    let zeros = whole.chars().filter(|c| *c == '0').count();
    let digits = format!("{:0>zeros$}", digits.trim_start_matches('0'));
    let digits = if whole.contains(',') {
        grouped(&digits)
    } else {
        digits
    };
    let sign = if rounded < 0 { "-" } else { "" };
    let point = if kept > 0 {
        format!(".{}", decimals.get(..kept).unwrap_or_default())
    } else {
        String::new()
    };
    Ok(format!("{sign}{prefix}{digits}{point}{suffix}"))
}

fn date(instant: i64, pattern: &str) -> Result<String> {
    let pattern = match pattern {
        "d" => "M/d/yyyy",
        "D" => "dddd, MMMM d, yyyy",
        "t" => "h:mm tt",
        "T" => "h:mm:ss tt",
        "g" => "M/d/yyyy h:mm tt",
        "G" => "M/d/yyyy h:mm:ss tt",
        "f" => "dddd, MMMM d, yyyy h:mm tt",
        "F" => "dddd, MMMM d, yyyy h:mm:ss tt",
        "m" | "M" => "MMMM d",
        "y" | "Y" => "MMMM yyyy",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffff",
        one if one.chars().count() == 1 => {
            return Err(unsupported(format_args!("FORMAT with the pattern '{one}'")));
        }
        other => other,
    };
    let at = |part| datetime::part_of(part, instant, 0);
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '\'' || c == '"' {
            let inner = rest.get(1..).unwrap_or_default();
            let (literal, after) = inner.split_once(c).unwrap_or((inner, ""));
            out.push_str(literal);
            rest = after;
            continue;
        }
        if c == '\\' {
            rest = rest.get(1..).unwrap_or_default();
            if let Some(next) = rest.chars().next() {
                out.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
            continue;
        }
        let run = rest.chars().take_while(|x| *x == c).count();
        rest = rest.get(run * c.len_utf8()..).unwrap_or_default();
        let name = |names: &[&'static str], n: i64| {
            usize::try_from(n - 1)
                .ok()
                .and_then(|i| names.get(i))
                .copied()
                .unwrap_or_default()
        };
        let padded = |n: i64| {
            if run == 1 {
                n.to_string()
            } else {
                format!("{n:02}")
            }
        };
        let hour12 = |h: i64| if h % 12 == 0 { 12 } else { h % 12 };
        let word = match (c, run) {
            ('y', 1) => (at(Part::Year) % 100).to_string(),
            ('y', 2) => format!("{:02}", at(Part::Year) % 100),
            ('y', _) => format!("{:0run$}", at(Part::Year)),
            ('M', 1 | 2) => padded(at(Part::Month)),
            ('M', 3) => name(&MONTHS, at(Part::Month))
                .get(..3)
                .unwrap_or_default()
                .to_owned(),
            ('M', _) => name(&MONTHS, at(Part::Month)).to_owned(),
            ('d', 1 | 2) => padded(at(Part::Day)),
            ('d', 3) => name(&WEEKDAYS, at(Part::WeekDay))
                .get(..3)
                .unwrap_or_default()
                .to_owned(),
            ('d', _) => name(&WEEKDAYS, at(Part::WeekDay)).to_owned(),
            ('H', _) => padded(at(Part::Hour)),
            ('h', _) => padded(hour12(at(Part::Hour))),
            ('m', _) => padded(at(Part::Minute)),
            ('s', _) => padded(at(Part::Second)),
            ('f', 1..=7) => format!("{:07}", instant.rem_euclid(DAY) % SECOND)
                .get(..run)
                .unwrap_or_default()
                .to_owned(),
            ('t', 1) => if at(Part::Hour) < 12 { "A" } else { "P" }.to_owned(),
            ('t', _) => if at(Part::Hour) < 12 { "AM" } else { "PM" }.to_owned(),
            ('F' | 'K' | 'g' | 'z' | '%', _) => {
                return Err(unsupported(format_args!(
                    "FORMAT with the pattern '{pattern}'"
                )));
            }
            _ => c.to_string().repeat(run),
        };
        out.push_str(&word);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_dotnet_patterns() {
        assert_eq!(number(1_234_567, 2, "N2").unwrap(), "12,345.67");
        assert_eq!(number(-1_234_567, 2, "C").unwrap(), "-$12,345.67");
        assert_eq!(number(5, 0, "D4").unwrap(), "0005");
        assert_eq!(number(125, 3, "P1").unwrap(), "12.5%");
        assert_eq!(number(1_234_500, 2, "#,##0.##").unwrap(), "12,345");
        assert_eq!(number(5, 1, "0.00").unwrap(), "0.50");
    }

    #[test]
    fn dates_follow_the_dotnet_patterns() {
        let instant = datetime::parse("1996-07-04 15:06:07.1").unwrap().ticks();
        assert_eq!(date(instant, "yyyy-MM").unwrap(), "1996-07");
        assert_eq!(
            date(instant, "ddd d MMM yy h:mm tt").unwrap(),
            "Thu 4 Jul 96 3:06 PM"
        );
        assert_eq!(date(instant, "d").unwrap(), "7/4/1996");
    }
}
