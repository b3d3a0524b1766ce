//! Failures of HTTP itself: a JSON object with the members of RFC 6749 §5.2,
//! which every client of this server has to read anyway.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON error response.
#[derive(Debug)]
pub struct HttpError {
    status: StatusCode,
    body: Body,
    header: Option<(HeaderName, HeaderValue)>,
}

#[derive(Debug, Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

impl HttpError {
    /// `error` is a stable word, `description` a sentence.
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            body: Body {
                error,
                error_description: description.into(),
            },
            header: None,
        }
    }

    /// 404
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
        )
    }

    /// 405 with the methods that are allowed.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("This address takes {allow}."),
        )
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// Adds the header that goes with the status.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
