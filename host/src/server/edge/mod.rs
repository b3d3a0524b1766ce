//! What is known of a request before anything looks at it: who sent it, from where,
//! and for which scope a proxy passes it on.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use super::address::{FORWARDED_FOR, REAL_IP, TrustedProxies};
use super::state::{ServerState, Shared};
use super::{environment_path, revocable};
use crate::audit::{Audit, Entry, Event, Outcome};
use crate::http_error::HttpError;
use crate::mcp::transport::streamable_http::Denied;
use crate::oauth::ClientAddress;

/// Rules about networks, swapped whole when the configuration changes.
#[derive(Debug, Clone, Default)]
pub struct EdgeRules {
    /// Networks of proxies whose `X-Forwarded-For`, `X-Real-IP` and
    /// `X-Environment-Path` are believed, and of monitors.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that are refused.
    pub deny: Vec<IpNet>,
}

/// The rules in force, the same for every listener; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Edge(Arc<ArcSwap<Networks>>);

impl Edge {
    /// Goes by `rules` until it is told others.
    pub fn new(rules: EdgeRules) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(rules.into())))
    }

    /// Goes by these rules from now on, wherever it was cloned to. What addresses that
    /// they deny have open ends.
    pub fn set(&self, rules: EdgeRules) {
        let before = self.0.swap(Arc::new(rules.into()));
        before.superseded.cancel();
    }

    /// What one request is held against.
    pub(crate) fn networks(&self) -> Arc<Networks> {
        self.0.load_full()
    }

    /// Waits until `client` is denied.
    async fn until_denied(self, client: IpAddr) {
        loop {
            let networks = self.networks();
            if networks.denies(client) {
                return;
            }
            networks.superseded.cancelled().await;
        }
    }
}

/// The rules, as requests are held against them.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    pub(crate) proxies: TrustedProxies,
    deny: Vec<IpNet>,
    /// Cancelled when others are in force.
    superseded: CancellationToken,
}

impl Networks {
    /// Whether `http.deny` names a network that `client` is in.
    pub(crate) fn denies(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.deny.iter().any(|network| network.contains(&client))
    }
}

impl From<EdgeRules> for Networks {
    fn from(rules: EdgeRules) -> Self {
        Self {
            proxies: TrustedProxies::new(rules.trusted_proxies),
            deny: rules.deny,
            superseded: CancellationToken::new(),
        }
    }
}

/// Whether a request comes from this machine or a trusted network, and from nowhere
/// behind it: who asks so is shown how the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Inside(pub(super) bool);

/// A request that `peer` sent: adds what the connection alone tells.
pub(super) fn arrive<B>(shared: &Shared, peer: IpAddr, request: &mut axum::http::Request<B>) {
    let edge = shared.edge.networks();
    name_host(request);
    let peer = peer.to_canonical();
    let client = edge.proxies.client(peer, request.headers());
    let inside = is_inside(shared, &edge, peer, request.headers());
    if edge.proxies.trusts(peer)
        && let Some(uri) = environment_path::restored(request.uri(), request.headers())
    {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(ClientAddress(client));
    request.extensions_mut().insert(Inside(inside));
}

/// HTTP/2 has the host beside the path, and everything here looks for the header.
fn name_host<B>(request: &mut axum::http::Request<B>) {
    let authority = request.uri().authority();
    let host = authority.and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host
        && !request.headers().contains_key(header::HOST)
    {
        request.headers_mut().insert(header::HOST, host);
    }
}

fn is_inside(shared: &Shared, edge: &Networks, peer: IpAddr, headers: &HeaderMap) -> bool {
    let trusted = edge.proxies.trusts(peer);
    // Anybody may be behind who passes a request on, whatever address it comes with:
    // those of trusted networks are also what Docker's gateways make of strangers'.
    let passed_on = FORWARDING.iter().any(|name| headers.contains_key(name));
    // Something that is not said here passes requests on from this machine.
    let tunnelled = !trusted && shared.guard.is_tunnelled();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    (peer.is_loopback() || trusted)
        && !passed_on
        && !tunnelled
        && !host.is_some_and(|host| shared.guard.is_public(host))
}

/// Refuses who comes from a network that is not let in, and ends what others have open
/// when theirs no longer is.
pub(super) async fn deny(
    State(state): State<ServerState>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(&ClientAddress(client)) = request.extensions().get() else {
        return next.run(request).await;
    };
    let edge = &state.shared.edge;
    if edge.networks().denies(client) {
        return denied(state.audit()).into_response();
    }
    let until: Denied = edge.clone().until_denied(client).boxed().shared();
    request.extensions_mut().insert(until.clone());
    let response = tokio::select! {
        // What is served at once does not look again.
        biased;
        response = next.run(request) => response,
        // What serves is dropped, as when a token is revoked.
        () = until.clone() => return denied(state.audit()).into_response(),
    };
    revocable::until(response, until)
}

/// The answer to who is not let in, noted in `audit`.
pub(crate) fn denied(audit: Option<&Audit>) -> HttpError {
    if let Some(audit) = audit {
        audit.record_of_anybody(Entry {
            code: Some("forbidden".into()),
            reason: Some("from a network that http.deny names".into()),
            ..Entry::new(Event::Access, Outcome::Refused)
        });
    }
    HttpError::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "This server does not answer to this address.",
    )
}

impl<S: Sync> FromRequestParts<S> for Inside {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// What proxies and tunnels add, whoever runs them.
pub(crate) const FORWARDING: [HeaderName; 7] = [
    FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    REAL_IP,
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("cf-connecting-ip"),
];

#[cfg(test)]
mod tests;
