//! What matching the patterns of a schema can take. The engine never goes back, but at
//! worst it looks at every state of a pattern for every byte of a text, and
//! `\p{L}{200}` alone has a hundred thousand states. So patterns have a size, all of a
//! schema together have one, and texts are held against it before they are matched.
//!
//! What is counted is what the validator compiles: a pattern is ECMA-262's, and the same
//! letters can mean a hundred times as much in Rust's dialect, or as little.

use jsonschema_regex::to_rust_regex;
use regex_automata::nfa::thompson::{Compiler, Config};
use serde_json::Value;

/// The states of all patterns in `document`; the error says which of them is too large.
/// What only looks like a pattern, such as a constant, is counted as well.
pub(super) fn states(document: &Value) -> Result<usize, String> {
    let mut all = 0;
    let mut waiting = vec![document];
    let mut patterns = Vec::new();
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(pattern)) = members.get("pattern") {
                    patterns.push(pattern);
                }
                if let Some(Value::Object(named)) = members.get("patternProperties") {
                    patterns.extend(named.keys());
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    if patterns.len() > MOST {
        return Err(format!(
            "it has {} patterns, and {MOST} are the most",
            patterns.len()
        ));
    }
    let mut read = 0_usize;
    for pattern in patterns {
        read = read.saturating_add(reading(pattern));
        if read <= MOST_READ {
            all += of(pattern);
        }
        if all > MOST_STATES || read > MOST_READ {
            return Err(format!(
                "its patterns are too large, at \"{}\": leave counts to minLength and maxLength, \
                 and classes such as \\p{{L}} unrepeated but for * and +",
                crate::excerpt::excerpt(pattern, SHOWN)
            ));
        }
    }
    Ok(all)
}

fn of(pattern: &str) -> usize {
    // What cannot be translated or read, the validator refuses where it is a pattern. Where
    // it only looks like one, as a name with wildcards in an example, nothing compiles it.
    let Ok(translated) = to_rust_regex(pattern) else {
        return 0;
    };
    let config = Config::new().nfa_size_limit(Some(SIZE));
    let built = Compiler::new().configure(config).build(&translated);
    match built {
        Ok(nfa) => nfa.states().len(),
        Err(error) if error.size_limit().is_none() => 0,
        Err(_) => MOST_STATES + 1,
    }
}

/// Bytes that translating a pattern reads, at most: once more for each escape that Rust
/// writes otherwise, with what stands there instead of it.
fn reading(pattern: &str) -> usize {
    let (mut escapes, mut bytes) = (0, pattern.len());
    for pair in pattern.as_bytes().windows(2) {
        let written = match pair {
            br"\s" | br"\S" => OF_SPACES,
            br"\d" | br"\D" | br"\w" | br"\W" => OF_LETTERS,
            br"\c" => 0,
            _ => continue,
        };
        escapes += 1;
        bytes += written;
    }
    bytes.saturating_mul(escapes + 1)
}

/// Bytes of one compiled pattern.
pub(super) const SIZE: usize = 1 << 20;
/// Bytes that remembering its steps may take, a thread: without them matching is slower.
pub(super) const MEMORY: usize = 256 << 10;
/// Patterns of one schema.
const MOST: usize = 100;
/// States of all patterns of a schema: `[\p{L}\p{M}]{1,20}` has some twenty thousand.
const MOST_STATES: usize = 40_000;
/// Bytes that translating all patterns of a schema reads: some ten milliseconds.
const MOST_READ: usize = 1 << 20;
/// Bytes of `[\x{9}-\x{d}...]`, as which `\s` is written.
const OF_SPACES: usize = 160;
/// Bytes of `[^A-Za-z0-9_]` and the like.
const OF_LETTERS: usize = 16;
/// Letters of a pattern in a message.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_of_every_place_count() {
        let one = states(&json!({"properties": {"a": {"pattern": "^[a-z]+$"}}})).unwrap();
        assert!((1..100).contains(&one), "{one}");
        let both =
            json!({"items": [{"pattern": "^[a-z]+$"}], "patternProperties": {"^[a-z]+$": {}}});
        assert_eq!(states(&both).unwrap(), 2 * one);
        assert_eq!(
            states(&json!({"properties": {"pattern": {"type": "string"}}})),
            Ok(0)
        );
    }

    #[test]
    fn what_is_counted_is_what_is_compiled() {
        let of = |pattern: &str| states(&json!({"pattern": pattern})).unwrap();
        // `&&` are letters for ECMA-262, and an intersection for Rust.
        let letters = of(r"[a&&\p{L}]{20}7");
        assert_eq!(letters, of(r"[a\&\&\p{L}]{20}7"));
        assert!(letters > 1_000, "{letters}");
        // ECMA-262's `\c` is unknown to Rust, and digits are ten.
        assert!((1..100).contains(&of(r"^\cA$")));
        assert!(of(r"\cA?\p{L}{30}") > of(r"\p{L}{30}"));
        assert_eq!(of(r"^\d$"), of("^[0-9]$"));
        let many: Vec<Value> = (0..10)
            .map(|n| json!({"pattern": format!(r"[a&&\p{{L}}]{{20}}{n}")}))
            .collect();
        assert!(states(&json!({"allOf": many})).is_err());
    }

    #[test]
    fn what_is_no_pattern_does_not_count_and_what_takes_long_to_translate_is_refused() {
        for none in ["**/*.sql", "^a(?!b)", r"(a)\1", "["] {
            let examples = json!({"examples": [{"pattern": none}]});
            assert_eq!(states(&examples), Ok(0), "{none}");
        }
        for escape in [r"\cA", r"\d", r"\s"] {
            let schema = |count: usize| json!({"pattern": escape.repeat(count)});
            assert!(states(&schema(20)).is_ok(), "{escape}");
            assert!(states(&schema(10_000)).is_err(), "{escape}");
        }
        assert!(to_rust_regex(r"\S").unwrap().len() <= OF_SPACES);
        assert!(to_rust_regex(r"\W").unwrap().len() <= OF_LETTERS);
    }

    #[test]
    fn large_ones_and_many_are_refused_and_names_of_people_are_not() {
        for pattern in [
            "^[\\p{L}\\p{M}' -]{1,20}$",
            "^\\d{4}-\\d{2}-\\d{2}$",
            "^.{1,100}$",
        ] {
            assert!(states(&json!({"pattern": pattern})).is_ok(), "{pattern}");
        }
        let large = states(&json!({"pattern": "\\p{L}{200}"})).unwrap_err();
        assert!(large.contains("maxLength"), "{large}");
        let many: Vec<Value> = (0..=MOST)
            .map(|n| json!({"pattern": n.to_string()}))
            .collect();
        let many = states(&json!({"allOf": many})).unwrap_err();
        assert!(many.contains("101 patterns"), "{many}");
    }
}
