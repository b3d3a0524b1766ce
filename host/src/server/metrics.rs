//! `/metrics`: the numbers for Prometheus, on a listener of their own, or to this
//! machine and trusted networks.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::edge::{self, Inside};
use super::state::ServerState;
use super::{pages, security_headers};
use crate::http_error::HttpError;

/// Renders every metric in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// 404 to everybody else, as for any unknown address.
pub(super) async fn metrics(inside: Inside, State(state): State<ServerState>) -> Response {
    match inside {
        Inside(true) => everybody(State(state)).await,
        Inside(false) => HttpError::not_found().into_response(),
    }
}

/// The service behind `http.metrics_listen`: whoever reaches that may read it.
pub(super) fn router(state: ServerState) -> Router {
    Router::new()
        .route("/metrics", get(everybody))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), edge::deny))
        .layer(map_response(security_headers::add))
        .with_state(state)
}

async fn everybody(State(state): State<ServerState>) -> Response {
    if let Some(tls) = state.tls() {
        tls.measure();
    }
    match &state.shared.metrics {
        Some(render) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            render(),
        )
            .into_response(),
        None => HttpError::not_found().into_response(),
    }
}
