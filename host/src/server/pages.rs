//! What people see who come with a browser, and what everybody sees who comes
//! to the wrong address.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http_error::HttpError;

/// `/`: names no scope, database or tool.
pub(super) async fn home() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], HOME).into_response()
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
