//! JSON text as a value whose members have the names that the text says.
//!
//! `serde_json`'s own reading of a [`Value`] takes an object whose first member has a name
//! that it keeps for itself for something else: at that of a `RawValue` it reads the JSON
//! within a string, whatever stands beside it. What is checked or compared that way is not
//! what others read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::excerpt::excerpt;

/// Reads `text`. A name that one object has twice is an error: readers do not agree on
/// which of the two counts.
pub(crate) fn read(text: &str) -> serde_json::Result<Value> {
    build(text, Twice::Refused, |_| Ok(()))
}

/// Reads `text`, and tells `hold` of the bytes that are about to be allocated: what it
/// answers ends the reading.
pub(crate) fn build<H: FnMut(usize) -> Result<(), &'static str>>(
    text: &str,
    twice: Twice,
    hold: H,
) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut builder = Builder { twice, hold };
    let value = builder.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Reads what is within a larger document, as [`read`] does.
pub(crate) fn within<'de, D: Deserializer<'de>>(json: D) -> Result<Value, D::Error> {
    let mut builder = Builder {
        twice: Twice::Refused,
        hold: |_: usize| Ok::<(), &'static str>(()),
    };
    builder.deserialize(json)
}

/// Whether `serde_json` keeps a member's name for itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}

/// What becomes of a name that one object has twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// An error.
    Refused,
    /// The last member counts.
    TheLast,
}

/// Builds values, and tells what they take.
struct Builder<H> {
    twice: Twice,
    hold: H,
}

impl<H: FnMut(usize) -> Result<(), &'static str>> Builder<H> {
    fn hold<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        (self.hold)(bytes).map_err(E::custom)
    }
}

impl<'de, H: FnMut(usize) -> Result<(), &'static str>> DeserializeSeed<'de> for &mut Builder<H> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, H: FnMut(usize) -> Result<(), &'static str>> Visitor<'de> for &mut Builder<H> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.hold(allocated(text.len()))?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = given.next_element_seed(&mut *self)? {
            if items.len() == items.capacity() {
                let more = items.len().max(FIRST_ITEMS);
                self.hold(allocated(more * size_of::<Value>()))?;
                items.reserve_exact(more);
            }
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = given.next_key::<String>()? {
            if self.twice == Twice::Refused && members.contains_key(&name) {
                let name = excerpt(&name, QUOTED_CHARS);
                return Err(A::Error::custom(format_args!(
                    "one object has the member {name:?} twice"
                )));
            }
            let nodes = nodes_for(members.len() + 1) * allocated(NODE);
            self.hold(allocated(name.len()) + nodes)?;
            let member = given.next_value_seed(&mut *self)?;
            members.insert(name, member);
        }
        Ok(Value::Object(members))
    }
}

/// What an allocation of `bytes` takes: allocators give multiples of 16, and keep some
/// bytes of their own beside each.
fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        bytes => bytes.next_multiple_of(16) + 16,
    }
}

/// Nodes of the tree that a map's member adds, by its number, at most: one has room for
/// eleven, and where there are several, each but the root has five.
fn nodes_for(number: usize) -> usize {
    match number {
        1 => 1,
        12 => 2,
        number if number > 12 && number % 5 == 1 => 1,
        _ => 0,
    }
}

/// With what the names begin that `serde_json` keeps for itself, one of them for numbers:
/// which of these it heeds depends on the features that any crate of the build asks for.
const RESERVED: &str = "$serde_json::private::";
/// Of a name, in an error.
const QUOTED_CHARS: usize = 64;
/// Items for which an array has room at first.
const FIRST_ITEMS: usize = 4;
/// Members in a node of a map, which has room for all of them even when it holds one.
const MEMBERS: usize = 11;
/// Bytes of a node: its members, a way to each node below, and two words of its own.
const NODE: usize =
    MEMBERS * (size_of::<String>() + size_of::<Value>()) + (MEMBERS + 3) * size_of::<usize>();

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_the_one_that_its_text_says() {
        let text = r#"{
            "n": [0, -1, 18446744073709551615, 1e300, -0.5, 12345678901234567890123],
            "s": ["", "\u00e9\n\ud83d\ude00", "plain"],
            "o": {"": {}, "once": 1, "one more": [true, false, null, [[]]]}
        }"#;
        let own: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text).unwrap(), own);
        let mut reader = serde_json::Deserializer::from_str(text);
        assert_eq!(within(&mut reader).unwrap(), own);
        for broken in ["", "{", "1 2", r#"{"a":}"#, "1e999"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_member_is_called_what_the_text_says() {
        for name in ["RawValue", "Number", "Whatever"] {
            let name = format!("{RESERVED}{name}");
            assert!(is_reserved(&name));
            for inner in [r#"[\u005b0]]"#, "5", "!"] {
                let text = format!(r#"{{"a":[{{"{name}":"{inner}"}}]}}"#);
                let inner = inner.replace(r"\u005b", "[");
                assert_eq!(read(&text).unwrap(), json!({"a": [{&*name: inner}]}));
            }
        }
        let escaped = r#"{"\u0024serde_json::private::RawValue":"5","b":1}"#;
        assert_eq!(
            read(escaped).unwrap(),
            json!({"$serde_json::private::RawValue": "5", "b": 1})
        );
        // The reason for all this: should it ever end, so can this reader.
        let own: Value = serde_json::from_str(r#"{"$serde_json::private::RawValue":"5"}"#).unwrap();
        assert_eq!(own, json!(5));
    }

    #[test]
    fn a_name_that_is_there_twice_is_an_error_or_the_last_counts() {
        let text = r#"{"a":[{"n":1,"\u006e":2}]}"#;
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("the member \"n\" twice"), "{error}");
        let last = build(text, Twice::TheLast, |_| Ok(()));
        assert_eq!(last.unwrap(), json!({"a": [{"n": 2}]}));
    }

    #[test]
    fn all_that_is_allocated_is_told() {
        let told = |text: &str| {
            let mut bytes = 0;
            let built = build(text, Twice::TheLast, |more| {
                bytes += more;
                Ok(())
            });
            built.unwrap();
            bytes
        };
        let node = allocated(NODE);
        for (text, bytes) in [
            ("7", 0),
            (r#""""#, 0),
            (r#""seventeen letters""#, 48),
            ("[[]]", allocated(4 * size_of::<Value>())),
            (r#"{"":0}"#, node),
            (r#"{"a":{"b":"c"}}"#, 2 * node + 3 * 32),
        ] {
            assert_eq!(told(text), bytes, "{text}");
        }
        let of_members = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":0")).collect();
            told(&format!("{{{}}}", members.join(",")))
        };
        for (members, nodes) in [(11, 1), (12, 3), (15, 3), (16, 4), (101, 21)] {
            assert_eq!(of_members(members), nodes * node + members * 32);
        }
    }

    #[test]
    fn who_holds_can_end_it() {
        let error = build(r#"["a","b"]"#, Twice::Refused, |_| Err("no room")).unwrap_err();
        assert!(error.to_string().starts_with("no room"), "{error}");
    }
}
