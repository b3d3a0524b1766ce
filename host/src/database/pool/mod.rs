//! Who gets which connection. bb8 makes connections, bounds their number and
//! keeps those that serve everybody. One that was told of a caller serves that
//! caller alone, so it stays here when it is idle, and makes room for others
//! when there is no more.
//!
//! A caller first takes one of as many places as there may be connections. So
//! whoever has a place and finds every connection taken finds an idle one among
//! those kept here, and closes the one that has been idle longest: nobody waits
//! while that can be done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use bb8::{Pool, PooledConnection, RunError};
use metrics::Histogram;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::config::{DatabaseConfig, PoolConfig, QueryLimits};
use super::context::{Asker, Identity};
use super::error::Error;
use super::manager::{Failure, Failures, Manager};
use super::session::Lease;

/// A connection that goes back to bb8 when dropped; closed there, if it is
/// armed or somebody's.
pub(super) type Pooled = PooledConnection<'static, Manager>;

/// A pool that tells its callers why they get no connection.
#[derive(Clone)]
pub(super) struct Connections {
    shared: Arc<Shared>,
    io: Handle,
}

struct Shared {
    pool: Pool<Manager>,
    failures: Failures,
    /// One for each connection that may be in use or on its way.
    places: Arc<Semaphore>,
    waiting: AtomicU64,
    limits: PoolConfig,
    held: Mutex<Held>,
    /// How long callers waited, where that is counted.
    waits: OnceLock<Histogram>,
    io: Handle,
}

/// What was taken from bb8 and not given back.
#[derive(Default)]
struct Held {
    /// All of it: in use, asked for, or kept.
    taken: u32,
    /// Idle connections of one caller each, the one used last at the end.
    kept: Vec<Kept>,
}

struct Kept {
    connection: Pooled,
    whose: Identity,
    since: Instant,
}

/// A place among the connections, and whether one is taken for it.
pub(super) struct Place {
    shared: Arc<Shared>,
    counts: bool,
    _permit: OwnedSemaphorePermit,
}

/// A pool at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Open connections.
    pub connections: u32,
    /// Of these, not in use.
    pub idle: u32,
    /// Callers that wait for one.
    pub waiting: u64,
    /// Most connections.
    pub max: u32,
}

