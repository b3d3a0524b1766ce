//! The four tools for Claude, as a client sees them.

use integration_tests::Product;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_lists_the_tools_of_its_own_sets() {
    let product = Product::start().await;
    let claude = [
        "list_tables",
        "describe_table",
        "execute_sql",
        "get_table_sample",
    ];
    assert_eq!(product.client("claude").tools().await, claude);
    assert_eq!(product.client("chatgpt").tools().await, ["search", "fetch"]);
    let both: Vec<&str> = claude.into_iter().chain(["search", "fetch"]).collect();
    assert_eq!(product.client("demo").tools().await, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_has_what_directories_and_models_ask_for() {
    let product = Product::start().await;
    let list = product
        .client("demo")
        .request("tools/list", json!({}))
        .await;
    for tool in list["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(tool["title"].is_string(), "{name}");
        assert!(tool["description"].as_str().unwrap().len() > 40, "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{name}");
        assert_eq!(tool["annotations"]["destructiveHint"], false, "{name}");
        assert_eq!(tool["annotations"]["openWorldHint"], false, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_tables_counts_and_comments_the_whole_catalogue() {
    let product = Product::start().await;
    let reply = product
        .client("claude")
        .call("list_tables", json!({}))
        .await;
    let document = reply.structured();
    let tables = document["tables"].as_array().unwrap();
    assert_eq!(document["count"], tables.len());
    let find = |schema: &str, name: &str| {
        tables
            .iter()
            .find(|table| table["schema"] == schema && table["name"] == name)
            .unwrap_or_else(|| panic!("no {schema}.{name}"))
    };
    assert_eq!(find("dbo", "Order Details")["type"], "table");
    assert!(find("dbo", "Orders")["rows"].as_u64().unwrap() > 500);
    assert!(find("dbo", "Customers")["comment"].is_string());
    assert_eq!(find("Sales", "CustomerRevenue")["type"], "view");
    assert!(tables.iter().all(|table| table["schema"] != "sys"));
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_table_has_composite_keys_and_foreign_keys_both_ways() {
    let product = Product::start().await;
    let claude = product.client("claude");
    let reply = claude
        .call("describe_table", json!({"table_name": "[Order Details]"}))
        .await;
    let details = reply.structured();
    assert_eq!(details["primary_keys"], json!(["OrderID", "ProductID"]));
    let targets: Vec<&Value> = details["foreign_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["references"]["table"])
        .collect();
    assert!(
        targets.contains(&&json!("Orders")) && targets.contains(&&json!("Products")),
        "{targets:?}"
    );
    assert_eq!(
        details["column_count"],
        details["columns"].as_array().unwrap().len()
    );

    let orders = claude
        .call("describe_table", json!({"table_name": "DBO.orders"}))
        .await;
    let orders = orders.structured();
    assert_eq!(
        (&orders["schema"], &orders["table"]),
        (&json!("dbo"), &json!("Orders"))
    );
    let referenced = orders["referenced_by"].to_string();
    assert!(referenced.contains("Order Details"), "{referenced}");
    let freight = orders["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "Freight");
    assert_eq!(freight.unwrap()["type"], "money");
}

#[tokio::test(flavor = "multi_thread")]
async fn execute_sql_names_its_columns_and_keeps_digits() {
    let product = Product::start().await;
    let reply = product
        .client("claude")
        .sql("SELECT CAST(12.50 AS decimal(10,2)) AS a, CAST(9007199254740993 AS bigint) AS b, N'Zürich' AS c, NULL AS d")
        .await;
    let document = reply.structured();
    assert_eq!(
        document["results"],
        json!([{"a": "12.50", "b": "9007199254740993", "c": "Zürich", "d": null}])
    );
    assert_eq!(
        document["columns"][0],
        json!({"name": "a", "type": "decimal(10,2)"})
    );
    assert_eq!(document["row_count"], 1);
    assert_eq!(document["truncated"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_table_sample_reads_as_many_rows_as_asked() {
    let product = Product::start().await;
    let claude = product.client("claude");
    let ten = claude
        .call("get_table_sample", json!({"table_name": "Customers"}))
        .await;
    assert_eq!(ten.structured()["row_count"], 10);
    let three = claude
        .call(
            "get_table_sample",
            json!({"table_name": "dbo.Order Details", "limit": 3}),
        )
        .await;
    assert_eq!(three.structured()["row_count"], 3);
    let view = claude
        .call(
            "get_table_sample",
            json!({"table_name": "Sales.CustomerRevenue", "limit": 2}),
        )
        .await;
    assert_eq!(view.structured()["row_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_cap_is_named_in_the_result() {
    let product = Product::builder()
        .scope_settings("max_rows = 7")
        .start()
        .await;
    let reply = product
        .client("claude")
        .sql("SELECT OrderID FROM Orders ORDER BY OrderID")
        .await;
    let document = reply.structured();
    assert_eq!(document["row_count"], 7);
    assert_eq!(document["truncated"], json!({"by": "rows", "limit": 7}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_byte_and_cell_caps_are_named_in_the_result() {
    let product = Product::builder()
        .scope_settings("max_bytes = \"4KiB\"\nmax_cell = \"100B\"")
        .start()
        .await;
    let claude = product.client("claude");
    let reply = claude.sql("SELECT * FROM Orders").await;
    assert_eq!(reply.structured()["truncated"]["by"], "bytes");
    assert!(reply.text().len() <= 4096, "{}", reply.text().len());
    let reply = claude.sql("SELECT REPLICATE('x', 300) AS long").await;
    let cell = reply.structured()["results"][0]["long"].as_str().unwrap();
    assert!(cell.starts_with("xxx") && cell.contains("[+"), "{cell}");
    assert_eq!(reply.structured()["truncated"]["by"], "cell");
}

#[tokio::test(flavor = "multi_thread")]
async fn for_json_comes_back_as_one_value() {
    let product = Product::start().await;
    let reply = product
        .client("claude")
        .sql("SELECT OrderID, ShipCity FROM Orders FOR JSON PATH")
        .await;
    let document = reply.structured();
    assert_eq!(document["row_count"], 1, "{}", document["truncated"]);
    let row = document["results"][0].as_object().unwrap();
    let orders = row
        .values()
        .next()
        .unwrap()
        .as_array()
        .expect("JSON in JSON");
    assert!(orders.len() > 500);
    assert!(orders[0]["ShipCity"].is_string());
}
