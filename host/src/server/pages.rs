//! What people see who come with a browser, and what everybody sees who comes
//! to the wrong address.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::state::ServerState;
use crate::http_error::HttpError;
use crate::oauth::pages::{Guide, guide};

/// `/`: a page for browsers, JSON for programs that ask for it, else a line of text.
/// Names no database, person or tool set.
pub(super) async fn home(
    State(state): State<ServerState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = wants(&headers, "text/html").then(|| shown(&state, false, &uri, &headers));
    if let Some(Some(page)) = page {
        return page;
    }
    let varies = (header::VARY, "Accept, Accept-Language, Cookie");
    if wants(&headers, "application/json") {
        let body = serde_json::json!({
            "name": "mssql-mcp",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An MCP server for Microsoft SQL Server",
            "docs": "/docs",
        });
        return ([varies], axum::Json(body)).into_response();
    }
    let plain = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    ([plain, varies], HOME).into_response()
}

/// `/docs`: how to connect to this server.
pub(super) async fn docs(
    State(state): State<ServerState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = shown(&state, true, &uri, &headers);
    page.unwrap_or_else(|| HttpError::not_found().into_response())
}

/// None where the server's own address is not known.
fn shown(state: &ServerState, whole: bool, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let has = |name| state.scope(Some(name)).is_some();
    let oauth = state.shared.authentication.oauth();
    let what = Guide {
        claude: has("claude"),
        chatgpt: has("chatgpt"),
        signs_in: oauth.is_some(),
    };
    let base = oauth.and_then(|oauth| oauth.base(headers));
    guide(what, whole, base, uri, headers)
}

/// Whether a media type is named in `Accept`. Browsers name HTML, and programs do not.
fn wants(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(media_type))
}

pub(super) async fn not_found() -> HttpError {
    HttpError::not_found()
}

/// The router adds which methods are allowed.
pub(super) async fn method_not_allowed() -> HttpError {
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method.",
    )
}

const HOME: &str = concat!(
    "mssql-mcp ",
    env!("CARGO_PKG_VERSION"),
    "\n\nThis is an MCP server for Microsoft SQL Server. ",
    "Add the address that its operator gave you to your MCP client.\n"
);
