//! The MCP endpoint of a scope: who asks is settled before what is asked.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use super::request_id::RequestSpan;
use super::state::ServerState;
use super::{bearer, cors};
use crate::http_error::HttpError;
use crate::mcp::transport::streamable_http;

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
    if let (None, Some(RequestSpan(span))) = (name, request.extensions().get()) {
        span.record("scope", &**scope.name());
    }
    if request.method() == Method::OPTIONS {
        return cors::preflight(request.headers(), streamable_http::ALLOW);
    }
    match state.shared.authentication.oauth() {
        None => bearer::open(&scope, request).await,
        Some(oauth) => bearer::guarded(oauth, &scope, name, request).await,
    }
}
