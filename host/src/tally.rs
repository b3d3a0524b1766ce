//! What caches count, in whichever layer they are.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counts what was found and what was not, and tells the metrics.
#[derive(Debug)]
pub struct Tally {
    hits: AtomicU64,
    misses: AtomicU64,
    /// Whose and which, where the metrics are told.
    told: Option<(String, &'static str)>,
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
    /// For the cache of that kind in `scope`; `cache_requests_total` has both as labels.
    pub fn new(scope: &str, cache: &'static str) -> Self {
        Self {
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            told: Some((scope.to_owned(), cache)),
        }
    }

    /// One that tells no metrics.
    pub fn quiet() -> Self {
        Self {
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            told: None,
        }
    }

    /// Counts one look; gives back whether it found something.
    pub fn count(&self, found: bool) -> bool {
        let (number, outcome) = if found {
            (&self.hits, "hit")
        } else {
            (&self.misses, "miss")
        };
        number.fetch_add(1, Ordering::Relaxed);
        if let Some((scope, cache)) = &self.told {
            metrics::counter!(
                "cache_requests_total",
                "scope" => scope.clone(), "cache" => *cache, "outcome" => outcome
            )
            .increment(1);
        }
        found
    }

    /// With what the cache holds.
    pub fn figures(&self, entries: u64, bytes: Option<u64>) -> CacheFigures {
        CacheFigures {
            entries,
            bytes,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
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
