//! Access tokens at the MCP endpoints: who is let in, with what, and for how
//! long.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use integration_tests::{McpClient, Product, ProductBuilder};
use mssql_mcp::oauth::LOCAL_SUBJECT;
use mssql_mcp::principal::Rights;
use mssql_mcp::state::GrantFilter;
use reqwest::Response;
use serde_json::{Value, json};

const ANA: &str = "ana@example.com";
const BOB: &str = "bob@example.com";
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const UPDATE: &str = "UPDATE dbo.Customers SET Notes = NULL WHERE CustomerID = -1";

fn people() -> ProductBuilder {
    Product::builder()
        .people(&[
            (ANA, "correct horse battery"),
            (BOB, "staple correct horse"),
        ])
        .scope_people("claude", &[ANA])
        .scope_people("writer", &[ANA, "group:analysts"])
        .scope_writers("writer", &["group:editors"])
}

async fn post(product: &Product, path: &str, token: Option<&str>) -> Response {
    let url = format!("http://{}{path}", product.address);
    let request = reqwest::Client::new().post(url).body(LIST);
    let request = request.header("Content-Type", "application/json");
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.expect("the server answers")
}

async fn status(product: &Product, path: &str, token: &str) -> u16 {
    post(product, path, Some(token)).await.status().as_u16()
}

fn challenge(reply: &Response) -> &str {
    reply.headers()["www-authenticate"].to_str().unwrap()
}

