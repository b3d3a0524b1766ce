//! The audit in a file: what a day of a product leaves there, and what happens when
//! it cannot be written.

use std::path::Path;
use std::time::Duration;

use integration_tests::{Browser, McpClient, OAuthClient, Product, ProductBuilder, sign_in};
use mssql_mcp::runtime::sha256;
use serde_json::{Value, json};

const ANA: &str = "ana@example.com";
const PASSWORD: &str = "correct horse battery";
const REDIRECT: &str = "http://127.0.0.1:4711/callback";
/// Longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn audited(path: &Path) -> ProductBuilder {
    Product::builder().scope_settings(&format!("audit = {{ file = '{}' }}", path.display()))
}

/// The lines so far.
async fn lines(product: &Product, path: &Path) -> Vec<Value> {
    assert!(product.app.audit().flush(PATIENCE).await);
    let text = std::fs::read_to_string(path).expect("an audit file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// The last line of which `wanted` says a part.
fn last<'a>(lines: &'a [Value], wanted: &Value) -> &'a Value {
    let wanted = wanted.as_object().expect("an object");
    let fits = |line: &&Value| wanted.iter().all(|(key, value)| line[key] == *value);
    let found = lines.iter().rev().find(fits);
    found.unwrap_or_else(|| panic!("no {wanted:?} in {lines:#?}"))
}

