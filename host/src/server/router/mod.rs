//! Every address, and what each request passes on its way there.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state, map_response, map_response_with_state};
use axum::routing::{any, get};

use super::state::ServerState;
use super::{
    cors, edge, endpoint, guard, health, metrics, pages, records, request_id, security_headers,
};
use crate::oauth;

/// The service behind the listener. Layers run from the last to the first.
pub fn router(state: ServerState) -> Router {
    let router = Router::new()
        .route("/", get(pages::home))
        .route("/docs", get(pages::docs))
        .route("/copy.js", get(oauth::pages::copy_script))
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
        .route("/records/{*id}", any(records::page))
        .route("/{scope}/records/{*id}", any(records::page))
        .with_state(state.clone());
    let router = match state.shared.authentication.oauth() {
        Some(oauth) => router.merge(oauth::routes(oauth.clone())),
        // Pages of records have the style sheet in any case.
        None => router.route("/style.css", get(oauth::pages::style)),
    };
    let transport = state.tls().is_some() && state.shared.guard.is_public_https();
    let router = router
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(state.shared.max_body_bytes))
        .layer(from_fn(cors::expose))
        .layer(from_fn_with_state(state.clone(), guard::check))
        .layer(from_fn_with_state(state.clone(), edge::deny))
        .layer(from_fn_with_state(state.clone(), request_id::trace))
        .layer(map_response(security_headers::add))
        .layer(map_response_with_state(
            state,
            security_headers::close_when_draining,
        ));
    if transport {
        router.layer(map_response(security_headers::add_transport))
    } else {
        router
    }
}

#[cfg(test)]
mod tests;
