//! How much of the machine a tool set used lately, all its calls together: one that
//! takes more than its share goes on among the hogs from its first instruction. A
//! call alone would have to use much before it is known for one, and many callers at
//! once, or one that comes back all the time, are never known in that way.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A bucket that processor time fills, and that drains at the rate of a share.
#[derive(Debug)]
pub(super) struct Share {
    bucket: Mutex<Bucket>,
    /// What drains in a second.
    rate: f64,
    /// Calls that ended since one was slow.
    quick: AtomicU32,
}

#[derive(Debug)]
struct Bucket {
    level: Duration,
    at: Instant,
}

impl Default for Share {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let cores = u32::try_from(cores).unwrap_or(u32::MAX);
        Self::of(f64::from(cores) * OF_THE_MACHINE)
    }
}

impl Share {
    fn of(rate: f64) -> Self {
        Self {
            bucket: Mutex::new(Bucket {
                level: Duration::ZERO,
                at: Instant::now(),
            }),
            rate,
            quick: AtomicU32::new(0),
        }
    }

    /// A call of it ended.
    pub(super) fn ended(&self) {
        let more = |quick: u32| (quick < QUICK_CALLS).then(|| quick + 1);
        // Full it stays as it is.
        let _ = self
            .quick
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// A call of it used more than a quick one does.
    pub(super) fn was_slow(&self) {
        self.quick.store(0, Ordering::Relaxed);
    }

    /// Whether its last calls were quick.
    pub(super) fn is_quick(&self) -> bool {
        self.quick.load(Ordering::Relaxed) == QUICK_CALLS
    }

    /// It used so much.
    pub(super) fn charge(&self, used: Duration) {
        self.at(Instant::now(), used);
    }

    /// Whether it used more than its share lately.
    pub(super) fn is_spent(&self) -> bool {
        self.at(Instant::now(), Duration::ZERO) > AT_ONCE
    }

    fn at(&self, now: Instant, used: Duration) -> Duration {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let drained = now.saturating_duration_since(bucket.at).mul_f64(self.rate);
        bucket.at = now;
        bucket.level = (bucket.level.saturating_sub(drained) + used).min(FULL);
        bucket.level
    }
}

/// Part of all cores.
const OF_THE_MACHINE: f64 = 0.25;
/// What it may use at once before it is too much: two epoch ticks.
const AT_ONCE: Duration = Duration::from_millis(20);
/// So many quick calls in a row make a quick tool set: one that hides a slow call among
/// them holds up a thread of the front door in one of nine, for an epoch tick.
const QUICK_CALLS: u32 = 8;
/// What is remembered: afterwards it has its share again within a second, or on many
/// cores sooner.
const FULL: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_spent_by_many_small_calls_and_comes_back_with_time() {
        let share = Share::of(0.5);
        let begin = Instant::now();
        let ms = Duration::from_millis;
        // 0.4 of a core for a second.
        let mut level = Duration::ZERO;
        for n in 1..=100 {
            level = share.at(begin + ms(10) * n, ms(4));
        }
        assert!(level <= AT_ONCE, "{level:?}");
        for n in 1..=100 {
            level = share.at(begin + ms(1_000) + ms(10) * n, ms(20));
        }
        assert_eq!(level, FULL);
        assert!(share.at(begin + ms(2_600), Duration::ZERO) <= AT_ONCE);
    }
}
