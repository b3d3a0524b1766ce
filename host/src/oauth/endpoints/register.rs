//! `S/register`: a client introduces itself (RFC 7591). Anybody may; what it
//! says is shown to people as unverified.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::form;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::clients::registration::{Registered, Requested};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::{ClientAddress, Issuer, OAuth};

/// Registers the client that the body describes.
pub(crate) async fn post(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    ClientAddress(address): ClientAddress,
    body: Body,
) -> Response {
    let details = Details {
        scope: &issuer.scope().name,
        address: Some(address),
        ..Details::default()
    };
    match register(&oauth, &issuer, details, body).await {
        Ok(response) => response,
        Err(error) => {
            audit::refused(&oauth, Event::Registration, details, &error);
            error.into_response()
        }
    }
}

async fn register(
    oauth: &OAuth,
    issuer: &Issuer,
    details: Details<'_>,
    body: Body,
) -> Result<Response, OAuthError> {
    let limit = &oauth.shared.registrations;
    if details
        .address
        .is_some_and(|address| !limit.allows(address))
    {
        return Err(OAuthError::new(
            ErrorCode::SlowDown,
            "Too many clients were registered from this address; try again later.",
        ));
    }
    let body = form::read(body, LONGEST, ErrorCode::InvalidClientMetadata).await?;
    let requested = Requested::parse(&body, issuer.scope())?;
    let (client, secret) = oauth.store().register_client(&requested.client).await?;
    audit::done(
        oauth,
        Event::Registration,
        Details {
            client_id: &client.id,
            client_name: &client.name,
            ..details
        },
    );
    let answer = Json(Registered::new(&client, secret.as_ref(), &requested));
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, answer).into_response())
}

/// Some dozens of redirect URIs: it is kept for weeks, whoever sent it.
const LONGEST: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;

    use crate::oauth::testing::{oauth, post_json, send};
    use crate::state::{ClientAuthentication, ClientKind};

    #[tokio::test]
    async fn a_client_is_registered_at_the_scope_that_it_asked() {
        let (oauth, _) = oauth();
        for (path, scope) in [("/register", "claude"), ("/chatgpt/register", "chatgpt")] {
            let metadata = json!({
                "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
                "client_name": "Claude",
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "password"],
                "logo_uri": "http://169.254.169.254/",
            });
            let reply = post_json(&oauth, path, &metadata).await;
            assert_eq!(reply.status, 201, "{}", reply.text);
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("access-control-allow-origin"), "*");
            let mut answer = reply.json();
            let id = answer["client_id"].take();
            assert_eq!(
                answer,
                json!({
                    "client_id": null,
                    "client_id_issued_at": 1_800_000_000,
                    "client_name": "Claude",
                    "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
                    "token_endpoint_auth_method": "none",
                    "grant_types": ["authorization_code", "refresh_token"],
                    "response_types": ["code"],
                })
            );
            let client = oauth.store().client(id.as_str().unwrap()).await.unwrap();
            let client = client.unwrap();
            assert_eq!(client.scope, scope);
            assert_eq!(client.kind, ClientKind::Registered);
        }
    }

    #[tokio::test]
    async fn cursor_registers_all_its_redirects_at_once() {
        let (oauth, _) = oauth();
        let redirects = json!([
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ]);
        let metadata = json!({"redirect_uris": redirects, "client_name": "Cursor"});
        let reply = post_json(&oauth, "/claude/register", &metadata).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert_eq!(reply.json()["redirect_uris"], redirects);
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_gets_a_secret_that_never_expires() {
        let (oauth, _) = oauth();
        let metadata = json!({"redirect_uris": ["http://localhost:1/cb"]});
        let reply = post_json(&oauth, "/register", &metadata).await;
        let answer = reply.json();
        assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
        assert!(reply.text.contains("\"client_secret_expires_at\":0,"));
        let secret = answer["client_secret"].as_str().unwrap();
        let id = answer["client_id"].as_str().unwrap();
        let client = oauth.store().client(id).await.unwrap().unwrap();
        assert_eq!(
            client.authentication,
            ClientAuthentication::ClientSecretBasic
        );
        assert!(!format!("{client:?}").contains(secret));
    }

    #[tokio::test]
    async fn what_cannot_be_registered_is_a_400_with_a_sentence() {
        let (oauth, _) = oauth();
        for (metadata, code) in [
            (
                json!({"redirect_uris": ["javascript:alert(1)"]}),
                "invalid_redirect_uri",
            ),
            (
                json!({"redirect_uris": ["https://evil.com/cb"]}),
                "invalid_redirect_uri",
            ),
            (json!({}), "invalid_redirect_uri"),
            (json!([]), "invalid_client_metadata"),
            (
                json!({"client_name": "x".repeat(70_000)}),
                "invalid_client_metadata",
            ),
        ] {
            let reply = post_json(&oauth, "/claude/register", &metadata).await;
            assert_eq!(reply.error(), (400, code.to_owned()));
        }
        assert!(oauth.store().clients(None).await.unwrap().is_empty());
        let nowhere = post_json(&oauth, "/nobody/register", &json!({})).await;
        assert_eq!(nowhere.status, 404);
        let request = Request::get("/register").body(Body::empty()).unwrap();
        assert_eq!(send(&oauth, request).await.status, 405);
    }

    #[tokio::test]
    async fn one_address_registers_a_hundred_clients_and_then_one_a_second() {
        let (oauth, hand) = oauth();
        let metadata = json!({"redirect_uris": ["http://localhost:1/cb"]});
        for _ in 0..100 {
            assert_eq!(post_json(&oauth, "/register", &metadata).await.status, 201);
        }
        let reply = post_json(&oauth, "/register", &metadata).await;
        assert_eq!(reply.error(), (429, "slow_down".to_owned()));
        assert!(reply.header("retry-after").parse::<u32>().is_ok());
        hand.advance(Duration::from_secs(1));
        assert_eq!(post_json(&oauth, "/register", &metadata).await.status, 201);
    }
}
