//! Decimals as digits: they are compared and bound without a float between.

use std::cmp::Ordering;

/// `-12.50`: at most 38 digits, as SQL Server keeps them.
pub(crate) fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = split(digits);
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !whole.is_empty()
        && plain(whole)
        && plain(fraction)
        && !digits.ends_with('.')
        && whole.trim_start_matches('0').len() + fraction.len() <= 38
}

/// The same as a JSON number, which has no zeros in front.
pub(crate) fn number(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let digits = digits.trim_start_matches('0');
    let zero = if digits.starts_with(|first: char| first.is_ascii_digit()) {
        ""
    } else {
        "0"
    };
    format!("{sign}{zero}{digits}")
}

/// Compares two decimals.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (negative(a), negative(b)) {
        (false, false) => magnitude(a).cmp(&magnitude(b)),
        (true, true) => magnitude(b).cmp(&magnitude(a)),
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
    }
}

/// `-0.0` is not.
fn negative(text: &str) -> bool {
    text.starts_with('-') && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

/// Orders as the absolute values do: a longer whole part is larger, then the
/// digits decide from the left.
fn magnitude(text: &str) -> (usize, &str, &str) {
    let (whole, fraction) = split(text.trim_start_matches('-'));
    let whole = whole.trim_start_matches('0');
    (whole.len(), whole, fraction.trim_end_matches('0'))
}

fn split(digits: &str) -> (&str, &str) {
    digits.split_once('.').unwrap_or((digits, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain_digits() {
        for good in [
            "0",
            "-12.50",
            "007",
            "0.5",
            "99999999999999999999999999999999999999",
        ] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-", ".5", "1.", "1e3", "+1", "1.2.3", "١"] {
            assert!(!is_decimal(bad), "{bad}");
        }
        assert!(!is_decimal(&"9".repeat(39)));
    }

    #[test]
    fn a_json_number_has_no_zeros_in_front() {
        for (text, json) in [
            ("007.50", "7.50"),
            ("-00.5", "-0.5"),
            ("0", "0"),
            ("10", "10"),
        ] {
            assert_eq!(number(text), json);
        }
    }

    #[test]
    fn order_is_that_of_the_numbers_not_of_the_texts() {
        let ascending = [
            "-10", "-9.5", "-0.01", "0", "0.1", "0.11", "9", "10", "10.5",
        ];
        for (at, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} and {b}");
            }
        }
        assert_eq!(compare("-0.0", "00.000"), Ordering::Equal);
        assert_eq!(compare("1.50", "1.5"), Ordering::Equal);
    }
}
