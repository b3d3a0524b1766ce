//! Results that are given again: to who asked, and to nobody else.

use std::path::Path;

use integration_tests::{McpClient, Product, ProductBuilder};
use mssql_mcp::principal::Rights;
use mssql_mcp::tally::CacheFigures;
use serde_json::{Value, json};

const ANA: &str = "ana@example.com";
const BOB: &str = "bob@example.com";

const TOOLS: &str = r#"
[[tool]]
name = "orders_of"
description = "Orders of a customer, with every type that they have."
sql = "SELECT * FROM dbo.Orders WHERE CustomerID = @customer ORDER BY OrderID"
cache = "10m"
parameters.customer = { type = "string", description = "Customer number", default = "ADLEB" }

[[tool]]
name = "most"
description = "More rows than fit."
sql = "SELECT OrderID FROM dbo.Orders"
max_rows = 2
cache = "10m"

[[tool]]
name = "always_asked"
description = "How many there are."
sql = "SELECT COUNT(*) AS n FROM dbo.Customers"
"#;

fn product(file: &Path, more: &str) -> ProductBuilder {
    std::fs::write(file, TOOLS).unwrap();
    let file = file.display();
    Product::builder().scope(
        "templates",
        &format!(
            "tool_sets = [\"query-templates\"]\nrate_limit_per_minute = 100000\n\
             config = {{ query-templates = {{ file = '{file}' }} }}\n{more}"
        ),
    )
}

fn results(product: &Product, scope: &str) -> CacheFigures {
    product.app.caches(Some(scope)).scopes[scope].results
}

async fn orders(client: &McpClient, customer: &str) -> Value {
    let reply = client.call("orders_of", json!({ "customer": customer }));
    reply.await.structured().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_given_again_to_who_asked_for_it_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(&folder.path().join("t.toml"), "")
        .people(&[
            (ANA, "correct horse battery"),
            (BOB, "another horse battery"),
        ])
        .start()
        .await;
    let client = async |who| {
        let token = product.token("templates", who, Rights::READ).await;
        product.client_with("templates", Some(token))
    };
    // What trying the tools at the start has left is nobody's.
    product.app.clear_caches(None);
    let before = results(&product, "templates");
    let ana = client(ANA).await;
    let first = orders(&ana, "ADLEB").await;
    let again = orders(&ana, "ADLEB").await;
    assert_eq!(first, again);
    assert!(first["row_count"].as_u64() > Some(1), "{first}");
    let of_ana = results(&product, "templates");
    assert_eq!((of_ana.hits - before.hits, of_ana.entries), (1, 1));

    let of_bob = orders(&client(BOB).await, "ADLEB").await;
    assert_eq!(of_bob, first);
    orders(&ana, "ARCTW").await;
    let all = results(&product, "templates");
    assert_eq!((all.hits, all.entries), (of_ana.hits, 3));

    ana.call("always_asked", json!({})).await.structured();
    let cut = ana.call("most", json!({})).await;
    assert_eq!(cut.structured()["truncated"]["by"], "rows");
    assert_eq!(results(&product, "templates").entries, 3);

    product.app.clear_caches(Some("templates"));
    assert_eq!(results(&product, "templates").entries, 0);
    orders(&ana, "ADLEB").await;
    assert_eq!(results(&product, "templates").hits, all.hits);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scope_can_keep_results_from_being_kept_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let product = product(&folder.path().join("t.toml"), "cache_ttl = \"0s\"");
    let product = product.start().await;
    let client = product.client("templates");
    for _ in 0..2 {
        orders(&client, "ADLEB").await;
    }
    let figures = results(&product, "templates");
    assert_eq!((figures.entries, figures.hits, figures.misses), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_forgets_what_was_read_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let product = product(&file, "")
        .scope(
            "both",
            &format!(
                "tool_sets = [\"query-templates\", \"claude-tools-write\"]\nread_only = false\n\
                 write_database = \"demo-writer\"\nrate_limit_per_minute = 100000\n\
                 config = {{ query-templates = {{ file = '{}' }} }}\n",
                file.display()
            ),
        )
        .oauth()
        .scope_writers("both", &["local"])
        .start()
        .await;
    let client = product.client("both");
    let before = orders(&client, "ADLEB").await;
    assert!(results(&product, "both").entries >= 1);
    let query = "UPDATE dbo.Orders SET ShipCity = 'Nowhere' WHERE CustomerID = 'ADLEB'";
    let written = client.sql(query).await;
    assert_eq!(written.structured()["rows_affected"], before["row_count"]);
    assert_eq!(results(&product, "both").entries, 0);
    let after = orders(&client, "ADLEB").await;
    assert_eq!(after["results"][0]["ShipCity"], "Nowhere");
}
