//! What matching the patterns of a schema can take. The engine never goes back, but at
//! worst it looks at every state of a pattern for every byte of a text, and
//! `\p{L}{200}` alone has a hundred thousand states. So patterns have a size, all of a
//! schema together have one, and texts are held against it before they are matched.

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
    for pattern in patterns {
        all += of(pattern);
        if all > MOST_STATES {
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
    let config = Config::new().nfa_size_limit(Some(SIZE));
    let built = Compiler::new().configure(config).build(pattern);
    match built {
        Ok(nfa) => nfa.states().len(),
        // Of another dialect, which the schema's own compiler reads or refuses.
        Err(error) if error.size_limit().is_none() => USUAL_STATES,
        Err(_) => MOST_STATES + 1,
    }
}

/// Bytes of one compiled pattern.
pub(super) const SIZE: usize = 1 << 20;
/// Bytes that remembering its steps may take, a thread: without them matching is slower.
pub(super) const MEMORY: usize = 256 << 10;
/// Patterns of one schema.
const MOST: usize = 100;
/// States of all patterns of a schema: `[\p{L}\p{M}]{1,20}` has some twenty thousand.
const MOST_STATES: usize = 40_000;
/// Of a pattern that cannot be looked into.
const USUAL_STATES: usize = 1_000;
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
        // ECMA-262 writes it so.
        assert_eq!(states(&json!({"pattern": "^\\cA$"})).unwrap(), USUAL_STATES);
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
