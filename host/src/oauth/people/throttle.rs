//! How often somebody may try to sign in: per account, known or not, and per
//! address, over all scopes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use governor::clock::{Clock, MonotonicClock};

use crate::buckets::Buckets;
use crate::oauth::address::network;

/// Counts attempts in this process.
pub(in crate::oauth) struct Throttle<C: Clock = MonotonicClock> {
    accounts: Buckets<C>,
    addresses: Buckets<C>,
}

impl Throttle {
    pub(in crate::oauth) fn new() -> Self {
        Self::with_clock(&MonotonicClock)
    }
}

impl<C: Clock + Clone> Throttle<C> {
    fn with_clock(clock: &C) -> Self {
        let buckets = |burst, period| {
            let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
            Buckets::new(quota.allow_burst(burst), BUCKETS, clock.clone())
        };
        Self {
            accounts: buckets(ACCOUNT_BURST, ACCOUNT_PERIOD),
            addresses: buckets(ADDRESS_BURST, ADDRESS_PERIOD),
        }
    }

    /// Counts one attempt at `account` from `address`, whatever comes of it.
    ///
    /// # Errors
    /// There were too many; the next may be made after this time.
    pub(in crate::oauth) fn admit(&self, account: &str, address: IpAddr) -> Result<(), Duration> {
        self.accounts.keep_house();
        self.addresses.keep_house();
        // The address first: one that floods must not lock the accounts of others.
        self.addresses.admit(network(address))?;
        self.accounts.admit(account.trim().to_lowercase())
    }
}

const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Ten slips of the finger, then two tries a minute: 12 characters do not
/// fall to that.
const ACCOUNT_BURST: NonZeroU32 = count(10);
const ACCOUNT_PERIOD: Duration = Duration::from_secs(30);
/// A whole office may share an address.
const ADDRESS_BURST: NonZeroU32 = count(50);
const ADDRESS_PERIOD: Duration = Duration::from_secs(5);
/// Some 10 MB at the very most, for accounts and for addresses.
const BUCKETS: u64 = 1 << 18;

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::buckets::HOUSEKEEPING;

    fn throttle() -> (Throttle<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Throttle::with_clock(&clock), clock)
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + number).into())
    }

    #[test]
    fn an_account_has_ten_tries_and_then_one_each_half_minute() {
        let (throttle, clock) = throttle();
        for number in 0..10 {
            assert_eq!(throttle.admit("ana", address(number)), Ok(()), "{number}");
        }
        let wait = throttle.admit(" ANA ", address(99)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(30));
        assert_eq!(throttle.admit("bob", address(99)), Ok(()));
        clock.advance(Duration::from_secs(30));
        assert_eq!(throttle.admit("ana", address(99)), Ok(()));
        assert!(throttle.admit("ana", address(99)).is_err());
    }

    #[test]
    fn an_address_has_fifty_tries_and_then_one_each_five_seconds() {
        let (throttle, clock) = throttle();
        for number in 0..50 {
            let account = format!("account {number}");
            assert_eq!(throttle.admit(&account, address(1)), Ok(()), "{number}");
        }
        let wait = throttle.admit("account", address(1)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(5));
        assert_eq!(throttle.admit("account", address(2)), Ok(()));
        clock.advance(Duration::from_secs(5));
        assert_eq!(throttle.admit("account", address(1)), Ok(()));
    }

    #[test]
    fn an_address_that_is_refused_does_not_use_up_an_account() {
        let (throttle, _) = throttle();
        for number in 0..50 {
            throttle
                .admit(&format!("account {number}"), address(1))
                .unwrap();
        }
        for _ in 0..20 {
            throttle.admit("ana", address(1)).unwrap_err();
        }
        assert_eq!(throttle.admit("ana", address(2)), Ok(()));
    }

    #[test]
    fn ipv6_counts_by_64_bits_and_mapped_ipv4_as_itself() {
        let read = |text: &str| network(text.parse().unwrap());
        assert_eq!(read("2001:db8:0:1::1"), read("2001:db8:0:1:ffff::2"));
        assert_ne!(read("2001:db8:0:1::1"), read("2001:db8:0:2::1"));
        assert_eq!(read("::ffff:10.0.0.1"), read("10.0.0.1"));
        assert_ne!(read("::ffff:10.0.0.1"), read("::ffff:10.0.0.2"));
    }

    #[test]
    fn what_is_as_good_as_new_is_forgotten_and_the_rest_is_not() {
        let (throttle, clock) = throttle();
        for number in 0..1_000 {
            throttle
                .admit(&number.to_string(), address(number))
                .unwrap();
        }
        clock.advance(Duration::from_secs(60));
        for number in 0..10 {
            throttle.admit("ana", address(number)).unwrap();
        }
        for _ in 0..HOUSEKEEPING {
            let _refused = throttle.admit("ana", address(0));
        }
        assert!(throttle.accounts.len() < 20, "{}", throttle.accounts.len());
        assert!(
            throttle.addresses.len() < 20,
            "{}",
            throttle.addresses.len()
        );
        assert!(throttle.admit("ana", address(10)).is_err());
    }
}
