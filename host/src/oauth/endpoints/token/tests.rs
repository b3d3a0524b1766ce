use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::clock::ManualClock;
use crate::oauth::testing::{Reply, config, oauth, post_form, send};
use crate::state::{
    AuthorizationCode, Client, ClientAuthentication, ClientKind, GrantFilter, NewClient,
};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "https://claude.ai/api/mcp/auth_callback";
const GOOD_FORM: [(&str, &str); 3] = [
    ("grant_type", "authorization_code"),
    ("redirect_uri", REDIRECT),
    ("code_verifier", VERIFIER),
];

/// A server with the person `ana`, a public client at `writer`, and its code.
struct Setting {
    oauth: OAuth,
    hand: ManualClock,
    client: String,
    code: String,
}

impl Setting {
    async fn new() -> Self {
        let (oauth, hand) = oauth();
        let added = oauth
            .store()
            .add_person("ana", None, &BTreeSet::new())
            .await;
        assert!(added.unwrap());
        let client = register(&oauth, "writer", ClientAuthentication::None)
            .await
            .0
            .id;
        let code = code(&oauth, "writer", &client, "ana").await;
        Self {
            oauth,
            hand,
            client,
            code,
        }
    }

    /// Sends the good request with some parameters changed; an empty value
    /// takes one out.
    async fn exchange(&self, path: &str, changes: &[(&str, &str)]) -> Reply {
        let mut form: Vec<(&str, &str)> = GOOD_FORM.to_vec();
        form.extend([("code", self.code.as_str()), ("client_id", &self.client)]);
        form.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        post_form(&self.oauth, path, &form).await
    }

    async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.client),
        ];
        form.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        form.extend(changes);
        post_form(&self.oauth, "/writer/token", &form).await
    }

    /// The first refresh token.
    async fn refresh_token(&self) -> String {
        let reply = self.exchange("/writer/token", &[]).await;
        member(&reply, "refresh_token")
    }

    /// The refresh token of a grant that may only read.
    async fn narrow_refresh_token(&self) -> String {
        let store = self.oauth.store();
        let issue = |kind| store.secrets().issue(kind).unwrap();
        let refresh = issue(SecretKind::RefreshToken);
        let tokens = Tokens {
            access: issue(SecretKind::AccessToken).hash,
            access_ttl: Duration::from_secs(60),
            refresh: Some(refresh.hash),
            refresh_ttl: Duration::from_secs(600),
        };
        let issued = store.issue_token("writer", "ana", &self.client, Rights::READ, tokens);
        issued.await.unwrap();
        refresh.expose().to_owned()
    }

    async fn grants(&self) -> usize {
        let grants = self.oauth.store().grants(&GrantFilter::default()).await;
        grants.unwrap().len()
    }

    async fn is_good(&self, access_token: &str) -> bool {
        let store = self.oauth.store();
        let hash = store
            .secrets()
            .recognise(SecretKind::AccessToken, access_token);
        store.known_token(hash.unwrap()).await.unwrap().is_some()
    }
}

async fn register(
    oauth: &OAuth,
    scope: &str,
    authentication: ClientAuthentication,
) -> (Client, Option<IssuedSecret>) {
    let new = NewClient {
        scope: scope.to_owned(),
        name: "Claude".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        authentication,
        kind: ClientKind::Registered,
    };
    oauth.store().register_client(&new).await.unwrap()
}

async fn code(oauth: &OAuth, scope: &str, client: &str, subject: &str) -> String {
    let store = oauth.store();
    let secret = store
        .secrets()
        .issue(SecretKind::AuthorizationCode)
        .unwrap();
    let now = store.clock().now();
    let code = AuthorizationCode {
        hash: secret.hash,
        scope: scope.to_owned(),
        client_id: client.to_owned(),
        client_name: "Claude".to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        code_challenge: CHALLENGE.to_owned(),
        resource: None,
        subject: subject.to_owned(),
        rights: Rights::ALL,
        expires_at: now.after(Duration::from_secs(60)),
        redeemed: None,
        forget_at: now.after(Duration::from_secs(3_600)),
    };
    store.put_code(&code).await.unwrap();
    secret.expose().to_owned()
}

