//! `/metrics` after some of everything: each documented name is there, with its text,
//! its kind and its labels, and no label tells who asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integration_tests::{Browser, McpClient, OAuthClient, Product};
use mssql_mcp::runtime::sha256;
use mssql_mcp::telemetry::METRICS;
use serde_json::json;

use crate::reload::{CLAUDE, serves, version};

const ANA: (&str, &str) = ("ana@example.com", "correct horse battery");

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_metric_is_there_with_its_text_and_its_labels() {
    let product = Product::builder()
        .people(&[ANA])
        .scope_people("claude", &[ANA.0])
        .scope_people("chatgpt", &[ANA.0])
        .metrics()
        .start()
        .await;
    some_of_everything(&product).await;
    let text = scrape(&product).await;
    // There is no certificate.
    let here = |name: &&str| *name != "tls_certificate_not_after_seconds";
    for metric in METRICS.iter().filter(|metric| here(&metric.name)) {
        let kind = format!("# TYPE {} {}\n", metric.name, metric.kind.as_str());
        assert!(text.contains(&kind), "{kind}: {text}");
        assert!(text.contains(&format!("# HELP {} ", metric.name)), "{text}");
        let labels = labels(&text, metric.name);
        let wanted: BTreeSet<&str> = metric.labels.iter().copied().collect();
        let found: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(found, wanted, "{}", metric.name);
    }
    let told = ["ana", "Registered", "Customers", "/claude/mcp", "nonsense"];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(!told.iter().any(|told| line.contains(told)), "{line}");
    }
    for (name, label, value) in [
        ("http_requests_total", "route", "/{scope}/mcp"),
        ("http_requests_total", "route", "other"),
        ("http_requests_total", "method", "_OTHER"),
        ("http_requests_total", "status", "401"),
        ("tool_executions_total", "status", "write-not-allowed"),
        ("tool_executions_total", "status", "invalid-arguments"),
        ("refusals_total", "code", "write-not-allowed"),
        ("refusals_total", "code", "unknown-tool"),
        ("cache_requests_total", "outcome", "hit"),
        ("tool_set_reloads_total", "outcome", "serves"),
        ("oauth_errors_total", "code", "invalid_token"),
    ] {
        let labels = labels(&text, name);
        assert!(labels[label].contains(value), "{name} {label} {value}");
    }
    for name in [
        "oauth_registrations_total",
        "oauth_token_exchanges_total",
        "active_tokens",
        "search_cache_size",
    ] {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        let value: f64 = value.expect("a line").trim().parse().expect("a number");
        assert!(value >= 1.0, "{name} {value}");
    }
}

async fn some_of_everything(product: &Product) {
    let issuer = product.issuer("claude");
    let client = OAuthClient::register(&issuer, "Registered", "http://127.0.0.1/callback").await;
    let tokens = client.tokens(&Browser::new(), Some(ANA)).await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
    let claude = product.client("claude");
    claude.sql("SELECT TOP 1 ProductName FROM Products").await;
    let refused = claude
        .sql("DELETE FROM Customers WHERE Country = 'x'")
        .await;
    assert_eq!(refused.code(), "write-not-allowed");
    let wrong = claude.call("describe_table", json!({})).await;
    assert_eq!(wrong.code(), "invalid-arguments");
    let params = json!({"name": "nonsense", "arguments": {}});
    let unknown = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    claude.post(&unknown).await;
    let chatgpt = product.client("chatgpt");
    for _ in 0..2 {
        let found = chatgpt
            .call("search", json!({"query": "sample Customers"}))
            .await;
        let id = found.structured()["results"][0]["id"].clone();
        chatgpt.call("fetch", json!({"id": id})).await.structured();
    }
    let stranger = McpClient::new(format!("{issuer}/mcp"), Some("nonsense".to_owned()));
    assert_eq!(stranger.post(&unknown).await.0, 401);
    let http = reqwest::Client::new();
    let strange = reqwest::Method::from_bytes(b"NONSENSE").expect("a method");
    let url = format!("http://{}/nonsense/ana", product.address);
    let reply = http.request(strange, url).send().await.expect("a reply");
    assert_eq!(reply.status(), 404);
    let newer = version(CLAUDE, 1);
    product.replace("claude-tools", &newer);
    product
        .tool_set("claude-tools", serves(&sha256(&newer)))
        .await;
}

/// Once what is counted aside was counted.
async fn scrape(product: &Product) -> String {
    let url = format!("http://{}/metrics", product.address);
    let scraped = async {
        loop {
            let reply = reqwest::get(&url).await.expect("the server answers");
            assert_eq!(reply.status(), 200);
            let text = reply.text().await.expect("text");
            if text.lines().any(|line| line.starts_with("active_tokens ")) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    let scraped = tokio::time::timeout(Duration::from_secs(60), scraped);
    scraped.await.expect("tokens are counted")
}

/// The labels of a metric, but what Prometheus itself adds, with their values.
fn labels(text: &str, name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    for line in lines {
        let line = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| line.strip_prefix(suffix))
            .unwrap_or(line);
        let Some((labels, _)) = line
            .strip_prefix('{')
            .and_then(|rest| rest.rsplit_once('}'))
        else {
            continue;
        };
        for label in labels.split("\",") {
            let (label, value) = label.split_once("=\"").expect("a label");
            if label != "le" {
                let value = value.trim_end_matches('"').to_owned();
                found.entry(label.to_owned()).or_default().insert(value);
            }
        }
    }
    found
}
