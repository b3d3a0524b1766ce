//! Attacks by registration.

use integration_tests::{Browser, OAuthClient, oauth_register};
use serde_json::json;

use super::product;

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_is_no_metadata_is_refused_with_a_description() {
    let product = product().await;
    let issuer = product.issuer("claude");
    let long = "x".repeat(20_000);
    let many: Vec<String> = (0..100).map(|n| format!("http://127.0.0.1/{n}")).collect();
    for metadata in [
        json!({}),
        json!([]),
        json!("x"),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": "http://127.0.0.1/"}),
        json!({"redirect_uris": [7]}),
        json!({"redirect_uris": ["http://127.0.0.1/", "javascript:alert(1)"]}),
        json!({"redirect_uris": [format!("http://127.0.0.1/{long}")]}),
        json!({"redirect_uris": many}),
        json!({"redirect_uris": ["http://127.0.0.1/"], "client_name": {"a": 1}}),
    ] {
        let (status, reply) = oauth_register(&issuer, &metadata).await;
        let start: String = metadata.to_string().chars().take(80).collect();
        assert_eq!(status, 400, "{start}: {reply}");
        assert!(reply["error_description"].is_string(), "{start}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_cannot_write_into_the_page() {
    let product = product().await;
    let name = "<script>alert(1)</script>\u{202e}\u{0}\"><img src=x onerror=alert(1)>";
    let client = OAuthClient::register(&product.issuer("claude"), name, super::REDIRECT).await;
    let page = Browser::new().get(&client.authorize_url(&[])).await;
    assert_eq!(page.status, 200);
    for part in ["<script", "<img", "\u{202e}", "\u{0}"] {
        assert!(!page.body.contains(part), "{part:?}: {}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_documents_on_addresses_that_are_not_public_are_not_fetched() {
    let product = product().await;
    for id in [
        "https://127.0.0.1/client.json",
        "https://localhost/client.json",
        "https://[::1]/client.json",
        "https://[::ffff:127.0.0.1]/client.json",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/client.json",
        "https://2130706433/client.json",
        "https://0x7f.1/client.json",
        "http://example.com/client.json",
        "https://user@example.com/client.json",
        "https://example.com/client.json#x",
        "https://example.com/",
        "https://example.com/a/../client.json",
    ] {
        let client = OAuthClient::new(&product.issuer("claude"), id, super::REDIRECT);
        let page = Browser::new().get(&client.authorize_url(&[])).await;
        assert_eq!(page.location(), None, "{id}");
        assert!((400..500).contains(&page.status), "{id}: {}", page.status);
    }
}
