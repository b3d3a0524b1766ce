//! Files that pages load: style sheets and scripts, kept by browsers until they
//! change.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::state::SecretHash;

/// One file, whose address changes with its content.
#[derive(Debug)]
pub(crate) struct PageFile {
    content_type: &'static str,
    content: &'static str,
    address: String,
}

impl PageFile {
    /// The file at `path`.
    pub(crate) fn new(
        path: &'static str,
        content_type: &'static str,
        content: &'static str,
    ) -> Self {
        let hash = SecretHash::of(content).to_string();
        let version: String = hash.chars().take(12).collect();
        Self {
            content_type,
            content,
            address: format!("{path}?v={version}"),
        }
    }

    /// The address of exactly this content.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn respond(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.content).into_response()
    }
}
