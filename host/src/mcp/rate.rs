//! How often one person's client may call.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use governor::clock::{Clock, MonotonicClock};

use crate::buckets::Buckets;
use crate::principal::Principal;

/// Counts the calls of each person and client in one scope of this process.
pub(crate) struct CallRate<C: Clock = MonotonicClock>(Buckets<C>);

impl CallRate {
    /// `per_minute`, all of which may come at once.
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        Self::with_clock(per_minute, MonotonicClock)
    }
}

impl<C: Clock + Clone> CallRate<C> {
    fn with_clock(per_minute: NonZeroU32, clock: C) -> Self {
        Self(Buckets::new(Quota::per_minute(per_minute), BUCKETS, clock))
    }

    /// Counts one call.
    ///
    /// # Errors
    /// There were too many; the next may be made after this time.
    pub(crate) fn admit(&self, caller: &Principal) -> Result<(), Duration> {
        self.0.keep_house();
        self.0.admit(caller.caller())
    }
}

/// Some 5 MB at the very most.
const BUCKETS: u64 = 1 << 17;

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
            claims: std::collections::BTreeMap::new(),
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
