//! The listener: its settings, its certificate, and what tests can watch.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::certificate::Certificate;
use crate::session;

/// How a [`Server`] listens.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where; port 0 takes any.
    pub listen: SocketAddr,
    /// Whether connections are encrypted.
    pub tls: Tls,
    /// What ERROR and INFO tokens call the server.
    pub server_name: String,
    /// Major, minor and build in PRELOGIN and LOGINACK.
    pub version: (u8, u8, u16),
    /// The largest request, in bytes; a client that sends more is cut off.
    pub request_limit: usize,
    /// The largest packet a client may negotiate, in bytes (512 to 32 767).
    pub packet_size_limit: u16,
    /// Connections at a time; more wait to be accepted.
    pub connection_limit: usize,
    /// How long a client may take to log in.
    pub log_in_timeout: Duration,
}

impl Default for ServerConfig {
    /// Any port of 127.0.0.1 with TLS as clients ask for it.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: Tls::AsAsked,
            server_name: "demo-sqlserver".to_owned(),
            version: (16, 0, 1_000),
            request_limit: 16 << 20,
            packet_size_limit: 32_767,
            connection_limit: 1_024,
            log_in_timeout: Duration::from_secs(15),
        }
    }
}

/// Whether connections are encrypted, with a certificate made at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Never: PRELOGIN answers ENCRYPT_NOT_SUP.
    Refused,
    /// As far as the client asks: not, the log-in alone, or everything.
    AsAsked,
    /// Everything, for every client.
    Required,
}

/// What happens on a server. `session` counts its connections from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client logged in.
    LoggedIn {
        /// Its connection
        session: u64,
        /// Its user
        user: String,
        /// `ApplicationIntent=ReadOnly`
        read_only_intent: bool,
    },
    /// A request began to run.
    RequestStarted {
        /// Its connection
        session: u64,
    },
    /// A request ran to its end or was stopped; its session is free.
    RequestEnded {
        /// Its connection
        session: u64,
    },
    /// A client sent Attention.
    Attention {
        /// Its connection
        session: u64,
    },
    /// A logged-in client's connection ended.
    Closed {
        /// Its connection
        session: u64,
    },
}

/// A bound socket that speaks the server's side of MS-TDS 7.4.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<Certificate>,
    shared: Arc<Shared>,
}

/// What every connection needs.
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) backend: Arc<dyn Backend>,
    events: broadcast::Sender<Event>,
    transactions: AtomicU64,
}

impl Server {
    /// Binds the socket and makes the certificate.
    ///
    /// # Errors
    /// Where the address cannot be bound or the certificate not be made.
    pub async fn bind(config: ServerConfig, backend: Arc<dyn Backend>) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let certificate = match config.tls {
            Tls::Refused => None,
            Tls::AsAsked | Tls::Required => Some(Certificate::make(address.ip())?),
        };
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        Ok(Self {
            listener,
            address,
            certificate,
            shared: Arc::new(Shared {
                config,
                backend,
                events,
                transactions: AtomicU64::new(0),
            }),
        })
    }

    /// The address with the port that was given.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that clients are to trust, where TLS is not refused.
    /// It is for `localhost` and the address the server listens on.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_ref().map(Certificate::pem)
    }

    /// What happens from now on; a receiver that falls behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Serves until `shutdown`, then stops what runs and waits for it.
    pub async fn serve(self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        let places = Arc::new(Semaphore::new(self.shared.config.connection_limit));
        let acceptor = self.certificate.as_ref().map(Certificate::acceptor);
        let mut count = 0;
        let accepting = async {
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match self.listener.accept().await {
                    Ok((socket, peer)) => {
                        count += 1;
                        tracing::debug!(session = count, %peer, "connection");
                        let connection = session::serve(
                            socket,
                            count,
                            Arc::clone(&self.shared),
                            acceptor.clone(),
                            shutdown.clone(),
                        );
                        connections.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(accepting).await;
        connections.close();
        connections.wait().await;
    }
}

impl Shared {
    pub(crate) fn emit(&self, event: Event) {
        // Nobody needs to watch.
        let _ = self.events.send(event);
    }

    /// A transaction descriptor that no other connection has.
    pub(crate) fn next_transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// What a watching test may fall behind.
const EVENTS_KEPT: usize = 1_024;
/// After a failed accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
