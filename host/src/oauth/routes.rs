//! Every address of the authorization servers.

use axum::Router;
use axum::routing::{get, post};

use super::endpoints::{account, authorize, invitation, oidc};
use super::{OAuth, pages};

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new()
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/{scope}/authorize", get(authorize::get).post(authorize::post))
        .route("/account", get(account::get).post(account::post))
        .route("/invitation", get(invitation::get).post(invitation::post))
        .route(oidc::LEAVE, post(oidc::post))
        .route(oidc::CALLBACK, get(oidc::callback))
        .route("/style.css", get(pages::style))
        .with_state(oauth)
}
