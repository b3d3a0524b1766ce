//! How text compares: by letters first, then accents, then case where the
//! collation asks for it; trailing spaces never count.

use std::cmp::Ordering;

use rusqlite::Connection;

/// The database's collation in SQLite: without case, with accents.
pub(crate) const DEFAULT: &str = "ci_as";

/// SQLite's name for a T-SQL collation; None is a name that is not a collation's.
pub(crate) fn by_name(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    if upper == "DATABASE_DEFAULT" || upper == "CATALOG_DEFAULT" {
        return Some(DEFAULT);
    }
    if upper.contains("_BIN") {
        return Some("bin");
    }
    if upper.contains("_CS_AS") {
        Some("cs_as")
    } else if upper.contains("_CS_AI") {
        Some("cs_ai")
    } else if upper.contains("_CI_AI") {
        Some("ci_ai")
    } else {
        upper.contains("_CI_AS").then_some(DEFAULT)
    }
}

/// Registers every collation on a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_collation("ci_as", |a, b| compare(a, b, false, true))?;
    connection.create_collation("cs_as", |a, b| compare(a, b, true, true))?;
    connection.create_collation("ci_ai", |a, b| compare(a, b, false, false))?;
    connection.create_collation("cs_ai", |a, b| compare(a, b, true, false))?;
    connection.create_collation("bin", |a, b| {
        a.trim_end_matches(' ').cmp(b.trim_end_matches(' '))
    })
}

/// Compares under the collation of a SQLite name.
pub(crate) fn compare_by(name: &str, a: &str, b: &str) -> Ordering {
    match name {
        "bin" => a.trim_end_matches(' ').cmp(b.trim_end_matches(' ')),
        "cs_as" => compare(a, b, true, true),
        "cs_ai" => compare(a, b, true, false),
        "ci_ai" => compare(a, b, false, false),
        _ => compare(a, b, false, true),
    }
}

/// Whether two characters are one under the collation.
pub(crate) fn same(name: &str, a: char, b: char) -> bool {
    if a == b {
        return true;
    }
    let (mut x, mut y) = ([0; 4], [0; 4]);
    name != "bin"
        && a != ' '
        && b != ' '
        && compare_by(name, a.encode_utf8(&mut x), b.encode_utf8(&mut y)) == Ordering::Equal
}

fn compare(a: &str, b: &str, case: bool, accents: bool) -> Ordering {
    let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
    if a == b {
        return Ordering::Equal;
    }
    let mut by_accent = Ordering::Equal;
    let mut by_case = Ordering::Equal;
    let (mut left, mut right) = (a.chars(), b.chars());
    loop {
        match (left.next(), right.next()) {
            (None, None) => break,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let (p, q) = (weigh(x), weigh(y));
                let primary = (p.class, p.base).cmp(&(q.class, q.base));
                if primary != Ordering::Equal {
                    return primary;
                }
                by_accent = by_accent.then(p.accent.cmp(&q.accent));
                // Lower case sorts before upper.
                by_case = by_case.then(p.upper.cmp(&q.upper));
            }
        }
    }
    let by_accent = if accents { by_accent } else { Ordering::Equal };
    by_accent.then(if case { by_case } else { Ordering::Equal })
}

struct Weight {
    /// Spaces, signs, digits, letters, in this order.
    class: u8,
    base: char,
    /// The letter itself where it carries an accent.
    accent: u32,
    upper: bool,
}

fn weigh(c: char) -> Weight {
    let class = match c {
        _ if c.is_whitespace() => 0,
        _ if c.is_alphabetic() => 3,
        _ if c.is_numeric() => 2,
        _ => 1,
    };
    if class != 3 {
        return Weight {
            class,
            base: c,
            accent: 0,
            upper: false,
        };
    }
    let mut lower = c.to_lowercase();
    let folded = match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    };
    let base = without_accent(folded);
    Weight {
        class,
        base,
        accent: if base == folded { 0 } else { u32::from(folded) },
        upper: folded != c,
    }
}

/// The base letter of an accented Latin letter.
fn without_accent(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_trailing_spaces_do_not_count() {
        assert_eq!(compare_by("ci_as", "Usa  ", "USA"), Ordering::Equal);
        assert_ne!(compare_by("cs_as", "Usa", "USA"), Ordering::Equal);
        assert_ne!(compare_by("ci_as", "resume", "résumé"), Ordering::Equal);
        assert_eq!(compare_by("ci_ai", "RESUME", "résumé"), Ordering::Equal);
        assert_eq!(compare_by("ci_as", "É", "é"), Ordering::Equal);
    }

    #[test]
    fn accents_decide_only_between_equal_letters() {
        assert_eq!(compare_by("ci_as", "Östersund", "Pau"), Ordering::Less);
        assert_eq!(compare_by("ci_as", "a_b", "aab"), Ordering::Less);
    }
}
