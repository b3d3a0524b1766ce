//! Many rows: memory follows the byte cap, not the row count.

use integration_tests::Product;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_arrive_whole_where_the_caps_allow() {
    let settings = "max_rows = 1000000\nmax_bytes = \"64MiB\"\nquery_timeout = \"2m\"\n\
                    limits = { wall = \"3m\" }";
    let product = Product::builder().scope_settings(settings).start().await;
    let claude = product.client("claude");
    let query = "SELECT TOP 100000 a.OrderID, b.ProductID, b.ProductName \
                 FROM Orders a CROSS JOIN Products b CROSS JOIN Shippers c";
    let before = resident();
    let reply = claude.sql(query).await;
    let after = resident();
    assert_eq!(reply.structured()["row_count"], 100_000);
    assert_eq!(reply.structured()["truncated"], serde_json::Value::Null);
    println!(
        "resident: {before} KiB before, {after} KiB after, result {} KiB",
        reply.text().len() >> 10
    );
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
