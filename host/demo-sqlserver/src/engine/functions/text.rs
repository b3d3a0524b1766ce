//! String functions. Positions count UTF-16 units, as the database's collation
//! does; half of a surrogate pair is left out.

use rusqlite::Connection;
use rusqlite::types::Value as Stored;

use super::{scalar, strict};
use crate::engine::error::{error, unsupported};
use crate::engine::{collation, like};

pub(super) fn register(c: &Connection) -> rusqlite::Result<()> {
    strict(c, "t_len", 1, |a| {
        Ok(int(a.text(0).trim_end_matches(' ').encode_utf16().count()))
    })?;
    strict(c, "t_left", 2, |a| {
        Ok(text(units(a.text(0), 0, length(a.int(1), "left")?)))
    })?;
    strict(c, "t_right", 2, |a| {
        let n = length(a.int(1), "right")?;
        let skip = a.text(0).encode_utf16().count().saturating_sub(n);
        Ok(text(units(a.text(0), skip, n)))
    })?;
    strict(c, "t_substring", 3, |a| {
        let count = length(a.int(2), "substring")?;
        // A start before the text takes away from the length.
        let start = a.int(1);
        let before = usize::try_from(1_i64.saturating_sub(start).max(0)).unwrap_or(usize::MAX);
        let skip = usize::try_from(start.saturating_sub(1).max(0)).unwrap_or(usize::MAX);
        Ok(text(units(a.text(0), skip, count.saturating_sub(before))))
    })?;
    strict(c, "t_upper", 1, |a| Ok(text(upper(a.text(0)))))?;
    strict(c, "t_lower", 1, |a| Ok(text(a.text(0).to_lowercase())))?;
    // t_find(needle, text, start, collation)
    strict(c, "t_find", 4, |a| {
        Ok(int(find(a.text(0), a.text(1), a.int(2), a.text(3))))
    })?;
    // t_replace(text, from, to, collation)
    strict(c, "t_replace", 4, |a| {
        Ok(text(replace(a.text(0), a.text(1), a.text(2), a.text(3))))
    })?;
    // t_like(text, pattern, escape, collation): NULL escape means none
    scalar(c, "t_like", 4, |a| {
        if a.null(0) || a.null(1) {
            return Ok(Stored::Null);
        }
        let escape = a.text(2).chars().next();
        Ok(Stored::Integer(
            like::like(a.text(0), a.text(1), escape, a.text(3)).into(),
        ))
    })?;
    strict(c, "t_patindex", 3, |a| {
        Ok(int(like::position(a.text(1), a.text(0), a.text(2))))
    })?;
    strict(c, "t_repeat", 3, |a| {
        let (Ok(n), Ok(most)) = (usize::try_from(a.int(1)), usize::try_from(a.int(2))) else {
            return Ok(Stored::Null);
        };
        let length = n.saturating_mul(a.text(0).chars().count());
        if length > MOST_REPEATED {
            return Err(unsupported("REPLICATE to more than 16 MiB"));
        }
        Ok(text(
            a.text(0)
                .chars()
                .cycle()
                .take(length.min(most))
                .collect::<String>(),
        ))
    })?;
    strict(c, "t_reverse", 1, |a| {
        Ok(text(a.text(0).chars().rev().collect::<String>()))
    })?;
    // t_stuff(text, start, length, insert); a NULL insert only removes
    scalar(c, "t_stuff", 4, |a| {
        let count = a.text(0).encode_utf16().count();
        let (Ok(start), Ok(remove)) = (usize::try_from(a.int(1)), usize::try_from(a.int(2))) else {
            return Ok(Stored::Null);
        };
        if (0..3).any(|i| a.null(i)) || start == 0 || start > count {
            return Ok(Stored::Null);
        }
        let head = units(a.text(0), 0, start - 1);
        let tail = units(a.text(0), (start - 1).saturating_add(remove), usize::MAX);
        Ok(text(format!("{head}{}{tail}", a.text(3))))
    })?;
    strict(c, "t_translate", 3, |a| {
        let (from, to): (Vec<char>, Vec<char>) =
            (a.text(1).chars().collect(), a.text(2).chars().collect());
        if from.len() != to.len() {
            return Err(error(
                9828,
                "The second and third arguments of the TRANSLATE built-in function must contain an equal number of characters.",
            ));
        }
        let pairs: Vec<(char, char)> = from.into_iter().zip(to).collect();
        Ok(text(
            a.text(0)
                .chars()
                .map(|c| {
                    pairs
                        .iter()
                        .find(|(f, _)| collation::same(collation::DEFAULT, *f, c))
                        .map_or(c, |(_, t)| *t)
                })
                .collect::<String>(),
        ))
    })?;
    // t_trim(text, characters, side): 0 both, 1 left, 2 right
    strict(c, "t_trim", 3, |a| {
        let set: Vec<char> = a.text(1).chars().collect();
        let inside = |c: char| set.contains(&c);
        Ok(text(match a.int(2) {
            1 => a.text(0).trim_start_matches(inside),
            2 => a.text(0).trim_end_matches(inside),
            _ => a.text(0).trim_matches(inside),
        }))
    })?;
    strict(c, "t_ascii", 1, |a| {
        Ok(a.text(0)
            .chars()
            .next()
            .map_or(Stored::Null, |c| Stored::Integer(u32::from(c).into())))
    })?;
    strict(c, "t_char", 1, |a| {
        Ok(u32::try_from(a.int(0))
            .ok()
            .and_then(char::from_u32)
            .map_or(Stored::Null, |c| text(c.to_string())))
    })?;
    strict(c, "t_quotename", 2, |a| {
        let body = a.text(0);
        Ok(match a.text(1) {
            "[" | "]" => text(format!("[{}]", body.replace(']', "]]"))),
            "'" => text(format!("'{}'", body.replace('\'', "''"))),
            "\"" => text(format!("\"{}\"", body.replace('"', "\"\""))),
            "(" | ")" => text(format!("({})", body.replace(')', "))"))),
            _ => Stored::Null,
        })
    })?;
    strict(c, "t_difference_cut", 2, |a| {
        Ok(text(crate::engine::convert::cut(
            a.text(0),
            usize::try_from(a.int(1)).unwrap_or(0),
        )))
    })?;
    // t_bounded(text, limit, message): what a column takes
    strict(c, "t_bounded", 3, |a| {
        let limit = usize::try_from(a.int(1)).unwrap_or(0);
        let trimmed = a.text(0).trim_end_matches(' ');
        if trimmed.len() > limit && trimmed.encode_utf16().count() > limit {
            return Err(error(2628, a.text(2)));
        }
        Ok(text(crate::engine::convert::cut(a.text(0), limit)))
    })?;
    strict(c, "agg_fits", 2, |a| {
        if a.text(0).encode_utf16().count() > usize::try_from(a.int(1)).unwrap_or(0) {
            return Err(error(
                9829,
                "STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result truncation.",
            ));
        }
        Ok(text(a.text(0)))
    })?;
    // t_object(name): `schema.name` of an object name as OBJECT_ID takes it
    strict(c, "t_object", 1, |a| Ok(text(object_name(a.text(0)))))?;
    // t_split(text, separator): a JSON array for json_each
    strict(c, "t_split", 2, |a| {
        let mut separator = a.text(1).chars();
        let (Some(one), None) = (separator.next(), separator.next()) else {
            return Err(error(
                214,
                "Procedure expects parameter 'separator' of type 'nchar(1)/nvarchar(1)'.",
            ));
        };
        let parts: Vec<&str> = a.text(0).split(one).collect();
        Ok(text(serde_json::to_string(&parts).unwrap_or_default()))
    })?;
    strict(c, "t_series", 3, |a| {
        let (start, stop, step) = (a.int(0), a.int(1), a.int(2));
        if step == 0 {
            return Err(error(
                4199,
                "Argument value 0 is invalid for argument 3 of generate_series function.",
            ));
        }
        let mut values = Vec::new();
        let mut next = start;
        while (step > 0 && next <= stop) || (step < 0 && next >= stop) {
            if values.len() >= 1_000_000 {
                return Err(crate::engine::error::unsupported(
                    "GENERATE_SERIES beyond a million values",
                ));
            }
            values.push(next);
            let Some(following) = next.checked_add(step) else {
                break;
            };
            next = following;
        }
        Ok(text(serde_json::to_string(&values).unwrap_or_default()))
    })
}

