//! The MCP endpoint of a scope: who asks is settled before what is asked.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::cors;
use super::state::ServerState;
use crate::http_error::HttpError;
use crate::mcp::transport::streamable_http::{self, InsufficientScope};

/// `/sse` and `/mcp` of the default scope.
pub(super) async fn root(State(state): State<ServerState>, request: Request) -> Response {
    serve(&state, None, request).await
}

/// `/{scope}/sse` and `/{scope}/mcp`.
pub(super) async fn scope(
    State(state): State<ServerState>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match name {
        Ok(Path(name)) => serve(&state, Some(&name), request).await,
        Err(_) => HttpError::not_found().into_response(),
    }
}

async fn serve(state: &ServerState, name: Option<&str>, request: Request) -> Response {
    let Some(scope) = state.scope(name) else {
        return HttpError::not_found().into_response();
    };
    if request.method() == Method::OPTIONS {
        return cors::preflight(request.headers(), streamable_http::ALLOW);
    }
    let authenticated = state.shared.authentication.check(request.headers());
    if request.method() == Method::HEAD {
        // A capability check, which needs no token but may learn that GET does.
        return match authenticated {
            Ok(_) => StatusCode::OK.into_response(),
            Err(challenge) => (
                StatusCode::OK,
                [(header::WWW_AUTHENTICATE, challenge.header_value())],
            )
                .into_response(),
        };
    }
    let principal = match authenticated {
        Ok(principal) => principal,
        Err(challenge) => return challenge.into_response(),
    };
    match streamable_http::serve(scope, principal, request).await {
        Ok(response) => response,
        Err(InsufficientScope(needed)) => super::bearer::insufficient_scope(needed).into_response(),
    }
}
