//! How often one address may register clients: anybody can, so that nobody can
//! fill the store, and generously, since the programs of a whole company or of
//! claude.ai come from few addresses.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter, clock};

use crate::clock::Clock;
use crate::oauth::address::network;

/// A bucket for each address.
pub(crate) struct RegistrationLimit(Buckets);

type Buckets = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, StoreClock, NoOpMiddleware<Duration>>;

impl RegistrationLimit {
    pub(crate) fn new(clock: Clock) -> Self {
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(BURST);
        Self(RateLimiter::dashmap_with_clock(quota, StoreClock(clock)))
    }

    /// Whether `address` may register one more client now.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        if self.0.len() > MANY_ADDRESSES {
            self.0.retain_recent();
        }
        self.0.check_key(&network(address)).is_ok()
    }
}

/// The store's clock for the crate `governor`.
#[derive(Clone)]
struct StoreClock(Clock);

impl clock::Clock for StoreClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().0).unwrap_or(0))
    }
}

/// Then one a second.
const BURST: NonZeroU32 = match NonZeroU32::new(100) {
    Some(burst) => burst,
    None => NonZeroU32::MIN,
};
/// Full buckets are thrown away when there are more.
const MANY_ADDRESSES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_hundred_at_once_then_one_a_second() {
        let (clock, hand) = Clock::manual(Timestamp(1_000_000));
        let limit = RegistrationLimit::new(clock);
        let address = IpAddr::from([203, 0, 113, 5]);
        assert!((0..100).all(|_| limit.allows(address)));
        assert!(!limit.allows(address));
        assert!(limit.allows(IpAddr::from([203, 0, 113, 6])));
        hand.advance(Duration::from_secs(1));
        assert!(limit.allows(address));
        assert!(!limit.allows(address));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            network(address("2001:db8:1:2:3:4:5:6")),
            network(address("2001:db8:1:2::9"))
        );
        assert_ne!(
            network(address("2001:db8:1:2::")),
            network(address("2001:db8:1:3::"))
        );
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
