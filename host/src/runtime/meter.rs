//! Counts what a call uses while it runs; the call's bill is made of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::audit::Statements;
use crate::database::{Finality, Stats};
use crate::tools::{Bill, microseconds};

/// Counters of one call, shared by whoever does something for it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    cpu_us: AtomicU64,
    queue_us: AtomicU64,
    instantiation_us: AtomicU64,
    database_us: AtomicU64,
    memory: AtomicU64,
    rows: AtomicU64,
    long: AtomicBool,
    bytes: AtomicU64,
    statements: Mutex<Statements>,
    /// Whether the call may be given up, or a change is being made final.
    pub(super) finality: Finality,
}

/// What a guest used; times in microseconds.
pub(super) struct Used {
    pub(super) queue_us: u64,
    pub(super) instantiation_us: u64,
    pub(super) cpu_us: u64,
    pub(super) memory_bytes: u64,
}

impl Meter {
    /// A statement is about to be judged and run; whether the audit can tell it.
    pub(super) fn begins(&self, sql: &str, writes: bool) -> bool {
        self.statements().begin(sql, writes)
    }

    /// The statement that began last came to nothing.
    pub(super) fn failed(&self, code: &'static str) {
        self.statements().failed(code);
    }

    /// The statements so far, for the audit.
    pub(super) fn take_statements(&self) -> Statements {
        std::mem::take(&mut *self.statements())
    }

    fn statements(&self) -> MutexGuard<'_, Statements> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The change that began last is done.
    pub(super) fn changed(&self) {
        self.statements().done();
    }

    /// Work comes that nothing interrupts.
    pub(super) fn begins_long(&self) {
        self.long.store(true, Ordering::Relaxed);
    }

    /// Whether such work has come.
    pub(super) fn is_long(&self) -> bool {
        self.long.load(Ordering::Relaxed)
    }

    /// CPU time used so far.
    pub(super) fn cpu(&self, used: Duration) {
        self.cpu_us.store(microseconds(used), Ordering::Relaxed);
    }

    /// How long it waited for a place.
    pub(super) fn queued(&self, waited: Duration) {
        self.queue_us.store(microseconds(waited), Ordering::Relaxed);
    }

    /// How long its instance took to make.
    pub(super) fn instantiated(&self, took: Duration) {
        self.instantiation_us
            .store(microseconds(took), Ordering::Relaxed);
    }

    /// Bytes that it has now.
    pub(super) fn memory(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.memory.fetch_max(bytes, Ordering::Relaxed);
    }

    /// What a statement took and gave.
    pub(super) fn statement(&self, stats: Stats) {
        self.rows.fetch_add(stats.rows, Ordering::Relaxed);
        self.bytes.fetch_add(stats.bytes, Ordering::Relaxed);
        self.database_us
            .fetch_add(stats.server_us + stats.queue_us, Ordering::Relaxed);
    }

    /// Does `work`, which waits for the database.
    pub(super) async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        self.database_us
            .fetch_add(microseconds(started.elapsed()), Ordering::Relaxed);
        done
    }

    /// What the guest used so far.
    pub(super) fn used(&self) -> Used {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Used {
            queue_us: read(&self.queue_us),
            instantiation_us: read(&self.instantiation_us),
            cpu_us: read(&self.cpu_us),
            memory_bytes: read(&self.memory),
        }
    }

    /// The bill of a call of the component with that digest which took `wall`.
    pub(super) fn bill(&self, digest: Arc<str>, wall: Duration) -> Bill {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Used {
            queue_us,
            instantiation_us,
            cpu_us,
            memory_bytes,
        } = self.used();
        Bill {
            digest,
            wall_us: microseconds(wall).saturating_sub(queue_us),
            cpu_us,
            queue_us,
            instantiation_us,
            database_us: read(&self.database_us),
            memory_bytes,
            rows: read(&self.rows),
            bytes: read(&self.bytes),
        }
    }
}
