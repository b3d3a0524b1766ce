//! A scope that may write, and those that may not.

use integration_tests::{McpClient, Product};
use mssql_mcp::app::{App, ToolSetFiles};
use mssql_mcp::config::Config;
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
    assert!(
        status == 403 || reply.get("error").is_some(),
        "{status} {reply}"
    );
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
    let refused = App::build(&config, &files, &HostKey::random().unwrap()).await;
    let said = refused.err().expect("refused").to_string();
    assert!(
        said.contains("imports mssql-mcp:database/db-execute") && said.contains("read-only"),
        "{said}"
    );
}
