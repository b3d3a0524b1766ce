//! Sockets: accepted, served, and closed in order when the server stops.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::router::router;
use super::state::ServerState;

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
    let router = router(app);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), shutdown.clone()));
                }
                Err(error) => recover(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, drained).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "calls were still running and are cut off"
        );
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    // A reply is one small write: waiting to fill a packet only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let service = TowerToHyperService::new(router);
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
/// More wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 8192;

#[cfg(test)]
mod tests;
