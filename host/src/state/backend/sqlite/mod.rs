//! State in a file: one machine, any number of processes at once.
//!
//! Two threads own a connection each, so that the runtime never waits for the
//! disk: one writes, one reads beside it. What another process changed is seen
//! by looking whether the file has changed, some seven times a second.

mod file;
mod records;
mod schema;
mod threads;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Backend, Change, Commit, Events, Index, Key, Position, Stored, Write};
use crate::clock::Timestamp;
use crate::state::StoreError;
use records::Look;
use threads::{Reader, Writer};

/// Records in a SQLite file.
pub(crate) struct Sqlite {
    writer: Writer,
    reader: Reader,
    /// Counts the commits of this process that had events.
    committed: watch::Sender<u64>,
}

impl Sqlite {
    /// Opens the file, or makes it and its folder for this user alone, and
    /// brings its schema up to date.
    ///
    /// # Errors
    /// The file cannot be used, or a newer version of this program wrote it.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let connection = file::open(&path)?;
            let reader = file::open(&path)?;
            let committed = watch::Sender::new(0);
            let started = Writer::start(connection, committed.clone()).and_then(|writer| {
                Ok(Self {
                    writer,
                    reader: Reader::start(reader)?,
                    committed,
                })
            });
            started.map_err(|error| file::not_opened(&path, &error))
        });
        opened
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError> {
        let keys = keys.to_vec();
        self.reader
            .run(move |connection| records::read(connection, &keys))
            .await
    }

    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let index = index.clone();
        self.reader
            .run(move |connection| records::members(connection, &index, now))
            .await
    }

    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError> {
        let index = index.clone();
        self.reader
            .run(move |connection| records::count(connection, &index, now))
            .await
    }

    async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        self.writer.commit(change).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.reader
            .run(|connection| records::newest(connection))
            .await
    }

    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError> {
        let mut committed = self.committed.subscribe();
        let look = |seen| {
            self.reader
                .run(move |connection| records::look(connection, position, seen))
        };
        let first = look(None).await?;
        let Look::Unchanged(mut seen) = first else {
            return Ok(first.into_events(position));
        };
        let later = async {
            loop {
                // Past the time another process may have been here.
                let _ = tokio::time::timeout(LOOK_EVERY, committed.changed()).await;
                match look(Some(seen)).await? {
                    Look::Unchanged(version) => seen = version,
                    Look::Changed(events) => return Ok(events),
                }
            }
        };
        let nothing = Events {
            events: Vec::new(),
            position,
            gap: false,
        };
        tokio::time::timeout(wait, later)
            .await
            .unwrap_or(Ok(nothing))
    }

    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        self.reader
            .run(move |connection| records::dump(connection, now))
            .await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.writer.purge(now).await
    }
}

/// A look costs some 20 µs; a revocation by another process has to be known
/// within a second.
const LOOK_EVERY: Duration = Duration::from_millis(150);
