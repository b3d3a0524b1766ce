//! Every address of the authorization servers.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use super::endpoints::{
    account, authorize, cors, invitation, oidc, register, revoke, token, well_known,
};
use super::{OAuth, pages};
use crate::http_error::HttpError;

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new()
        .merge(for_people())
        .merge(for_accounts())
        .merge(for_programs())
        .with_state(oauth)
}

/// What people come to with a browser.
fn for_people() -> Router<OAuth> {
    let asked = || both(get(authorize::get).post(authorize::post));
    Router::new()
        .route("/authorize", asked())
        .route("/{scope}/authorize", asked())
        .route("/style.css", read(get(pages::style)))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
}

/// What belongs to a person, at no scope.
fn for_accounts() -> Router<OAuth> {
    Router::new()
        .route(
            account::ADDRESS,
            both(get(account::get).post(account::post)),
        )
        .route(
            invitation::ADDRESS,
            both(get(invitation::get).post(invitation::post)),
        )
        .route(oidc::LEAVE, sent(post(oidc::post)))
        .route(oidc::CALLBACK, read(get(oidc::callback)))
        .layer(DefaultBodyLimit::max(LONGEST_PASSWORDS))
}

/// What clients call themselves, not through a person's browser.
fn for_programs() -> Router<OAuth> {
    let document = || read(get(well_known::get));
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

fn both(method: MethodRouter<OAuth>) -> MethodRouter<OAuth> {
    method.fallback(async || HttpError::method_not_allowed("GET, HEAD, POST"))
}

fn sent(method: MethodRouter<OAuth>) -> MethodRouter<OAuth> {
    method.fallback(async || HttpError::method_not_allowed("POST"))
}

/// A name, a password and a token; twice as much as a password may have.
const LONGEST_FORM: usize = 16 * 1_024;
/// Three passwords of 1,024 characters take 36 KiB, encoded.
const LONGEST_PASSWORDS: usize = 48 * 1_024;
