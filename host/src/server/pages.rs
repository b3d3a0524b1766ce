//! What people see who come with a browser, and what everybody sees who comes
//! to the wrong address.

use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};

use crate::http_error::HttpError;

/// `/`: names no scope, database or tool.
pub(super) async fn home() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], HOME).into_response()
}

pub(super) async fn not_found() -> HttpError {
    HttpError::not_found()
}

/// For addresses that are only read.
pub(super) async fn method_not_allowed(_: Method) -> HttpError {
    HttpError::method_not_allowed("GET, HEAD")
}

const HOME: &str = concat!(
    "mssql-mcp ",
    env!("CARGO_PKG_VERSION"),
    "\n\nThis is an MCP server for Microsoft SQL Server. ",
    "Add the address that its operator gave you to your MCP client.\n"
);