/// Waits for `happened` to become true: at most the second that a change of
/// rights may take.
async fn within_a_second(mut happened: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        while !happened().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it took more than a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_asks_for_a_token_and_says_where_to_get_one() {
    let product = Product::builder().oauth().start().await;
    for (path, resource) in [
        ("/claude/sse", "/claude/sse"),
        ("/claude/mcp", "/claude/mcp"),
        ("/chatgpt/mcp/", "/chatgpt/mcp"),
        ("/sse", "/sse"),
        ("/mcp", "/mcp"),
    ] {
        let metadata = format!(
            "Bearer resource_metadata=\"http://{}/.well-known/oauth-protected-resource{resource}\", \
             scope=\"mcp:read\"",
            product.address
        );
        let reply = post(&product, path, None).await;
        assert_eq!(
            (reply.status().as_u16(), challenge(&reply)),
            (401, &*metadata),
            "{path}"
        );
        let reply = post(&product, path, Some("garbage")).await;
        let invalid = format!(
            "{metadata}, error=\"invalid_token\", error_description=\"The access token is not valid.\""
        );
        assert_eq!(
            (reply.status().as_u16(), challenge(&reply)),
            (401, &*invalid),
            "{path}"
        );
        let url = format!("http://{}{path}", product.address);
        let head = reqwest::Client::new().head(url).send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), challenge(&head)),
            (200, &*metadata),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_at_its_scope_until_it_expires() {
    let product = Product::builder().oauth().start().await;
    let token = product.token("claude", LOCAL_SUBJECT, Rights::READ).await;
    for (path, expected) in [
        ("/claude/mcp", 200),
        ("/claude/sse", 200),
        ("/mcp", 200),
        ("/chatgpt/mcp", 401),
        ("/writer/mcp", 401),
    ] {
        assert_eq!(status(&product, path, &token).await, expected, "{path}");
    }
    let in_address = format!("/claude/mcp?access_token={token}");
    assert_eq!(post(&product, &in_address, None).await.status(), 401);
    product.advance(Duration::from_secs(3599));
    assert_eq!(status(&product, "/claude/mcp", &token).await, 200);
    product.advance(Duration::from_secs(1));
    assert_eq!(status(&product, "/claude/mcp", &token).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_called_with_a_token_as_without() {
    let product = Product::builder().oauth().start().await;
    assert_eq!(product.client("claude").tools().await.len(), 4);
    let reply = product
        .client("claude")
        .sql("SELECT COUNT(*) AS n FROM Products")
        .await;
    assert_eq!(reply.structured()["row_count"], 1);
    assert_eq!(product.client("chatgpt").tools().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_is_refused_within_a_second() {
    let product = Product::builder().oauth().start().await;
    let token = product.token("claude", LOCAL_SUBJECT, Rights::READ).await;
    assert_eq!(status(&product, "/claude/mcp", &token).await, 200);
    // As a command does it beside the server.
    let store = product.store().clone();
    assert!(
        store
            .revoke_grants(&GrantFilter::default())
            .await
            .unwrap()
            .any()
    );
    within_a_second(async || status(&product, "/claude/mcp", &token).await == 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_cuts_off_a_guest_that_loops() {
    let limits = "limits = { cpu = \"60s\", wall = \"120s\" }";
    cut_off(limits, "hostile", "spin", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_cuts_off_a_statement_that_runs() {
    let sql = "SELECT COUNT(*) AS n FROM Orders a CROSS JOIN Orders b CROSS JOIN Orders c";
    let settings = "query_timeout = \"60s\"\nlimits = { wall = \"120s\" }";
    cut_off(settings, "claude", "execute_sql", json!({"query": sql})).await;
}

/// Starts a call that would take a minute and removes its person.
async fn cut_off(settings: &str, scope: &'static str, tool: &'static str, arguments: Value) {
    let product = Product::builder()
        .scope_settings(settings)
        .people(&[
            (ANA, "correct horse battery"),
            (BOB, "staple correct horse"),
        ])
        // One connection: whoever comes next waits for the statement to be gone.
        .database_setting("pool", "{ max = 1 }")
        .start()
        .await;
    let token = product.token(scope, ANA, Rights::READ).await;
    let other = product.token(scope, BOB, Rights::READ).await;
    let client = product.client_with(scope, Some(token));
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": arguments,
    }});
    let running = tokio::spawn(async move { client.post(&call).await });
    // Whatever the call has to do before it runs long.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!running.is_finished(), "the call is too short");
    let started = Instant::now();
    assert!(product.store().remove_person(ANA).await.unwrap());
    let (status, reply) = running.await.unwrap();
    let took = started.elapsed();
    assert_eq!(
        (status, reply["error"].as_str()),
        (401, Some("invalid_token")),
        "{reply}"
    );
    assert!(took < Duration::from_secs(1), "{took:?}");
    let other = product.client_with(scope, Some(other));
    match scope {
        "hostile" => assert_eq!(other.call("echo", json!({})).await.text(), "echo"),
        _ => {
            _ = other
                .sql("SELECT TOP 1 ProductName FROM Products")
                .await
                .structured()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_admitted_is_refused_though_the_token_is_good() {
    let product = people().start().await;
    let token = product.token("claude", BOB, Rights::READ).await;
    let reply = post(&product, "/claude/mcp", Some(&token)).await;
    assert_eq!(reply.status(), 401);
    assert!(
        challenge(&reply).contains("not admitted"),
        "{}",
        challenge(&reply)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gives_the_right_to_write_and_takes_it_within_a_second() {
    let product = people().start().await;
    let token = product.token("writer", ANA, Rights::ALL).await;
    let client = product.client_with("writer", Some(token));
    assert_eq!(update(&client).await.0, 403);
    for (groups, expected) in [
        (&["editors"][..], 200),
        (&[], 403),
        (&["editors", "analysts"], 200),
        (&["analysts"], 403),
    ] {
        let groups: BTreeSet<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        assert!(product.store().set_groups(ANA, &groups).await.unwrap());
        within_a_second(async || update(&client).await.0 == expected).await;
    }
    // What only reads is still allowed.
    client.call("list_tables", json!({})).await.structured();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_counts_the_tokens() {
    let product = Product::builder().oauth().start().await;
    let url = format!("http://{}/health", product.address);
    within_a_second(async || {
        let health: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        assert_eq!(health["oauth"], "enabled");
        assert_eq!(health["checks"]["oauth"]["status"], "healthy");
        // One for each scope.
        health["checks"]["oauth"]["active_tokens"] == 6
    })
    .await;
}

async fn update(client: &McpClient) -> (u16, Value) {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "execute_sql", "arguments": {"query": UPDATE},
    }});
    client.post(&call).await
}
