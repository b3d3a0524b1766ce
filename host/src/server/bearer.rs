//! Who is let in, and how a request of theirs is served for as long as they
//! are.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use tracing::Span;

use super::request_id::RequestSpan;
use super::revocable;
use crate::audit::Origin;
use crate::http_error::HttpError;
use crate::mcp::McpScope;
use crate::mcp::transport::streamable_http::{self, Authority, InsufficientScope};
use crate::oauth::{Authenticated, ClientAddress, OAuth, Refusal};

/// Who is let in.
pub enum Authentication {
    /// Everybody; requests have no principal. For loopback only.
    Off,
    /// Whoever has an access token of the scope that is called.
    OAuth(OAuth),
}

impl Authentication {
    /// What checks tokens, where they are asked for.
    pub(super) fn oauth(&self) -> Option<&OAuth> {
        match self {
            Self::Off => None,
            Self::OAuth(oauth) => Some(oauth),
        }
    }
}

/// Serves whoever asks.
pub(super) async fn open(scope: &Arc<McpScope>, request: Request) -> Response {
    if request.method() == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    let authority = Authority {
        denied: request.extensions().get().cloned(),
        origin: Origin::current(),
        ..Authority::default()
    };
    match streamable_http::serve(scope, authority, request).await {
        Ok(response) => response,
        // Only principals lack rights.
        Err(InsufficientScope(needed)) => HttpError::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            format!("This call needs the right {needed}."),
        )
        .into_response(),
    }
}

/// Serves who has a token, until it is revoked. The token comes before
/// everything else of a request; `path` is the scope's name in its address.
pub(super) async fn guarded(
    oauth: &OAuth,
    scope: &Arc<McpScope>,
    path: Option<&str>,
    request: Request,
) -> Response {
    let address = request.extensions().get::<ClientAddress>().copied();
    let uri = request.uri();
    let resource = oauth.resource(path, uri.path(), request.headers());
    let authenticated = oauth
        .authenticate(scope.name(), request.headers(), uri.query())
        .await;
    if request.method() == Method::HEAD {
        // A capability check, which needs no token but may learn that GET does.
        let refusal = authenticated.err();
        let challenge = refusal.and_then(|refusal| resource.challenge(refusal));
        let challenge = challenge.map(|challenge| (header::WWW_AUTHENTICATE, challenge));
        return (StatusCode::OK, AppendHeaders(challenge)).into_response();
    }
    let caller = match authenticated {
        Ok(caller) => caller,
        Err(refusal) => return resource.refuse(refusal, address),
    };
    if let Some(RequestSpan(span)) = request.extensions().get() {
        note(&caller, span);
    }
    let authority = Authority {
        principal: Some(Arc::clone(caller.principal())),
        alive: Arc::clone(caller.alive()),
        denied: request.extensions().get().cloned(),
        expires_in: Some(caller.expires_in()),
        origin: Origin::current().map(|origin| caller.named(&origin)),
    };
    let served = tokio::select! {
        // What is served at once does not wait for the lock in the second.
        biased;
        served = streamable_http::serve(scope, authority, request) => served,
        // What serves is dropped, and with it the call's statement and guest.
        () = caller.alive().cancelled() => return resource.refuse(Refusal::Revoked, address),
    };
    match served {
        Ok(response) => revocable::until_revoked(response, caller),
        Err(InsufficientScope(needed)) => {
            resource.insufficient_scope(needed, caller.principal(), address)
        }
    }
}

/// Has the rest of the request's log lines say whose it is.
fn note(caller: &Authenticated, span: &Span) {
    let principal = caller.principal();
    span.record("subject", &*principal.subject);
    span.record("client_id", &*principal.client);
}
