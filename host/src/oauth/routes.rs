//! Every address of the authorization servers.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use super::OAuth;
use super::endpoints::{cors, register, revoke, token, well_known};
use crate::http_error::HttpError;

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new().merge(for_programs()).with_state(oauth)
}

/// What clients call themselves, not through a person's browser.
fn for_programs() -> Router<OAuth> {
    let read =
        || get(well_known::get).fallback(async || HttpError::method_not_allowed("GET, HEAD"));
    let sent = |method: MethodRouter<OAuth>| {
        method.fallback(async || HttpError::method_not_allowed("POST"))
    };
    Router::new()
        .route("/.well-known/{*document}", read())
        .route("/{scope}/.well-known/{*document}", read())
        .route("/{scope}/{endpoint}/.well-known/{*document}", read())
        .route("/register", sent(post(register::post)))
        .route("/{scope}/register", sent(post(register::post)))
        .route("/token", sent(post(token::post)))
        .route("/{scope}/token", sent(post(token::post)))
        .route("/revoke", sent(post(revoke::post)))
        .route("/{scope}/revoke", sent(post(revoke::post)))
        .layer(from_fn(cors::any_origin))
}
