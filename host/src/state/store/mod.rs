//! The state that every node shares: whole changes, each atomic.
//!
//! Tokens, codes and cookies are known here by their hashes alone. A method
//! that refuses says so in its answer; an error is a failure of the store.

mod clients;
mod codes;
mod federations;
mod grants;
mod people;
mod tokens;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use clients::NewClient;
pub use codes::{Redeemed, Tokens};
pub use grants::GrantFilter;
pub use people::Accepted;
pub use tokens::{KnownToken, Rotated};
pub use watch::{Watch, Watched};

use super::backend::{Backend, Commit};
use super::transaction::Transaction;
use super::{Secrets, StoreError};
use crate::clock::{Clock, Timestamp};

/// Reads and changes the shared state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    clock: Clock,
    secrets: Secrets,
}

impl Store {
    pub(super) fn new(backend: Arc<dyn Backend>, clock: Clock, secrets: Secrets) -> Self {
        Self {
            backend,
            clock,
            secrets,
        }
    }

    /// State that ends with the process.
    pub fn memory(clock: Clock, secrets: Secrets) -> Self {
        Self::new(Arc::new(super::backend::Memory::new()), clock, secrets)
    }

    /// The clock that expiry is judged by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Makes and recognises the secrets that this store knows by hash.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Frees what has expired; to be called now and then.
    pub async fn purge(&self) -> Result<(), StoreError> {
        self.backend.purge(self.clock.now()).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads that change nothing.
    fn reading(&self) -> Transaction<'_> {
        Transaction::new(&*self.backend, self.now())
    }

    /// Runs `decide` until what it read is still so when its change commits.
    async fn change<T>(
        &self,
        decide: impl AsyncFn(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for attempt in 0..ATTEMPTS {
            let mut transaction = Transaction::new(&*self.backend, self.now());
            let answer = decide(&mut transaction).await?;
            let Some(change) = transaction.into_change() else {
                return Ok(answer);
            };
            if self.backend.commit(change).await? == Commit::Done {
                return Ok(answer);
            }
            // The others are given time to be done, each a little longer.
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(StoreError::Contended)
    }

    /// A random identifier that is no secret.
    fn new_id(&self) -> Result<String, StoreError> {
        let bytes: [u8; 16] = self.secrets.entropy().bytes()?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(..)")
    }
}

/// Two requests for one record are common, twenty are an attack.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests;
