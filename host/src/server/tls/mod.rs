//! TLS on the listener. The certificate is read again when its files change: who is
//! connected stays so, who comes next gets the new one, and a bad one changes nothing
//! but `/health`.

mod certificate;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use certificate::{TlsError, TlsFiles};

use self::certificate::{Certificate, HTTP_2};
use super::health::{Check, Status};
use crate::clock::Clock;

/// What the listener speaks TLS with. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    clock: Clock,
    served: ArcSwap<Certificate>,
    /// Where the next one is, and why it is not served.
    next: Mutex<Next>,
    handshakes: Semaphore,
    timeout: Duration,
}

struct Next {
    files: TlsFiles,
    problem: Option<String>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Nothing can be served with them.
    pub fn open(files: TlsFiles, clock: Clock) -> Result<Self, TlsError> {
        Self::with_timeout(files, clock, HANDSHAKE_TIMEOUT)
    }

    /// As [`Tls::open`]; a handshake may take that long.
    pub(super) fn with_timeout(
        files: TlsFiles,
        clock: Clock,
        timeout: Duration,
    ) -> Result<Self, TlsError> {
        let certificate = Certificate::read(&files)?;
        Ok(Self(Arc::new(Shared {
            clock,
            served: ArcSwap::from_pointee(certificate),
            next: Mutex::new(Next {
                files,
                problem: None,
            }),
            handshakes: Semaphore::new(MAX_HANDSHAKES),
            timeout,
        })))
    }

    /// Tells the metrics when the certificate ends. A gauge that nobody sets is forgotten
    /// after ten minutes, so each scrape does.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit exactly")]
    pub(super) fn measure(&self) {
        let end = self.0.served.load().not_after().seconds();
        metrics::gauge!("tls_certificate_not_after_seconds").set(end as f64);
    }

    /// The files, to be watched.
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let files = self.next(|next| next.files.clone());
        [files.certificate, files.key].into()
    }

    /// Reads other files from now on; [`reload`](Self::reload) does so.
    pub fn set_files(&self, files: TlsFiles) {
        self.next(|next| next.files = files);
    }

    /// Reads the files again. What cannot be served leaves what is served.
    ///
    /// # Errors
    /// Nothing can be served with them; that is logged, too, and in `/health`.
    pub fn reload(&self) -> Result<(), TlsError> {
        let files = self.next(|next| next.files.clone());
        let outcome = match Certificate::read(&files) {
            Ok(new) if new.is_same(&self.0.served.load()) => {
                self.next(|next| next.problem = None);
                return Ok(());
            }
            Ok(new) => {
                self.0.served.store(Arc::new(new));
                self.next(|next| next.problem = None);
                tracing::info!(
                    certificate = %files.certificate.display(),
                    "the new certificate serves"
                );
                "serves"
            }
            Err(error) => {
                let sentence = format!("{error}; the certificate of before serves on");
                tracing::warn!("{sentence}");
                self.next(|next| next.problem = Some(sentence));
                metrics::counter!("tls_reloads_total", "outcome" => "refused").increment(1);
                return Err(error);
            }
        };
        metrics::counter!("tls_reloads_total", "outcome" => outcome).increment(1);
        Ok(())
    }

    /// What is wrong now or soon, a sentence each; clients come by the name `host`.
    pub fn findings(&self, host: Option<&str>) -> Vec<String> {
        let certificate = self.0.served.load();
        let files = self.next(|next| next.files.clone());
        let path = files.certificate.display();
        let aging = certificate.aging(self.0.clock.now());
        let aging = aging.map(|sentence| format!("http.tls.certificate: {path}: {sentence}"));
        let foreign = host.filter(|host| !certificate.is_for(host)).map(|host| {
            format!("http.tls.certificate: {path}: is not for {host}, the host of public_url")
        });
        aging.into_iter().chain(foreign).collect()
    }

    /// How it is, for `/health`.
    pub(super) fn check(&self) -> Check {
        let now = self.0.clock.now();
        let certificate = self.0.served.load();
        let problem = self.next(|next| next.problem.clone());
        let problems: Vec<String> = problem.into_iter().chain(certificate.aging(now)).collect();
        let days = certificate.not_after().since(now).as_secs() / (24 * 3_600);
        Check {
            status: if problems.is_empty() {
                Status::Healthy
            } else {
                Status::Degraded
            },
            figures: BTreeMap::from([("expires_in_days", days)]),
            problems,
        }
    }

    /// A client's connection, once both sides have agreed; `None` if they have not, or
    /// not in time.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let agreed = async {
            let _place = self.0.handshakes.acquire().await.ok()?;
            let acceptor = TlsAcceptor::from(Arc::clone(&self.0.served.load().config));
            match acceptor.accept(stream).await {
                Ok(stream) => Some(stream),
                Err(error) => {
                    tracing::debug!(%error, "no TLS");
                    None
                }
            }
        };
        let (outcome, stream) = match tokio::time::timeout(self.0.timeout, agreed).await {
            Ok(Some(stream)) => ("done", Some(stream)),
            Ok(None) => ("failed", None),
            Err(_) => ("timeout", None),
        };
        metrics::counter!("tls_handshakes_total", "outcome" => outcome).increment(1);
        stream
    }

    fn next<T>(&self, with: impl FnOnce(&mut Next) -> T) -> T {
        with(&mut self.0.next.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether both sides want HTTP/2.
pub(super) fn is_http_2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

/// Two round trips and a signature, over a bad line.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Who opens connections and says nothing keeps this many places, and no more memory.
const MAX_HANDSHAKES: usize = 1_024;

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
