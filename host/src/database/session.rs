//! A connection while a statement runs on it: however the statement ends, it
//! goes back clean or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bb8::{Pool, PooledConnection, RunError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::config::{DatabaseConfig, PoolConfig, QueryLimits};
use super::error::Error;
use super::manager::{self, Connection, Failure, Manager};

/// A pool that tells its callers why they get no connection.
#[derive(Clone)]
pub(super) struct Sessions {
    pool: Pool<Manager>,
    failures: watch::Receiver<Failure>,
    /// Callers that wait. The pool's own count keeps those who gave up.
    waiting: Arc<AtomicU64>,
    io: Handle,
}

/// Exclusive use of one connection. Dropped before [`finish`](Self::finish),
/// it stops the statement at the server and discards the connection.
pub(super) struct Lease {
    connection: Option<PooledConnection<'static, Manager>>,
    io: Handle,
    reused: bool,
    /// Time spent waiting for the connection.
    pub(super) queued: Duration,
}

/// How a statement of a read-only connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It failed; XACT_ABORT has rolled back already.
    Failed,
    /// It read a table, so a transaction must be open.
    InTransaction,
    /// It may have opened one or not.
    Unknown,
    /// A write: its transaction is closed.
    Closed,
}

impl Sessions {
    /// Connects when the first caller asks.
    pub(super) fn new(config: DatabaseConfig, limits: &QueryLimits, io: Handle) -> Self {
        let PoolConfig {
            max,
            acquire_timeout,
            max_lifetime,
        } = config.pool;
        let manager = Manager::new(config, limits.timeout, io.clone());
        let failures = manager.failures();
        // bb8 starts its reaper in the current runtime.
        let _io = io.enter();
        let pool = Pool::builder()
            .max_size(max)
            .connection_timeout(acquire_timeout)
            .max_lifetime(max_lifetime)
            .retry_connection(false)
            .build_unchecked(manager);
        Self {
            pool,
            failures,
            waiting: Arc::default(),
            io,
        }
    }

    /// A connection for one statement.
    pub(super) async fn acquire(&self, cancel: &CancellationToken) -> Result<Lease, Error> {
        let started = Instant::now();
        let _waiting = Waiting::of(&self.waiting);
        let mut failures = self.failures.clone();
        failures.mark_unchanged();
        let connection = self.pool.get_owned();
        tokio::pin!(connection);
        let connection = loop {
            tokio::select! {
                biased;
                connection = &mut connection => break connection,
                () = cancel.cancelled() => return Err(Error::Cancelled),
                failed = failures.changed() => {
                    // While other connections live, one of them will come free.
                    let Failure { begun, sentence } = *failures.borrow();
                    let ours = failed.is_ok() && begun >= started;
                    if ours && self.pool.state().connections == 0 {
                        return Err(Error::Unavailable(sentence));
                    }
                }
            }
        };
        let mut connection = connection.map_err(|error| match error {
            RunError::User(error) => error,
            RunError::TimedOut if self.pool.state().connections == 0 => {
                Error::Unavailable(self.failures.borrow().sentence)
            }
            RunError::TimedOut => Error::Busy,
        })?;
        connection.armed = true;
        Ok(Lease {
            reused: connection.was_there(started),
            connection: Some(connection),
            io: self.io.clone(),
            queued: started.elapsed(),
        })
    }

    /// Connections, idle ones among them, and how many may be made.
    pub(super) fn state(&self) -> PoolState {
        let state = self.pool.state();
        PoolState {
            connections: state.connections,
            idle: state.idle_connections,
            waiting: self.waiting.load(Ordering::Relaxed),
            max: self.pool.config().max_size,
        }
    }
}

/// A caller that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn of(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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

impl Lease {
    /// The connection, until the lease is finished.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        let connection = self
            .connection
            .as_deref_mut()
            .ok_or_else(|| Error::Other("the connection was given back already".to_owned()))?;
        // It is asked for where a statement begins.
        connection.received.begin();
        Ok(connection)
    }

    /// Whether the connection was there before it was asked for; it may have died
    /// of idleness since.
    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// Gives the connection back after its reply was read to the end. What
    /// that takes runs behind the caller's back.
    pub(super) fn finish(mut self, ending: Ending) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let io = self.io.clone();
        io.spawn(async move {
            match timeout(CHECK_IN_TIMEOUT, check_in(&mut connection, ending)).await {
                Ok(true) => connection.disarm(),
                Ok(false) => tracing::warn!("a connection was discarded at check-in"),
                Err(_) => tracing::warn!("a connection did not answer at check-in"),
            }
            drop(connection);
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        // Closing the socket alone does not stop a statement that has no rows
        // to send: the Attention does.
        self.io.spawn(async move {
            let stopped = timeout(ATTENTION_TIMEOUT, connection.client.cancel_query()).await;
            tracing::debug!(
                acknowledged = matches!(stopped, Ok(Ok(()))),
                "statement stopped"
            );
            // Still armed, so the pool closes it.
            drop(connection);
        });
    }
}

/// Whether the connection may be used again.
async fn check_in(connection: &mut Connection, ending: Ending) -> bool {
    if ending == Ending::Closed {
        return true;
    }
    connection.received.restart();
    let rolled_back = async {
        let stream = connection
            .client
            .simple_query("ROLLBACK TRANSACTION")
            .await?;
        manager::drained(stream).await
    };
    match rolled_back.await {
        Ok(()) => true,
        Err(tiberius::error::Error::Server(token)) if token.code() == NO_TRANSACTION => {
            let escaped = ending == Ending::InTransaction;
            if escaped {
                tracing::error!("a statement of a read-only scope ended its transaction");
            }
            !escaped
        }
        Err(error) => {
            tracing::warn!(%error, "a transaction could not be rolled back");
            false
        }
    }
}

/// "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."
const NO_TRANSACTION: u32 = 3903;
const CHECK_IN_TIMEOUT: Duration = Duration::from_secs(5);
const ATTENTION_TIMEOUT: Duration = Duration::from_secs(2);
