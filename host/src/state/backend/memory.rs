//! State that ends with the process: the demo and the tests.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Backend, Change, Commit, Events, Index, Key, Position, Stored, Write};
use crate::clock::Timestamp;
use crate::state::StoreError;
use crate::state::event::Event;

/// Records in a map.
pub(crate) struct Memory {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    records: HashMap<Key, (Stored, Vec<Index>)>,
    indexes: HashMap<Index, BTreeSet<Key>>,
    /// The last ones; the newest has the position of `newest`.
    events: VecDeque<Event>,
    newest: u64,
    commits: u64,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn remove(&mut self, key: &Key) {
        let Some((_, indexes)) = self.records.remove(key) else {
            return;
        };
        for index in indexes {
            if let Some(members) = self.indexes.get_mut(&index) {
                members.remove(key);
                if members.is_empty() {
                    self.indexes.remove(&index);
                }
            }
        }
    }

    fn write(&mut self, write: Write) {
        self.remove(&write.key);
        for index in &write.indexes {
            let members = self.indexes.entry(index.clone()).or_default();
            members.insert(write.key.clone());
        }
        let stored = Stored {
            version: self.commits,
            body: write.body,
            expires_at: write.expires_at,
        };
        self.records.insert(write.key, (stored, write.indexes));
    }

    fn version(&self, key: &Key) -> u64 {
        self.records
            .get(key)
            .map_or(0, |(stored, _)| stored.version)
    }

    fn live<'a>(&'a self, index: &Index, now: Timestamp) -> impl Iterator<Item = &'a Key> {
        let members = self.indexes.get(index).into_iter().flatten();
        members.filter(move |key| {
            self.records
                .get(key)
                .is_some_and(|(stored, _)| stored.expires_at.is_none_or(|end| end > now))
        })
    }

    fn events_after(&self, position: Position) -> Events {
        let kept = self.events.len() as u64;
        let missed = self.newest.saturating_sub(position.0);
        let skip = usize::try_from(kept.saturating_sub(missed)).unwrap_or(usize::MAX);
        Events {
            events: self.events.iter().skip(skip).cloned().collect(),
            position: Position(self.newest),
            gap: missed > kept || position.0 > self.newest,
        }
    }
}

#[async_trait]
impl Backend for Memory {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError> {
        let inner = self.inner();
        let record = |key| inner.records.get(key).map(|(stored, _)| stored.clone());
        Ok(keys.iter().map(record).collect())
    }

    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        Ok(self.inner().live(index, now).cloned().collect())
    }

    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.inner().live(index, now).count() as u64)
    }

    async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        let newest = {
            let mut inner = self.inner();
            let unchanged = |(key, version): &(Key, u64)| inner.version(key) == *version;
            let complete = |(index, count): &(Index, u64)| {
                inner.live(index, change.at).count() as u64 == *count
            };
            if !change.expected.iter().all(unchanged)
                || !change.expected_counts.iter().all(complete)
            {
                return Ok(Commit::Conflict);
            }
            inner.commits += 1;
            for key in &change.deletes {
                inner.remove(key);
            }
            for write in change.writes {
                inner.write(write);
            }
            for event in change.events {
                inner.events.push_back(event);
                inner.newest += 1;
                if inner.events.len() > EVENTS_KEPT {
                    inner.events.pop_front();
                }
            }
            inner.newest
        };
        self.newest.send_if_modified(|seen| {
            let modified = newest > *seen;
            *seen = newest.max(*seen);
            modified
        });
        Ok(Commit::Done)
    }

    async fn position(&self) -> Result<Position, StoreError> {
        Ok(Position(self.inner().newest))
    }

    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError> {
        let mut newest = self.newest.subscribe();
        let changed = newest.wait_for(|newest| *newest != position.0);
        // Past the time there is nothing new, which is an answer too.
        let _ = tokio::time::timeout(wait, changed).await;
        Ok(self.inner().events_after(position))
    }

    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        let inner = self.inner();
        let live = inner.records.iter().filter(|(_, (stored, _))| {
            let end = stored.expires_at;
            end.is_none_or(|end| end > now)
        });
        let records = live.map(|(key, (stored, indexes))| Write {
            key: key.clone(),
            body: stored.body.clone(),
            expires_at: stored.expires_at,
            indexes: indexes.clone(),
        });
        Ok(records.collect())
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let expired = inner.records.iter().filter_map(|(key, (stored, _))| {
            let over = stored.expires_at.is_some_and(|end| end <= now);
            over.then(|| key.clone())
        });
        let expired: Vec<Key> = expired.collect();
        for key in &expired {
            inner.remove(key);
        }
        Ok(())
    }
}

/// A node that fell further behind asks the store about every token again.
const EVENTS_KEPT: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::backend::contract::{Place, every_backend};

    struct OneProcess(Arc<Memory>);

    impl Place for OneProcess {
        async fn node(&self) -> Arc<dyn Backend> {
            Arc::clone(&self.0) as Arc<dyn Backend>
        }
    }

    every_backend!(OneProcess(Arc::new(Memory::new())));
}
