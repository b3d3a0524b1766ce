//! A guest's JSON as a value of the host's, built only as far as the call's memory
//! reaches: 4 MiB of text can become 400 MiB.

use serde::de::Error as _;
use serde_json::Value;
use wasmtime::ResourceLimiter as _;

use super::limits::MemoryMeter;
use crate::json_value::{self, Twice};

/// Reads `text`. What the value takes is the call's until its end; where it does not fit,
/// the call has exceeded its memory.
///
/// It is counted while it is built: the text does not tell what it takes.
pub(super) fn value(text: &str, memory: &mut MemoryMeter) -> serde_json::Result<Value> {
    let mut held: usize = 0;
    let read = json_value::build(text, Twice::TheLast, |bytes| {
        held = held.saturating_add(bytes);
        if memory.fits(held) {
            return Ok(());
        }
        Err(
            "its values take more memory than the call has left; give fewer of them, or the \
             rows themselves",
        )
    });
    let counted = memory.memory_growing(0, held, None);
    let value = read?;
    counted.map_err(serde_json::Error::custom)?;
    Ok(value)
}

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
    fn the_value_counts_until_the_end() {
        let (read, counted) = read(r#"{"a":"seventeen letters","a":["b"]}"#, 1 << 20);
        assert_eq!(read.unwrap(), json!({"a": ["b"]}));
        assert!((32 + 48..1 << 11).contains(&counted), "{counted}");
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
    fn what_does_not_fit_has_exceeded_the_memory() {
        let small = format!("[{}0]", r#"{"":0},"#.repeat(1_000));
        assert!(read(&small, 1 << 20).0.is_ok());
        let large = format!("[{}0]", r#"{"":0},"#.repeat(10_000));
        let error = read(&large, 1 << 20).0.unwrap_err().to_string();
        assert!(error.contains("give fewer"), "{error}");
    }
}
