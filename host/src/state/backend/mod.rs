//! Where records lie: the one thing that the kinds of store differ in.
//!
//! A backend holds versioned records and indexes of them, and applies a
//! [`Change`] whole or not at all. What the records mean, and which changes are
//! allowed, is written once, above ([`Store`](super::Store)).
//!
//! # Another kind of store
//! Implement [`Backend`], add its name to [`open`](fn@super::open), and have it pass
//! the tests of `contract`.

mod memory;
mod redis;
mod sqlite;

#[cfg(test)]
mod contract;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use memory::Memory;
pub(crate) use redis::Redis;
pub(crate) use sqlite::Sqlite;

use super::StoreError;
use super::event::Event;
use crate::clock::Timestamp;

/// Name of a record: its kind and its id, as `client:abc`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(kind: &str, id: impl fmt::Display) -> Self {
        Self(format!("{kind}:{id}"))
    }

    /// A key that a backend reads back.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of keys, as `clients-of:claude`. A record says which it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Index(String);

impl Index {
    pub(crate) fn new(name: &str, of: impl fmt::Display) -> Self {
        Self(format!("{name}:{of}"))
    }

    /// One that was written down.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Number of the commit that wrote a record, so that one which was deleted and
/// written anew is another; 0 is a record that does not exist.
pub(crate) type Version = u64;

/// A record as it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) version: Version,
    pub(crate) body: Vec<u8>,
    /// From then on it does not exist. A backend may still have it and give it.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A record to write.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) body: Vec<u8>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Every index that it is in from now on.
    pub(crate) indexes: Vec<Index>,
}

/// Several steps that happen together or not at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// When it happens.
    pub(crate) at: Timestamp,
    /// What must still be as it was read, or nothing happens.
    pub(crate) expected: Vec<(Key, Version)>,
    /// How many records that live at `at` an index must have, or nothing
    /// happens. With all of them in `expected`, this says that none has come.
    pub(crate) expected_counts: Vec<(Index, u64)>,
    pub(crate) writes: Vec<Write>,
    pub(crate) deletes: Vec<Key>,
    /// What the other nodes have to hear, in order.
    pub(crate) events: Vec<Event>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// All of it happened, and survives the process.
    Done,
    /// A record had another version, or an index more or fewer members: nothing
    /// happened.
    Conflict,
}

/// Place in the log of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(pub(crate) u64);

/// Events after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) events: Vec<Event>,
    /// Where to go on from.
    pub(crate) position: Position,
    /// Some in between are no longer kept: whoever reads this knows nothing for
    /// sure.
    pub(crate) gap: bool,
}

/// One kind of store.
#[async_trait]
pub(crate) trait Backend: Send + Sync + 'static {
    /// The records, in the order of `keys`.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError>;

    /// Keys in `index` of records that live at `now`, in no order.
    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError>;

    /// How many there are.
    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError>;

    /// Applies `change`: deletes, then writes. When this says `Done`, the change
    /// survives the end of the process, unless the backend keeps nothing.
    async fn commit(&self, change: Change) -> Result<Commit, StoreError>;

    /// The newest position.
    async fn position(&self) -> Result<Position, StoreError>;

    /// Events after `position`; waits up to `wait` for one if there is none.
    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError>;

    /// Every record that lives at `now`, all from one moment, in no order.
    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError>;

    /// Frees what expired before `now`.
    async fn purge(&self, now: Timestamp) -> Result<(), StoreError>;
}
