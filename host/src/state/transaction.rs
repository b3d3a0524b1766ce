//! Whole changes of state: read, decide, commit; and once more from the start
//! when another node was faster.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backend::{Backend, Change, Index, Key, Stored, Write};
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
/// All that was read must be unchanged at the commit, and no index that was
/// listed may have a new member: transactions are serializable.
pub(crate) struct Transaction<'a> {
    backend: &'a dyn Backend,
    now: Timestamp,
    /// Read once: a record that changed in between is not decided on twice.
    read: HashMap<Key, Option<Stored>>,
    listed: HashMap<Index, Vec<Key>>,
    change: Change,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(backend: &'a dyn Backend, now: Timestamp) -> Self {
        Self {
            backend,
            now,
            read: HashMap::new(),
            listed: HashMap::new(),
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
        self.fetch(std::slice::from_ref(&key)).await?;
        self.decode(&key)
    }

    /// The records in `index` that live now, in no order.
    pub(crate) async fn list<R: Record>(&mut self, index: &Index) -> Result<Vec<R>, StoreError> {
        let keys = self.members(index).await?;
        self.fetch(&keys).await?;
        let records = keys.iter().map(|key| self.decode(key));
        records.filter_map(Result::transpose).collect()
    }

    /// Reads several records at once, for the `get`s that follow.
    pub(crate) async fn fetch(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        let mut missing = keys.to_vec();
        missing.retain(|key| !self.read.contains_key(key));
        if missing.is_empty() {
            return Ok(());
        }
        let stored = self.backend.read(&missing).await?;
        self.read.extend(missing.into_iter().zip(stored));
        Ok(())
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

    /// Deletes what lives in `index`, unread: what it says does not matter, and
    /// it may be thousands.
    pub(crate) async fn delete_all(&mut self, index: &Index) -> Result<(), StoreError> {
        let keys = self.members(index).await?;
        self.change.deletes.extend(keys);
        Ok(())
    }

    /// As [`delete_all`](Self::delete_all), for what is worth nothing by then:
    /// who adds to `index` meanwhile does not hinder the change.
    pub(crate) async fn sweep(&mut self, index: &Index) -> Result<(), StoreError> {
        let keys = self.backend.members(index, self.now).await?;
        self.change.deletes.extend(keys);
        Ok(())
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
        change.at = self.now;
        let version = |stored: Option<Stored>| stored.map_or(0, |stored| stored.version);
        let read = self.read.into_iter();
        change.expected = read.map(|(key, stored)| (key, version(stored))).collect();
        let listed = self.listed.into_iter();
        change.expected_counts = listed
            .map(|(index, keys)| (index, keys.len() as u64))
            .collect();
        Some(change)
    }

    async fn members(&mut self, index: &Index) -> Result<Vec<Key>, StoreError> {
        if let Some(keys) = self.listed.get(index) {
            return Ok(keys.clone());
        }
        let keys = self.backend.members(index, self.now).await?;
        self.listed.insert(index.clone(), keys.clone());
        Ok(keys)
    }

    /// A record that was fetched, if it lives.
    fn decode<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        let stored = self.read.get(key).and_then(Option::as_ref);
        let live = stored.filter(|stored| stored.expires_at.is_none_or(|end| end > self.now));
        let decoded = live.map(|stored| serde_json::from_slice(&stored.body));
        decoded.transpose().map_err(|error| corrupt(key, &error))
    }
}

fn corrupt(key: &Key, error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        key: key.to_string(),
        message: error.to_string(),
    }
}
