//! Whole changes of state: read, decide, commit; and once more from the start
//! when another node was faster.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backend::{Backend, Change, Index, Key, Version, Write};
use super::{Event, StoreError};
use crate::clock::Timestamp;

/// A kind of record: what it is called, when it ends, and where it is listed.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// First part of its keys; never changes, since stores are full of them.
    const KIND: &'static str;

    /// Second part of its key.
    fn id(&self) -> String;

    /// From when it does not exist.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    /// The lists that it is in.
    fn indexes(&self) -> Vec<Index> {
        Vec::new()
    }
}

/// What a change reads and writes, so far.
///
/// All that was read must be unchanged at the commit; members of an index may
/// have come since.
pub(crate) struct Transaction<'a> {
    backend: &'a dyn Backend,
    now: Timestamp,
    read: HashMap<Key, Version>,
    change: Change,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(backend: &'a dyn Backend, now: Timestamp) -> Self {
        Self {
            backend,
            now,
            read: HashMap::new(),
            change: Change::default(),
        }
    }

    /// The time that the whole change happens at.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// A record that lives now. What this transaction wrote is not seen.
    pub(crate) async fn get<R: Record>(
        &mut self,
        id: impl std::fmt::Display + Send,
    ) -> Result<Option<R>, StoreError> {
        let key = Key::new(R::KIND, id);
        Ok(self.read(vec![key]).await?.pop())
    }

    /// The records in `index` that live now, in no order.
    pub(crate) async fn list<R: Record>(&mut self, index: &Index) -> Result<Vec<R>, StoreError> {
        let keys = self.backend.members(index, self.now).await?;
        self.read(keys).await
    }

    pub(crate) fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let key = Key::new(R::KIND, record.id());
        let body = serde_json::to_vec(record).map_err(|error| corrupt(&key, &error))?;
        self.change.writes.push(Write {
            key,
            body,
            expires_at: record.expires_at(),
            indexes: record.indexes(),
        });
        Ok(())
    }

    pub(crate) fn delete<R: Record>(&mut self, record: &R) {
        self.change.deletes.push(Key::new(R::KIND, record.id()));
    }

    /// Tells the other nodes, when the change has happened.
    pub(crate) fn emit(&mut self, event: Event) {
        self.change.events.push(event);
    }

    /// What to commit; `None` when nothing is to change.
    pub(crate) fn into_change(self) -> Option<Change> {
        let mut change = self.change;
        if change.writes.is_empty() && change.deletes.is_empty() && change.events.is_empty() {
            return None;
        }
        change.expected = self.read.into_iter().collect();
        Some(change)
    }

    /// The live ones of `keys`.
    async fn read<R: Record>(&mut self, keys: Vec<Key>) -> Result<Vec<R>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.backend.read(&keys).await?;
        let mut records = Vec::with_capacity(keys.len());
        for (key, stored) in keys.into_iter().zip(stored) {
            let version = stored.as_ref().map_or(0, |stored| stored.version);
            if let Some(stored) = stored
                && stored.expires_at.is_none_or(|end| end > self.now)
            {
                let record = serde_json::from_slice(&stored.body);
                records.push(record.map_err(|error| corrupt(&key, &error))?);
            }
            self.read.insert(key, version);
        }
        Ok(records)
    }
}

fn corrupt(key: &Key, error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        key: key.to_string(),
        message: error.to_string(),
    }
}
