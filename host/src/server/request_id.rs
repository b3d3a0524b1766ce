//! A name for each request, in its log lines and in its reply.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::state::ServerState;
use crate::audit::Origin;
use crate::excerpt::excerpt;
use crate::oauth::ClientAddress;

/// Makes ids that are unique among processes that write to one log.
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Without a source of randomness ids are unique in this process alone.
    pub(crate) fn random() -> Self {
        let mut process = [0; 8];
        if rand::fill(&mut process).is_err() {
            tracing::warn!("no randomness for request ids; they repeat after a restart");
        }
        Self {
            process: u64::from_ne_bytes(process),
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> String {
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
    // Of the audit, whose lines tell the request's id at every log level.
    let span = tracing::info_span!(
        target: "audit",
        "request",
        id,
        method = %request.method(),
        path = excerpt(request.uri().path(), LOGGED_CHARACTERS),
        subject = Empty,
        client_id = Empty,
    );
    let client = request.extensions().get::<ClientAddress>();
    let origin = Origin {
        request_id: id.as_str().into(),
        address: client.map(|ClientAddress(address)| *address),
        client_name: None,
    };
    let step = is_step(request.uri().path());
    let user_agent = request.headers().get(header::USER_AGENT);
    let user_agent = user_agent.and_then(|value| value.to_str().ok());
    let user_agent = excerpt(user_agent.unwrap_or_default(), LOGGED_CHARACTERS).to_owned();
    let served = async move {
        let mut response = next.run(request).await;
        let status = response.status();
        if step || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            tracing::info!(status = status.as_u16(), user_agent, "replied");
        } else {
            tracing::debug!(status = status.as_u16(), user_agent, "replied");
        }
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    };
    origin.within(served.instrument(span)).await
}

/// Whether the request is one on a client's way to its first token: where a
/// connector does not connect, the log shows which of them never came.
fn is_step(path: &str) -> bool {
    path.contains("/.well-known/")
        || ["/register", "/authorize", "/token"]
            .iter()
            .any(|step| path.ends_with(step))
}

/// Of what anybody can send.
const LOGGED_CHARACTERS: usize = 200;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
