//! From a stranger to a tool call, as people and their clients go: the official
//! SDKs, a browser, a provider of identities, and the conformance suite.

use std::path::PathBuf;

use integration_tests::{OAuthClient, Product};
use serde_json::{Value, json};
use tokio::process::Command;

use super::document::Document;
use super::oidc::Provider;
use super::{finish, newer_node, node, python};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_walks_the_whole_way_after_registration() {
    let product = product().await;
    for mcp in endpoints(&product) {
        for era in ["legacy", "modern"] {
            walk(python("oauth_flow.py").args([era, &mcp]), None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdks_walk_the_whole_way_after_registration() {
    let product = product().await;
    for mcp in endpoints(&product) {
        for client in super::mcp::TYPESCRIPT {
            walk(node("oauth_flow.mjs").args([client, &mcp]), None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sdks_walk_the_whole_way_with_a_metadata_document() {
    let document = Document::publish().await;
    let product = builder().documents(document.rules()).start().await;
    for mcp in endpoints(&product) {
        walk(
            python("oauth_flow.py").args(["modern", &mcp]),
            Some(&document),
        )
        .await;
        for client in ["sdk", "client-modern"] {
            walk(node("oauth_flow.mjs").args([client, &mcp]), Some(&document)).await;
        }
    }
    assert!(document.fetched() > 0, "nobody read the document");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_let_in_without_a_sign_in_where_consent_is_enough() {
    let product = Product::builder().oauth().start().await;
    for mcp in endpoints(&product) {
        finish(python("oauth_flow.py").args(["modern", &mcp]), "{}").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_the_right_group_come_in_through_a_provider() {
    for claims_in in ["id_token", "userinfo"] {
        let provider = Provider::start(claims_in, &[(ANA, "analysts"), (BOB, "sales")]).await;
        let product = Product::builder()
            .provider(provider.settings())
            .scope_people("claude", &["group:analysts"])
            .start()
            .await;
        for mcp in endpoints(&product) {
            walk(python("oauth_flow.py").args(["modern", &mcp]), None).await;
            walk(node("oauth_flow.mjs").args(["sdk", &mcp]), None).await;
        }
        // Whoever is in another group stays outside, though the provider knows him.
        let client = OAuthClient::register(&product.issuer("claude"), "Outside", REDIRECT).await;
        let url = client.authorize_url(&[]);
        let outcome = browse(&json!({"url": url, "user": BOB.0, "password": BOB.1})).await;
        assert_eq!(outcome["redirect"], Value::Null, "{outcome}");
        assert_eq!(outcome["page"]["status"], 403, "{outcome}");
        assert_eq!(outcome["page"]["kind"], "other", "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_allowed_is_told_so() {
    let product = product().await;
    let client = OAuthClient::register(&product.issuer("claude"), "Outside", REDIRECT).await;
    let mut job = ana();
    job["url"] = json!(client.authorize_url(&[]));
    job["answer"] = json!("deny");
    let outcome = browse(&job).await;
    let back = outcome["redirect"].as_str().unwrap_or_default();
    assert!(back.contains("error=access_denied"), "{outcome}");
    assert!(back.contains("state=the-state"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_finds_nothing_at_a_path_or_at_the_root() {
    let product = product().await;
    for mcp in endpoints(&product) {
        let issuer = mcp.strip_suffix("/mcp").expect("an endpoint");
        let mut suite = newer_node("conformance.mjs");
        finish(suite.args([issuer, &mcp]), &ana().to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_fit_for_narrow_and_wide_light_and_dark_and_without_a_mouse() {
    let product = product().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut job = ana();
    job["pages"] = json!({"account": format!("http://{}/account", product.address)});
    let mut look = node("screenshots.mjs");
    // To be looked at by people too.
    let pictures = std::env::var_os("SCREENSHOTS").map(PathBuf::from);
    let pictures = pictures.as_deref().unwrap_or(folder.path());
    look.arg(product.issuer("claude")).arg(pictures);
    finish(&mut look, &job.to_string()).await;
}

async fn product() -> Product {
    builder().start().await
}

fn builder() -> integration_tests::ProductBuilder {
    Product::builder()
        .people(&[ANA, BOB])
        .scope_people("claude", &[ANA.0])
}

/// The default scope's: at its path and at the root.
fn endpoints(product: &Product) -> [String; 2] {
    ["/claude/mcp", "/mcp"].map(|path| format!("http://{}{path}", product.address))
}

/// Runs a client that Ana allows.
async fn walk(client: &mut Command, document: Option<&Document>) {
    let mut job = ana();
    if let Some(document) = document {
        job["client_metadata_url"] = json!(document.url);
    }
    finish(client, &job.to_string()).await;
}

/// Sends a browser; where it ended.
async fn browse(job: &Value) -> Value {
    let line = finish(&mut node("browser.mjs"), &job.to_string()).await;
    serde_json::from_str(&line).expect("JSON")
}

fn ana() -> Value {
    json!({"user": ANA.0, "password": ANA.1})
}

const ANA: (&str, &str) = ("ana@example.com", "correct horse battery");
const BOB: (&str, &str) = ("bob@example.com", "staple correct horse");
/// Nobody listens there: what counts is where a browser would be sent.
const REDIRECT: &str = "http://127.0.0.1/callback";
