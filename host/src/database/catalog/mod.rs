//! What the database contains: tables and views, their columns, keys and
//! comments, and which of them a name means. Kept for half a minute, and read
//! again for a name that is not there.

mod describe;
mod list;
mod name;
mod rows;
mod tables;
mod types;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::tally::{CacheFigures, Tally};

pub(super) use describe::{describe, primary_key};
pub use list::Tables;
pub(super) use name::{nearest, resolve, split};
pub(super) use rows::Cells;
pub(super) use tables::newer;
pub use tables::{Table, TableName, bracketed};
pub(super) use types::sql_type;

/// Answers of the catalogue that are still fresh.
pub(super) struct Cache {
    list: ArcSwapOption<Kept>,
    /// Held by whoever reads the list: the others wait for that one.
    reading: Mutex<()>,
    /// By object id.
    described: moka::sync::Cache<i64, Arc<describe::Known>>,
    /// The server does not know what came with 2016.
    is_old: AtomicBool,
    pub(super) tally: Tally,
}

/// The list, and when it was asked for.
struct Kept {
    at: Instant,
    tables: Arc<Tables>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            list: ArcSwapOption::empty(),
            reading: Mutex::default(),
            described: moka::sync::Cache::builder()
                .max_capacity(DESCRIPTIONS)
                .time_to_live(KEPT)
                .build(),
            is_old: AtomicBool::new(false),
            tally: Tally::quiet(),
        }
    }

    /// Forgets all of it.
    pub(super) fn clear(&self) {
        self.list.store(None);
        self.described.invalidate_all();
    }

    /// Lists and descriptions that are there, and how often one was.
    pub(super) fn figures(&self) -> CacheFigures {
        self.described.run_pending_tasks();
        let list = u64::from(self.list(KEPT, Instant::now()).is_some());
        self.tally
            .figures(list + self.described.entry_count(), None)
    }

    /// The list, if it is younger than `age` at `now`.
    fn list(&self, age: Duration, now: Instant) -> Option<Arc<Tables>> {
        let kept = self.list.load();
        let kept = kept.as_ref()?;
        (now.saturating_duration_since(kept.at) < age).then(|| Arc::clone(&kept.tables))
    }
}

/// Long enough for the calls of one conversation's turn, short enough that
/// nobody waits for a new table.
pub(super) const KEPT: Duration = Duration::from_secs(30);
/// A name that is not in a list of this age has it read again: whoever makes a
/// table can use it, and whoever guesses names costs one statement a second.
pub(super) const KEPT_FROM_UNKNOWN: Duration = Duration::from_secs(1);
const DESCRIPTIONS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_serves_for_its_time_and_shorter_for_a_name_that_is_not_in_it() {
        let cache = Cache::new();
        let read = Instant::now();
        assert!(cache.list(KEPT, read).is_none());
        cache.list.store(Some(Arc::new(Kept {
            at: read,
            tables: Arc::new(Tables::new(Vec::new())),
        })));
        let later = |seconds: u64| read + Duration::from_secs(seconds);
        assert!(cache.list(KEPT, later(29)).is_some());
        assert!(cache.list(KEPT, later(30)).is_none());
        assert!(cache.list(KEPT_FROM_UNKNOWN, read).is_some());
        assert!(cache.list(KEPT_FROM_UNKNOWN, later(1)).is_none());
    }
}
