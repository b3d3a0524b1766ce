//! A name for each request, in its log lines and in its reply.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::state::ServerState;

/// Makes ids that are unique among processes that write to one log.
pub(super) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Without a source of randomness ids are unique in this process alone.
    pub(super) fn random() -> Self {
        let mut process = [0; 8];
        if rand::fill(&mut process).is_err() {
            tracing::warn!("no randomness for request ids; they repeat after a restart");
        }
        Self {
            process: u64::from_ne_bytes(process),
            next: AtomicU64::new(1),
        }
    }

    fn next(&self) -> String {
        format!(
            "{:016x}-{:x}",
            self.process,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// Opens the span in which the request is served. Queries stay out of it: they
/// are where misguided clients put secrets.
pub(super) async fn trace(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let id = state.shared.request_ids.next();
    let span = tracing::info_span!(
        "request",
        id,
        method = %request.method(),
        path = request.uri().path(),
        subject = Empty,
        client_id = Empty,
    );
    async move {
        let mut response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "replied");
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
