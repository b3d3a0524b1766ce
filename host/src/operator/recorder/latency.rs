//! How long calls took, counted in buckets of an eighth of a power of two: a
//! quantile is at most an eighth too high, in 1 KiB.

/// Counts of calls by microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Latency {
    buckets: [u32; BUCKETS],
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
        }
    }
}

impl Latency {
    pub(super) fn add(&mut self, microseconds: u64) {
        if let Some(count) = self.buckets.get_mut(bucket(microseconds)) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count = count.saturating_add(*more);
        }
    }

    /// The time that so many thousandths of the calls did not exceed.
    pub(super) fn quantile(&self, thousandths: u64) -> Option<u64> {
        let total: u64 = self.buckets.iter().copied().map(u64::from).sum();
        let wanted = (total * thousandths).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return Some(upper(at));
            }
        }
        None
    }
}

fn bucket(microseconds: u64) -> usize {
    if microseconds < EXACT {
        return usize::try_from(microseconds).unwrap_or(0);
    }
    let octave = microseconds.ilog2();
    let eighth = (microseconds >> (octave - 3)) & 7;
    let at = EXACT + u64::from(octave - 4) * 8 + eighth;
    usize::try_from(at).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn upper(bucket: usize) -> u64 {
    let at = u64::try_from(bucket).unwrap_or(u64::MAX);
    if at < EXACT {
        return at;
    }
    let (octave, eighth) = ((at - EXACT) / 8 + 4, (at - EXACT) % 8);
    ((9 + eighth) << (octave - 3)) - 1
}

/// Below, each microsecond has a bucket.
const EXACT: u64 = 16;
/// Up to two hours: 16 + 29 octaves from 16 µs on.
const BUCKETS: usize = 16 + 29 * 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_at_most_an_eighth_too_high() {
        for time in [
            0,
            1,
            15,
            16,
            17,
            100,
            999,
            1_000,
            123_456,
            60_000_000,
            7_000_000_000,
        ] {
            let mut latency = Latency::default();
            latency.add(time);
            let found = latency.quantile(990).unwrap();
            assert!(found >= time && found <= time + time / 8, "{time}: {found}");
        }
        let mut longest = Latency::default();
        longest.add(u64::MAX);
        assert!(longest.quantile(500).is_some());
    }

    #[test]
    fn half_of_the_calls_are_below_the_median() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(500), None);
        for time in 1..=10 {
            latency.add(time);
        }
        assert_eq!(latency.quantile(500), Some(5));
        assert_eq!(latency.quantile(990), Some(10));
        let mut both = Latency::default();
        both.add(1);
        both.merge(&latency);
        assert_eq!(both.quantile(100), Some(1));
    }
}
