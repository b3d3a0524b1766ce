//! A scope that may write, and those that may not.

use std::time::{Duration, Instant};

use demo_sqlserver::Event;
use integration_tests::faulty::{Fault, Stage};
use integration_tests::{McpClient, Product};
use mssql_mcp::app::{App, ToolSetFiles};
use mssql_mcp::config::Config;
use mssql_mcp::principal::Rights;
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

/// By a log-in of its own, in one transaction, and no more rows than allowed.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_does_so_within_the_limit_and_by_another_log_in() {
    let product = Product::builder()
        .people(&[("ana", "a password")])
        .scope_writers("writer", &["ana"])
        .scope_settings("max_rows_affected = 2")
        .start()
        .await;
    let mut events = product.server.events();
    let token = product.token("writer", "ana", Rights::ALL).await;
    let writer = product.client_with("writer", Some(token));
    let listed = writer.request("tools/list", json!({})).await;
    let tools = listed["tools"].as_array().expect("tools");
    let tool = tools.iter().find(|tool| tool["name"] == "execute_sql");
    let hints = &tool.expect("a tool that writes")["annotations"];
    assert_eq!(
        (&hints["destructiveHint"], &hints["readOnlyHint"]),
        (&json!(true), &json!(false))
    );

    let count = "SELECT COUNT(*) AS n FROM dbo.AllTypes WHERE c_int = 77";
    let counted = async || writer.sql(count).await.structured()["results"][0]["n"].clone();
    assert_eq!(counted().await, 0);
    let mut users = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::LoggedIn { user, .. } = event {
            users.push(user);
        }
    }
    let own = &product.server.writer().user;
    assert!(!users.contains(own), "{users:?}");

    let more = "UPDATE dbo.AllTypes SET c_int = 77 WHERE Id <= 3";
    let refused = writer.sql(more).await;
    assert_eq!(refused.code(), "statement-not-allowed", "{refused:?}");
    assert_eq!(counted().await, 0);
    let fewer = "UPDATE dbo.AllTypes SET c_int = 77 WHERE Id <= 2";
    assert_eq!(
        writer.sql(fewer).await.structured(),
        &json!({"rows_affected": 2})
    );
    assert_eq!(counted().await, 2);
    let mut by_writer = false;
    while let Ok(event) = events.try_recv() {
        by_writer |= matches!(event, Event::LoggedIn { user, .. } if user == *own);
    }
    assert!(by_writer, "it wrote by another log-in");
}

/// Once COMMIT is sent only its answer tells whether the change was made.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_being_made_final_is_waited_for() {
    let product = Product::builder()
        .people(&[("ana", "a password")])
        .scope_writers("writer", &["ana"])
        .scope_settings("limits = { wall = \"1s\" }")
        .faulty()
        .start()
        .await;
    let token = product.token("writer", "ana", Rights::ALL).await;
    let writer = product.client_with("writer", Some(token));
    let slow = Fault::DelayAt(Stage::Commit, Duration::from_millis(2_500));
    product.faulty().set(slow);
    let begun = Instant::now();
    let change = "UPDATE dbo.AllTypes SET c_int = 77 WHERE Id = 1";
    let reply = writer.sql(change).await;
    assert_eq!(reply.structured(), &json!({"rows_affected": 1}));
    assert!(begun.elapsed() > Duration::from_secs(2), "it was not slow");
    product.faulty().set(Fault::None);
    let count = "SELECT COUNT(*) AS n FROM dbo.AllTypes WHERE c_int = 77";
    let found = writer.sql(count).await;
    assert_eq!(found.structured()["results"][0]["n"], 1);
}

/// A change goes to one database, and to none that the caller did not mean.
#[tokio::test(flavor = "multi_thread")]
async fn what_names_another_database_is_not_written_to_the_one_that_can_be() {
    let product = Product::builder()
        .people(&[("ana", "a password")])
        .scope_writers("two", &["ana"])
        .sections(
            "[scopes.two]\ntool_sets = [\"claude-tools-write\"]\n\
             databases = [\"demo\", \"archive\"]\n\
             read_only = false\nwrite_database = \"demo-writer\"\n\
             [databases.archive]\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"d\"\n\
             user = \"u\"\npassword = \"p\"",
        )
        .start()
        .await;
    let token = product.token("two", "ana", Rights::ALL).await;
    let writer = product.client_with("two", Some(token));
    let delete = json!({"query": "DELETE FROM Sales.Returns", "database": "archive"});
    let refused = writer.call("execute_sql", delete).await;
    assert_eq!(refused.code(), "invalid-arguments", "{refused:?}");
    let error = refused.error()["error"].to_string();
    assert!(error.contains("demo"), "{error}");
    let count = "SELECT COUNT(*) AS n FROM Sales.Returns";
    let left = writer.sql(count).await.structured()["results"][0]["n"].clone();
    assert_ne!(left, 0);
    let named = json!({"query": "DELETE FROM Sales.Returns", "database": "demo"});
    let done = writer.call("execute_sql", named).await;
    assert_eq!(done.structured(), &json!({"rows_affected": left}));
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
