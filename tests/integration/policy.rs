//! A scope's tables and masks, through every tool that reads.

use integration_tests::{Product, Reply};
use serde_json::json;

const POLICY: &str = r#"
tables = { deny = ["dbo.SensitiveData"] }
mask = ["dbo.Customers.Phone", "dbo.Customers.ContactName"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_tool_shows_what_is_masked_or_kept_back() {
    let clear = Product::start().await;
    let sql = "SELECT TOP 1 CustomerID, Phone, ContactName FROM Customers \
               WHERE Phone IS NOT NULL AND ContactName IS NOT NULL";
    let row = clear.client("claude").sql(sql).await.structured()["results"][0].clone();
    let id = row["CustomerID"].as_str().unwrap().trim();
    let secrets = [&row["Phone"], &row["ContactName"]].map(|it| it.as_str().unwrap().to_owned());
    let silent = |reply: &Reply, of: &str| {
        let text = reply.result.to_string();
        for secret in secrets.iter().map(String::as_str).chain(["SensitiveData"]) {
            assert!(!text.contains(secret), "{of}: {text}");
        }
    };

    let product = Product::builder().scope_settings(POLICY).start().await;
    let claude = product.client("claude");
    silent(&claude.call("list_tables", json!({})).await, "list_tables");
    let sample = json!({"table_name": "customers", "limit": 100});
    let sample = claude.call("get_table_sample", sample).await;
    silent(&sample, "get_table_sample");
    let columns = sample.structured()["columns"].as_array().unwrap();
    let phone = columns.iter().find(|column| column["name"] == "Phone");
    assert_eq!(phone.unwrap()["masked"], true, "{phone:?}");
    let customers = claude
        .call("describe_table", json!({"table_name": "Customers"}))
        .await;
    let customers = customers.structured()["columns"].clone();
    let phone = customers
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "Phone");
    assert_eq!(phone.unwrap()["masked"], true, "{phone:?}");
    let employees = json!({"table_name": "Employees"});
    silent(
        &claude.call("describe_table", employees).await,
        "describe_table",
    );
    silent(&claude.sql(sql).await, "execute_sql");

    for tool in ["describe_table", "get_table_sample"] {
        let reply = claude
            .call(tool, json!({"table_name": "SensitiveDatum"}))
            .await;
        assert_eq!(reply.code(), "unknown-table");
        silent(&reply, tool);
    }
    let reply = claude.sql("SELECT * FROM dbo.SensitiveDatum").await;
    assert_eq!(reply.code(), "table-not-allowed");
    silent(&reply, "a refusal");
    let reply = claude.sql("SELECT Salary FROM dbo.SensitiveData").await;
    assert_eq!(reply.code(), "table-not-allowed");

    let chatgpt = product.client("chatgpt");
    let record = chatgpt
        .call("fetch", json!({"id": format!("dbo.Customers/{id}")}))
        .await;
    assert!(
        record.structured()["text"]
            .as_str()
            .unwrap()
            .contains("Phone: ***")
    );
    silent(&record, "fetch");
    silent(
        &chatgpt.call("fetch", json!({"id": "dbo.Employees"})).await,
        "fetch",
    );
    let ids = "SELECT CustomerID FROM Customers WHERE Phone = '".to_owned() + &secrets[0] + "'";
    let found = chatgpt.call("search", json!({"query": ids})).await;
    assert_eq!(found.structured()["results"], json!([]));
    for query in [
        secrets[1].as_str(),
        "customers in Germany",
        "top 10 customers by revenue",
    ] {
        let reply = chatgpt.call("search", json!({"query": query})).await;
        let text = reply.result.to_string();
        let row = text.contains("Customers/") && text.contains(&secrets[0]);
        assert!(!row, "{query}: {text}");
    }
}
