//! The state that every node shares: whole changes, each atomic.
//!
//! Tokens, codes and cookies are known here by their hashes alone. A method
//! that refuses says so in its answer; an error is a failure of the store.

/// Runs a block until what it read is still so when its change commits: the
/// block gets a `&mut Transaction` and gives a `Result<_, StoreError>`.
///
/// A macro and no method with an async closure, because the compiler cannot show
/// that the future of such a closure is `Send` (rust-lang/rust#110338).
macro_rules! change {
    ($store:expr, |$transaction:ident| $decide:block) => {{
        let mut attempts = 0;
        loop {
            let mut begun = $store.reading();
            let answer: Result<_, StoreError> = async {
                let $transaction = &mut begun;
                $decide
            }
            .await;
            let answer = answer?;
            if $store.commit(begun, &mut attempts).await? {
                break Ok::<_, StoreError>(answer);
            }
        }
    }};
}

mod backup;
mod clients;
mod codes;
mod federations;
mod grants;
mod orders;
mod people;
mod tokens;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use backup::ExportedRecord;
pub use clients::NewClient;
pub use codes::{Redeemed, Tokens};
pub use grants::{Allowed, GrantFilter, Revoked};
pub use people::{Accepted, Proof};
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

    /// A transaction; one that is not committed changes nothing.
    fn reading(&self) -> Transaction<'_> {
        Transaction::new(&*self.backend, self.now())
    }

    /// Whether all that `transaction` is to change has changed. If not, it is to
    /// be decided anew, after a pause that this has made.
    async fn commit(
        &self,
        transaction: Transaction<'_>,
        attempts: &mut u32,
    ) -> Result<bool, StoreError> {
        let Some(change) = transaction.into_change() else {
            return Ok(true);
        };
        if self.backend.commit(change).await? == Commit::Done {
            return Ok(true);
        }
        *attempts += 1;
        if *attempts == ATTEMPTS {
            return Err(StoreError::Contended);
        }
        tokio::time::sleep(self.pause(*attempts)?).await;
        Ok(false)
    }

    /// Up to twice as long each time, by chance: those who met once do not all
    /// meet again.
    fn pause(&self, attempt: u32) -> Result<Duration, StoreError> {
        let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempt.min(DOUBLINGS));
        let [chance] = self.secrets.entropy().bytes()?;
        Ok(longest * u32::from(chance) / u32::from(u8::MAX))
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

/// Two requests for one record are common, twenty are an attack. Half a second
/// on average, then whoever asks is told to try again.
const ATTEMPTS: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// To 64 ms.
const DOUBLINGS: u32 = 5;

#[cfg(test)]
mod tests;
