//! A connection while a statement runs on it: however the statement ends, it
//! goes back clean or not at all.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::Error;
use super::manager::{self, Connection};
use super::pool::{Place, Pooled};

/// Exclusive use of one connection. Dropped before [`finish`](Self::finish),
/// it stops the statement at the server and discards the connection.
pub(super) struct Lease {
    used: Option<(Pooled, Place)>,
    io: Handle,
    /// Whether the connection was there before it was asked for; it may have died
    /// of idleness since.
    pub(super) reused: bool,
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

impl Lease {
    /// Until it is finished, the connection counts as unclean.
    pub(super) fn new(mut connection: Pooled, place: Place, io: Handle) -> Self {
        connection.armed = true;
        Self {
            used: Some((connection, place)),
            io,
            reused: false,
            queued: Duration::ZERO,
        }
    }

    /// Closes the connection, on which nothing is to be stopped.
    pub(super) fn discard(mut self) -> Result<Place, Error> {
        let (mut connection, place) = self.used.take().ok_or_else(given_back)?;
        connection.armed = true;
        place.discard(connection);
        Ok(place)
    }

    /// The connection, until the lease is finished.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        let (connection, _) = self.used.as_mut().ok_or_else(given_back)?;
        // It is asked for where a statement begins.
        connection.received.begin();
        Ok(&mut **connection)
    }

    /// Gives the connection back after its reply was read to the end. What
    /// that takes runs behind the caller's back.
    pub(super) fn finish(mut self, ending: Ending) {
        let Some((mut connection, place)) = self.used.take() else {
            return;
        };
        let io = self.io.clone();
        io.spawn(async move {
            match timeout(CHECK_IN_TIMEOUT, check_in(&mut connection, ending)).await {
                Ok(true) => connection.disarm(),
                Ok(false) => tracing::warn!("a connection was discarded at check-in"),
                Err(_) => tracing::warn!("a connection did not answer at check-in"),
            }
            place.give_back(connection);
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((mut connection, place)) = self.used.take() else {
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
            place.give_back(connection);
        });
    }
}

fn given_back() -> Error {
    Error::Other("the connection was given back already".to_owned())
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
