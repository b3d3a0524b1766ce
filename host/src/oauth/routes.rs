//! Every address of the authorization servers.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

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
        .layer(from_fn(in_time))
        .with_state(oauth)
}

/// Ends a body that does not come: whoever sends a byte a minute keeps a
/// connection for that long and no longer.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    let deadline = Instant::now() + BODY_TIMEOUT;
    let in_time = |body: Body| {
        let data = Some(body.into_data_stream());
        Body::from_stream(stream::unfold(data, move |data| async move {
            let mut data = data?;
            match timeout_at(deadline, data.next()).await {
                Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(data))),
                Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
                Ok(None) => None,
                Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
            }
        }))
    };
    next.run(request.map(in_time)).await
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

/// How long a form may take to come.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// A name, a password and a token; twice as much as a password may have.
pub(crate) const LONGEST_FORM: usize = 16 * 1_024;
/// Three passwords of 1,024 characters take 36 KiB, encoded.
const LONGEST_PASSWORDS: usize = 48 * 1_024;
