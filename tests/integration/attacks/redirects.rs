//! Attacks on where codes and errors go.

use integration_tests::{Browser, OAuthClient, Product, oauth_register};
use serde_json::json;

use super::{client, product};

/// Redirect URIs that no client may register or use.
const EVIL: &[&str] = &[
    "https://chatgpt.com.evil.com/callback",
    "https://evil.com/chatgpt.com",
    "https://evilchatgpt.com/callback",
    "http://chatgpt.com/callback",
    "https://chatgpt.com@evil.com/callback",
    "https://user:password@chatgpt.com/callback",
    "https://chatgpt.com/callback#fragment",
    "https://chatgpt.com\\@evil.com/callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "http://127.0.0.1.evil.com/callback",
    "http://2130706433.evil.com/",
    "evil:callback",
    "//evil.com/callback",
    "/callback",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_client_registers_such_a_redirect() {
    let product = product().await;
    let issuer = product.issuer("chatgpt");
    for uri in EVIL {
        let metadata = json!({"client_name": "x", "redirect_uris": [uri]});
        let (status, reply) = oauth_register(&issuer, &metadata).await;
        assert_eq!(status, 400, "{uri}: {reply}");
        assert!(
            reply["error"] == "invalid_redirect_uri" || reply["error"] == "invalid_client_metadata",
            "{uri}: {reply}"
        );
        assert!(reply["error_description"].is_string(), "{uri}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_is_not_registered_gets_a_page_and_no_redirect() {
    let product = product().await;
    let known = "https://chatgpt.com/connector/oauth/abc";
    let client = OAuthClient::register(&product.issuer("chatgpt"), "ChatGPT", known).await;
    let near = [
        "https://chatgpt.com/connector/oauth/abcd",
        "https://chatgpt.com/connector/oauth/abc/",
        "https://chatgpt.com/connector/oauth/abc?x=1",
        "https://chatgpt.com:8443/connector/oauth/abc",
        "https://CHATGPT.com/connector/oauth/abc",
        "https://sub.chatgpt.com/connector/oauth/abc",
    ];
    for uri in EVIL.iter().chain(&near) {
        // The bad redirect alone, and with another error beside it.
        for changes in [
            vec![("redirect_uri", *uri)],
            vec![("redirect_uri", *uri), ("response_type", "token")],
        ] {
            let page = Browser::new().get(&client.authorize_url(&changes)).await;
            assert_eq!((page.status, page.location()), (400, None), "{changes:?}");
            assert!(!page.body.contains("evil.com\""), "{changes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_on_loopback_the_port_is_free() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let other_port = client.authorize_url(&[("redirect_uri", "http://127.0.0.1:9999/callback")]);
    assert_eq!(Browser::new().get(&other_port).await.status, 200);
    for uri in [
        "http://127.0.0.1:9999/other",
        "http://localhost:4711/callback",
        "https://127.0.0.1:4711/callback",
    ] {
        let url = client.authorize_url(&[("redirect_uri", uri)]);
        assert_eq!(Browser::new().get(&url).await.status, 400, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_gets_a_page_and_no_redirect() {
    let product: Product = product().await;
    let stranger = OAuthClient::new(&product.issuer("claude"), "unknown", super::REDIRECT);
    let page = Browser::new().get(&stranger.authorize_url(&[])).await;
    assert_eq!(page.location(), None);
    assert!(page.status == 400 || page.status == 401, "{}", page.status);
    // Nor is a client of one scope one of another.
    let claude = client(&product, "claude").await;
    let elsewhere = claude.at(&product.issuer("chatgpt"));
    let page = Browser::new().get(&elsewhere.authorize_url(&[])).await;
    assert_eq!(page.location(), None);
}
