//! What the nodes tell each other: whose tokens are no longer to be believed
//! without asking the store.

use serde::{Deserialize, Serialize};

/// A change that a node with cached tokens has to hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A grant was revoked: all its tokens end.
    GrantRevoked(String),
    /// One access token ended; its id.
    TokenRevoked(String),
    /// A person was removed, or is in other groups.
    PersonChanged(String),
    /// A client was removed, blocked or let in again.
    ClientChanged(String),
    /// A command wants every node to do something; the order's id.
    Ordered(String),
    /// Something that concerns everybody.
    EverythingChanged,
}

impl Event {
    /// As it is kept.
    pub(crate) fn to_json(&self) -> String {
        // Strings and nothing else: there is nothing that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept. What a newer version of this program means by a word
    /// that is not known here may be anything, so it is everything.
    pub(crate) fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or(Self::EverythingChanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_and_an_unknown_one_is_everything() {
        for event in [
            Event::GrantRevoked("g".into()),
            Event::ClientChanged("\u{0}\"ñ".into()),
            Event::Ordered("o".into()),
            Event::EverythingChanged,
        ] {
            assert_eq!(Event::from_json(&event.to_json()), event);
        }
        let unknown = r#"{"moon_changed":"x"}"#;
        assert_eq!(Event::from_json(unknown), Event::EverythingChanged);
    }
}
