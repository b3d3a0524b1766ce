//! Every address of the authorization servers.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use super::endpoints::{authorize, cors, register, revoke, token, well_known};
use super::{OAuth, pages};
use crate::http_error::HttpError;

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new()
        .merge(for_people())
        .merge(for_programs())
        .with_state(oauth)
}

/// What people come to with a browser.
fn for_people() -> Router<OAuth> {
    let asked = || {
        get(authorize::get)
            .post(authorize::post)
            .fallback(async || HttpError::method_not_allowed("GET, HEAD, POST"))
    };
    Router::new()
        .route("/authorize", asked())
        .route("/{scope}/authorize", asked())
        .route("/style.css", read(get(pages::style)))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
}

/// What clients call themselves, not through a person's browser.
fn for_programs() -> Router<OAuth> {
    let document = || read(get(well_known::get));
    let sent = |method: MethodRouter<OAuth>| {
        method.fallback(async || HttpError::method_not_allowed("POST"))
    };
    Router::new()
        .route("/.well-known/{*document}", document())
        .route("/{scope}/.well-known/{*document}", document())
        .route("/{scope}/{endpoint}/.well-known/{*document}", document())
        .route("/register", sent(post(register::post)))
        .route("/{scope}/register", sent(post(register::post)))
        .route("/token", sent(post(token::post)))
        .route("/{scope}/token", sent(post(token::post)))
        .route("/revoke", sent(post(revoke::post)))
        .route("/{scope}/revoke", sent(post(revoke::post)))
        .layer(from_fn(cors::any_origin))
}

fn read(method: MethodRouter<OAuth>) -> MethodRouter<OAuth> {
    method.fallback(async || HttpError::method_not_allowed("GET, HEAD"))
}

/// A name, a password and a token; twice as much as a password may have.
const LONGEST_FORM: usize = 16 * 1_024;
