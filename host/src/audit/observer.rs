//! Whoever looks on while entries are noted: the operator page.

use std::sync::{Arc, OnceLock};

use super::Entry;

/// Sees every entry as it is noted.
pub trait Observer: Send + Sync {
    /// Called on the way of a call: it takes next to no time, and waits for nothing.
    fn noted(&self, entry: &Entry);
}

/// Who looks on, if anybody does. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Observed(Arc<OnceLock<Arc<dyn Observer>>>);

impl Observed {
    pub(super) fn set(&self, observer: Arc<dyn Observer>) {
        // A second one is a mistake without harm.
        let _ = self.0.set(observer);
    }

    pub(super) fn noted(&self, entry: &Entry) {
        if let Some(observer) = self.0.get() {
            observer.noted(entry);
        }
    }
}
