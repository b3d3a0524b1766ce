//! A guest's JSON as a value of the host's, built only as far as the call's memory
//! reaches: 4 MiB of text can become 400 MiB.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use wasmtime::ResourceLimiter as _;

use super::limits::MemoryMeter;

/// Reads `text`. What the value takes is the call's until its end; where it does not fit,
/// the call has exceeded its memory.
///
/// It is counted while it is built. The text does not tell: for the member name by which
/// `serde_json` knows a `RawValue` its own reading of a [`Value`] looks for JSON within a
/// string, however that is escaped.
pub(super) fn value(text: &str, memory: &mut MemoryMeter) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut builder = Builder { memory, held: 0 };
    let read = builder.deserialize(&mut json);
    let Builder { memory, held } = builder;
    let counted = memory.memory_growing(0, held, None);
    let value = read?;
    counted.map_err(serde_json::Error::custom)?;
    json.end()?;
    Ok(value)
}

/// Builds values, and counts what they take.
struct Builder<'a> {
    memory: &'a mut MemoryMeter,
    held: usize,
}

impl Builder<'_> {
    /// Counts what is about to be allocated.
    fn hold<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.held = self.held.saturating_add(bytes);
        if self.memory.fits(self.held) {
            return Ok(());
        }
        Err(E::custom(
            "its values take more memory than the call has left; give fewer of them, or the \
             rows themselves",
        ))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Builder<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Builder<'_> {
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

/// Items for which an array has room at first.
const FIRST_ITEMS: usize = 4;
/// Members in a node of a map, which has room for all of them even when it holds one.
const MEMBERS: usize = 11;
/// Bytes of a node: its members, a way to each node below, and two words of its own.
const NODE: usize =
    MEMBERS * (size_of::<String>() + size_of::<Value>()) + (MEMBERS + 3) * size_of::<usize>();

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::runtime::meter::Meter;

    /// The value, and what is counted of it.
    fn read(text: &str, limit: usize) -> (serde_json::Result<Value>, usize) {
        let meter = Arc::new(Meter::default());
        let mut memory = MemoryMeter::new(limit, Arc::clone(&meter));
        let read = value(text, &mut memory);
        assert_eq!(read.is_err(), memory.exceeded(), "{read:?}");
        (read, usize::try_from(meter.used().memory_bytes).unwrap())
    }

    #[test]
    fn a_value_is_the_one_that_its_text_says() {
        let text = r#"{
            "n": [0, -1, 18446744073709551615, 1e300, -0.5, 12345678901234567890123],
            "s": ["", "\u00e9\n\ud83d\ude00", "plain"],
            "o": {"": {}, "twice": 1, "twice": [true, false, null, [[]]]}
        }"#;
        let (read, _) = read(text, 1 << 20);
        assert_eq!(read.unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_string_is_a_string_whatever_its_member_is_called() {
        let text = r#"{"$serde_json::private::RawValue":"[\u005b0]]"}"#;
        let (read, _) = read(text, 1 << 20);
        assert_eq!(
            read.unwrap(),
            json!({"$serde_json::private::RawValue": "[[0]]"})
        );
    }

    #[test]
    fn all_that_is_allocated_counts() {
        let node = allocated(NODE);
        for (text, bytes) in [
            ("7", 0),
            (r#""""#, 0),
            (r#""seventeen letters""#, 48),
            ("[[]]", allocated(4 * size_of::<Value>())),
            (r#"{"":0}"#, node),
            (r#"{"a":{"b":"c"}}"#, 2 * node + 3 * 32),
        ] {
            assert_eq!(read(text, 1 << 20).1, bytes, "{text}");
        }
        let of_members = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":0")).collect();
            read(&format!("{{{}}}", members.join(",")), 1 << 20).1
        };
        for (members, nodes) in [(11, 1), (12, 3), (15, 3), (16, 4), (101, 21)] {
            assert_eq!(of_members(members), nodes * node + members * 32);
        }
    }

    #[test]
    fn what_does_not_fit_has_exceeded_the_memory() {
        let small = format!("[{}0]", r#"{"":0},"#.repeat(1_000));
        assert!(read(&small, 1 << 20).0.is_ok());
        let large = format!("[{}0]", r#"{"":0},"#.repeat(10_000));
        let error = read(&large, 1 << 20).0.unwrap_err().to_string();
        assert!(error.contains("give fewer"), "{error}");
    }
}
