//! The page's own style sheet and script.

use std::sync::LazyLock;

use axum::response::Response;

use crate::oauth::pages::PageFile;

/// `GET /operator.css`
pub(super) async fn sheet() -> Response {
    SHEET.respond()
}

/// `GET /operator.js`
pub(super) async fn script() -> Response {
    SCRIPT.respond()
}

pub(super) fn sheet_address() -> &'static str {
    SHEET.address()
}

pub(super) fn script_address() -> &'static str {
    SCRIPT.address()
}

static SHEET: LazyLock<PageFile> = LazyLock::new(|| {
    let sheet = include_str!("../../templates/operator.css");
    PageFile::new("/operator.css", "text/css; charset=utf-8", sheet)
});

static SCRIPT: LazyLock<PageFile> = LazyLock::new(|| {
    let script = include_str!("../../templates/operator.js");
    PageFile::new("/operator.js", "text/javascript; charset=utf-8", script)
});
