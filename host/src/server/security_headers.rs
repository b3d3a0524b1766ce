//! What every reply tells browsers, unless it says otherwise itself.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

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

const HEADERS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Addresses of this server hold codes and states. Under `no-referrer`
    // browsers would send `Origin: null` with its own forms.
    (header::REFERRER_POLICY, "same-origin"),
];
