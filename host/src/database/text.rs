//! Exact text forms of numbers, dates and bytes, written straight into a
//! buffer: decimals from their digits, times with the digits of their scale.

use chrono::{Datelike, NaiveDate};

use super::value::{Date, DateTime, Time};

/// Largest integer that every JSON reader keeps (2^53 − 1).
pub(super) const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Money from here on has lost digits in the driver's `f64`, whose values lie
/// further than a ten-thousandth apart from 2^39.
pub(super) const MAX_EXACT_MONEY: f64 = 549_755_813_888.0;

/// Writes `value / 10^scale` with exactly `scale` digits after the point.
pub(super) fn decimal(out: &mut Vec<u8>, value: i128, scale: u8) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value.unsigned_abs());
    if value < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        out.push(b'0');
    }
    let (integer, fraction) = digits.split_at_checked(whole).unwrap_or((digits, ""));
    out.extend_from_slice(integer.as_bytes());
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale - fraction.len()));
        out.extend_from_slice(fraction.as_bytes());
    }
}

/// Writes money with its four digits; false where the driver's `f64` no longer
/// holds all of them.
pub(super) fn money(out: &mut Vec<u8>, value: f64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range of money is that of i64 ten-thousandths; the cast saturates"
    )]
    let near = (value * 10_000.0).round() as i64;
    // The product is rounded too; the wire's integer is the one that divides
    // to the very same float.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the driver converts the wire's integer in the same way"
    )]
    let divides = |scaled: &i64| *scaled as f64 / 10_000.0 == value;
    let scaled = [near, near.saturating_sub(1), near.saturating_add(1)]
        .into_iter()
        .find(divides)
        .unwrap_or(near);
    decimal(out, i128::from(scaled), 4);
    value.abs() < MAX_EXACT_MONEY
}

/// Writes `2024-02-29`.
pub(super) fn date(out: &mut Vec<u8>, date: Date) {
    padded(out, date.year.unsigned_abs(), 4);
    out.push(b'-');
    padded(out, u32::from(date.month), 2);
    out.push(b'-');
    padded(out, u32::from(date.day), 2);
}

/// Writes `13:14:15.1234567`, with `digits` digits of the second's fraction.
pub(super) fn time(out: &mut Vec<u8>, time: Time, digits: u8) {
    let seconds = u32::try_from(time.nanos / 1_000_000_000).unwrap_or(0);
    padded(out, seconds / 3_600, 2);
    out.push(b':');
    padded(out, seconds / 60 % 60, 2);
    out.push(b':');
    padded(out, seconds % 60, 2);
    if digits > 0 {
        let digits = digits.min(9);
        let fraction = time.nanos % 1_000_000_000 / 10_u64.pow(9 - u32::from(digits));
        out.push(b'.');
        padded(
            out,
            u32::try_from(fraction).unwrap_or(0),
            usize::from(digits),
        );
    }
}

/// Writes `2024-02-29T13:14:15.123`.
pub(super) fn datetime(out: &mut Vec<u8>, value: DateTime, digits: u8) {
    date(out, value.date);
    out.push(b'T');
    time(out, value.time, digits);
}

/// Writes `+05:30`.
pub(super) fn offset(out: &mut Vec<u8>, minutes: i16) {
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let minutes = u32::from(minutes.unsigned_abs());
    padded(out, minutes / 60, 2);
    out.push(b':');
    padded(out, minutes % 60, 2);
}

/// Writes `0x` and upper-case digits.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    out.extend_from_slice(b"0x");
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        }
    }
}

/// The calendar date `days` days after 0001-01-01; days outside 0001 to 9999
/// stop at its edges, since no server sends them.
pub(super) fn date_from_days(days: i64) -> Date {
    let day = i32::try_from(days.clamp(0, 3_652_058)).unwrap_or(0) + 1;
    NaiveDate::from_num_days_from_ce_opt(day).map_or(
        Date {
            year: 1,
            month: 1,
            day: 1,
        },
        |date| Date {
            year: date.year(),
            month: u8::try_from(date.month()).unwrap_or(1),
            day: u8::try_from(date.day()).unwrap_or(1),
        },
    )
}

/// Days since 0001-01-01, if the date exists.
pub(super) fn days_from_date(date: Date) -> Option<u32> {
    let day = NaiveDate::from_ymd_opt(date.year, u32::from(date.month), u32::from(date.day))?
        .num_days_from_ce();
    u32::try_from(day.checked_sub(1)?).ok()
}

fn padded(out: &mut Vec<u8>, value: u32, width: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value);
    out.extend(std::iter::repeat_n(
        b'0',
        width.saturating_sub(digits.len()),
    ));
    out.extend_from_slice(digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_keep_their_scale_and_sign() {
        for (value, scale, text) in [
            (1250, 2, "12.50"),
            (-5, 2, "-0.05"),
            (0, 4, "0.0000"),
            (7, 0, "7"),
            (
                -12_345_678_901_234_567_890_123_456_780_123_456_789,
                10,
                "-1234567890123456789012345678.0123456789",
            ),
            (1, 38, "0.00000000000000000000000000000000000001"),
        ] {
            assert_eq!(written(|out| decimal(out, value, scale)), text);
        }
    }

    #[test]
    fn money_is_exact_up_to_two_to_the_39_and_says_where_it_is_not() {
        for scaled in [
            199_900_i64,
            -1,
            0,
            1 << 32,
            5_497_558_138_879_999,
            -5_497_558_138_879_998,
        ] {
            let mut out = Vec::new();
            assert!(money(&mut out, scaled as f64 / 10_000.0), "{scaled}");
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.replace('.', "").parse::<i64>(), Ok(scaled));
        }
        assert!(!money(&mut Vec::new(), 922_337_203_685_477.6));
    }

    #[test]
    fn times_carry_the_digits_of_their_scale() {
        let noon = Time {
            nanos: 47_655_123_456_700,
        };
        assert_eq!(written(|out| time(out, noon, 7)), "13:14:15.1234567");
        assert_eq!(written(|out| time(out, noon, 3)), "13:14:15.123");
        assert_eq!(written(|out| time(out, noon, 0)), "13:14:15");
    }

    #[test]
    fn the_calendar_runs_from_year_1_to_9999() {
        for (days, text) in [
            (0, "0001-01-01"),
            (738_944, "2024-02-29"),
            (3_652_058, "9999-12-31"),
        ] {
            let day = date_from_days(days);
            assert_eq!(written(|out| date(out, day)), text);
            assert_eq!(days_from_date(day).map(i64::from), Some(days));
        }
    }

    #[test]
    fn offsets_have_a_sign_and_minutes() {
        assert_eq!(written(|out| offset(out, 330)), "+05:30");
        assert_eq!(written(|out| offset(out, -60)), "-01:00");
    }
}
