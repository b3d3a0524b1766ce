//! The members of a JSON object in their order, which a map would lose.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Each with its key; a key may be there twice.
#[derive(Debug)]
pub(crate) struct Entries<T>(pub(crate) Vec<(String, T)>);

impl<T> Entries<T> {
    /// Whether two readers of the object would read the same.
    pub(crate) fn has_no_key_twice(&self) -> bool {
        let mut keys = HashSet::new();
        self.0.iter().all(|(key, _)| keys.insert(key))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_are_counted() {
        let read = |json: &str| serde_json::from_str::<Entries<u8>>(json).unwrap();
        let entries = read(r#"{"b":1,"a":2}"#);
        assert!(entries.has_no_key_twice());
        assert_eq!(entries.0, [("b".to_owned(), 1), ("a".to_owned(), 2)]);
        assert!(!read(r#"{"b":1,"b":1}"#).has_no_key_twice());
        assert!(serde_json::from_str::<Entries<u8>>("[1]").is_err());
    }
}
