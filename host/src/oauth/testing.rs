//! An authorization server for tests: three scopes over a memory store, and a
//! clock that stands still.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use rustls::RootCertStore;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{
    DocumentFetcher, DocumentRules, OAuth, OAuthConfig, PublicUrl, RedirectRule, ScopeAccess,
    SignInMethod, routes,
};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::entropy::Entropy;
use crate::state::{HostKey, Secrets, Store};

/// The address of the server.
pub(crate) const PUBLIC_URL: &str = "https://data.example.com";

/// Scopes `claude` (default, read-only, for everybody), `chatgpt` (for `ana`
/// and the group `analysts`) and `writer` (writable, for everybody; `ana` may
/// write). People sign in with passwords; there are none yet.
pub(crate) fn oauth() -> (OAuth, ManualClock) {
    let (config, hand) = config();
    (OAuth::new(config), hand)
}

/// What [`oauth`] is made of.
pub(crate) fn config() -> (OAuthConfig, ManualClock) {
    let (clock, hand) = Clock::manual(Timestamp(1_800_000_000_000));
    let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
    let rules = DocumentRules::public_internet(RootCertStore::empty());
    let config = OAuthConfig {
        store: Store::memory(clock, secrets),
        scopes: vec![
            scope("claude", &["*"], &[]),
            scope("chatgpt", &["ana", "group:analysts"], &[]),
            scope("writer", &["*"], &["ana"]),
        ],
        default_scope: "claude".to_owned(),
        root_discovery: "claude".to_owned(),
        public_url: Some(PublicUrl::parse(PUBLIC_URL).unwrap()),
        sign_in: SignInMethod::Password,
        access_token_ttl: Duration::from_secs(3_600),
        refresh_token_ttl: Duration::from_secs(30 * 24 * 3_600),
        documents: DocumentFetcher::new(rules).unwrap(),
    };
    (config, hand)
}

fn scope(name: &str, people: &[&str], writers: &[&str]) -> ScopeAccess {
    let list = |entries: &[&str]| entries.iter().map(|entry| entry.parse().unwrap()).collect();
    ScopeAccess {
        name: name.to_owned(),
        people: list(people),
        writers: list(writers),
        writable: !writers.is_empty(),
        redirects: RedirectRule::well_known(),
        claims: std::collections::BTreeSet::new(),
    }
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// Reads a response to its end.
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    /// The value of a header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Status and OAuth error code.
    pub(crate) fn error(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["error_description"].is_string(), "{body}");
        (
            self.status.as_u16(),
            body["error"].as_str().unwrap().to_owned(),
        )
    }
}

/// Sends one request to the routes of `oauth`.
pub(crate) async fn send(oauth: &OAuth, request: Request<Body>) -> Reply {
    let router: Router = routes(oauth.clone());
    Reply::of(router.oneshot(request).await.unwrap()).await
}

/// `GET path`
pub(crate) async fn get(oauth: &OAuth, path: &str) -> Reply {
    send(oauth, Request::get(path).body(Body::empty()).unwrap()).await
}

/// `POST path` with a form.
pub(crate) async fn post_form(oauth: &OAuth, path: &str, form: &[(&str, &str)]) -> Reply {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body));
    send(oauth, request.unwrap()).await
}

/// `POST path` with JSON.
pub(crate) async fn post_json(oauth: &OAuth, path: &str, body: &Value) -> Reply {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    send(oauth, request.unwrap()).await
}
