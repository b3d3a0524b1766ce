//! A store that counts what is read, and that can be held up and broken.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, watch};

use super::backend::{
    Backend, Change, Commit, Events, Index, Key, Memory, Position, Stored, Write,
};
use super::{Secrets, Store, StoreError};
use crate::clock::{Clock, Timestamp};

/// What tests do to a store.
#[derive(Clone)]
pub(crate) struct Faults {
    reads: watch::Sender<usize>,
    broken: watch::Sender<bool>,
    gate: Arc<RwLock<()>>,
}

impl Faults {
    /// State that ends with the process, unless it is broken before; and the
    /// same state as another node has it, whom no fault reaches.
    pub(crate) fn stores(clock: Clock, secrets: Secrets) -> (Store, Store, Self) {
        let faults = Self {
            reads: watch::Sender::new(0),
            broken: watch::Sender::new(false),
            gate: Arc::default(),
        };
        let memory = Arc::new(Memory::new());
        let faulty = Arc::new(Faulty {
            memory: Arc::clone(&memory),
            faults: faults.clone(),
        });
        let other = Store::new(memory, clock.clone(), secrets.clone());
        (Store::new(faulty, clock, secrets), other, faults)
    }

    /// Every answer is an error from now on, or no longer.
    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.send_replace(broken);
    }

    /// How often records were read.
    pub(crate) fn reads(&self) -> usize {
        *self.reads.borrow()
    }

    /// Waits until records have been read more than `seen` times.
    pub(crate) async fn read_after(&self, seen: usize) {
        let mut reads = self.reads.subscribe();
        reads.wait_for(|reads| *reads > seen).await.unwrap();
    }

    /// Reads answer when the guard is dropped, with what was there when they
    /// began.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    fn check(&self) -> Result<(), StoreError> {
        if *self.broken.borrow() {
            return Err(StoreError::Unavailable("broken by a test".to_owned()));
        }
        Ok(())
    }
}

struct Faulty {
    memory: Arc<Memory>,
    faults: Faults,
}

#[async_trait]
impl Backend for Faulty {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError> {
        let answer = self.memory.read(keys).await;
        self.faults.reads.send_modify(|reads| *reads += 1);
        drop(self.faults.gate.read().await);
        self.faults.check()?;
        answer
    }

    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        self.faults.check()?;
        self.memory.members(index, now).await
    }

    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError> {
        self.faults.check()?;
        self.memory.count(index, now).await
    }

    async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        self.faults.check()?;
        self.memory.commit(change).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.faults.check()?;
        self.memory.position().await
    }

    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError> {
        let mut broken = self.faults.broken.subscribe();
        tokio::select! {
            _ = broken.wait_for(|broken| *broken) => {
                Err(StoreError::Unavailable("broken by a test".to_owned()))
            }
            events = self.memory.events(position, wait) => events,
        }
    }

    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        self.faults.check()?;
        self.memory.dump(now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.faults.check()?;
        self.memory.purge(now).await
    }
}
