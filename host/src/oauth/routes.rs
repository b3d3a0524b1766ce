//! Every address of the authorization servers.

use axum::Router;
use axum::routing::get;

use super::endpoints::authorize;
use super::{OAuth, pages};

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new()
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/{scope}/authorize", get(authorize::get).post(authorize::post))
        .route("/style.css", get(pages::style))
        .with_state(oauth)
}
