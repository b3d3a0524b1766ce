//! `/metrics`: the numbers for Prometheus, shown to this machine alone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::state::ServerState;
use crate::http_error::HttpError;

/// Renders every metric in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// 404 on a server that others can reach, through a proxy or a tunnel too, as for
/// any unknown address.
pub(super) async fn metrics(State(state): State<ServerState>) -> Response {
    match &state.shared.metrics {
        Some(render) if state.shared.guard.is_loopback() => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            render(),
        )
            .into_response(),
        _ => HttpError::not_found().into_response(),
    }
}
