//! Every address, and what each request passes on its way there.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};

use super::state::ServerState;
use super::{cors, endpoint, guard, health, metrics, pages, request_id};

/// The service behind the listener. Layers run from the last to the first.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/live", get(health::live))
        .route("/metrics", get(metrics::metrics))
        .route("/{scope}/health", get(health::scope))
        .route("/sse", any(endpoint::root))
        .route("/sse/", any(endpoint::root))
        .route("/mcp", any(endpoint::root))
        .route("/mcp/", any(endpoint::root))
        .route("/{scope}/sse", any(endpoint::scope))
        .route("/{scope}/sse/", any(endpoint::scope))
        .route("/{scope}/mcp", any(endpoint::scope))
        .route("/{scope}/mcp/", any(endpoint::scope))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(state.shared.max_body_bytes))
        .layer(from_fn(cors::expose))
        .layer(from_fn_with_state(state.clone(), guard::check))
        .layer(from_fn_with_state(state.clone(), request_id::trace))
        .with_state(state)
}

#[cfg(test)]
mod tests;
