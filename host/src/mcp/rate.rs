//! How often one person's client may call.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::principal::Principal;

/// Counts the calls of each person and client in one scope of this process.
///
/// Callers share buckets by a hash that is secret to the process: memory stays
/// bounded, and two of them meet by chance only.
pub(crate) struct CallRate<C: Clock = MonotonicClock> {
    buckets: RandomState,
    limiter:
        RateLimiter<u64, DefaultKeyedStateStore<u64>, C, NoOpMiddleware<<C as Clock>::Instant>>,
    clock: C,
    calls: AtomicU32,
}

impl CallRate {
    /// `per_minute`, all of which may come at once.
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        Self::with_clock(per_minute, MonotonicClock)
    }
}

impl<C: Clock + Clone> CallRate<C> {
    fn with_clock(per_minute: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_minute(per_minute);
        let store = DefaultKeyedStateStore::default();
        Self {
            buckets: RandomState::new(),
            limiter: RateLimiter::new(quota, store, clock.clone()),
            clock,
            calls: AtomicU32::new(0),
        }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// There were too many; the next may be made after this time.
    pub(crate) fn admit(&self, caller: &Principal) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let bucket = self.buckets.hash_one(caller.caller()) % BUCKETS;
        let checked = self.limiter.check_key(&bucket);
        checked.map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// Some 5 MB at the very most.
const BUCKETS: u64 = 1 << 17;
/// Calls between two rounds of freeing what is as good as new.
const HOUSEKEEPING: u32 = 4_096;

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::principal::Rights;

    #[test]
    fn each_person_and_client_has_so_many_calls_a_minute() {
        let clock = FakeRelativeClock::default();
        let rate = CallRate::with_clock(NonZeroU32::new(6).unwrap(), clock.clone());
        let caller = |subject: &str, client: &str| Principal {
            subject: subject.to_owned(),
            client: client.to_owned(),
            rights: Rights::READ,
        };
        let ana = caller("ana", "claude");
        for _ in 0..6 {
            assert_eq!(rate.admit(&ana), Ok(()));
        }
        assert_eq!(rate.admit(&ana), Err(Duration::from_secs(10)));
        for other in [caller("ana", "chatgpt"), caller("bob", "claude")] {
            assert_eq!(rate.admit(&other), Ok(()));
        }
        clock.advance(Duration::from_secs(10));
        assert_eq!(rate.admit(&ana), Ok(()));
        assert!(rate.admit(&ana).is_err());
    }
}
