//! What time it is: a parameter everywhere, so that tests decide.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 in UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970, as RFC 7591 and JWT have it.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// `duration` later; the end of time when that is out of range.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// Time since `earlier`; nothing when that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since_1970 = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            Timestamp::default().after(since_1970)
        }))
    }

    /// A clock that stands still until it is told to go on.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let now = Arc::new(AtomicI64::new(start.0));
        let hand = ManualClock(Arc::clone(&now));
        let clock = Self(Arc::new(move || Timestamp(now.load(Ordering::SeqCst))));
        (clock, hand)
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock(..)")
    }
}

/// Moves the clock that [`Clock::manual`] made with it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told() {
        let (clock, hand) = Clock::manual(Timestamp(1_500));
        hand.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp(3_500));
        assert_eq!(clock.now().seconds(), 3);
        assert_eq!(clock.now().since(Timestamp(1_500)), Duration::from_secs(2));
        assert_eq!(Timestamp(1).since(Timestamp(2)), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        let year_2025 = Timestamp(1_735_689_600_000);
        assert!(Clock::system().now() > year_2025);
    }
}
