//! LIKE and PATINDEX: `%`, `_`, classes `[a-f]` and `[^a-f]`, and an escape character.

use super::collation;
use std::cmp::Ordering;

/// Whether `text` matches `pattern` under a collation.
pub(crate) fn like(text: &str, pattern: &str, escape: Option<char>, collation: &str) -> bool {
    let items = compile(pattern, escape);
    let chars: Vec<char> = text.chars().collect();
    if matches(&chars, &items, collation) {
        return true;
    }
    // Trailing spaces of the text are optional unless the pattern asks for them.
    let trimmed = text.trim_end_matches(' ').chars().count();
    chars
        .get(..trimmed)
        .is_some_and(|short| trimmed < chars.len() && matches(short, &items, collation))
}

/// PATINDEX: one-based character position of the first match, else 0.
pub(crate) fn position(text: &str, pattern: &str, collation: &str) -> usize {
    let (open_start, inner) = match pattern.strip_prefix('%') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let items = compile(inner, None);
    let chars: Vec<char> = text.chars().collect();
    let last = if open_start { chars.len() } else { 0 };
    (0..=last)
        .find(|start| {
            chars
                .get(*start..)
                .is_some_and(|tail| matches(tail, &items, collation))
        })
        .map_or(0, |at| at + 1)
}

enum Item {
    Any,
    One,
    Char(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn compile(pattern: &str, escape: Option<char>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if Some(c) == escape {
            items.extend(rest.next().map(Item::Char));
            continue;
        }
        match c {
            '%' => {
                if !matches!(items.last(), Some(Item::Any)) {
                    items.push(Item::Any);
                }
            }
            '_' => items.push(Item::One),
            '[' => {
                let (class, after) = class(rest.clone(), escape);
                items.push(class);
                rest = after;
            }
            other => items.push(Item::Char(other)),
        }
    }
    items
}

fn class(mut rest: std::str::Chars<'_>, escape: Option<char>) -> (Item, std::str::Chars<'_>) {
    let mut negated = false;
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut first = true;
    while let Some(mut c) = rest.next() {
        if first && c == '^' {
            negated = true;
            first = false;
            continue;
        }
        first = false;
        if c == ']' {
            break;
        }
        if Some(c) == escape {
            let Some(next) = rest.next() else { break };
            c = next;
        }
        let mut ahead = rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(end)) if end != ']' => {
                ranges.push((c, end));
                rest = ahead;
            }
            _ => ranges.push((c, c)),
        }
    }
    (Item::Class { negated, ranges }, rest)
}

/// Greedy matching that goes back only to the last `%`: linear in the pattern for each start.
fn matches(text: &[char], items: &[Item], collation: &str) -> bool {
    let (mut t, mut i) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match items.get(i) {
            Some(Item::Any) => {
                back = Some((i + 1, t));
                i += 1;
                continue;
            }
            None if t == text.len() => return true,
            Some(item) if text.get(t).is_some_and(|c| fits(*c, item, collation)) => {
                t += 1;
                i += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((item, start)) if start < text.len() => {
                back = Some((item, start + 1));
                t = start + 1;
                i = item;
            }
            _ => return false,
        }
    }
}

fn fits(c: char, item: &Item, collation: &str) -> bool {
    match item {
        Item::Any => false,
        Item::One => true,
        Item::Char(p) => collation::same(collation, c, *p),
        Item::Class { negated, ranges } => {
            let mut buffers = [[0; 4]; 3];
            let [x, y, z] = &mut buffers;
            let text = c.encode_utf8(x);
            let inside = ranges.iter().any(|(from, to)| {
                collation::same(collation, c, *from)
                    || from != to
                        && collation::compare_by(collation, from.encode_utf8(y), text)
                            != Ordering::Greater
                        && collation::compare_by(collation, text, to.encode_utf8(z))
                            != Ordering::Greater
            });
            inside != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str, pattern: &str) -> bool {
        like(text, pattern, Some('!'), "ci_as")
    }

    #[test]
    fn wildcards_classes_and_escapes_match() {
        assert!(is("Chai", "ch[ae]%"));
        assert!(!is("Chocolade", "Ch[ae]%"));
        assert!(is("x5", "_[0-9]"));
        assert!(is("xa", "_[^0-9]"));
        assert!(is("50%", "50!%"));
        assert!(!is("500", "50!%"));
        assert!(is("aXbXc", "%x%c"));
        assert!(is("", "%"));
        assert!(is("ab  ", "AB"));
        assert!(!is("ab", "ab "));
        assert!(is("[x", "[[]x"));
    }

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(position("résumé 42", "%[0-9]%", "ci_as"), 8);
        assert_eq!(position("abc", "b%", "ci_as"), 0);
    }
}
