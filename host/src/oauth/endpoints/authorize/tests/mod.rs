//! A server, people with browsers, and clients for the tests.

mod attacks;
mod shown;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use secrecy::SecretString;
use url::Url;

use super::*;
use crate::oauth::testing::{self, Reply};
use crate::oauth::{LOCAL_SUBJECT, OAuth, SignInMethod};
use crate::principal::Rights;
use crate::state::{ClientAuthentication, ClientKind, NewClient, SecretKind};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://claude.ai/api/mcp/auth_callback";
const LOOPBACK: &str = "http://127.0.0.1:33418/";
const PASSWORD: &str = "correct horse battery";

/// A browser as plain as can be.
#[derive(Clone)]
struct Visitor {
    oauth: OAuth,
    cookies: BTreeMap<String, String>,
    language: &'static str,
}

impl Visitor {
    fn new(oauth: &OAuth) -> Self {
        Self {
            oauth: oauth.clone(),
            cookies: BTreeMap::new(),
            language: "en",
        }
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    /// Presses a button of a page that was got from `path`.
    async fn press(&mut self, page: &Reply, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = token_of(page);
        let mut all = vec![("csrf", &*token)];
        all.extend(fields);
        self.post(path, &all).await
    }

    async fn sign_in(&mut self, path: &str, username: &str, password: &str) -> Reply {
        let page = self.get(path).await;
        let fields = [
            ("action", "sign-in"),
            ("username", username),
            ("password", password),
        ];
        self.press(&page, path, &fields).await
    }

    /// Signs in and presses `button` on the page of consent.
    async fn decide(&mut self, path: &str, username: &str, button: &str) -> Reply {
        assert_eq!(self.sign_in(path, username, PASSWORD).await.status, 303);
        let page = self.get(path).await;
        self.press(&page, path, &[("action", button)]).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Reply {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let request = request
            .header("accept-language", self.language)
            .header("cookie", cookies.collect::<Vec<_>>().join("; "));
        let reply = testing::send(&self.oauth, request.body(body).unwrap()).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }
}

fn token_of(page: &Reply) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"csrf\" value=\"")
        .unwrap_or_else(|| panic!("{} {}", page.status, page.text));
    rest.split('"').next().unwrap().to_owned()
}

fn location(reply: &Reply) -> Url {
    assert_eq!(reply.status, 303, "{}", reply.text);
    Url::parse(reply.header("location")).unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(key, _)| key == name);
    let value = found.next().map(|(_, value)| value.into_owned());
    assert!(found.next().is_none(), "{name} twice in {url}");
    value
}

/// `ana` and `bob` have the same password; `carl` was invited only.
async fn people(oauth: &OAuth) {
    let hash = oauth
        .shared
        .passwords
        .hash(SecretString::from(PASSWORD))
        .await
        .unwrap();
    for (subject, password) in [("ana", Some(&*hash)), ("bob", Some(&*hash)), ("carl", None)] {
        oauth
            .store()
            .add_person(subject, password, &BTreeSet::new())
            .await
            .unwrap();
    }
}

async fn with_people() -> OAuth {
    let (oauth, _) = testing::oauth();
    people(&oauth).await;
    oauth
}

async fn client(oauth: &OAuth, scope: &str, name: &str, redirect_uri: &str) -> String {
    let new = NewClient {
        scope: scope.to_owned(),
        name: name.to_owned(),
        redirect_uris: vec![redirect_uri.to_owned()],
        authentication: ClientAuthentication::None,
        kind: ClientKind::Registered,
    };
    oauth.store().register_client(&new).await.unwrap().0.id
}

/// The path of an authorization request with `changes`; an empty value leaves
/// a parameter out.
fn request(scope: &str, client_id: &str, changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a state"),
    ];
    for (name, value) in changes {
        pairs.retain(|(has, _)| has != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{scope}/authorize?{query}")
}

/// A client of `claude` and the path of its request.
async fn asked(oauth: &OAuth) -> (String, String) {
    let id = client(oauth, "claude", "Claude", CALLBACK).await;
    let path = request("/claude", &id, &[]);
    (id, path)
}

fn assert_is_guarded_page(page: &Reply) {
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    for not in ["<script", " style=", " onclick=", "javascript:"] {
        assert!(!page.text.contains(not), "{not} in {}", page.text);
    }
}
