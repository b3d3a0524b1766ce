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
    /// Something that concerns everybody.
    EverythingChanged,
}
