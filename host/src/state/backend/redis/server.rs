//! The connections to Redis: made when they are needed, made anew when they are
//! lost.
//!
//! `redis`'s own manager would hand the failure of its last attempt to the
//! first request after Redis is back, and stay with a connection on which
//! nobody answers. Here whoever finds no connection makes one, within a second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};

use crate::state::StoreError;

/// One Redis.
pub(super) struct Server {
    client: Client,
    /// Scheme, host and port: what errors may show.
    place: String,
    shared: tokio::sync::Mutex<Shared>,
    /// Connections on which nobody waits for an event at the moment.
    waiting: Mutex<Vec<MultiplexedConnection>>,
}

#[derive(Default)]
struct Shared {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that the loss of one does not end the next.
    number: u64,
}

/// The shared connection, for one request.
pub(super) struct Connection {
    inner: MultiplexedConnection,
    number: u64,
}

impl Connection {
    pub(super) fn inner(&mut self) -> &mut MultiplexedConnection {
        &mut self.inner
    }

    /// For what takes as long as there is state.
    pub(super) fn be_patient(&mut self) {
        self.inner.set_response_timeout(LONG_ANSWER_WITHIN);
    }
}

impl Server {
    /// Reads the address; connects to nothing yet.
    pub(super) fn new(address: &str) -> Result<Self, StoreError> {
        let client = Client::open(address).map_err(|error| StoreError::NotOpened {
            store: "the address of Redis".to_owned(),
            message: error.to_string(),
        })?;
        let place = client.get_connection_info().addr().to_string();
        Ok(Self {
            client,
            place: format!("Redis at {place}"),
            shared: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    /// Whether Redis answers; warns when it is set up to lose state.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let unavailable =
            |message: String| StoreError::Unavailable(format!("{}: {message}", self.place));
        let connected = tokio::time::timeout(CONNECT_WITHIN, self.new_connection(ANSWER_WITHIN));
        let mut connection = match connected.await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) if error.kind() == ErrorKind::AuthenticationFailed => {
                return Err(StoreError::NotOpened {
                    store: self.place.clone(),
                    message: error.to_string(),
                });
            }
            Ok(Err(error)) => return Err(unavailable(error.to_string())),
            Err(_) => return Err(unavailable(NO_ANSWER.to_owned())),
        };
        let pong: RedisResult<()> = redis::cmd("PING").query_async(&mut connection).await;
        pong.map_err(|error| unavailable(error.to_string()))?;
        // Not everybody may ask for it; then nothing is known.
        let info: RedisResult<String> = redis::cmd("INFO").query_async(&mut connection).await;
        for warning in warnings(&info.unwrap_or_default()) {
            tracing::warn!(store = self.place, "{warning}");
        }
        Ok(())
    }

    /// The shared connection, within [`CONNECT_WITHIN`].
    pub(super) async fn connect(&self) -> Result<Connection, StoreError> {
        let connected = tokio::time::timeout(CONNECT_WITHIN, async {
            let mut shared = self.shared.lock().await;
            if let Some(connection) = &shared.connection {
                return Ok(Connection {
                    inner: connection.clone(),
                    number: shared.number,
                });
            }
            let connection = self.new_connection(ANSWER_WITHIN).await?;
            shared.number += 1;
            shared.connection = Some(connection.clone());
            Ok(Connection {
                inner: connection,
                number: shared.number,
            })
        });
        match connected.await {
            Ok(connected) => connected.map_err(|error| self.unavailable(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Takes the answer that came over `connection`, and notes if it is lost.
    pub(super) async fn settle<T>(
        &self,
        connection: Connection,
        answer: RedisResult<T>,
    ) -> Result<T, StoreError> {
        if let Err(error) = &answer
            && is_lost(error)
        {
            let mut shared = self.shared.lock().await;
            if shared.number == connection.number {
                shared.connection = None;
            }
        }
        answer.map_err(|error| self.unavailable(&error))
    }

    /// Waits for an entry after `id` in a stream, up to `wait` and never longer
    /// than [`BLOCK`]. It blocks everything else on its connection.
    pub(super) async fn wait_for_entry(
        &self,
        stream: &str,
        id: &str,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let kept = self.waiting().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self
                .new_connection(BLOCK + ANSWER_WITHIN)
                .await
                .map_err(|error| self.unavailable(&error))?,
        };
        // 0 would be for ever.
        let wait = wait.min(BLOCK).as_millis().max(1) as u64;
        let mut read = redis::cmd("XREAD");
        read.arg("BLOCK")
            .arg(wait)
            .arg("STREAMS")
            .arg(stream)
            .arg(id);
        read.query_async::<redis::Value>(&mut connection)
            .await
            .map_err(|error| self.unavailable(&error))?;
        self.waiting().push(connection);
        Ok(())
    }

    async fn new_connection(&self, answer_within: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(answer_within));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<MultiplexedConnection>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unavailable(&self, error: &RedisError) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.place))
    }

    fn silent(&self) -> StoreError {
        StoreError::Unavailable(format!("{}: {NO_ANSWER}", self.place))
    }
}

/// Whether the next request had better use a new connection: also when this one
/// leads to a Redis that writes no more, since another has taken its place.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == redis::ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// What in the answer to `INFO` means that state will be lost.
fn warnings(info: &str) -> Vec<&'static str> {
    let value = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let mut warnings = Vec::new();
    if value("maxmemory_policy").is_some_and(|policy| policy != "noeviction") {
        warnings.push(
            "this Redis drops keys when it is full: tokens and people may vanish; set \
             maxmemory-policy to noeviction",
        );
    }
    if value("aof_enabled") == Some("0") {
        warnings.push(
            "this Redis keeps no log: what it was told last is lost when it stops; set \
             appendonly to yes",
        );
    }
    warnings
}

const NO_ANSWER: &str = "no answer within a second";
/// With the time for an answer, a request fails within two seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A backup of a million records takes some ten seconds.
const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// After that long it is asked whether the state is still the same at all.
const BLOCK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redis_that_may_lose_state_is_warned_of() {
        let sound = "# Memory\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        assert_eq!(warnings(sound), [""; 0]);
        assert_eq!(warnings(""), [""; 0]);
        let unsound = "maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        assert_eq!(warnings(unsound).len(), 2);
    }

    #[test]
    fn the_place_has_no_password() {
        let server = Server::new("rediss://me:hunter2@[::1]:7000/3").unwrap();
        assert!(!server.place.contains("hunter2"), "{}", server.place);
        assert!(server.place.contains(":7000"), "{}", server.place);
    }
}
