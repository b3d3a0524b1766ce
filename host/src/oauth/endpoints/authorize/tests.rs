use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
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

#[tokio::test]
async fn a_person_signs_in_consents_and_the_client_gets_a_code() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let resource = ("resource", "https://data.example.com/claude/mcp");
    let path = request("/claude", &id, &[resource]);
    let mut ana = Visitor::new(&oauth);
    let page = ana.get(&path).await;
    assert_eq!(page.status, 200);
    assert_is_guarded_page(&page);
    assert!(
        page.text.contains("autocomplete=\"current-password\""),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("<bdi class=\"place\">claude.ai</bdi>"),
        "{}",
        page.text
    );
    let signed_in = ana.sign_in(&path, " Ana ", PASSWORD).await;
    assert_eq!(
        (signed_in.status.as_u16(), signed_in.header("location")),
        (303, &*path)
    );
    let page = ana.get(&path).await;
    assert_is_guarded_page(&page);
    for shown in [
        ">Claude<",
        ">ana<",
        "https://data.example.com/claude<",
        "value=\"deny\"",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains(" https://claude.ai"), "{policy}");
    let reply = ana.press(&page, &path, &[("action", "allow")]).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let location = location(&reply);
    assert!(
        location.as_str().starts_with(&format!("{CALLBACK}?")),
        "{location}"
    );
    assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
    let iss = parameter(&location, "iss");
    assert_eq!(iss.as_deref(), Some("https://data.example.com/claude"));
    let code = parameter(&location, "code").unwrap();
    let store = oauth.store();
    let hash = store
        .secrets()
        .recognise(SecretKind::AuthorizationCode, &code)
        .unwrap();
    let code = store.code(hash).await.unwrap().unwrap();
    assert_eq!(code.scope, "claude");
    assert_eq!(code.client_id, id);
    assert_eq!(code.client_name, "Claude");
    assert_eq!(code.redirect_uri, CALLBACK);
    assert_eq!(code.code_challenge, CHALLENGE);
    assert_eq!(code.resource.as_deref(), Some(resource.1));
    assert_eq!(code.subject, "ana");
    assert_eq!(code.rights, Rights::READ);
    assert_eq!(
        code.expires_at.since(store.clock().now()),
        Duration::from_secs(60)
    );
    assert!(code.forget_at.since(code.expires_at) >= Duration::from_secs(600));
}

#[tokio::test]
async fn at_the_root_the_issuer_is_the_root() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let path = request("", &id, &[]);
    let reply = Visitor::new(&oauth).decide(&path, "ana", "allow").await;
    let iss = parameter(&location(&reply), "iss");
    assert_eq!(iss.as_deref(), Some("https://data.example.com"));
}

#[tokio::test]
async fn a_form_without_the_right_token_changes_nothing() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let own = ana.get(&path).await;
    let mut other = Visitor::new(&oauth);
    other.sign_in(&path, "bob", PASSWORD).await;
    let foreign = token_of(&other.get(&path).await);
    let elsewhere = format!("{path}&scope=mcp%3Aread");
    let good = token_of(&own);
    let allow = ("action", "allow");
    for (path, fields) in [
        (&path, vec![allow]),
        (&path, vec![allow, ("csrf", "")]),
        (&path, vec![allow, ("csrf", "AAAA")]),
        (&path, vec![allow, ("csrf", &foreign)]),
        (&path, vec![allow, ("csrf", &good), ("csrf", &good)]),
        (&elsewhere, vec![allow, ("csrf", &good)]),
    ] {
        let reply = ana.post(path, &fields).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (403, ""),
            "{fields:?}"
        );
        assert_is_guarded_page(&reply);
    }
    let mut without_cookies = Visitor::new(&oauth);
    let reply = without_cookies.post(&path, &[allow, ("csrf", &good)]).await;
    assert_eq!(reply.status, 403);
    assert!(oauth.store().consents("ana").await.unwrap().is_empty());
    // The form itself was good.
    assert_eq!(ana.press(&own, &path, &[allow]).await.status, 303);
}

