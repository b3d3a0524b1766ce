//! Files that are no other when what keeps them from serving has passed: they are looked
//! at again after a while, and after twice as long each time that it was for nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::ToolSets;
use crate::app::BuildError;
use crate::runtime::Component;

/// When which file is looked at again.
#[derive(Debug, Default)]
pub(super) struct Again(Mutex<HashMap<String, Turn>>);

#[derive(Debug)]
struct Turn {
    /// SHA-256 of the version that was refused, where it could be read.
    digest: Option<String>,
    at: Instant,
    /// How long it was waited for.
    after: Duration,
}

impl Again {
    /// A file was refused, perhaps for a reason that may pass.
    pub(super) fn refused(&self, file: &str, digest: Option<String>, may_pass: bool) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another version has its own patience.
        let before = turns.remove(file).filter(|turn| turn.digest == digest);
        if may_pass {
            let after = before.map_or(FIRST, |turn| LAST.min(turn.after * 2));
            let at = Instant::now() + after;
            turns.insert(file.to_owned(), Turn { digest, at, after });
        }
    }

    /// The files whose turn it is; those that are not `refused` any more are forgotten.
    fn due(&self, now: Instant, refused: impl Fn(&str) -> bool) -> Vec<String> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|file, _| refused(file));
        let due = turns.iter().filter(|(_, turn)| turn.at <= now);
        due.map(|(file, _)| file.clone()).collect()
    }
}

/// Versions that do not serve and may be asked again: as long as the file is the same,
/// none is compiled again for that.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<String, Component>>);

impl Waiting {
    /// What is to be known of `file` from now on, where it is worth it.
    pub(super) fn keep(&self, file: &str, component: Option<Component>, error: &BuildError) {
        let worth = error.may_pass() || matches!(error, BuildError::Parked { .. });
        match component {
            Some(component) if worth => {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(file.to_owned(), component);
            }
            _ => self.forget(file),
        }
    }

    pub(super) fn forget(&self, file: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(file);
    }

    /// Forgets all other files.
    pub(super) fn retain(&self, files: &BTreeSet<String>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|file, _| files.contains(file));
    }

    /// The version of `file` with that digest.
    pub(super) fn find(&self, file: &str, digest: &str) -> Option<Component> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let component = kept.get(file)?;
        (component.digest() == digest).then(|| component.clone())
    }
}

impl ToolSets {
    /// Looks again at what was refused and may serve by `now`.
    pub(in crate::app) async fn try_again(&self, now: Instant) {
        if self.listing.has_failed() {
            self.reload_rest().await;
        }
        let statuses = self.statuses.all();
        let due = self.again.due(now, |file| {
            let status = statuses.get(file);
            status.is_some_and(|status| status.problem.is_some())
        });
        join_all(due.iter().map(|file| self.reload(file))).await;
    }
}

const FIRST: Duration = Duration::from_secs(30);
const LAST: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_turn_later_each_time_and_none_once_it_serves() {
        let again = Again::default();
        let due = |after: Duration| again.due(Instant::now() + after, |_| true);
        let refused = |digest: &str, may_pass| {
            again.refused("a", Some(digest.to_owned()), may_pass);
        };
        for after in [FIRST, FIRST * 2, FIRST * 4] {
            refused("one", true);
            assert!(due(after / 2).is_empty(), "{after:?}");
            assert_eq!(due(after), ["a"], "{after:?}");
        }
        // Another version begins anew.
        refused("two", true);
        assert_eq!(due(FIRST), ["a"]);
        refused("two", false);
        assert!(due(LAST).is_empty());
        for _ in 0..100 {
            refused("two", true);
        }
        assert_eq!(due(LAST), ["a"]);
        assert!(again.due(Instant::now() + LAST, |_| false).is_empty());
        refused("two", true);
        assert_eq!(due(FIRST), ["a"]);
    }
}
