//! An OAuth client as plain as can be, for tests that change one thing in a
//! request that would otherwise be good.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::redirect;
use serde_json::{Value, json};

use crate::{Browser, Page};

/// A client of one authorization server.
#[derive(Clone)]
pub struct OAuthClient {
    http: reqwest::Client,
    /// The issuer: `http://127.0.0.1:PORT/claude`.
    pub issuer: String,
    /// `client_id`
    pub id: String,
    /// `client_secret`, where it has one.
    pub secret: Option<String>,
    /// `redirect_uri`
    pub redirect_uri: String,
}

/// The verifier of every request (RFC 7636 appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl OAuthClient {
    /// Registers at `issuer` as a public client named `name`.
    pub async fn register(issuer: &str, name: &str, redirect_uri: &str) -> Self {
        let (status, reply) = register(
            issuer,
            &json!({
                "client_name": name,
                "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "none",
            }),
        )
        .await;
        assert_eq!(status, 201, "{reply}");
        Self::new(
            issuer,
            reply["client_id"].as_str().expect("an id"),
            redirect_uri,
        )
    }

    /// A client that is known already.
    pub fn new(issuer: &str, id: &str, redirect_uri: &str) -> Self {
        Self {
            http: http(),
            issuer: issuer.to_owned(),
            id: id.to_owned(),
            secret: None,
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// The same client at another issuer.
    pub fn at(&self, issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            ..self.clone()
        }
    }

    /// The address to send the person to; `changes` replace parameters, and an
    /// empty value leaves one out.
    pub fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let resource = format!("{}/mcp", self.issuer);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "the-state"),
            ("resource", &resource),
        ];
        for (name, value) in changes {
            parameters.retain(|(has, _)| has != name);
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        let url = format!("{}/authorize", self.issuer);
        reqwest::Url::parse_with_params(&url, parameters)
            .expect("an address")
            .into()
    }

    /// Signs in and allows; where the browser is sent then.
    pub async fn authorize(
        &self,
        browser: &Browser,
        person: Option<(&str, &str)>,
        changes: &[(&str, &str)],
    ) -> Page {
        let url = self.authorize_url(changes);
        let mut page = browser.get(&url).await;
        if let Some((name, password)) = person
            && page.body.contains("name=\"password\"")
        {
            page = sign_in(browser, &page, name, password).await;
            assert_eq!(page.status, 303, "{}", page.body);
            page = browser.get(&url).await;
        }
        if page.status == 303 {
            return page;
        }
        browser.submit(&page, ("action", "allow"), &[]).await
    }

    /// Exchanges a code.
    pub async fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.token(&fields, changes).await
    }

    /// Exchanges a refresh token.
    pub async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(&fields, changes).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> u16 {
        let fields = [("token", token), ("client_id", &self.id)];
        let url = format!("{}/revoke", self.issuer);
        let reply = self.http.post(url).form(&fields).send().await;
        reply.expect("the server answers").status().as_u16()
    }

    /// The whole way, to the reply of the token endpoint.
    pub async fn tokens(&self, browser: &Browser, person: Option<(&str, &str)>) -> Value {
        let page = self.authorize(browser, person, &[]).await;
        let code = page
            .parameter("code")
            .unwrap_or_else(|| panic!("no code: {page:?}"));
        let (status, reply) = self.exchange(&code, &[]).await;
        assert_eq!(status, 200, "{reply}");
        reply
    }

    async fn token(&self, fields: &[(&str, &str)], changes: &[(&str, &str)]) -> (u16, Value) {
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.id));
        if let Some(secret) = &self.secret {
            fields.push(("client_secret", secret));
        }
        for (name, value) in changes {
            fields.retain(|(has, _)| has != name);
            if !value.is_empty() {
                fields.push((name, value));
            }
        }
        let url = format!("{}/token", self.issuer);
        let reply = self.http.post(url).form(&fields).send().await;
        let reply = reply.expect("the server answers");
        let status = reply.status().as_u16();
        assert_eq!(reply.headers()["cache-control"], "no-store");
        (status, reply.json().await.expect("JSON"))
    }
}

/// Registers `metadata` at `issuer` (RFC 7591); status and reply.
pub async fn register(issuer: &str, metadata: &Value) -> (u16, Value) {
    let url = format!("{issuer}/register");
    let reply = http().post(url).json(metadata).send().await;
    let reply = reply.expect("the server answers");
    (reply.status().as_u16(), reply.json().await.expect("JSON"))
}

/// Fills in the sign-in form of `page`.
pub async fn sign_in(browser: &Browser, page: &Page, name: &str, password: &str) -> Page {
    let fields = [("username", name), ("password", password)];
    browser.submit(page, ("action", "sign-in"), &fields).await
}

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .expect("a client")
}
