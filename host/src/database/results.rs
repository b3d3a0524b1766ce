//! Results that a statement may be answered from again: for who asked it the
//! last time, in the same words, and no longer than the scope's `cache_ttl`.
//!
//! What is kept are the rows as they came over the wire, whole, so that a kept
//! result is read in any way that a new one is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use tiberius::ColumnData;

use super::cursor::Opened;
use super::reader::Caps;
use super::value::Query;
use crate::tally::{CacheFigures, Tally};

/// The results of one scope. Cheap to clone.
#[derive(Clone)]
pub struct ResultCache(Arc<Inner>);

struct Inner {
    kept: Cache<Key, Arc<Kept>>,
    longest: Duration,
    tally: Tally,
    /// Counts how often all of it was forgotten: a result that was asked for before
    /// that is not kept after it.
    forgotten: AtomicU64,
}

/// The results of one database in it.
#[derive(Clone)]
pub(super) struct Results {
    pub(super) cache: ResultCache,
    pub(super) label: Arc<str>,
}

/// All that a result depends on but the data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    label: Arc<str>,
    /// Subject, client and claims: what SESSION_CONTEXT is told. People never share.
    caller: Option<(String, String, BTreeMap<String, String>)>,
    sql: String,
    /// Their names, values and types, as Rust writes them: floats are exact there.
    params: String,
    limits: String,
}

/// A result.
pub(super) struct Kept {
    pub(super) opened: Opened,
    pub(super) rows: Vec<Cells>,
    at: Instant,
    life: Duration,
    weight: u32,
}

/// The cells of one row.
pub(super) type Cells = Vec<ColumnData<'static>>;

/// Where the result of one statement will be kept.
#[derive(Clone)]
pub(super) struct Keeper {
    cache: ResultCache,
    key: Key,
    life: Duration,
    forgotten: u64,
}

/// Rows on their way to the caller, as long as they are few enough to be kept.
pub(super) struct Recorder {
    keeper: Keeper,
    rows: Vec<Cells>,
    bytes: usize,
}

/// What the metrics call it, beside the names of tool sets.
pub const RESULTS: &str = "results";

impl ResultCache {
    /// Holds at most `bytes` of the results of `scope`, none for longer than `longest`.
    pub fn new(scope: &str, bytes: u64, longest: Duration) -> Self {
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, kept: &Arc<Kept>| kept.weight)
            .expire_after(ByResult)
            .build();
        Self(Arc::new(Inner {
            kept,
            longest,
            tally: Tally::new(scope, RESULTS),
            forgotten: AtomicU64::new(0),
        }))
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
        self.0.kept.invalidate_all();
    }

    /// What it holds, and how often that was of use.
    pub fn figures(&self) -> CacheFigures {
        self.0.kept.run_pending_tasks();
        let (entries, bytes) = (self.0.kept.entry_count(), self.0.kept.weighted_size());
        self.0.tally.figures(entries, Some(bytes))
    }
}

impl Results {
    /// Where the result of `query` is kept, if that was asked for; and the result, if
    /// there is one that is young enough.
    pub(super) fn of(&self, query: &Query, caps: &Caps) -> Option<(Keeper, Option<Arc<Kept>>)> {
        let cache = &self.cache.0;
        let life = query.options.cache_ttl?.min(cache.longest);
        if life.is_zero() {
            return None;
        }
        let key = Key {
            label: Arc::clone(&self.label),
            caller: query.principal.as_deref().map(|who| {
                let (subject, client) = who.caller();
                (subject.to_owned(), client.to_owned(), who.claims.clone())
            }),
            sql: query.sql.clone(),
            params: format!("{:?}", query.params),
            limits: format!("{caps:?}"),
        };
        let keeper = Keeper {
            cache: self.cache.clone(),
            life,
            forgotten: cache.forgotten.load(Ordering::SeqCst),
            key,
        };
        let found = cache.kept.get(&keeper.key);
        // Who asks for a shorter life than was asked for then means a younger result.
        let found = found.filter(|kept| kept.at.elapsed() < life);
        cache.tally.count(found.is_some());
        Some((keeper, found))
    }
}

impl Keeper {
    pub(super) fn recorder(&self) -> Recorder {
        Recorder {
            keeper: self.clone(),
            rows: Vec::new(),
            bytes: 0,
        }
    }
}

impl Recorder {
    /// Copies a row; `false` if there are too many to be kept.
    pub(super) fn take(&mut self, row: &Cells) -> bool {
        self.bytes += row.iter().map(size).sum::<usize>();
        if self.bytes > LARGEST {
            return false;
        }
        self.rows.push(row.clone());
        true
    }

    /// Keeps what it has, which is all there was.
    pub(super) fn keep(self, opened: Opened) {
        let Self {
            keeper,
            rows,
            bytes,
        } = self;
        let cache = &keeper.cache.0;
        if cache.forgotten.load(Ordering::SeqCst) != keeper.forgotten {
            return;
        }
        let names = opened.columns.iter().map(|column| column.name.len());
        let columns = opened.columns.len() * COLUMN + names.sum::<usize>();
        let weight = bytes + columns + keeper.key.sql.len() + keeper.key.params.len() + OVERHEAD;
        let kept = Kept {
            opened,
            rows,
            at: Instant::now(),
            life: keeper.life,
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
        };
        cache.kept.insert(keeper.key, Arc::new(kept));
        // What is too much goes now, as in the cache of guests.
        cache.kept.run_pending_tasks();
    }
}

struct ByResult;

impl Expiry<Key, Arc<Kept>> for ByResult {
    fn expire_after_create(&self, _: &Key, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(kept.life)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        kept: &Arc<Kept>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.life)
    }
}

