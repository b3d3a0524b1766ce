//! The T-SQL of the cases, through the whole product.

use integration_tests::Product;
use serde_json::Value;

/// Queries over the sample company, as people write them for Northwind and
/// AdventureWorks. Those that the embedded database cannot run say so; none
/// gives a wrong answer (`demo-sqlserver` tests the values).
#[tokio::test(flavor = "multi_thread")]
async fn the_queries_run_or_say_that_they_are_not_supported() {
    let product = Product::builder()
        .scope_settings("max_rows = 5000\nmax_bytes = \"4MiB\"")
        .start()
        .await;
    let claude = product.client("claude");
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../data/tsql-queries.json")).unwrap();
    let mut unsupported = Vec::new();
    for case in &cases {
        let (id, sql) = (case["id"].as_str().unwrap(), case["sql"].as_str().unwrap());
        let reply = claude.sql(sql).await;
        if reply.result["isError"] == true {
            let error = reply.error();
            let message = error["error"].as_str().unwrap();
            assert_eq!(error["code"], "unsupported", "{id}: {error}");
            assert!(
                message.contains("not supported by the embedded database"),
                "{id}: {message}"
            );
            unsupported.push(id.to_owned());
        } else {
            assert!(
                reply.structured()["row_count"].as_u64().unwrap() > 0,
                "{id}: no rows"
            );
        }
    }
    println!(
        "{} of {} run; not supported: {unsupported:?}",
        cases.len() - unsupported.len(),
        cases.len()
    );
    assert!(cases.len() - unsupported.len() >= 34, "{unsupported:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_the_customers_documents_run() {
    let product = Product::start().await;
    let claude = product.client("claude");
    for sql in [
        "SELECT TOP 5 * FROM Products",
        "SELECT TOP 5 * FROM Products WHERE Price > 100",
        "SELECT TOP 10 CustomerID, SUM(Revenue) as TotalRevenue FROM Orders GROUP BY CustomerID ORDER BY TotalRevenue DESC",
        "SELECT @@VERSION",
        "SELECT 1",
        "SELECT * FROM Orders ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT 5 ROWS ONLY",
    ] {
        let reply = claude.sql(sql).await;
        assert!(
            reply.structured()["row_count"].as_u64().unwrap() > 0,
            "{sql}"
        );
    }
}
