//! A backend that goes wrong when it is told: too late, interrupted, broken.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::*;
use crate::state::backend::{Change, Events, Index, Key, Position, Stored, Write};

#[derive(Default)]
pub(super) struct Faulty {
    pub(super) memory: Arc<Memory>,
    /// Every commit conflicts.
    pub(super) always_late: AtomicBool,
    /// What another node does just before the next commit.
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// What other nodes do just before every commit.
    each_time: Mutex<Option<Happens>>,
    /// Events cannot be read.
    pub(super) is_deaf: AtomicBool,
    /// How many commits there were.
    pub(super) commits: AtomicU32,
}

type Happens = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn before_each_commit<F>(&self, happens: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        *self.each_time.lock().unwrap() = Some(Box::new(move || Box::pin(happens())));
    }

    pub(super) fn meanwhile(&self, happens: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::pin(happens));
    }
}

#[async_trait]
impl Backend for Faulty {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError> {
        self.memory.read(keys).await
    }

    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        self.memory.members(index, now).await
    }

    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError> {
        self.memory.count(index, now).await
    }

    async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        let each_time = self
            .each_time
            .lock()
            .unwrap()
            .as_ref()
            .map(|happens| happens());
        if let Some(happens) = each_time {
            happens.await;
        }
        if self.always_late.load(Ordering::SeqCst) {
            return Ok(Commit::Conflict);
        }
        self.memory.commit(change).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.memory.position().await
    }

    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError> {
        if self.is_deaf.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("deaf".to_owned()));
        }
        self.memory.events(position, wait).await
    }

    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        self.memory.dump(now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.memory.purge(now).await
    }
}
