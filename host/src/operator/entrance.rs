//! What every request passes before a page: by which name it came, from where, and
//! what it is called in the log.
//!
//! A password must not travel in clear. So plain http is answered by loopback names
//! alone, which is what a tunnel (`ssh -L`) and a published port of a container give;
//! by another name the page is there behind a trusted proxy that says it speaks https.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tracing::Instrument as _;

use super::OperatorState;
use super::listener::Peer;
use crate::audit::Origin;
use crate::http_error::HttpError;
use crate::oauth::endpoints::caller::OwnBase;
use crate::oauth::endpoints::operator::ADDRESS;
use crate::oauth::{ClientAddress, PublicUrl};
use crate::server::{FORWARDING, denied};

pub(super) async fn home() -> Response {
    Redirect::to(ADDRESS).into_response()
}

/// Refuses requests by foreign names and forms of foreign pages.
pub(super) async fn check(
    State(state): State<OperatorState>,
    mut request: Request,
    next: Next,
) -> Response {
    let shared = &state.0;
    let networks = shared.edge.networks();
    let peer = request.extensions().get::<Peer>().copied();
    let headers = request.headers();
    let client = peer.map(|Peer(peer)| networks.proxies.client(peer, headers));
    if !shared.oauth.signs_in() && FORWARDING.iter().any(|name| headers.contains_key(name)) {
        return refusal(
            "Nobody signs in here, so the operator page is for this machine alone: not for what \
             a proxy passes on.",
        );
    }
    let trusted = peer.is_some_and(|Peer(peer)| networks.proxies.trusts(peer.to_canonical()));
    let base = base(headers, trusted && shared.oauth.signs_in());
    let Some(base) = base else {
        return refusal(
            "The operator page is opened as http://127.0.0.1 or http://localhost, through a \
             tunnel for instance, or behind a proxy with https that http.trusted_proxies names.",
        );
    };
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    if !origins.all(|origin| origin.as_bytes() == base.as_str().as_bytes()) {
        return refusal("This server does not answer to the Origin of this request.");
    }
    if let Some(client) = client {
        request.extensions_mut().insert(ClientAddress(client));
    }
    request.extensions_mut().insert(OwnBase(base));
    let id = shared.request_ids.next();
    let span = tracing::info_span!(target: "audit", "request", id, at = "operator page");
    let origin = Origin {
        request_id: id.as_str().into(),
        address: client,
        client_name: None,
    };
    let answer = async {
        match client {
            Some(client) if networks.denies(client) => {
                denied(Some(shared.oauth.audit())).into_response()
            }
            _ => next.run(request).await,
        }
    };
    origin.within(answer.instrument(span)).await
}

/// The address of this listener, as the request calls it; `by_proxy` where what a proxy
/// says of its own side counts.
fn base(headers: &HeaderMap, by_proxy: bool) -> Option<PublicUrl> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let host: Authority = host.to_str().ok()?.parse().ok()?;
    let forwarded = headers.get(X_FORWARDED_PROTO);
    let by_https = forwarded.is_some_and(|proto| proto.as_bytes() == b"https");
    if by_https && by_proxy {
        return PublicUrl::parse(&format!("https://{host}")).ok();
    }
    // Plain http is taken for loopback names alone.
    PublicUrl::parse(&format!("http://{host}")).ok()
}

fn refusal(sentence: &str) -> Response {
    HttpError::new(StatusCode::FORBIDDEN, "forbidden", sentence).into_response()
}

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
