//! Every failure as a model reads it: a code, a sentence, what to do next.

use std::net::TcpListener;
use std::time::Duration;

use integration_tests::Product;
use serde_json::{Value, json};

fn print(what: &str, error: &Value) {
    println!("{what}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_table_comes_with_the_nearest_names() {
    let product = Product::start().await;
    let claude = product.client("claude");
    let reply = claude
        .call("describe_table", json!({"table_name": "Custmers"}))
        .await;
    let error = reply.error();
    print("unknown table", &error);
    assert_eq!(error["code"], "unknown-table");
    assert!(
        error["hint"].as_str().unwrap().contains("Customers"),
        "{error}"
    );
    let error = claude.sql("SELECT * FROM Custmers").await.error();
    print("unknown table in a query", &error);
    assert_eq!(
        (&error["code"], &error["number"]),
        (&json!("server-error"), &json!(208))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_name_means_the_default_schema_or_the_only_one_that_has_it() {
    let product = Product::start().await;
    let claude = product.client("claude");
    for (name, schema) in [
        ("Returns", "Sales"),
        ("Customers", "dbo"),
        ("sales.customers", "Sales"),
    ] {
        let reply = claude
            .call("describe_table", json!({"table_name": name}))
            .await;
        assert_eq!(reply.structured()["schema"], schema, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_name_the_field() {
    let product = Product::start().await;
    let claude = product.client("claude");
    for (arguments, field) in [
        (json!({}), "table_name"),
        (json!({"table_name": 7}), "table_name"),
        (json!({"table_name": "Orders", "limit": 0}), "limit"),
        (json!({"table_name": "Orders", "limt": 5}), "limt"),
    ] {
        let error = claude.call("get_table_sample", arguments).await.error();
        print("wrong arguments", &error);
        assert_eq!(error["code"], "invalid-arguments");
        assert!(error["error"].as_str().unwrap().contains(field), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syntax_error_is_the_servers_own() {
    let product = Product::start().await;
    let claude = product.client("claude");
    let error = claude
        .sql("SELECT OrderID FROM Orders WHERE OrderID = = 1")
        .await
        .error();
    print("syntax error", &error);
    assert_eq!(
        (&error["code"], &error["number"]),
        (&json!("server-error"), &json!(102))
    );
    let error = claude.sql("SELECT FROM WHERE").await.error();
    print("no statement at all", &error);
    assert_eq!(error["code"], "statement-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_is_refused_before_the_database_hears_of_it() {
    let product = Product::start().await;
    let claude = product.client("claude");
    for sql in [
        "DELETE FROM Customers WHERE CustomerID = 1",
        "SELECT 1 DROP TABLE Customers",
        "SELECT * INTO dbo.copy FROM Customers",
        "WITH c AS (SELECT * FROM Customers) DELETE FROM c",
    ] {
        let error = claude.sql(sql).await.error();
        print("write", &error);
        assert_eq!(error["code"], "write-not-allowed", "{sql}");
        assert!(
            error["error"]
                .as_str()
                .unwrap()
                .contains("not allowed in read-only mode"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_says_what_to_do_and_names_nobody() {
    let product = Product::builder()
        .database_setting("password", "\"wrong\"")
        .start()
        .await;
    let error = product.client("claude").sql("SELECT 1").await.error();
    print("wrong password", &error);
    assert_eq!(error["code"], "unavailable");
    assert!(!error.to_string().contains("mcp_reader"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let product = Product::builder()
        .database_setting("port", port.to_string())
        .start()
        .await;
    let error = product.client("claude").sql("SELECT 1").await.error();
    print("database down", &error);
    assert_eq!(error["code"], "unavailable");
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_times_out_and_the_next_call_works() {
    let product = Product::builder()
        .scope_settings("query_timeout = \"500ms\"")
        .start()
        .await;
    let claude = product.client("claude");
    let slow = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 90) \
                SELECT COUNT_BIG(*) AS c FROM n a, n b, n c, n d, n e";
    let started = std::time::Instant::now();
    let error = claude.sql(slow).await.error();
    print("slow statement", &error);
    assert_eq!(error["code"], "timeout");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    claude.sql("SELECT 1 AS one").await.structured();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_embedded_database_cannot_run_says_so() {
    let product = Product::start().await;
    let reply = product
        .client("claude")
        .sql("SELECT * FROM Customers WHERE CONTAINS(CompanyName, 'x')")
        .await;
    let error = reply.error();
    print("unsupported", &error);
    assert_eq!(error["code"], "unsupported");
}