#[tokio::test]
async fn a_sign_in_is_a_form_of_this_browser_too() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let fields = [
        ("action", "sign-in"),
        ("username", "ana"),
        ("password", PASSWORD),
    ];
    let reply = Visitor::new(&oauth).post(&path, &fields).await;
    assert_eq!(reply.status, 403);
    assert!(!reply.header("set-cookie").contains("sign-in"));
}

#[tokio::test]
async fn cookies_from_before_the_sign_in_are_worth_nothing_after_it() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.get(&path).await;
    let mut planted = ana.clone();
    let reply = ana.sign_in(&path, "ana", PASSWORD).await;
    let set: Vec<&str> = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    assert_eq!(set.len(), 2, "{set:?}");
    for cookie in set {
        assert!(cookie.starts_with("__Host-mssql-mcp-"), "{cookie}");
        for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(flag), "{cookie}");
        }
    }
    for (name, value) in &planted.cookies {
        assert_ne!(ana.cookies.get(name), Some(value), "{name}");
    }
    assert!(planted.get(&path).await.text.contains("name=\"password\""));
    // A second sign-in ends the first.
    let mut first = ana.clone();
    let page = ana.get(&path).await;
    let fields = [
        ("action", "sign-in"),
        ("username", "bob"),
        ("password", PASSWORD),
    ];
    assert_eq!(ana.press(&page, &path, &fields).await.status, 303);
    assert!(first.get(&path).await.text.contains("name=\"password\""));
    assert!(ana.get(&path).await.text.contains(">bob<"));
}

#[tokio::test]
async fn cookies_that_this_server_did_not_make_are_ignored() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut visitor = Visitor::new(&oauth);
    for name in ["__Host-mssql-mcp-browser", "__Host-mssql-mcp-sign-in"] {
        visitor
            .cookies
            .insert(name.to_owned(), "mcp_br_AAAA".to_owned());
    }
    let page = visitor.get(&path).await;
    assert!(page.text.contains("name=\"password\""));
    assert!(
        page.header("set-cookie")
            .starts_with("__Host-mssql-mcp-browser=mcp_br_")
    );
}

#[tokio::test]
async fn a_sign_in_ends_after_half_a_day() {
    let (oauth, clock) = testing::oauth();
    people(&oauth).await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    clock.advance(Duration::from_secs(12 * 3_600 - 1));
    assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    clock.advance(Duration::from_secs(1));
    assert!(ana.get(&path).await.text.contains("name=\"password\""));
}

#[tokio::test]
async fn not_you_leads_back_to_the_sign_in() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let reply = Visitor::new(&oauth).decide(&path, "ana", "sign-out").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("location")),
        (303, &*path)
    );
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let before = ana.clone();
    let page = ana.get(&path).await;
    ana.press(&page, &path, &[("action", "sign-out")]).await;
    for mut browser in [ana, before] {
        assert!(browser.get(&path).await.text.contains("name=\"password\""));
    }
}

#[tokio::test]
async fn a_hostile_name_is_shown_as_harmless_text() {
    let oauth = with_people().await;
    let long = "x".repeat(1_000);
    let name = format!("<script>alert(1)</script>\"'\u{202e}\u{200b}{long}");
    let id = client(&oauth, "claude", &name, CALLBACK).await;
    let path = request("/claude", &id, &[("state", "<img src=x>")]);
    let mut ana = Visitor::new(&oauth);
    let sign_in = ana.get(&path).await;
    ana.sign_in(&path, "ana", PASSWORD).await;
    for page in [sign_in, ana.get(&path).await] {
        assert_is_guarded_page(&page);
        assert!(
            page.text.contains("&#60;script&#62;alert(1)"),
            "{}",
            page.text
        );
        for not in [
            "<script>alert",
            "<img",
            "\u{202e}",
            "\u{200b}",
            &long[..100],
        ] {
            assert!(!page.text.contains(not), "{not:?} in {}", page.text);
        }
    }
    let fields = [
        ("action", "sign-in"),
        ("username", "\"><script>"),
        ("password", "wrong"),
    ];
    let page = ana.get(&path).await;
    let wrong = ana.press(&page, &path, &fields).await;
    assert_is_guarded_page(&wrong);
}

