//! What every reply tells browsers, unless it says otherwise itself; and when the
//! server is about to stop, that it is the last on its connection.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::state::ServerState;

/// Adds what is missing.
pub(crate) async fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Says that a reply is the last on its connection once the server is about to stop.
pub(super) async fn close_when_draining(
    State(state): State<ServerState>,
    mut response: Response,
) -> Response {
    if state.is_draining() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Has browsers come by https for a year.
pub(super) async fn add_transport(mut response: Response) -> Response {
    let transport = HeaderValue::from_static("max-age=31536000");
    let headers = response.headers_mut();
    headers.insert(header::STRICT_TRANSPORT_SECURITY, transport);
    response
}

const HEADERS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Addresses of this server hold codes and states. Under `no-referrer`
    // browsers would send `Origin: null` with its own forms.
    (header::REFERRER_POLICY, "same-origin"),
];
