//! Exact decimal arithmetic on 38 digits with SQL Server's rounding: products
//! round half away from zero, quotients are cut.

use super::error::{Result, divide_by_zero, overflow};
use crate::value::SqlType;

/// 10^38 - 1, the largest magnitude of any decimal.
pub(crate) const MAX: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

/// 10^n for n up to 38.
pub(crate) fn pow10(n: u32) -> i128 {
    10_i128.checked_pow(n).unwrap_or(i128::MAX)
}

/// Checks that `value` has at most `precision` digits.
pub(crate) fn fit(value: i128, precision: u8, scale: u8) -> Result<i128> {
    if value.unsigned_abs() < pow10(precision.into()).unsigned_abs() {
        Ok(value)
    } else {
        Err(overflow(SqlType::Decimal { precision, scale }))
    }
}

/// Moves a value to another scale, rounding half away from zero.
pub(crate) fn rescale(value: i128, from: u8, to: u8) -> Result<i128> {
    if to >= from {
        value
            .checked_mul(pow10(u32::from(to - from)))
            .filter(|v| v.unsigned_abs() <= MAX.unsigned_abs())
            .ok_or_else(|| {
                overflow(SqlType::Decimal {
                    precision: 38,
                    scale: to,
                })
            })
    } else {
        Ok(round_div(value, pow10(u32::from(from - to))))
    }
}

/// Division that rounds half away from zero; `by` is positive.
pub(crate) fn round_div(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    if rest.unsigned_abs() >= by.unsigned_abs().div_ceil(2) {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// `a * b` at scale `to`, from scales `sa` and `sb`.
pub(crate) fn multiply(a: i128, sa: u8, b: i128, sb: u8, precision: u8, to: u8) -> Result<i128> {
    let drop = u32::from(sa) + u32::from(sb) - u32::from(to).min(u32::from(sa) + u32::from(sb));
    let negative = (a < 0) != (b < 0);
    let magnitude = match a.unsigned_abs().checked_mul(b.unsigned_abs()) {
        Some(product) => {
            let by = pow10(drop).unsigned_abs();
            let (quotient, rest) = (product / by, product % by);
            Some(if drop > 0 && rest >= by / 2 {
                quotient + 1
            } else {
                quotient
            })
        }
        None => wide_multiply(a.unsigned_abs(), b.unsigned_abs(), drop),
    };
    let magnitude = magnitude
        .and_then(|m| i128::try_from(m).ok())
        .ok_or_else(|| {
            overflow(SqlType::Decimal {
                precision,
                scale: to,
            })
        })?;
    fit(if negative { -magnitude } else { magnitude }, precision, to)
}

/// `a / b` at scale `to`, cut.
pub(crate) fn divide(a: i128, sa: u8, b: i128, sb: u8, precision: u8, to: u8) -> Result<i128> {
    if b == 0 {
        return Err(divide_by_zero());
    }
    let too_large = || {
        overflow(SqlType::Decimal {
            precision,
            scale: to,
        })
    };
    let negative = (a < 0) != (b < 0);
    let divisor = b.unsigned_abs();
    let digits = i32::from(to) - i32::from(sa) + i32::from(sb);
    let mut quotient = a.unsigned_abs() / divisor;
    let mut rest = a.unsigned_abs() % divisor;
    for _ in 0..digits {
        // Ten times the rest may pass u128, so it is added up modulo the divisor.
        let (mut digit, mut next) = (0_u128, 0_u128);
        for _ in 0..10 {
            next += rest;
            if next >= divisor {
                next -= divisor;
                digit += 1;
            }
        }
        rest = next;
        quotient = quotient
            .checked_mul(10)
            .and_then(|q| q.checked_add(digit))
            .ok_or_else(too_large)?;
    }
    for _ in digits..0 {
        quotient /= 10;
    }
    let quotient = i128::try_from(quotient).map_err(|_| too_large())?;
    fit(if negative { -quotient } else { quotient }, precision, to)
}

/// Digits with a point: `-12.50`.
pub(crate) fn to_text(value: i128, scale: u8) -> String {
    let digits = value.unsigned_abs().to_string();
    let sign = if value < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Reads `-12.5` (and, where allowed, an exponent) as digits and scale.
pub(crate) fn parse(text: &str) -> Option<(i128, u8)> {
    let trimmed = text.trim();
    let (negative, body) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    // Beyond 38 places only zeros can be left out without a change.
    let fraction = if fraction.len() > 38 {
        fraction.get(..38)?
    } else {
        fraction
    };
    let mut value = 0_i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = value
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    (value <= MAX).then(|| {
        (
            if negative { -value } else { value },
            u8::try_from(fraction.len()).unwrap_or(38),
        )
    })
}

/// A product beyond 128 bits divided by 10^drop, rounded half up.
fn wide_multiply(a: u128, b: u128, drop: u32) -> Option<u128> {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (low, middle, other, high) = (a0 * b0, a1 * b0, a0 * b1, a1 * b1);
    let carry = (low >> 64) + (middle & LOW) + (other & LOW);
    // Four 64-bit limbs, highest first.
    let top = high + (middle >> 64) + (other >> 64) + (carry >> 64);
    let mut limbs = [top >> 64, top & LOW, carry & LOW, low & LOW];
    let mut last_digit = 0;
    for _ in 0..drop {
        let mut rest = 0_u128;
        for limb in &mut limbs {
            let current = rest << 64 | *limb;
            *limb = current / 10;
            rest = current % 10;
        }
        last_digit = rest;
    }
    let [h1, h0, l1, l0] = limbs;
    if h1 != 0 || h0 != 0 {
        return None;
    }
    (l1 << 64 | l0).checked_add(u128::from(last_digit >= 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_is_cut_at_its_scale() {
        // 2.00 / 3 is decimal(…, 13): two thirds without rounding.
        assert_eq!(divide(200, 2, 3, 0, 38, 13).unwrap(), 6_666_666_666_666);
        assert_eq!(divide(-200, 2, 3, 0, 38, 6).unwrap(), -666_666);
        assert_eq!(divide(MAX, 0, MAX, 0, 38, 6).unwrap(), 1_000_000);
        assert_eq!(divide(1, 0, 0, 0, 38, 6).unwrap_err().number, 8134);
    }

    #[test]
    fn a_product_wider_than_128_bits_is_exact() {
        let a = pow10(37) + 7;
        assert_eq!(multiply(a, 20, pow10(18), 18, 38, 20).unwrap(), a);
        assert_eq!(multiply(a, 37, a, 37, 38, 6).unwrap(), 1_000_000);
        assert_eq!(multiply(MAX, 0, 2, 0, 38, 0).unwrap_err().number, 8115);
    }

    #[test]
    fn rescaling_rounds_half_away_from_zero() {
        assert_eq!(rescale(125, 2, 1).unwrap(), 13);
        assert_eq!(rescale(-125, 2, 1).unwrap(), -13);
        assert_eq!(rescale(124, 2, 1).unwrap(), 12);
    }

    #[test]
    fn text_keeps_the_scale() {
        assert_eq!(to_text(-5, 2), "-0.05");
        assert_eq!(parse("-0.05"), Some((-5, 2)));
        assert_eq!(parse("1.2.3"), None);
    }
}
