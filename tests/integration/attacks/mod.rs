//! One test for each attack on the authorization server, against the whole
//! product over HTTP.

mod codes;
mod pages;
mod redirects;
mod registration;
mod tokens;

use std::time::Duration;

use integration_tests::{Browser, OAuthClient, Product};

/// Who may enter `/claude` and `/writer`, but not `/chatgpt`.
const ANA: (&str, &str) = ("ana@example.com", "correct horse battery");
/// Who may enter `/chatgpt` alone.
const BOB: (&str, &str) = ("bob@example.com", "staple correct horse");
const REDIRECT: &str = "http://127.0.0.1:4711/callback";

async fn product() -> Product {
    Product::builder()
        .people(&[ANA, BOB])
        .scope_people("claude", &[ANA.0])
        .scope_people("writer", &[ANA.0])
        .scope_writers("writer", &[ANA.0])
        .scope_people("chatgpt", &[BOB.0])
        .start()
        .await
}

async fn client(product: &Product, scope: &str) -> OAuthClient {
    OAuthClient::register(&product.issuer(scope), "A client", REDIRECT).await
}

/// A code for `client`, allowed by Ana in a browser of her own.
async fn code(client: &OAuthClient) -> String {
    let page = client.authorize(&Browser::new(), Some(ANA), &[]).await;
    page.parameter("code")
        .unwrap_or_else(|| panic!("no code: {page:?}"))
}

/// What the MCP endpoint at `url` says to `token`.
async fn status(url: &str, token: &str) -> u16 {
    let body = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let request = reqwest::Client::new().post(url).bearer_auth(token);
    let reply = request.json(&body).send().await;
    reply.expect("the server answers").status().as_u16()
}

/// Waits for `refused` to become true: at most the second that a revocation may
/// take.
async fn within_a_second(mut refused: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        while !refused().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it took more than a second");
}
