//! `/style.css`: the style sheet that all pages have.

use std::sync::LazyLock;

use axum::response::Response;

use super::PageFile;

/// `GET /style.css`
pub(crate) async fn style() -> Response {
    SHEET.respond()
}

/// The address of exactly this sheet.
pub(crate) fn style_address() -> &'static str {
    SHEET.address()
}

static SHEET: LazyLock<PageFile> = LazyLock::new(|| {
    let sheet = include_str!("../../../templates/style.css");
    PageFile::new("/style.css", "text/css; charset=utf-8", sheet)
});