#[tokio::test]
async fn nothing_leaves_for_an_address_that_is_not_the_clients() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let elsewhere = client(&oauth, "chatgpt", "Other", CALLBACK).await;
    for (id, uri) in [
        (&id, "https://evil.com/"),
        (&id, "https://claude.ai.evil.com/api/mcp/auth_callback"),
        (&id, "https://claude.ai/api/mcp/auth_callback/../x"),
        (&id, "https://claude.ai@evil.com/api/mcp/auth_callback"),
        (&id, "http://claude.ai/api/mcp/auth_callback"),
        (&id, "https://claude.ai:444/api/mcp/auth_callback"),
        (&id, "//evil.com"),
        (&id, "javascript:alert(1)"),
        (&id, "<script>alert(1)</script>"),
        (&id, ""),
        (&"nobody".to_owned(), CALLBACK),
        (&String::new(), CALLBACK),
        (&elsewhere, CALLBACK),
    ] {
        // What else is wrong must not open a way out.
        for also in [
            ("response_type", "code"),
            ("response_type", "token"),
            ("prompt", "none"),
        ] {
            let changes = [("redirect_uri", uri), ("client_id", id), also];
            let path = request("/claude", id, &changes);
            let mut visitor = Visitor::new(&oauth);
            let page = visitor.get(&path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("location")),
                (400, ""),
                "{id} {uri}"
            );
            assert!(!page.text.contains("<script") && !page.text.contains("href=\"javascript"));
        }
    }
    let twice = request("/claude", &id, &[]);
    for again in ["client_id=x", "redirect_uri=https%3A%2F%2Fevil.com"] {
        let page = Visitor::new(&oauth).get(&format!("{twice}&{again}")).await;
        assert_eq!(
            (page.status.as_u16(), page.header("location")),
            (400, ""),
            "{again}"
        );
        assert_is_guarded_page(&page);
    }
}

#[tokio::test]
async fn other_errors_go_back_to_the_client() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (
            ("resource", "https://data.example.com/chatgpt/sse"),
            "invalid_target",
        ),
        (("prompt", "none"), "login_required"),
    ] {
        let reply = Visitor::new(&oauth)
            .get(&request("/claude", &id, &[change]))
            .await;
        let location = location(&reply);
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        assert_eq!(parameter(&location, "error").as_deref(), Some(error));
        assert!(parameter(&location, "error_description").is_some());
        assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
        let iss = parameter(&location, "iss");
        assert_eq!(iss.as_deref(), Some("https://data.example.com/claude"));
    }
}