fn object_name(name: &str) -> String {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in name.trim().chars() {
        match (quote, c) {
            (None, '[') => quote = Some(']'),
            (None, '"') => quote = Some('"'),
            (Some(q), c) if q == c => quote = None,
            (None, '.') => parts.push(String::new()),
            _ => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let table = parts.pop().unwrap_or_default();
    let schema = parts
        .pop()
        .filter(|s| !s.is_empty())
        .unwrap_or_else(|| "dbo".into());
    format!("{schema}.{table}")
}

fn text(value: impl Into<String>) -> Stored {
    Stored::Text(value.into())
}

fn int(value: usize) -> Stored {
    Stored::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn length(value: i64, function: &str) -> crate::engine::error::Result<usize> {
    usize::try_from(value).map_err(|_| {
        if function == "substring" {
            error(
                537,
                "Invalid length parameter passed to the LEFT or SUBSTRING function.",
            )
        } else {
            error(
                536,
                format!("Invalid length parameter passed to the {function} function."),
            )
        }
    })
}

fn find(needle: &str, text: &str, start: i64, collation: &str) -> usize {
    let (needle, chars): (Vec<char>, Vec<char>) =
        (needle.chars().collect(), text.chars().collect());
    if needle.is_empty() {
        return 0;
    }
    let skip = usize::try_from(start.saturating_sub(1).max(0)).unwrap_or(usize::MAX);
    chars
        .windows(needle.len())
        .enumerate()
        .skip(skip)
        .find(|(_, window)| {
            window
                .iter()
                .zip(&needle)
                .all(|(a, b)| collation::same(collation, *a, *b))
        })
        .map_or(0, |(at, _)| {
            chars.iter().take(at).map(|c| c.len_utf16()).sum::<usize>() + 1
        })
}

/// `take` UTF-16 units after the first `skip`.
fn units(text: &str, skip: usize, take: usize) -> String {
    let end = skip.saturating_add(take);
    let mut at = 0;
    text.chars()
        .filter(|c| {
            let from = at;
            at += c.len_utf16();
            from >= skip && at <= end
        })
        .collect()
}

/// One character for one, as the server maps them: ß has no capital.
fn upper(text: &str) -> String {
    text.chars()
        .map(|character| {
            let mut capitals = character.to_uppercase();
            match (capitals.next(), capitals.next()) {
                (Some(capital), None) => capital,
                _ => character,
            }
        })
        .collect()
}

fn replace(text: &str, from: &str, to: &str, collation: &str) -> String {
    let (needle, chars): (Vec<char>, Vec<char>) = (from.chars().collect(), text.chars().collect());
    if needle.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = chars.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match rest.split_at_checked(needle.len()) {
            Some((head, tail))
                if head
                    .iter()
                    .zip(&needle)
                    .all(|(a, b)| collation::same(collation, *a, *b)) =>
            {
                out.push_str(to);
                rest = tail;
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Characters that REPLICATE of varchar(max) gives here; the server's limit is
/// 2 GiB.
const MOST_REPEATED: usize = 16 * 1024 * 1024;