/// Whether a call has a result.
async fn answers(client: &McpClient) -> bool {
    let params = json!({"name": "execute_sql", "arguments": {"query": "SELECT 1 AS one"}});
    client.request("tools/call", params).await["isError"] == json!(false)
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !happened().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_told_line_by_line_and_nothing_secret_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let product = audited(&path).people(&[(ANA, PASSWORD)]).start().await;
    let issuer = product.issuer("claude");

    let client = OAuthClient::register(&issuer, "Claude", REDIRECT).await;
    let stranger = Browser::new();
    let page = stranger.get(&client.authorize_url(&[])).await;
    sign_in(&stranger, &page, ANA, "hunter2hunter2").await;
    let given = client.tokens(&Browser::new(), Some((ANA, PASSWORD))).await;
    let token = |reply: &Value, name: &str| reply[name].as_str().expect("a token").to_owned();
    let (access, refresh) = (
        token(&given, "access_token"),
        token(&given, "refresh_token"),
    );
    let mcp = product.client_with("claude", Some(access.clone()));
    mcp.sql("SELECT CompanyName FROM dbo.Customers WHERE Country = 'Germany' -- of Ana")
        .await
        .structured();
    assert_eq!(
        mcp.sql("DELETE FROM dbo.Customers WHERE City = 'Berlin'")
            .await
            .code(),
        "write-not-allowed"
    );
    assert_eq!(
        mcp.call("execute_sql", json!({})).await.code(),
        "invalid-arguments"
    );
    let (status, renewed) = client.refresh(&refresh, &[]).await;
    assert_eq!(status, 200);
    let renewed = token(&renewed, "access_token");
    // Long after the grace of a repeated request.
    product.advance(Duration::from_secs(600));
    assert_eq!(client.refresh(&refresh, &[]).await.0, 400);
    let (status, _) = McpClient::new(format!("{issuer}/mcp"), Some("mcp_nonsense".to_owned()))
        .post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))
        .await;
    assert_eq!(status, 401);
    let wasm = [plugin_bundle::CLAUDE_TOOLS.wasm, &[0, 2, 1, b'v']].concat();
    product.replace("claude-tools", &wasm);
    let digest = sha256(&wasm);
    let serves = |status: &mssql_mcp::app::FileStatus| status.serving.as_ref() == Some(&digest);
    product.tool_set("claude-tools", serves).await;

    let lines = lines(&product, &path).await;
    let registered = last(&lines, &json!({"event": "registration", "outcome": "done"}));
    let client_id = registered["client_id"].as_str().expect("an id");
    assert_eq!(registered["client_name"], "Claude");
    assert_eq!(registered["address"], "127.0.0.1");
    let refused = last(&lines, &json!({"event": "sign_in", "outcome": "refused"}));
    assert_eq!(
        (&refused["subject"], &refused["code"]),
        (&json!(ANA), &json!("access_denied"))
    );
    last(
        &lines,
        &json!({"event": "sign_in", "outcome": "done", "subject": ANA}),
    );
    let exchanged = last(
        &lines,
        &json!({"event": "code_exchange", "outcome": "done"}),
    );
    assert_eq!(exchanged["rights"], "mcp:read");
    last(
        &lines,
        &json!({"event": "refresh", "outcome": "done", "subject": ANA}),
    );
    let reused = last(&lines, &json!({"event": "refresh", "outcome": "refused"}));
    assert_eq!(reused["code"], "invalid_grant");
    let access_refused = last(&lines, &json!({"event": "access", "outcome": "refused"}));
    assert_eq!(access_refused["code"], "invalid_token");

    let call = last(&lines, &json!({"event": "tool_call", "outcome": "ok"}));
    for (key, value) in [
        ("scope", json!("claude")),
        ("subject", json!(ANA)),
        ("client_id", json!(client_id)),
        ("client_name", json!("Claude")),
        ("address", json!("127.0.0.1")),
        ("tool_set", json!("claude-tools")),
        ("tool", json!("execute_sql")),
    ] {
        assert_eq!(call[key], value, "{key} of {call}");
    }
    assert!(call["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    assert!(call["rows"].as_u64() > Some(0) && call["wall_us"].as_u64() > Some(0));
    let statement = &call["statements"][0];
    assert_eq!(
        statement["sql"],
        "SELECT CompanyName FROM dbo.Customers WHERE Country = ?"
    );
    assert_eq!(statement["tables"], json!(["dbo.Customers"]));
    assert_eq!(statement["hash"].as_str().map(str::len), Some(16));
    let denied = last(
        &lines,
        &json!({"event": "tool_call", "code": "write-not-allowed"}),
    );
    assert_eq!(denied["outcome"], "refused");
    assert_eq!(denied["statements"][0]["code"], "write-not-allowed");
    assert_eq!(
        denied["statements"][0]["sql"],
        "DELETE FROM dbo.Customers WHERE City = ?"
    );
    let wrong = last(
        &lines,
        &json!({"event": "tool_call", "code": "invalid-arguments"}),
    );
    assert_eq!(wrong["outcome"], "failed");
    let reload = last(&lines, &json!({"event": "reload"}));
    assert_eq!(
        (&reload["outcome"], &reload["digest"]),
        (&json!("serves"), &json!(digest))
    );

    let text = std::fs::read_to_string(&path).expect("an audit file");
    for secret in [
        "Germany", "Berlin", "of Ana", PASSWORD, "hunter2", "nonsense", &access, &refresh, &renewed,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let times: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["time"].as_str())
        .collect();
    assert_eq!(times.len(), lines.len());
    assert!(
        times
            .iter()
            .all(|time| time.len() == 24 && time.ends_with('Z'))
    );
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_calls_are_refused_and_health_says_why_until_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    // What is a full disk to whoever writes there.
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let product = audited(&path).start().await;
    let client = product.client("claude");
    let health = async || -> Value {
        let reply = reqwest::get(format!("http://{}/health", product.address)).await;
        reply.expect("an answer").json().await.expect("JSON")
    };
    // The first call finds it out.
    client.sql("SELECT 1 AS one").await.structured();
    until("calls stop", async || !answers(&client).await).await;
    let sentence = client.sql("SELECT 1 AS one").await.error()["error"].to_string();
    assert!(sentence.contains("audit cannot be written"), "{sentence}");
    let told = health().await;
    assert_eq!(told["status"], "unhealthy", "{told}");
    assert_eq!(told["checks"]["audit"]["status"], "unhealthy", "{told}");

    std::fs::remove_file(&path).expect("the link");
    until("calls go on", async || answers(&client).await).await;
    assert_eq!(health().await["checks"]["audit"]["status"], "healthy");
    // The calls that were made while there was no room are told as well.
    let lines = lines(&product, &path).await;
    assert_eq!(lines[0]["outcome"], "ok", "{:?}", lines[0]);
    let refused = last(
        &lines,
        &json!({"event": "tool_call", "code": "unavailable"}),
    );
    assert_eq!(refused["outcome"], "failed");
}