/// Bytes that a cell takes.
fn size(cell: &ColumnData<'static>) -> usize {
    let more = match cell {
        ColumnData::String(Some(text)) => text.len(),
        ColumnData::Binary(Some(bytes)) => bytes.len(),
        ColumnData::Xml(Some(xml)) => {
            let text: &str = (**xml).as_ref();
            text.len()
        }
        _ => 0,
    };
    size_of::<ColumnData<'static>>() + more
}

/// Bytes of one result's values. A result of 128 KiB of JSON is smaller.
const LARGEST: usize = 1 << 20;
/// What a column costs besides its name, in bytes.
const COLUMN: usize = 128;
/// What a result costs besides its statement and its values, in bytes.
const OVERHEAD: usize = 512;

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::super::config::Binary;
    use super::super::value::{Options, Param, Value};
    use super::*;
    use crate::principal::{Principal, Rights};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn results(bytes: u64) -> Results {
        Results {
            cache: ResultCache::new("claude", bytes, HOUR),
            label: "sales".into(),
        }
    }

    fn caps() -> Caps {
        Caps {
            max_rows: 10,
            max_bytes: 1_000,
            max_cell: 100,
            binary: Binary::Base64,
            window: None,
        }
    }

    fn query(subject: &str, sql: &str) -> Query {
        Query {
            sql: sql.to_owned(),
            params: Vec::new(),
            options: Options {
                cache_ttl: Some(HOUR),
                ..Options::default()
            },
            cancel: CancellationToken::new(),
            principal: Some(Arc::new(Principal {
                subject: subject.to_owned(),
                client: "c".to_owned(),
                rights: Rights::READ,
                claims: [("department".to_owned(), "7".to_owned())].into(),
            })),
        }
    }

    fn opened() -> Opened {
        Opened {
            columns: Vec::new(),
            kinds: Vec::new(),
            exact_types: true,
        }
    }

    fn keep(results: &Results, query: &Query, text: &str) {
        let (keeper, _) = results.of(query, &caps()).unwrap();
        let mut recorder = keeper.recorder();
        assert!(recorder.take(&vec![ColumnData::String(Some(text.to_owned().into()))]));
        recorder.keep(opened());
    }

    fn found(results: &Results, query: &Query) -> bool {
        results.of(query, &caps()).unwrap().1.is_some()
    }

    #[test]
    fn a_result_is_for_who_asked_the_same_and_nobody_else() {
        let results = results(1 << 20);
        let ana = query("ana", "SELECT 1");
        keep(&results, &ana, "x");
        assert!(found(&results, &ana));
        let mut claims = query("ana", "SELECT 1");
        let who = Arc::make_mut(claims.principal.as_mut().unwrap());
        who.claims.insert("department".to_owned(), "8".to_owned());
        let mut client = query("ana", "SELECT 1");
        Arc::make_mut(client.principal.as_mut().unwrap()).client = "d".to_owned();
        let mut nobody = query("ana", "SELECT 1");
        nobody.principal = None;
        let mut with = query("ana", "SELECT 1");
        with.params.push(Param {
            name: "a".to_owned(),
            value: Value::Float(0.1),
            sql_type: None,
        });
        let others = [query("bob", "SELECT 1"), query("ana", "SELECT 2")];
        for other in others.iter().chain([&claims, &client, &nobody, &with]) {
            assert!(!found(&results, other), "{other:?}");
        }
        let fewer = Caps {
            max_rows: 9,
            ..caps()
        };
        assert!(results.of(&ana, &fewer).unwrap().1.is_none());
        let elsewhere = Results {
            label: "stock".into(),
            ..results.clone()
        };
        assert!(!found(&elsewhere, &ana));
        let figures = results.cache.figures();
        assert_eq!((figures.entries, figures.hits), (1, 1));
    }

    #[test]
    fn the_scope_bounds_for_how_long_and_who_asks_says_how_old() {
        let mut results = results(1 << 20);
        let mut ana = query("ana", "SELECT 1");
        ana.options.cache_ttl = None;
        assert!(results.of(&ana, &caps()).is_none());
        ana.options.cache_ttl = Some(HOUR);
        keep(&results, &ana, "x");
        ana.options.cache_ttl = Some(Duration::from_nanos(1));
        assert!(!found(&results, &ana));
        results.cache = ResultCache::new("claude", 1 << 20, Duration::ZERO);
        assert!(results.of(&ana, &caps()).is_none());
    }

    #[test]
    fn what_was_asked_before_all_was_forgotten_is_not_kept_after_it() {
        let results = results(1 << 20);
        let ana = query("ana", "SELECT 1");
        let (keeper, _) = results.of(&ana, &caps()).unwrap();
        results.cache.clear();
        keeper.recorder().keep(opened());
        assert!(!found(&results, &ana));
        keep(&results, &ana, "x");
        assert!(found(&results, &ana));
        results.cache.clear();
        assert!(!found(&results, &ana));
        assert_eq!(results.cache.figures().entries, 0);
    }

    #[test]
    fn results_have_a_size_each_and_together() {
        let results = results(20_000);
        for number in 0..100 {
            let query = query("ana", &format!("SELECT {number}"));
            keep(&results, &query, &"x".repeat(2_000));
        }
        let figures = results.cache.figures();
        assert!(figures.bytes.unwrap() <= 20_000, "{figures:?}");
        assert!((1..10).contains(&figures.entries), "{figures:?}");
        let (keeper, _) = results.of(&query("ana", "SELECT 1"), &caps()).unwrap();
        let mut recorder = keeper.recorder();
        let large = "x".repeat(LARGEST / 2);
        let row = vec![ColumnData::String(Some(large.into()))];
        assert!(recorder.take(&row));
        assert!(!recorder.take(&row));
    }
}
