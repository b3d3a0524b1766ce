//! The way to the collector of traces: HTTP on the runtime of the process, since the
//! exporter's own thread has none. Whether it works is told when that changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::runtime::Handle;

use crate::client_tls::{client_tls, native_roots};

/// Sends batches of spans.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    failing: Arc<AtomicBool>,
}

/// There is no way to the collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The file of its certificate authority.
    #[error("OTEL_EXPORTER_OTLP_CERTIFICATE: {}: {reason}", path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cryptography of this build.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client itself.
    #[error("requests to a collector cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl Collector {
    /// A way to `endpoint`, which is an address as it was configured; `authority` is a
    /// PEM file of a certificate authority to trust besides the machine's. Reads files.
    pub(super) fn new(
        runtime: Handle,
        endpoint: &str,
        authority: Option<PathBuf>,
    ) -> Result<Self, CollectorError> {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        let mut roots = RootCertStore::empty();
        if endpoint.starts_with("https:") {
            roots = native_roots();
            if let Some(path) = authority {
                let wrong = |reason: String| CollectorError::Certificate {
                    path: path.clone(),
                    reason,
                };
                let read = CertificateDer::pem_file_iter(&path);
                for certificate in read.map_err(|error| wrong(error.to_string()))? {
                    let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                    let added = roots.add(certificate);
                    added.map_err(|error| wrong(error.to_string()))?;
                }
            }
        } else {
            // What is near enough for plain HTTP is not behind a proxy.
            client = client.no_proxy();
        }
        Ok(Self {
            http: client.use_preconfigured_tls(client_tls(roots)?).build()?,
            runtime,
            failing: Arc::default(),
        })
    }

    fn tell(&self, address: &str, sent: Result<(), &str>) {
        let outcome = if sent.is_ok() { "delivered" } else { "failed" };
        metrics::counter!("trace_exports_total", "outcome" => outcome).increment(1);
        let failed = self.failing.swap(sent.is_err(), Ordering::Relaxed);
        match (failed, sent) {
            (false, Err(reason)) => tracing::warn!(
                collector = address,
                reason,
                "traces are not delivered, and are lost until they are; nothing else is concerned"
            ),
            (true, Ok(())) => tracing::info!(collector = address, "traces are delivered again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Without what it may have in front of its host, and behind its path.
        let uri = request.uri();
        let address = format!(
            "{}://{}:{}{}",
            uri.scheme_str().unwrap_or("http"),
            uri.host().unwrap_or_default(),
            uri.port_u16()
                .unwrap_or(if uri.scheme_str() == Some("https") {
                    443
                } else {
                    80
                }),
            uri.path()
        );
        let http = self.http.clone();
        let sending = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request)?;
            let mut response = http.execute(request).await?;
            let mut answer = Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                std::mem::swap(headers, response.headers_mut());
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                // It says what it did not take, if it says anything.
                if body.len() + chunk.len() > LONGEST_ANSWER {
                    break;
                }
                body.extend_from_slice(&chunk);
            }
            Ok::<_, reqwest::Error>((answer, Bytes::from(body)))
        });
        let sent = match sending.await {
            Ok(sent) => sent.map_err(|error| without_address(error).into()),
            Err(error) => Err(HttpError::from(error)),
        };
        match sent {
            Ok((answer, body)) => {
                let answer = answer.body(body)?;
                let status = answer.status();
                if status.is_success() {
                    self.tell(&address, Ok(()));
                } else {
                    self.tell(&address, Err(&format!("it answers {status}")));
                }
                Ok(answer)
            }
            Err(error) => {
                self.tell(&address, Err(&chain(&*error)));
                Err(error)
            }
        }
    }
}

/// An address may have a password in it.
fn without_address(error: reqwest::Error) -> reqwest::Error {
    error.without_url()
}

/// An error with its causes, the last of which says what is the matter.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// In bytes.
const LONGEST_ANSWER: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The exporter has one of its own, which can be configured; this is for when it does
/// not keep it.
const TIMEOUT: Duration = Duration::from_secs(30);