#[tokio::test]
async fn who_may_not_enter_is_refused_before_and_after_consent() {
    let oauth = with_people().await;
    let id = client(&oauth, "chatgpt", "ChatGPT", CALLBACK).await;
    let path = request("/chatgpt", &id, &[]);
    let mut bob = Visitor::new(&oauth);
    bob.sign_in(&path, "bob", PASSWORD).await;
    let page = bob.get(&path).await;
    assert_eq!(page.status, 403);
    assert_is_guarded_page(&page);
    assert!(
        page.text.contains(">bob<") && !page.text.contains("ana"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("value=\"allow\""));
    let forced = bob.press(&page, &path, &[("action", "allow")]).await;
    assert_eq!(
        (forced.status.as_u16(), forced.header("location")),
        (403, "")
    );
    // Let in by a group, asked, allowed; then put out again.
    let store = oauth.store();
    let analysts = BTreeSet::from(["analysts".to_owned()]);
    store.set_groups("bob", &analysts).await.unwrap();
    let page = bob.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(
        parameter(
            &location(&bob.press(&page, &path, &[("action", "allow")]).await),
            "code"
        )
        .is_some()
    );
    store.set_groups("bob", &BTreeSet::new()).await.unwrap();
    for reply in [
        bob.get(&path).await,
        bob.press(&page, &path, &[("action", "allow")]).await,
    ] {
        assert_eq!((reply.status.as_u16(), reply.header("location")), (403, ""));
    }
}

#[tokio::test]
async fn what_was_allowed_is_not_asked_again_unless_it_is_more_or_meant_to_be() {
    let oauth = with_people().await;
    let id = client(&oauth, "writer", "Claude", CALLBACK).await;
    let path = request("/writer", &id, &[]);
    let mut ana = Visitor::new(&oauth);
    ana.decide(&path, "ana", "allow").await;
    assert!(parameter(&location(&ana.get(&path).await), "code").is_some());
    let silent = request("/writer", &id, &[("prompt", "none")]);
    assert!(parameter(&location(&ana.get(&silent).await), "code").is_some());
    for more in [("scope", "mcp:read mcp:write"), ("prompt", "consent")] {
        let page = ana.get(&request("/writer", &id, &[more])).await;
        assert!(page.text.contains("value=\"allow\""), "{more:?}");
    }
    let changes = [("scope", "mcp:write"), ("prompt", "none")];
    let reply = ana.get(&request("/writer", &id, &changes)).await;
    let error = parameter(&location(&reply), "error");
    assert_eq!(error.as_deref(), Some("consent_required"));
    // Allowed once, the wider right is remembered, and the narrower with it.
    let writes = request("/writer", &id, &[("scope", "mcp:write")]);
    let page = ana.get(&writes).await;
    ana.press(&page, &writes, &[("action", "allow")]).await;
    for path in [&path, &writes] {
        assert!(parameter(&location(&ana.get(path).await), "code").is_some());
    }
    let consents = oauth.store().consents("ana").await.unwrap();
    assert_eq!((consents.len(), consents[0].rights), (1, Rights::ALL));
    // Another person has allowed nothing.
    let mut bob = Visitor::new(&oauth);
    bob.sign_in(&path, "bob", PASSWORD).await;
    assert!(bob.get(&path).await.text.contains("value=\"allow\""));
}

#[tokio::test]
async fn a_program_on_the_machine_is_asked_for_each_time() {
    let oauth = with_people().await;
    let id = client(&oauth, "claude", "Code", LOOPBACK).await;
    let mut ana = Visitor::new(&oauth);
    for port in ["33418", "50000"] {
        let redirect = format!("http://127.0.0.1:{port}/");
        let path = request("/claude", &id, &[("redirect_uri", &redirect)]);
        if ana.cookies.is_empty() {
            ana.sign_in(&path, "ana", PASSWORD).await;
        }
        let page = ana.get(&path).await;
        assert!(page.text.contains("class=\"warning\""), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains(&format!(" http://127.0.0.1:{port}")),
            "{policy}"
        );
        let location = location(&ana.press(&page, &path, &[("action", "allow")]).await);
        assert!(location.as_str().starts_with(&redirect), "{location}");
        assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    }
    let consents = oauth.store().consents("ana").await.unwrap();
    assert_eq!(consents.len(), 1, "a port is no other decision");
    assert_eq!(consents[0].redirect_uri, LOOPBACK);
}

#[tokio::test]
async fn only_who_may_write_can_give_it_away() {
    let oauth = with_people().await;
    let id = client(&oauth, "writer", "Claude", CALLBACK).await;
    let path = request("/writer", &id, &[("scope", "mcp:read mcp:write")]);
    for (person, rights) in [("ana", Rights::ALL), ("bob", Rights::READ)] {
        let mut visitor = Visitor::new(&oauth);
        visitor.sign_in(&path, person, PASSWORD).await;
        let page = visitor.get(&path).await;
        assert_eq!(page.text.contains("class=\"write\""), rights == Rights::ALL);
        let reply = visitor.press(&page, &path, &[("action", "allow")]).await;
        let code = parameter(&location(&reply), "code").unwrap();
        let store = oauth.store();
        let hash = store
            .secrets()
            .recognise(SecretKind::AuthorizationCode, &code);
        assert_eq!(
            store.code(hash.unwrap()).await.unwrap().unwrap().rights,
            rights
        );
    }
}

#[tokio::test]
async fn a_denial_goes_to_the_client_and_is_not_remembered() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    let location = location(&ana.decide(&path, "ana", "deny").await);
    assert_eq!(
        parameter(&location, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
    assert_eq!(parameter(&location, "code"), None);
    assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    assert!(oauth.store().consents("ana").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut seen = BTreeSet::new();
    for (name, password) in [
        ("ana", "a wrong password"),
        ("carl", PASSWORD),
        ("zoe", PASSWORD),
        ("ana", ""),
    ] {
        let mut visitor = Visitor::new(&oauth);
        let page = visitor.sign_in(&path, name, password).await;
        assert_eq!(page.status, 403);
        assert_is_guarded_page(&page);
        assert!(page.text.contains("role=\"alert\""), "{}", page.text);
        assert_eq!(visitor.cookies.len(), 1, "signed in as {name}");
        let text = page.text.replace(&token_of(&page), "");
        seen.insert(text.replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn too_many_attempts_are_told_to_wait_whether_the_account_exists_or_not() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut seen = BTreeSet::new();
    for name in ["ana", "nobody"] {
        let mut visitor = Visitor::new(&oauth);
        let mut page = visitor.sign_in(&path, name, "a wrong password").await;
        for _ in 0..20 {
            if page.status == 429 {
                break;
            }
            page = visitor.sign_in(&path, name, "a wrong password").await;
        }
        assert_eq!(page.status, 429);
        assert_is_guarded_page(&page);
        assert!(page.header("retry-after").parse::<u64>().unwrap() > 0);
        assert!(page.text.contains("minute"), "{}", page.text);
        let right = visitor.sign_in(&path, name, PASSWORD).await;
        assert_eq!(right.status, 429);
        let text = page.text.replace(&token_of(&page), "");
        seen.insert(text.replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn where_nobody_signs_in_whoever_is_there_is_asked() {
    let (mut config, _) = testing::config();
    config.sign_in = SignInMethod::Consent;
    config.public_url = None;
    let oauth = OAuth::new(config);
    let id = client(&oauth, "claude", "Claude", CALLBACK).await;
    let path = request("/claude", &id, &[]);
    let mut visitor = Visitor::new(&oauth);
    let local = |builder: axum::http::request::Builder| builder.header("host", "localhost:8008");
    let page = visitor
        .send(local(Request::get(&path)), Body::empty())
        .await;
    assert_is_guarded_page(&page);
    assert!(page.text.contains("value=\"allow\"") && !page.text.contains("value=\"sign-out\""));
    assert!(page.header("set-cookie").starts_with("mssql-mcp-browser="));
    assert!(!page.header("set-cookie").contains("Secure"));
    let form = format!("csrf={}&action=allow", token_of(&page));
    let reply = visitor
        .send(local(Request::post(&path)), Body::from(form))
        .await;
    let location = location(&reply);
    assert_eq!(
        parameter(&location, "iss").as_deref(),
        Some("http://localhost:8008/claude")
    );
    assert_eq!(
        oauth.store().consents(LOCAL_SUBJECT).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn pages_speak_spanish_to_who_asks_for_it() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.language = "es-MX,es;q=0.9,en;q=0.5";
    let sign_in = ana.get(&path).await;
    assert!(sign_in.text.contains("Contraseña"), "{}", sign_in.text);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let consent = ana.get(&path).await;
    assert!(consent.text.contains("Permitir"), "{}", consent.text);
    let error = ana.get("/claude/authorize").await;
    assert!(
        error.text.contains("No se puede responder"),
        "{}",
        error.text
    );
    for page in [sign_in, consent, error] {
        assert_eq!(page.header("content-language"), "es");
        assert!(page.text.contains("<html lang=\"es\">"));
    }
}

#[tokio::test]
async fn a_client_that_describes_itself_is_shown_with_its_address() {
    let asked = Asked {
        client: crate::state::Client {
            id: "https://claude.ai/oauth/metadata".to_owned(),
            scope: "claude".to_owned(),
            name: "Claude".to_owned(),
            redirect_uris: vec![CALLBACK.to_owned()],
            authentication: ClientAuthentication::None,
            secret: None,
            kind: ClientKind::MetadataDocument,
            created_at: crate::clock::Timestamp(0),
            used_at: None,
            expires_at: None,
        },
        registered: CALLBACK.to_owned(),
        request: Unverified::parse(request("", "c", &[]).split_once('?').unwrap().1)
            .unwrap()
            .judge(
                &testing::oauth().0.issuer(None, &HeaderMap::new()).unwrap(),
                "claude",
            )
            .unwrap(),
    };
    let asking = asked.asking();
    assert_eq!(
        asking.document.as_deref(),
        Some("https://claude.ai/oauth/metadata")
    );
    assert!(!asking.destination.is_local());
}