fn member(reply: &Reply, name: &str) -> String {
    let value = &reply.json()[name];
    value
        .as_str()
        .unwrap_or_else(|| panic!("{}", reply.text))
        .to_owned()
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_code_and_its_verifier_become_tokens() {
    let setting = Setting::new().await;
    let resource = ("resource", "https://data.example.com/writer/sse");
    let other = ("resource", "https://data.example.com/writer/mcp");
    let reply = setting.exchange("/writer/token", &[resource, other]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let answer = reply.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3_600);
    assert_eq!(answer["scope"], "mcp:read mcp:write");
    assert!(setting.is_good(&member(&reply, "access_token")).await);
    let client = setting.oauth.store().client(&setting.client).await.unwrap();
    assert!(client.unwrap().used_at.is_some());
}

#[tokio::test]
async fn every_other_request_is_refused_and_leaves_the_code_as_it_was() {
    let setting = Setting::new().await;
    let other = register(
        &setting.oauth,
        "writer",
        ClientAuthentication::ClientSecretPost,
    )
    .await;
    let (other, secret) = (other.0.id, other.1.unwrap());
    let wrong_verifier = VERIFIER.replace('d', "e");
    for (changes, status, code) in [
        (
            &[("code_verifier", wrong_verifier.as_str())][..],
            400,
            "invalid_grant",
        ),
        (&[("code_verifier", CHALLENGE)], 400, "invalid_grant"),
        (&[("code_verifier", "short")], 400, "invalid_request"),
        (&[("code_verifier", "")], 400, "invalid_request"),
        (
            &[("redirect_uri", "https://claude.ai/other")],
            400,
            "invalid_grant",
        ),
        (&[("code", "")], 400, "invalid_request"),
        (&[("code", "mcp_ac_garbage")], 400, "invalid_grant"),
        (&[("code", "x")], 400, "invalid_grant"),
        (&[("client_id", "")], 400, "invalid_request"),
        (&[("client_id", "nobody")], 401, "invalid_client"),
        (
            &[("client_id", "https://client.example/x")],
            400,
            "invalid_grant",
        ),
        (&[("client_id", &other)], 401, "invalid_client"),
        (
            &[("client_id", &other), ("client_secret", secret.expose())],
            400,
            "invalid_grant",
        ),
        (&[("client_secret", secret.expose())], 401, "invalid_client"),
        (&[("grant_type", "")], 400, "invalid_request"),
        (&[("grant_type", "password")], 400, "unsupported_grant_type"),
        (
            &[("grant_type", "client_credentials")],
            400,
            "unsupported_grant_type",
        ),
        (
            &[("resource", "https://data.example.com/claude/sse")],
            400,
            "invalid_target",
        ),
        (
            &[
                ("resource", "https://data.example.com/writer/sse"),
                ("resource", "https://evil.example.com/writer/sse"),
            ],
            400,
            "invalid_target",
        ),
        (
            &[("code_verifier", VERIFIER), ("code_verifier", VERIFIER)],
            400,
            "invalid_request",
        ),
        (&[("x", "1"), ("x", "2")], 400, "invalid_request"),
    ] {
        let reply = setting.exchange("/writer/token", changes).await;
        assert_eq!(reply.error(), refusal(status, code), "{changes:?}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    assert_eq!(setting.grants().await, 0);
    assert_eq!(setting.exchange("/writer/token", &[]).await.status, 200);
}

#[tokio::test]
async fn a_code_is_worth_nothing_at_another_scope() {
    let setting = Setting::new().await;
    for path in ["/token", "/claude/token", "/chatgpt/token"] {
        let reply = setting.exchange(path, &[]).await;
        assert_eq!(reply.error(), refusal(401, "invalid_client"), "{path}");
    }
    // A client that is the address of its metadata is the same one everywhere.
    let client = "https://client.example/metadata.json";
    let code = code(&setting.oauth, "writer", client, "ana").await;
    let changes = [("client_id", client), ("code", code.as_str())];
    let reply = setting.exchange("/chatgpt/token", &changes).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
    assert_eq!(
        setting.exchange("/writer/token", &changes).await.status,
        200
    );
}

#[tokio::test]
async fn a_code_ends_after_its_time() {
    let setting = Setting::new().await;
    setting.hand.advance(Duration::from_secs(60));
    let reply = setting.exchange("/writer/token", &[]).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
}

#[tokio::test]
async fn a_code_that_comes_back_ends_what_came_of_it() {
    for changes in [&[][..], &[("redirect_uri", "https://claude.ai/other")]] {
        let setting = Setting::new().await;
        let first = setting.exchange("/writer/token", &[]).await;
        let access = member(&first, "access_token");
        let reply = setting.exchange("/writer/token", changes).await;
        assert_eq!(reply.error(), refusal(400, "invalid_grant"));
        assert!(!setting.is_good(&access).await);
        let refreshed = setting.refresh(&member(&first, "refresh_token"), &[]).await;
        assert_eq!(refreshed.error(), refusal(400, "invalid_grant"));
    }
}

#[tokio::test]
async fn a_used_code_in_the_hands_of_another_client_ends_nothing() {
    let setting = Setting::new().await;
    let first = setting.exchange("/writer/token", &[]).await;
    let other = [("client_id", "https://evil.example/x")];
    let reply = setting.exchange("/writer/token", &other).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
    assert!(setting.is_good(&member(&first, "access_token")).await);
}

#[tokio::test]
async fn the_person_is_asked_about_again() {
    let setting = Setting::new().await;
    let store = setting.oauth.store();
    let chatgpt = register(&setting.oauth, "chatgpt", ClientAuthentication::None)
        .await
        .0
        .id;
    for (subject, status) in [("ana", 200), ("bob", 400)] {
        store
            .add_person("bob", None, &BTreeSet::new())
            .await
            .unwrap();
        let code = code(&setting.oauth, "chatgpt", &chatgpt, subject).await;
        let changes = [("client_id", chatgpt.as_str()), ("code", &code)];
        let reply = setting.exchange("/chatgpt/token", &changes).await;
        assert_eq!(reply.status, status, "{subject}");
    }
    // Bob may read where Ana may write, whatever was allowed before.
    let code = code(&setting.oauth, "writer", &setting.client, "bob").await;
    let reply = setting.exchange("/writer/token", &[("code", &code)]).await;
    assert_eq!(member(&reply, "scope"), "mcp:read");
    let refreshed = setting.refresh(&member(&reply, "refresh_token"), &[]).await;
    assert_eq!(member(&refreshed, "scope"), "mcp:read");
}

#[tokio::test]
async fn where_nobody_signs_in_the_person_is_local() {
    let (mut config, _) = config();
    config.sign_in = SignInMethod::Consent;
    let oauth = OAuth::new(config);
    let client = register(&oauth, "claude", ClientAuthentication::None)
        .await
        .0
        .id;
    for (subject, status) in [("local", 200), ("ana", 400)] {
        let code = code(&oauth, "claude", &client, subject).await;
        let mut form = GOOD_FORM.to_vec();
        form.extend([("code", code.as_str()), ("client_id", &client)]);
        let reply = post_form(&oauth, "/token", &form).await;
        assert_eq!(reply.status, status, "{subject}");
    }
}

#[tokio::test]
async fn a_confidential_client_proves_itself_by_header_or_by_form() {
    let setting = Setting::new().await;
    let method = ClientAuthentication::ClientSecretBasic;
    let (client, secret) = register(&setting.oauth, "writer", method).await;
    let secret = secret.unwrap();
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    let good = format!("{}:{}", client.id, secret.expose());
    let long = format!("{}:{}x", client.id, secret.expose());
    for (header, form, status) in [
        (Some(basic(good.clone())), "", 200),
        (
            Some(basic(good.clone())),
            &*format!("&client_id={}", client.id),
            200,
        ),
        (
            None,
            &format!("&client_id={}&client_secret={}", client.id, secret.expose()),
            200,
        ),
        (None, &format!("&client_id={}", client.id), 401),
        (
            None,
            &format!("&client_id={}&client_secret=wrong", client.id),
            401,
        ),
        (Some(basic(long)), "", 401),
        (Some(basic(format!("{}:", client.id))), "", 401),
        (
            Some(basic(good.clone())),
            &format!("&client_secret={}", secret.expose()),
            400,
        ),
        (Some(basic(good.clone())), "&client_id=other", 400),
        (Some("Bearer x".to_owned()), "", 401),
    ] {
        let code = code(&setting.oauth, "writer", &client.id, "ana").await;
        let body = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}\
             &redirect_uri={REDIRECT}{form}"
        );
        let mut request = HttpRequest::post("/writer/token").header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        if let Some(header) = &header {
            request = request.header("authorization", header);
        }
        let reply = send(&setting.oauth, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(reply.status, status, "{header:?} {form}: {}", reply.text);
        if status == 401 {
            assert_eq!(reply.error().1, "invalid_client");
            assert!(reply.header("www-authenticate").starts_with("Basic "));
        }
    }
}

#[tokio::test]
async fn only_forms_of_a_bounded_size_are_read() {
    let (oauth, _) = oauth();
    for (kind, body) in [
        ("application/json", "{}".to_owned()),
        ("text/plain", "grant_type=refresh_token".to_owned()),
        ("application/x-www-form-urlencoded", "x".repeat(65_537)),
    ] {
        let request = HttpRequest::post("/token").header("content-type", kind);
        let reply = send(&oauth, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(reply.error(), refusal(400, "invalid_request"), "{kind}");
    }
    let request = HttpRequest::get("/token").body(Body::empty()).unwrap();
    assert_eq!(send(&oauth, request).await.status, 405);
}

#[tokio::test]
async fn a_blocked_client_gets_nothing() {
    let setting = Setting::new().await;
    let refresh = setting.refresh_token().await;
    let store = setting.oauth.store();
    store.block_client(&setting.client, true).await.unwrap();
    let reply = setting.refresh(&refresh, &[]).await;
    assert_eq!(reply.error(), refusal(400, "unauthorized_client"));
    store.block_client(&setting.client, false).await.unwrap();
    assert_eq!(setting.refresh(&refresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_the_next() {
    let setting = Setting::new().await;
    let first = setting.refresh_token().await;
    let reply = setting.refresh(&first, &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(member(&reply, "scope"), "mcp:read mcp:write");
    let second = member(&reply, "refresh_token");
    assert_ne!(second, first);
    assert!(setting.is_good(&member(&reply, "access_token")).await);
    assert_eq!(setting.refresh(&second, &[]).await.status, 200);
}

#[tokio::test]
async fn a_repeated_refresh_gets_the_same_successor_within_a_minute() {
    let setting = Setting::new().await;
    let first = setting.refresh_token().await;
    let second = member(&setting.refresh(&first, &[]).await, "refresh_token");
    setting.hand.advance(Duration::from_secs(60));
    let again = setting.refresh(&first, &[]).await;
    assert_eq!(member(&again, "refresh_token"), second);
    assert_eq!(setting.grants().await, 1);
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_later_ends_the_whole_family() {
    let setting = Setting::new().await;
    let first = setting.refresh_token().await;
    let second = setting.refresh(&first, &[]).await;
    setting.hand.advance(Duration::from_secs(61));
    let reply = setting.refresh(&first, &[]).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
    assert!(!setting.is_good(&member(&second, "access_token")).await);
    let reply = setting
        .refresh(&member(&second, "refresh_token"), &[])
        .await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
}

#[tokio::test]
async fn a_reused_refresh_token_is_noticed_even_when_too_much_is_asked() {
    let setting = Setting::new().await;
    let first = setting.narrow_refresh_token().await;
    let too_much = [("scope", "mcp:write")];
    let reply = setting.refresh(&first, &too_much).await;
    assert_eq!(reply.error(), refusal(400, "invalid_scope"));
    assert_eq!(setting.refresh(&first, &[]).await.status, 200);
    setting.hand.advance(Duration::from_secs(61));
    let reply = setting.refresh(&first, &too_much).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
    assert_eq!(setting.grants().await, 0);
}

#[tokio::test]
async fn a_refresh_may_ask_for_less() {
    let setting = Setting::new().await;
    let first = setting.refresh_token().await;
    for (scope, rights) in [
        ("mcp:read", "mcp:read"),
        ("mcp:read offline_access", "mcp:read"),
        ("mcp:write", "mcp:read mcp:write"),
        ("offline_access", "mcp:read mcp:write"),
    ] {
        let reply = setting.refresh(&first, &[("scope", scope)]).await;
        assert_eq!(member(&reply, "scope"), rights, "{scope}");
    }
}

#[tokio::test]
async fn a_dead_refresh_token_is_always_an_invalid_grant() {
    let setting = Setting::new().await;
    let token = setting.refresh_token().await;
    let other = register(&setting.oauth, "claude", ClientAuthentication::None)
        .await
        .0
        .id;
    for (token, changes) in [
        ("mcp_rt_x", &[][..]),
        ("x", &[]),
        (&setting.code, &[]),
        (&token, &[("client_id", "https://client.example/x")]),
    ] {
        let reply = setting.refresh(token, changes).await;
        assert_eq!(reply.error(), refusal(400, "invalid_grant"), "{token}");
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
        ("client_id", &other),
    ];
    let reply = post_form(&setting.oauth, "/token", &form).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
    setting.hand.advance(Duration::from_secs(31 * 24 * 3_600));
    let reply = setting.refresh(&token, &[]).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
}

#[tokio::test]
async fn a_removed_person_gets_no_more_tokens() {
    let setting = Setting::new().await;
    let token = setting.refresh_token().await;
    setting.oauth.store().remove_person("ana").await.unwrap();
    let reply = setting.refresh(&token, &[]).await;
    assert_eq!(reply.error(), refusal(400, "invalid_grant"));
}

#[tokio::test]
async fn a_person_who_left_the_group_gets_no_more_tokens() {
    let setting = Setting::new().await;
    let store = setting.oauth.store();
    let analysts = BTreeSet::from(["analysts".to_owned()]);
    store.add_person("bob", None, &analysts).await.unwrap();
    let chatgpt = register(&setting.oauth, "chatgpt", ClientAuthentication::None)
        .await
        .0
        .id;
    let code = code(&setting.oauth, "chatgpt", &chatgpt, "bob").await;
    let changes = [("client_id", chatgpt.as_str()), ("code", &code)];
    let reply = setting.exchange("/chatgpt/token", &changes).await;
    let refresh = member(&reply, "refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", &chatgpt),
    ];
    let post = || post_form(&setting.oauth, "/chatgpt/token", &form);
    assert_eq!(post().await.status, 200);
    store.set_groups("bob", &BTreeSet::new()).await.unwrap();
    assert_eq!(post().await.error(), refusal(400, "invalid_grant"));
    store.set_groups("bob", &analysts).await.unwrap();
    assert_eq!(post().await.status, 200);
}

#[tokio::test]
async fn an_error_tells_the_client_no_reason_that_is_not_its_own() {
    let setting = Setting::new().await;
    let other = [("client_id", "https://client.example/x")];
    let of_another = setting.exchange("/writer/token", &other).await;
    let unknown = setting
        .exchange("/writer/token", &[("code", "mcp_ac_x")])
        .await;
    assert_eq!(of_another.text, unknown.text);
}
