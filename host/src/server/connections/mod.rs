//! Sockets: accepted, served, and closed in order when the server stops.

mod unread;

use std::io;
use std::net::IpAddr;
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
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::unread::ReadToEnd;
use super::edge;
use super::metrics;
use super::router::router;
use super::state::ServerState;
use super::tls::{self, Tls};

/// Serves until `shutdown` is cancelled; then takes no more calls, finishes
/// those in flight (30 s at most), closes, and returns.
///
/// hyper is driven here and not through `axum::serve`, which has no limits on
/// headers and no end to a graceful stop.
pub async fn serve(listener: TcpListener, app: ServerState, shutdown: CancellationToken) {
    serve_until(listener, app, shutdown, DRAIN_TIMEOUT).await;
}

/// As [`serve`]; calls in flight get `drain` to end.
async fn serve_until(
    listener: TcpListener,
    app: ServerState,
    shutdown: CancellationToken,
    drain: Duration,
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
        app,
    };
    let connections = accept_until(listener, &site, &shutdown).await;
    site.app.close();
    ended(connections, drain).await;
}

/// Serves `/metrics` alone, in plain HTTP, until `shutdown` is cancelled.
pub async fn serve_metrics(listener: TcpListener, app: ServerState, shutdown: CancellationToken) {
    let site = Site {
        router: metrics::router(app.clone()),
        tls: None,
        app,
    };
    let connections = accept_until(listener, &site, &shutdown).await;
    ended(connections, SCRAPE_TIMEOUT).await;
}

/// What a listener leads to.
struct Site {
    router: Router,
    tls: Option<Tls>,
    app: ServerState,
}

/// Accepts connections until `shutdown` is cancelled; those that are left come back.
async fn accept_until(
    listener: TcpListener,
    site: &Site,
    shutdown: &CancellationToken,
) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return connections,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    let service = Connected {
                        router: TowerToHyperService::new(site.router.clone()),
                        app: site.app.clone(),
                        peer: peer.ip(),
                    };
                    let tls = site.tls.clone();
                    connections.spawn(connection(stream, tls, service, shutdown.clone()));
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

/// The service as one peer reaches it.
struct Connected {
    router: TowerToHyperService<Router>,
    app: ServerState,
    peer: IpAddr,
}

impl Service<Request<Incoming>> for Connected {
    type Response = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<ReadToEnd>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        edge::arrive(&self.app.shared, self.peer, &mut request);
        self.router.call(request.map(ReadToEnd::new))
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<Tls>,
    service: Connected,
    shutdown: CancellationToken,
) {
    // A reply is one small write: waiting to fill a packet only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let Some(tls) = tls else {
        return http_1(stream, service, shutdown).await;
    };
    let agreed = tokio::select! {
        agreed = tls.accept(stream) => agreed,
        () = shutdown.cancelled() => None,
    };
    match agreed {
        Some(stream) if tls::is_http_2(&stream) => http_2(stream, service, shutdown).await,
        Some(stream) => http_1(stream, service, shutdown).await,
        None => {}
    }
}

/// Serves one request after the other.
async fn http_1<S>(stream: S, service: Connected, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "connection closed");
    }
}

/// Serves many requests at once.
async fn http_2<S>(stream: S, service: Connected, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "connection closed");
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
