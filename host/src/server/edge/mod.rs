//! What is known of a request before anything looks at it: who sent it, from where,
//! and for which scope a proxy passes it on.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use super::address::{FORWARDED_FOR, REAL_IP, TrustedProxies, real_ip};
use super::environment_path;
use super::state::{ServerState, Shared};
use crate::audit::{Entry, Event, Outcome};
use crate::http_error::HttpError;
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

/// The rules, as requests are held against them.
#[derive(Debug, Default)]
pub(super) struct Edge {
    proxies: TrustedProxies,
    deny: Vec<IpNet>,
}

impl Edge {
    /// Whether there is a proxy in front.
    pub(super) fn has_proxies(&self) -> bool {
        !self.proxies.is_empty()
    }
}

impl From<EdgeRules> for Edge {
    fn from(rules: EdgeRules) -> Self {
        Self {
            proxies: TrustedProxies::new(rules.trusted_proxies),
            deny: rules.deny,
        }
    }
}

/// Whether a request comes from this machine or a trusted network, and from nowhere
/// behind it: who asks so is shown how the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Inside(pub(super) bool);

/// A request that `peer` sent: adds what the connection alone tells.
pub(super) fn arrive<B>(shared: &Shared, peer: IpAddr, request: &mut axum::http::Request<B>) {
    let edge = shared.edge.load();
    name_host(request);
    let peer = peer.to_canonical();
    let client = edge.proxies.client(peer, request.headers());
    let inside = is_inside(shared, &edge, peer, client, request.headers());
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

fn is_inside(
    shared: &Shared,
    edge: &Edge,
    peer: IpAddr,
    client: IpAddr,
    headers: &HeaderMap,
) -> bool {
    let trusted = edge.proxies.trusts(peer);
    let passed_on = FORWARDING.iter().any(|name| headers.contains_key(name));
    // Something that is not said here passes requests on from this machine.
    let tunnelled = !trusted && (shared.guard.is_tunnelled() || passed_on);
    // A proxy that does not say for whom may have anybody behind it.
    let nameless = trusted && passed_on && client == peer;
    // One of two headers is the client's own, and which one is not known here.
    let two_names = headers.contains_key(FORWARDED_FOR)
        && real_ip(headers).is_some_and(|real| real != client && !edge.proxies.trusts(real));
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    (client.is_loopback() || edge.proxies.trusts(client))
        && !tunnelled
        && !nameless
        && !two_names
        && !host.is_some_and(|host| shared.guard.is_public(host))
}

/// Refuses who comes from a network that is not let in.
pub(super) async fn deny(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let client = request.extensions().get::<ClientAddress>();
    let denied = client.is_some_and(|ClientAddress(address)| {
        let edge = state.shared.edge.load();
        edge.deny.iter().any(|network| network.contains(address))
    });
    if !denied {
        return next.run(request).await;
    }
    if let Some(audit) = state.audit() {
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
    .into_response()
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