impl Connections {
    /// Connects when the first caller asks.
    pub(super) fn new(config: DatabaseConfig, limits: &QueryLimits, io: Handle) -> Self {
        let pool_limits = config.pool;
        let PoolConfig {
            max,
            acquire_timeout,
            max_lifetime,
        } = pool_limits;
        let for_callers = config.session_context.is_some();
        let manager = Manager::new(config, limits, io.clone());
        let failures = manager.failures();
        // bb8 starts its reaper in the current runtime.
        let entered = io.enter();
        let pool = Pool::builder()
            .max_size(max)
            .connection_timeout(acquire_timeout)
            .max_lifetime(max_lifetime)
            .idle_timeout(IDLE)
            .retry_connection(false)
            .error_sink(Box::new(failures.clone()))
            .build_unchecked(manager);
        let shared = Arc::new(Shared {
            pool,
            failures,
            places: Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(usize::MAX))),
            waiting: AtomicU64::new(0),
            limits: pool_limits,
            held: Mutex::default(),
            waits: OnceLock::new(),
            io: io.clone(),
        });
        if for_callers {
            tokio::spawn(sweep(Arc::downgrade(&shared)));
        }
        drop(entered);
        Self { shared, io }
    }

    /// A connection for one statement of `asker`.
    pub(super) async fn acquire(
        &self,
        asker: &Asker,
        cancel: &CancellationToken,
    ) -> Result<Lease, Error> {
        let started = Instant::now();
        let patience = {
            let _io = self.io.enter();
            tokio::time::sleep(self.shared.limits.acquire_timeout)
        };
        let given_up = async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Error::Cancelled,
                () = patience => self.shared.too_late(),
            }
        };
        let lease = tokio::select! {
            biased;
            lease = self.take(asker) => lease,
            error = given_up => Err(error),
        };
        if let Some(waits) = self.shared.waits.get() {
            waits.record(started.elapsed());
        }
        let mut lease = lease?;
        lease.queued = started.elapsed();
        lease.reused = lease.connection()?.was_there(started);
        Ok(lease)
    }

    /// May be dropped at any point.
    async fn take(&self, asker: &Asker) -> Result<Lease, Error> {
        let mut place = self.shared.place().await?;
        while let Some(kept) = self.shared.reuse(&mut place, asker) {
            let mut lease = Lease::new(kept, place, self.io.clone());
            match lease.connection()?.is_sound().await {
                Ok(()) => {
                    lease.connection()?.armed = true;
                    return Ok(lease);
                }
                Err(error) => {
                    tracing::debug!(%error, "an idle connection has died");
                    place = lease.discard()?;
                    place.give_up();
                }
            }
        }
        if let Some(evicted) = place.reserve() {
            self.shared.let_go(evicted);
        }
        let connection = self.shared.open(matches!(asker, Asker::Anybody)).await?;
        let mut lease = Lease::new(connection, place, self.io.clone());
        if let Asker::Person(identity) = asker {
            lease.connection()?.tell(identity.clone()).await?;
        }
        Ok(lease)
    }

    /// Counts from now on how long callers wait, in the name of a scope's database.
    pub(super) fn count(&self, scope: &str, label: &str) {
        let labels = [("scope", scope.to_owned()), ("database", label.to_owned())];
        let waits = metrics::histogram!("database_pool_wait_seconds", &labels);
        // A second name is a mistake without harm.
        let _ = self.shared.waits.set(waits);
    }

    /// The pool at this moment.
    pub(super) fn state(&self) -> PoolState {
        let state = self.shared.pool.state();
        let kept = self.shared.held().kept.len();
        PoolState {
            connections: state.connections,
            idle: state.idle_connections + u32::try_from(kept).unwrap_or(u32::MAX),
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            max: self.shared.limits.max,
        }
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(self: &Arc<Self>) -> Result<Place, Error> {
        let _waiting = Waiting::new(&self.waiting);
        let permit = Arc::clone(&self.places).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Other("the pool is closed".to_owned()))?;
        Ok(Place {
            shared: Arc::clone(self),
            counts: false,
            _permit: permit,
        })
    }

    /// An idle connection that serves `asker`, the one used last: any of them
    /// for the host. The place counts for it.
    fn reuse(&self, place: &mut Place, asker: &Asker) -> Option<Pooled> {
        let mut held = self.held();
        let found = held.kept.iter().rposition(|kept| match asker {
            Asker::Anybody => false,
            Asker::Host => true,
            Asker::Person(identity) => kept.whose == *identity,
        })?;
        let kept = held.kept.remove(found);
        drop(held);
        place.counts = true;
        Some(kept.connection)
    }

    /// A connection that serves everybody: an idle one, or a new one. Where
    /// others that serve everybody are in use, one of them may come back before
    /// a new one can be made.
    async fn open(&self, may_wait: bool) -> Result<Pooled, Error> {
        let _waiting = Waiting::new(&self.waiting);
        let asked = Instant::now();
        let mut failures = self.failures.subscribe();
        let mut connection = Box::pin(self.pool.get_owned());
        let connection = loop {
            tokio::select! {
                biased;
                connection = &mut connection => break connection,
                failed = failures.changed() => {
                    let Failure { begun, sentence } = *failures.borrow();
                    if failed.is_ok() && begun < asked {
                        // bb8 counted on that one, and begins another only when asked.
                        connection.set(self.pool.get_owned());
                    } else if !may_wait || self.pool.state().connections == 0 {
                        return Err(Error::Unavailable(sentence));
                    }
                }
            }
        };
        connection.map_err(|error| match error {
            RunError::User(error) => error,
            RunError::TimedOut => self.too_late(),
        })
    }

    /// Why there was no connection in time.
    fn too_late(&self) -> Error {
        if self.pool.state().connections == 0 {
            Error::Unavailable(self.failures.latest().sentence)
        } else {
            Error::Busy
        }
    }

    /// Back to bb8, which closes what is armed or somebody's.
    fn let_go(&self, connection: Pooled) {
        // It opens another at once if somebody waits, in the current runtime.
        let _io = self.io.enter();
        drop(connection);
    }

    /// Closes what was not used for long, or lives too long.
    fn sweep(&self) {
        let (mut old, mut held) = (Vec::new(), self.held());
        let mut index = 0;
        while let Some(kept) = held.kept.get(index) {
            if kept.since.elapsed() > IDLE
                || kept.connection.is_older_than(self.limits.max_lifetime)
            {
                old.push(held.kept.remove(index));
            } else {
                index += 1;
            }
        }
        drop(held);
        for kept in old {
            self.let_go(kept.connection);
            let mut held = self.held();
            held.taken = held.taken.saturating_sub(1);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let kept = std::mem::take(&mut self.held().kept);
        for kept in kept {
            self.let_go(kept.connection);
        }
    }
}

impl Place {
    /// Counts for a connection that is to be taken from bb8; where all are
    /// taken, in place of the one that has been idle longest.
    fn reserve(&mut self) -> Option<Pooled> {
        if self.counts {
            return None;
        }
        let mut held = self.shared.held();
        self.counts = true;
        if held.taken < self.shared.limits.max || held.kept.is_empty() {
            held.taken += 1;
            return None;
        }
        Some(held.kept.remove(0).connection)
    }

    /// Closes a connection that is not sound, and keeps the place.
    pub(super) fn discard(&self, connection: Pooled) {
        self.shared.let_go(connection);
    }

    /// The connection it counted for is gone.
    fn give_up(&mut self) {
        if std::mem::take(&mut self.counts) {
            let mut held = self.shared.held();
            held.taken = held.taken.saturating_sub(1);
        }
    }

    /// Ends the use of a connection, which is clean if it is not armed.
    pub(super) fn give_back(mut self, connection: Pooled) {
        let whose = connection.whose().cloned();
        match whose.filter(|_| !connection.armed) {
            Some(whose) if !connection.is_older_than(self.shared.limits.max_lifetime) => {
                self.counts = false;
                self.shared.held().kept.push(Kept {
                    connection,
                    whose,
                    since: Instant::now(),
                });
            }
            // The connection first: the next caller must find room.
            _ => self.shared.let_go(connection),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Counts a caller while it waits.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Closes what nobody comes back for, while there is a pool.
async fn sweep(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(BETWEEN_SWEEPS).await;
        match shared.upgrade() {
            Some(shared) => shared.sweep(),
            None => return,
        }
    }
}

/// A connection nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(600);
const BETWEEN_SWEEPS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
