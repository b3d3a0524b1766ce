//! The page's own listener. Few come here, and none stays: connections are few and
//! end with the process.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{OperatorState, router};
use crate::server::http_1_builder;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves the page until `shutdown`, and measures meanwhile.
pub async fn serve(listener: TcpListener, state: OperatorState, shutdown: CancellationToken) {
    let measuring = state.0.recorder.measure(state.0.site.as_ref());
    let served = accept(listener, router(state.clone()));
    shutdown
        .run_until_cancelled(async { tokio::join!(measuring, served) })
        .await;
}

async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer.ip(), router.clone()));
                }
                Err(error) => recover(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, router: Router) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http_1_builder().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection of the operator page closed");
    }
}

async fn recover(error: &io::Error) {
    tracing::error!(%error, "the operator page accepts no connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A browser has six.
const MAX_CONNECTIONS: usize = 64;
