//! Values of every type, as they come out and as they go in, through the whole
//! product; the table of `docs/values.md` is what one of these tests asserts.

use integration_tests::{McpClient, Product};
use serde_json::{Value, json};

async fn wide() -> (Product, McpClient) {
    let product = Product::builder()
        .scope_settings("max_bytes = \"4MiB\"\nmax_cell = \"1MiB\"")
        .start()
        .await;
    let claude = product.client("claude");
    (product, claude)
}

/// Our column of the table in `docs/values.md`, made of what a model reads.
#[tokio::test(flavor = "multi_thread")]
async fn the_values_that_others_lose_are_exact() {
    let (_product, claude) = wide().await;
    let mut table = Vec::new();
    for (value, sql, expected) in [
        (
            "BIGINT 9007199254740993",
            "CAST(9007199254740993 AS bigint)",
            json!("9007199254740993"),
        ),
        (
            "DECIMAL(38,10) -1234567890123456789012345678.0123456789",
            "CAST('-1234567890123456789012345678.0123456789' AS decimal(38,10))",
            json!("-1234567890123456789012345678.0123456789"),
        ),
        (
            "DECIMAL -0.05",
            "CAST(-0.05 AS decimal(5,2))",
            json!("-0.05"),
        ),
        (
            "MONEY 922337203685477.5807",
            "CAST('922337203685477.5807' AS money)",
            json!("922337203685477.5807"),
        ),
        (
            "UNIQUEIDENTIFIER",
            "CAST('0E984C72-F4A5-4B3C-9D6E-0123456789AB' AS uniqueidentifier)",
            json!("0E984C72-F4A5-4B3C-9D6E-0123456789AB"),
        ),
        (
            "VARBINARY 0xDEADBEEF",
            "CAST(0xDEADBEEF AS varbinary(4))",
            json!("3q2+7w=="),
        ),
        (
            "DATETIME2(7)",
            "CAST('2024-02-29T13:14:15.1234567' AS datetime2(7))",
            json!("2024-02-29T13:14:15.1234567"),
        ),
        (
            "DATETIMEOFFSET(7) +05:30",
            "CAST('2024-02-29T13:14:15.1234567+05:30' AS datetimeoffset(7))",
            json!("2024-02-29T13:14:15.1234567+05:30"),
        ),
        (
            "TIME(7)",
            "CAST('13:14:15.1234567' AS time(7))",
            json!("13:14:15.1234567"),
        ),
        ("DATE", "CAST('2024-02-29' AS date)", json!("2024-02-29")),
    ] {
        let reply = claude.sql(&format!("SELECT {sql} AS v")).await;
        let result = reply.structured();
        assert_eq!(result["results"][0]["v"], expected, "{value}");
        assert_eq!(result["columns"][0].get("lossy"), None, "{value}");
        table.push(format!("| {value} | `{expected}` |"));
    }
    let reply = claude.sql("SELECT 1 AS a, 2 AS a, 3").await;
    // Keys of an object keep no order in this reader: the text has it.
    assert!(
        reply.text().contains(r#"{"a":1,"a_2":2,"column_3":3}"#),
        "{}",
        reply.text()
    );
    table.push(
        "| two columns of the same name, one without | `{\"a\":1,\"a_2\":2,\"column_3\":3}` |"
            .to_owned(),
    );
    let many = claude
        .sql("SELECT a.OrderID FROM Orders a CROSS JOIN Shippers b")
        .await;
    let many = many.structured();
    assert_eq!(many["row_count"], 1_000);
    assert_eq!(many["truncated"], json!({"by": "rows", "limit": 1_000}));
    table.push(format!(
        "| more rows than allowed | 1 000 rows, `\"truncated\":{}` |",
        many["truncated"]
    ));
    println!("\n| value | ours |\n|---|---|\n{}\n", table.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_exact_to_its_last_digit() {
    let (_product, claude) = wide().await;
    let all = "SELECT Id, c_money, c_smallmoney, c_varchar FROM dbo.AllTypes ORDER BY Id";
    for query in [
        all,
        "SELECT c_money FROM dbo.AllTypes WHERE c_money > 900000000000 ORDER BY Id",
        "SELECT c_money AS a, c_money AS a, c_money FROM dbo.AllTypes ORDER BY Id",
        // Columns without a name, and every type there is beside it.
        "SELECT c_money + 0, * FROM dbo.AllTypes ORDER BY Id",
    ] {
        // The second run finds the types in the cache.
        for _ in 0..2 {
            let reply = claude.sql(query).await;
            let result = reply.structured();
            assert!(
                reply.text().contains("922337203685477.5807"),
                "{query}: {}",
                reply.text()
            );
            assert!(!reply.text().contains("lossy"), "{query}");
            for column in result["columns"].as_array().expect("columns") {
                assert_ne!(column["type"], "decimal(19,4)", "{query}");
            }
        }
    }
    // What else is in the row is as it was in the first reading.
    let alone = claude
        .sql("SELECT Id, c_smallmoney, c_varchar FROM dbo.AllTypes ORDER BY Id")
        .await;
    let beside = claude.sql(all).await;
    let without = |row: &Value| {
        let mut row = row.clone();
        row.as_object_mut().expect("a row").remove("c_money");
        row
    };
    let rows = |reply: &Value| reply["results"].as_array().expect("rows").clone();
    let beside: Vec<Value> = rows(beside.structured()).iter().map(without).collect();
    assert_eq!(beside, rows(alone.structured()));
    // Under the row cap the same, with a notice and no row more.
    let capped = Product::builder()
        .scope_settings("max_rows = 2")
        .start()
        .await;
    let reply = capped.client("claude").sql("SELECT c_money, b.OrderID FROM dbo.AllTypes a, Orders b WHERE a.c_money > 900000000000").await;
    assert_eq!(reply.structured()["row_count"], 2);
    assert_eq!(reply.structured()["truncated"]["by"], "rows");
    assert!(!reply.text().contains("lossy"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_every_shape_arrive() {
    let (_product, claude) = wide().await;
    let none = claude
        .sql("SELECT OrderID, Freight FROM Orders WHERE 1 = 0")
        .await;
    assert_eq!(none.structured()["row_count"], 0);
    assert_eq!(none.structured()["results"], json!([]));
    assert_eq!(none.structured()["columns"][0]["name"], "OrderID");

    let columns: Vec<String> = (1..=1_024).map(|n| format!("{n} AS c{n}")).collect();
    let wide = claude.sql(&format!("SELECT {}", columns.join(", "))).await;
    assert_eq!(
        wide.structured()["columns"].as_array().map(Vec::len),
        Some(1_024)
    );
    assert_eq!(wide.structured()["results"][0]["c1024"], 1_024);

    // In rows of about 2 000 characters each.
    let document = claude
        .sql("SELECT TOP 400 OrderID, Freight, 'ñ€\u{1F600}' AS text FROM Orders ORDER BY OrderID FOR JSON PATH")
        .await;
    let cell = document.structured()["results"][0]
        .as_object()
        .expect("a row");
    let cell = cell
        .values()
        .next()
        .expect("a cell")
        .as_array()
        .expect("an array");
    assert_eq!(cell.len(), 400);
    assert_eq!(cell[399]["text"], "ñ€\u{1F600}");
    assert!(document.text().len() > 12_000);

    let text = "x".repeat(200_000);
    let long = claude
        .sql("SELECT REPLICATE(CAST('x' AS varchar(max)), 200000) AS t, '' AS e, N'' AS n")
        .await;
    let row = &long.structured()["results"][0];
    assert_eq!(row["t"], text);
    assert_eq!((&row["e"], &row["n"]), (&json!(""), &json!("")));

    let variants = claude
        .sql("SELECT CAST(CAST(-12.50 AS decimal(9,2)) AS sql_variant) AS d, CAST(N'ñ' AS sql_variant) AS t, CAST(CAST('2024-02-29' AS date) AS sql_variant) AS day")
        .await;
    let row = &variants.structured()["results"][0];
    assert_eq!(row, &json!({"d": "-12.50", "t": "ñ", "day": "2024-02-29"}));
}
