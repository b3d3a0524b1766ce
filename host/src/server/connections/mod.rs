//! Sockets: accepted, served, and closed in order when the server stops.

mod turns;
mod unread;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::turns::InTurns;
use self::unread::ReadToEnd;
use super::edge;
use super::metrics;
use super::router::router;
use super::state::ServerState;
use super::tls::{self, Tls};

/// Serves until `shutdown` is cancelled; then takes no more connections, finishes
/// the calls in flight (30 s at most), closes, and returns.
///
/// hyper is driven here and not through `axum::serve`, which has no limits on
/// headers and no end to a graceful stop.
pub async fn serve(listener: TcpListener, app: ServerState, shutdown: CancellationToken) {
    let stop = Stop {
        drain: DRAIN_TIMEOUT,
        // Who comes without a proxy makes a new connection, and waits for nothing.
        linger: match app.shared.edge.networks().proxies.is_empty() {
            true => Duration::ZERO,
            false => LINGER,
        },
    };
    serve_until(listener, app, shutdown, stop).await;
}

/// How long a stop may take.
#[derive(Clone, Copy)]
struct Stop {
    /// For calls in flight.
    drain: Duration,
    /// For which connections without a call stay open: a proxy may be about to send
    /// one on them, and must not send it again to another host when it is lost. Each
    /// reply says that it is the last.
    linger: Duration,
}

/// As [`serve`], with these times.
async fn serve_until(
    listener: TcpListener,
    app: ServerState,
    shutdown: CancellationToken,
    stop: Stop,
) {
    // Revocations are heard until the last call has ended.
    let watching = CancellationToken::new();
    let _watching = watching.clone().drop_guard();
    if let Some(oauth) = app.shared.authentication.oauth() {
        oauth.watch(watching).await;
    }
    let site = Site {
        router: router(app.clone()),
        tls: app.tls().cloned(),
        linger: stop.linger,
        app,
    };
    let mut connections = JoinSet::new();
    accept_until(&listener, &site, &shutdown, &mut connections).await;
    site.app.drain();
    for (stream, peer) in waiting(listener) {
        connections.spawn(site.connection(stream, peer, &shutdown));
    }
    site.app.close();
    ended(connections, stop.drain).await;
}

/// Serves `/metrics` alone, in plain HTTP, until `shutdown` is cancelled.
pub async fn serve_metrics(listener: TcpListener, app: ServerState, shutdown: CancellationToken) {
    let site = Site {
        router: metrics::router(app.clone()),
        tls: None,
        linger: Duration::ZERO,
        app,
    };
    let mut connections = JoinSet::new();
    accept_until(&listener, &site, &shutdown, &mut connections).await;
    ended(connections, SCRAPE_TIMEOUT).await;
}

/// What a listener leads to.
struct Site {
    router: Router,
    tls: Option<Tls>,
    linger: Duration,
    app: ServerState,
}

impl Site {
    /// Serves one connection to its end.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        shutdown: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let service = Connected {
            router: TowerToHyperService::new(self.router.clone()),
            app: self.app.clone(),
            peer: peer.ip(),
            asked: Arc::default(),
        };
        let stop = Ending {
            shutdown: shutdown.clone(),
            linger: self.linger,
        };
        connection(stream, self.tls.clone(), service, stop)
    }
}

/// When a connection ends, and for how long it stays open then without a call.
struct Ending {
    shutdown: CancellationToken,
    linger: Duration,
}

impl Ending {
    /// Serves `connection` to its end; `close` has it take no more calls.
    async fn drive<C>(&self, mut connection: Pin<&mut C>, close: impl FnOnce(Pin<&mut C>))
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = self.shutdown.cancelled() => {
                match tokio::time::timeout(self.linger, connection.as_mut()).await {
                    Ok(served) => served,
                    Err(_) => {
                        close(connection.as_mut());
                        connection.await
                    }
                }
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "connection closed");
        }
    }
}

/// Accepts connections until `shutdown` is cancelled.
async fn accept_until(
    listener: &TcpListener,
    site: &Site,
    shutdown: &CancellationToken,
    connections: &mut JoinSet<()>,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(site.connection(stream, peer, shutdown));
                }
                Err(error) => recover(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Waits for connections to end, for as long as `drain`.
async fn ended(mut connections: JoinSet<()>, drain: Duration) {
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, drained).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "calls were still running and are cut off"
        );
    }
    connections.shutdown().await;
}

/// Closes the listener; the connections that came before. For their peers they are
/// open, and may have a call on its way.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    // Not by the runtime, which knows of a connection some time after it came.
    let Ok(listener) = listener.into_std() else {
        return waiting;
    };
    while let Ok((stream, peer)) = listener.accept() {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        match stream {
            Ok(stream) => waiting.push((stream, peer)),
            Err(error) => tracing::debug!(%error, "a connection is lost"),
        }
    }
    waiting
}

/// The service as one peer reaches it.
struct Connected {
    router: TowerToHyperService<Router>,
    app: ServerState,
    peer: IpAddr,
    /// That there was a request.
    asked: Arc<Notify>,
}

impl Service<Request<Incoming>> for Connected {
    type Response = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.asked.notify_one();
        edge::arrive(&self.app.shared, self.peer, &mut request);
        self.router.call(request.map(ReadToEnd::new))
    }
}

async fn connection(stream: TcpStream, tls: Option<Tls>, service: Connected, ending: Ending) {
    // A reply is one small write: waiting to fill a packet only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let Some(tls) = tls else {
        return http_1(stream, service, ending).await;
    };
    let agreed = tokio::select! {
        agreed = tls.accept(stream) => agreed,
        () = ending.shutdown.cancelled() => None,
    };
    match agreed {
        Some(stream) if tls::is_http_2(&stream) => http_2(stream, service, ending).await,
        Some(stream) => http_1(stream, service, ending).await,
        None => {}
    }
}

/// Serves one request after the other.
async fn http_1<S>(stream: S, service: Connected, ending: Ending)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(InTurns::new(stream));
    let connection = http_1_builder().serve_connection(stream, service);
    tokio::pin!(connection);
    ending
        .drive(connection, http1::Connection::graceful_shutdown)
        .await;
}

/// HTTP/1 with limits on heads.
pub(crate) fn http_1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
}

/// Serves many requests at once.
async fn http_2<S>(stream: S, service: Connected, ending: Ending)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::clone(&service.asked);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .serve_connection(TokioIo::new(InTurns::new(stream)), service);
    tokio::pin!(connection);
    // Its pings begin with the first bytes of HTTP/2, before which it has no limit.
    let silent = async {
        if tokio::time::timeout(HEADER_TIMEOUT, asked.notified())
            .await
            .is_ok()
        {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = ending.drive(connection, http2::Connection::graceful_shutdown) => {}
        () = silent => {}
    }
}

/// Connections that were reset before they were accepted are nothing to wait
/// for; running out of descriptors is.
async fn recover(error: &io::Error) {
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    ) {
        return;
    }
    tracing::error!(%error, "no connection could be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// A proxy under load uses up what it has open in less; of one without, next to
/// nothing is under way.
const LINGER: Duration = Duration::from_secs(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For the head of one request; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// 431 beyond these.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Requests of one HTTP/2 connection at once; each stream of events is one.
const MAX_STREAMS: u32 = 128;
/// As for HTTP/1, which counts bytes; so does HPACK, with 32 more a header.
const MAX_HEADER_LIST: u32 = 64 << 10;
/// A peer that answers no ping for that long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);
/// More wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 8192;

#[cfg(test)]
mod tests;
