//! The bulkhead: places of one tool set in one scope. As many calls as may run at
//! once, and a bounded queue; every version of the tool set shares them, so that a
//! change does not make room for twice as many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::error::CallFailure;
use super::limits::Limits;
use super::share::Share;

/// Places for calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    size: usize,
    /// What its calls used of the processor lately.
    pub(super) share: Arc<Share>,
}

impl Places {
    /// As many as `limits` say.
    pub fn new(limits: &Limits) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limits.concurrency)),
            waiting: Arc::default(),
            queue: limits.queue,
            size: limits.concurrency,
            share: Arc::default(),
        }
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many are taken.
    pub fn running(&self) -> usize {
        self.size.saturating_sub(self.free.available_permits())
    }

    /// How many calls wait for one.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) async fn enter(
        &self,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, CallFailure> {
        let free = Arc::clone(&self.free);
        if let Ok(permit) = Arc::clone(&free).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::join(&self.waiting, self.queue)?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallFailure::Cancelled),
            place = tokio::time::timeout_at(deadline.into(), free.acquire_owned()) => match place {
                Ok(Ok(permit)) => Ok(permit),
                Ok(Err(_)) | Err(_) => Err(CallFailure::Queue),
            },
        }
    }
}

/// A place in the queue, given back on drop.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, limit: usize) -> Result<Self, CallFailure> {
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < limit).then_some(waiting + 1)
            })
            .map(|_| Self(count))
            .map_err(|_| CallFailure::Queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
