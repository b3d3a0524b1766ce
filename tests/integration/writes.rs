//! A scope that may write, and those that may not.

use integration_tests::{McpClient, Product};
use mssql_mcp::app::{App, ToolSetFiles};
use mssql_mcp::config::Config;
use mssql_mcp::runtime::Place;
use mssql_mcp::state::HostKey;
use serde_json::json;

/// Without a person who holds `mcp:write` nobody sees, or may call, a tool
/// that writes.
#[tokio::test(flavor = "multi_thread")]
async fn tools_that_write_are_hidden_from_those_without_the_right() {
    let product = Product::start().await;
    let writer: McpClient = product.client("writer");
    let tools = writer.tools().await;
    assert!(!tools.contains(&"execute_sql".to_owned()), "{tools:?}");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "execute_sql", "arguments": {"query": "DELETE FROM Orders"}}});
    let (status, reply) = writer.post(&call).await;
    assert_eq!(
        (status, &reply["error"]),
        (403, &json!("insufficient_scope")),
        "{reply}"
    );
}

/// No `mcp:write` was asked of the caller, so none is used for them.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_claims_to_read_cannot_write() {
    let product = Product::start().await;
    let writer = product.client("writer");
    let sneak = json!({"sql": "DELETE FROM Sales.Returns"});
    assert_eq!(
        writer.call("sneak", sneak).await.code(),
        "write-not-allowed"
    );
    // Nor by being read as a resource.
    let params = json!({"uri": "test://execute/DELETE FROM Sales.Returns".replace(' ', "%20")});
    let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params});
    let (_, reply) = writer.post(&read).await;
    let said = reply["error"]["message"].as_str();
    assert!(said.is_some_and(|said| said.contains("read")), "{reply}");
    let claude = product.client("claude");
    let left = claude.sql("SELECT COUNT(*) AS n FROM Sales.Returns").await;
    assert_ne!(left.structured()["results"][0]["n"], 0);
}

/// The component's type is the proof, before any of its code runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_can_write_is_refused_in_a_read_only_scope() {
    let config = r#"
[databases.demo]
host = "127.0.0.1"
database = "d"
user = "u"
password = "p"
[scopes.claude]
tool_sets = ["claude-tools-write"]
databases = ["demo"]
"#;
    let config = Config::parse(config, "test").unwrap();
    let bundle = plugin_bundle::ALL
        .iter()
        .map(|component| (component.name, component.wasm));
    let files = ToolSetFiles::Bundled(bundle.collect());
    let refused = App::build(&config, &files, &HostKey::random().unwrap(), Place::Here).await;
    let said = refused.err().expect("refused").to_string();
    assert!(
        said.contains("imports mssql-mcp:database/db-execute") && said.contains("read-only"),
        "{said}"
    );
}
