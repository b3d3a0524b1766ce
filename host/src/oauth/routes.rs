//! Every address of the authorization servers.

use axum::Router;

use super::OAuth;

/// The routes of all issuers, at their paths and at the root; `{scope}` is the
/// path parameter that [`Issuer`](super::Issuer) reads.
pub fn routes(oauth: OAuth) -> Router {
    Router::new().with_state(oauth)
}
