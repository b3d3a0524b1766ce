//! How often somebody may do something, for any number of somebodies.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

/// A quota for each key, counted in this process.
///
/// Keys share buckets by a hash that is secret to the process: memory stays
/// bounded whatever is sent, and two of them meet by chance only.
pub(crate) struct Buckets<C: Clock = MonotonicClock> {
    hasher: RandomState,
    limiter: RateLimiter<u64, DefaultKeyedStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    most: u64,
    rounds: AtomicU32,
}

impl<C: Clock + Clone> Buckets<C> {
    /// At most so many, some 40 bytes each.
    pub(crate) fn new(quota: Quota, most: u64, clock: C) -> Self {
        Self {
            hasher: RandomState::new(),
            limiter: RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone()),
            clock,
            most,
            rounds: AtomicU32::new(0),
        }
    }

    /// Counts one use by `key`.
    ///
    /// # Errors
    /// There were too many; the next may be made after this time.
    pub(crate) fn admit(&self, key: impl Hash) -> Result<(), Duration> {
        let bucket = self.hasher.hash_one(key) % self.most;
        let checked = self.limiter.check_key(&bucket);
        checked.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Frees, now and then, what is as good as new; to be called with each use,
    /// admitted or not.
    pub(crate) fn keep_house(&self) {
        if self.rounds.fetch_add(1, Ordering::Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }

    /// Buckets in use.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.limiter.len()
    }
}

/// Uses between two rounds of freeing.
pub(crate) const HOUSEKEEPING: u32 = 4_096;
