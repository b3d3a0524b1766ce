//! What caches count, in whichever layer they are.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Counter;
use serde::Serialize;

/// Counts what was found and what was not, and tells the metrics.
#[derive(Debug)]
pub struct Tally {
    hits: Count,
    misses: Count,
}

/// A number of our own, since a metric cannot be read.
#[derive(Debug)]
struct Count {
    here: AtomicU64,
    told: Counter,
}

/// A cache at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CacheFigures {
    /// What it holds.
    pub entries: u64,
    /// How large that is; none where it is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How often something was found.
    pub hits: u64,
    /// How often not.
    pub misses: u64,
}

impl Tally {
    /// For the cache of that name in `scope`: `cache_requests_total` has both as labels.
    pub fn new(scope: &str, cache: &str) -> Self {
        let count = |outcome: &'static str| {
            let labels = [
                ("scope", scope.to_owned()),
                ("cache", cache.to_owned()),
                ("outcome", outcome.to_owned()),
            ];
            Count::told(metrics::counter!("cache_requests_total", &labels))
        };
        Self {
            hits: count("hit"),
            misses: count("miss"),
        }
    }

    /// One that tells no metrics.
    pub fn quiet() -> Self {
        Self {
            hits: Count::told(Counter::noop()),
            misses: Count::told(Counter::noop()),
        }
    }

    /// Counts one look; gives back whether it found something.
    pub fn count(&self, found: bool) -> bool {
        let count = if found { &self.hits } else { &self.misses };
        count.here.fetch_add(1, Ordering::Relaxed);
        count.told.increment(1);
        found
    }

    /// With what the cache holds.
    pub fn figures(&self, entries: u64, bytes: Option<u64>) -> CacheFigures {
        CacheFigures {
            entries,
            bytes,
            hits: self.hits.here.load(Ordering::Relaxed),
            misses: self.misses.here.load(Ordering::Relaxed),
        }
    }
}

impl Count {
    fn told(told: Counter) -> Self {
        Self {
            here: AtomicU64::new(0),
            told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_counted_apart_from_what_was_not() {
        let tally = Tally::new("claude", "results");
        assert!(tally.count(true));
        assert!(!tally.count(false));
        assert!(!tally.count(false));
        let figures = tally.figures(3, Some(40));
        assert_eq!((figures.hits, figures.misses), (1, 2));
        let json = serde_json::to_string(&tally.figures(3, None)).unwrap();
        assert_eq!(json, r#"{"entries":3,"hits":1,"misses":2}"#);
    }
}
