//! A provider on loopback that says what a test wants it to say.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::settings::{OidcIssuer, OidcSettings};
use crate::clock::Clock;
use crate::oauth::parameters::Parameters;

/// Answers as long as the test's runtime lives.
#[derive(Clone)]
pub(in crate::oauth) struct FakeProvider(Arc<Shared>);

struct Shared {
    issuer: String,
    clock: Clock,
    key: Mutex<Key>,
    codes: Mutex<HashMap<String, Issued>>,
    userinfo: Mutex<Value>,
    is_up: AtomicBool,
    discoveries: AtomicUsize,
}

struct Key {
    pair: EcdsaKeyPair,
    id: String,
}

/// What a code stands for.
struct Issued {
    redirect_uri: String,
    code_challenge: String,
    id_token: String,
}

impl FakeProvider {
    pub(in crate::oauth) const CLIENT: &str = "mssql-mcp";
    const SECRET: &str = "a secret: with/signs";

    pub(in crate::oauth) async fn start(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            clock,
            key: Mutex::new(Key::new("first")),
            codes: Mutex::default(),
            userinfo: Mutex::new(Value::Null),
            is_up: AtomicBool::new(true),
            discoveries: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(shared)
    }

    /// This server's registration here.
    pub(in crate::oauth) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: OidcIssuer::parse(&self.0.issuer).unwrap(),
            client_id: Self::CLIENT.to_owned(),
            client_secret: Some(Self::SECRET.into()),
            groups_claim: Some("groups".to_owned()),
            claims: std::collections::BTreeSet::new(),
        }
    }

    pub(in crate::oauth) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What a verified Ana's ID token says at the end of `authorization`.
    pub(in crate::oauth) fn claims(&self, authorization: &Url) -> Value {
        let now = self.0.clock.now().seconds();
        json!({
            "iss": self.0.issuer,
            "sub": "1001",
            "aud": Self::CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": parameter(authorization, "nonce"),
            "email": "Ana@Example.com",
            "email_verified": true,
            "groups": ["analysts"],
        })
    }

    /// The code of a person about whom the ID token says `claims`.
    pub(in crate::oauth) fn code(&self, authorization: &Url, claims: &Value) -> String {
        let key = self.0.key.lock().unwrap();
        let header = json!({"alg": "ES256", "kid": key.id, "typ": "JWT"});
        let token = self.code_of_token(authorization, key.sign(&header, claims));
        drop(key);
        token
    }

    /// The code of a token that nobody signed.
    pub(super) fn unsigned_code(&self, authorization: &Url, claims: &Value) -> String {
        let header = json!({"alg": "none"});
        let token = format!("{}.{}.", encode(&header), encode(claims));
        self.code_of_token(authorization, token)
    }

    /// The code of a token signed by `key` under the name of this provider's key.
    pub(super) fn forged_code(&self, authorization: &Url, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.0.key.lock().unwrap().id});
        let token = Key::new("forged").sign(&header, claims);
        self.code_of_token(authorization, token)
    }

    fn code_of_token(&self, authorization: &Url, id_token: String) -> String {
        let mut codes = self.0.codes.lock().unwrap();
        let code = format!("code {}", codes.len());
        let issued = Issued {
            redirect_uri: parameter(authorization, "redirect_uri"),
            code_challenge: parameter(authorization, "code_challenge"),
            id_token,
        };
        codes.insert(code.clone(), issued);
        code
    }

    pub(super) fn set_user_info(&self, claims: Value) {
        *self.0.userinfo.lock().unwrap() = claims;
    }

    pub(super) fn change_key(&self) {
        *self.0.key.lock().unwrap() = Key::new("second");
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.0.is_up.store(is_up, Ordering::SeqCst);
    }

    pub(super) fn discoveries(&self) -> usize {
        self.0.discoveries.load(Ordering::SeqCst)
    }
}

impl Key {
    fn new(id: &str) -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            id: id.to_owned(),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(signature.unwrap().as_ref())
        )
    }

    fn public(&self) -> Value {
        // 0x04, x, y
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }
}

/// A parameter of the address that the browser was sent to.
pub(in crate::oauth) fn parameter(address: &Url, name: &str) -> String {
    let mut pairs = address.query_pairs();
    let found = pairs.find(|(has, _)| has == name);
    found
        .unwrap_or_else(|| panic!("{name} is not in {address}"))
        .1
        .into_owned()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn metadata(State(shared): State<Arc<Shared>>) -> Response {
    shared.discoveries.fetch_add(1, Ordering::SeqCst);
    if !shared.is_up.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256"],
        "scopes_supported": ["openid", "email", "profile", "groups"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "keys": [shared.key.lock().unwrap().public()] }))
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let refused = |error: &str| {
        let body = Json(json!({"error": error, "error_description": "as the test wants"}));
        (StatusCode::BAD_REQUEST, body).into_response()
    };
    let secret = url::form_urlencoded::byte_serialize(FakeProvider::SECRET.as_bytes());
    let user = format!("{}:{}", FakeProvider::CLIENT, secret.collect::<String>());
    let basic = format!("Basic {}", STANDARD.encode(user));
    if headers.get(header::AUTHORIZATION).unwrap() != basic.as_str() {
        return refused("invalid_client");
    }
    let body = Parameters::parse(&body);
    let sent = |name| body.one(name).unwrap().unwrap_or_default();
    let Some(issued) = shared.codes.lock().unwrap().remove(sent("code")) else {
        return refused("invalid_grant");
    };
    let challenge = digest(&SHA256, sent("code_verifier").as_bytes());
    if URL_SAFE_NO_PAD.encode(challenge.as_ref()) != issued.code_challenge
        || sent("redirect_uri") != issued.redirect_uri
        || sent("grant_type") != "authorization_code"
    {
        return refused("invalid_grant");
    }
    Json(json!({
        "access_token": "opaque",
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": issued.id_token,
    }))
    .into_response()
}

async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).unwrap() != "Bearer opaque" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(shared.userinfo.lock().unwrap().clone()).into_response()
}
