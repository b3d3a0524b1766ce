//! Client ID Metadata Documents
//! (draft-ietf-oauth-client-id-metadata-document): a `client_id` that is the
//! https address of the client's metadata.
//!
//! Whoever opens the authorization page names an address that this host then
//! reads. So it reads little, from public addresses alone, follows nothing, and
//! remembers what it found.

mod address;
mod fetch;
mod metadata;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::sync::Cache;
use rustls::RootCertStore;
use tokio::sync::{Mutex, Semaphore};

use crate::client_tls::native_roots;
use crate::clock::{Clock, Timestamp};

pub(crate) use metadata::Document;

/// What may be fetched, and how. Nothing in the configuration changes it; tests
/// hand in names, addresses and roots of their own.
#[derive(Clone)]
pub struct DocumentRules {
    /// Looks up the names of hosts.
    pub resolver: Arc<dyn Resolver>,
    /// Whether a connection to that address may be made.
    pub allows: fn(IpAddr) -> bool,
    /// Whether ports other than 443 may be asked.
    pub any_port: bool,
    /// Who vouches for the hosts.
    pub roots: RootCertStore,
    /// For all of it: name, connection, reply.
    pub timeout: Duration,
}

/// Looks up the names of hosts.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host`.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

/// Fetches documents, and remembers them.
pub struct DocumentFetcher {
    rules: DocumentRules,
    client: reqwest::Client,
    places: Semaphore,
    known: Cache<String, Arc<Slot>>,
}

/// The machine cannot make TLS connections.
#[derive(Debug, thiserror::Error)]
#[error("clients' metadata documents cannot be fetched on this machine: {0}")]
pub struct DocumentFetcherError(String);

/// What is known of one document. Who holds the lock fetches it for all.
type Slot = Mutex<Option<Known>>;

struct Known {
    outcome: Result<Arc<Document>, DocumentError>,
    until: Timestamp,
}

/// Why a document cannot be used; a sentence's end, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error(
        "its address must be https with a path, in normal form, without port, user name, \
         password or fragment"
    )]
    Address,
    #[error("its host is not on the public internet")]
    NotPublic,
    #[error("its host cannot be reached")]
    Unreachable,
    #[error("it did not come within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("this server fetches too many at the moment; try again")]
    Busy,
    #[error("its host answers with the status {0} in place of 200")]
    Status(u16),
    #[error("it is not sent as application/json")]
    NotJson,
    #[error("it is longer than 5 KiB")]
    TooLong,
    #[error("it is not a JSON object with {0}")]
    Member(&'static str),
    #[error("its client_id is not its own address")]
    OtherClientId,
    #[error("it describes a client with a secret, which such a client cannot have")]
    Secret,
    #[error("none of its redirect URIs is allowed by the operator of this server")]
    NoAllowedRedirect,
}

impl DocumentRules {
    /// The rules of production: public addresses, port 443, five seconds.
    pub fn public_internet(roots: RootCertStore) -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            allows: address::is_public,
            any_port: false,
            roots,
            timeout: TIMEOUT,
        }
    }
}

impl DocumentFetcher {
    /// By the rules of production, with the machine's root certificates.
    ///
    /// # Errors
    /// The machine cannot make TLS connections.
    pub fn public_internet() -> Result<Self, DocumentFetcherError> {
        let roots = native_roots();
        if roots.is_empty() {
            tracing::warn!(
                "this machine has no root certificates: clients whose id is the address of their \
                 metadata cannot be let in"
            );
        }
        Self::new(DocumentRules::public_internet(roots))
    }

    /// By other rules.
    ///
    /// # Errors
    /// The machine cannot make TLS connections.
    pub fn new(rules: DocumentRules) -> Result<Self, DocumentFetcherError> {
        Ok(Self {
            client: fetch::client(&rules)?,
            rules,
            places: Semaphore::new(FETCHES_AT_ONCE),
            known: Cache::builder()
                .max_capacity(DOCUMENTS)
                .time_to_idle(LONGEST)
                .build(),
        })
    }

    /// The document at `client_id`, fetched if it is not known or was too long
    /// ago. Requests that come together share one fetch.
    pub(crate) async fn get(
        &self,
        client_id: &str,
        clock: &Clock,
    ) -> Result<Arc<Document>, DocumentError> {
        let url = address::parse(client_id, self.rules.any_port)?;
        let slot = self.known.get_with_by_ref(client_id, Arc::default);
        let mut known = slot.lock().await;
        if let Some(known) = &*known
            && clock.now() < known.until
        {
            return known.outcome.clone();
        }
        let waiting = tokio::time::timeout(FOR_A_PLACE, self.places.acquire());
        // That this server is busy says nothing about the document.
        let Ok(Ok(_place)) = waiting.await else {
            return Err(DocumentError::Busy);
        };
        let fetched = fetch::fetch(&self.client, &url, &self.rules).await;
        let (outcome, life) = match fetched {
            Ok((document, life)) => (Ok(Arc::new(document)), life.clamp(SHORTEST, LONGEST)),
            Err(error) => {
                tracing::info!(client_id, %error, "a client's metadata document cannot be used");
                (Err(error), FAILURE)
            }
        };
        *known = Some(Known {
            outcome: outcome.clone(),
            until: clock.now().after(life),
        });
        outcome
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((host, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

impl std::fmt::Debug for DocumentFetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DocumentFetcher(..)")
    }
}

/// Clients wait ten seconds for the page that this holds up.
const TIMEOUT: Duration = Duration::from_secs(5);
/// However short `Cache-Control` says: one address cannot make this server ask
/// again and again.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Whoever mends a document is not kept waiting.
const FAILURE: Duration = Duration::from_secs(60);
/// At most 5 KiB each.
const DOCUMENTS: u64 = 1_000;
/// Those who wait for one slot wait one after the other.
const FOR_A_PLACE: Duration = Duration::from_secs(1);
const FETCHES_AT_ONCE: usize = 64;

#[cfg(test)]
mod tests;
