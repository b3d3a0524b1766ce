//! The operator page: what this process does, as it does it, and what an operator
//! can do about it. On a listener of its own, so that nothing of it is at an address
//! that clients have.
//!
//! ```text
//! listener → entrance (Host, Origin, request id) → Door (sign-in, group operators)
//!   → page      all there is, as one page that needs no script
//!   → live      the parts that change, every two seconds, for the page's script
//!   → confirm   what an action would do → act → back to the page, and into the audit
//! ```
//! What is shown comes from [`Site`], which the application is; from the [`Recorder`],
//! which sees each audit entry and keeps ten minutes of figures; and from the store.

mod act;
mod action;
mod entrance;
mod files;
mod listener;
mod live;
mod page;
mod recorder;
mod rows;
mod site;
mod texts;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{get, post};

pub use listener::serve;
pub use recorder::Recorder;
pub use site::{DatabaseState, Guests, Parked, Pool, ScopeState, Site, SiteError, ToolSetState};

use crate::http_error::HttpError;
use crate::oauth::endpoints::{account, oidc};
use crate::oauth::{self, LONGEST_FORM, OAuth};
use crate::server::{Edge, RequestIds, add_security_headers};

/// What the operator page is made of.
pub struct OperatorConfig {
    /// Where people sign in, and where tokens and clients are.
    pub oauth: OAuth,
    /// Whether there are tokens and clients at all: not with OAuth off.
    pub tokens: bool,
    /// What is shown and acted upon.
    pub site: Arc<dyn Site>,
    /// What has happened lately.
    pub recorder: Arc<Recorder>,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, and who is not let in.
    pub edge: Edge,
}

/// The operator page's state; cheap to clone.
#[derive(Clone)]
pub struct OperatorState(Arc<Shared>);

struct Shared {
    oauth: OAuth,
    tokens: bool,
    site: Arc<dyn Site>,
    recorder: Arc<Recorder>,
    edge: Edge,
    request_ids: RequestIds,
}

impl OperatorState {
    /// Prepares what requests share.
    pub fn new(config: OperatorConfig) -> Self {
        Self(Arc::new(Shared {
            oauth: config.oauth,
            tokens: config.tokens,
            site: config.site,
            recorder: config.recorder,
            edge: config.edge,
            request_ids: RequestIds::random(),
        }))
    }
}

/// Every address of the page. Layers run from the last to the first.
pub fn router(state: OperatorState) -> Router {
    let sign_in = Router::new()
        .route(oidc::LEAVE, post(oidc::post))
        .route(oidc::CALLBACK, get(oidc::callback))
        // Where a sign-in at the provider that went wrong leads.
        .route(account::ADDRESS, get(entrance::home))
        .with_state(state.0.oauth.clone());
    Router::new()
        .route("/", get(page::get).post(page::post))
        .route("/live", get(live::get))
        .route(act::CONFIRM, get(act::confirm))
        .route(act::ACT, post(act::post))
        .route("/style.css", get(oauth::pages::style))
        .route("/operator.css", get(files::sheet))
        .route("/operator.js", get(files::script))
        .with_state(state.clone())
        .merge(sign_in)
        .fallback(async || HttpError::not_found())
        .method_not_allowed_fallback(async || {
            HttpError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This address does not take this method.",
            )
        })
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(from_fn(oauth::in_time))
        .layer(from_fn_with_state(state, entrance::check))
        .layer(map_response(add_security_headers))
}

#[cfg(test)]
mod tests;
