//! `/style.css`: the one style sheet, kept by browsers until it changes.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::state::SecretHash;

/// `GET /style.css`
pub(crate) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, SHEET).into_response()
}

/// The address of exactly this sheet.
pub(crate) fn style_address() -> &'static str {
    &ADDRESS
}

static ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let hash = SecretHash::of(SHEET).to_string();
    let version: String = hash.chars().take(12).collect();
    format!("/style.css?v={version}")
});

const SHEET: &str = include_str!("../../../templates/style.css");
