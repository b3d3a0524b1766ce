//! Pages of a result and scopes with several databases, as a client sees them.

use integration_tests::Product;
use mssql_mcp::oauth::LOCAL_SUBJECT;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn pages_put_together_are_the_whole_result() {
    let product = Product::builder()
        .oauth()
        .scope_writers("writer", &[LOCAL_SUBJECT])
        .start()
        .await;
    for scope in ["claude", "writer"] {
        let client = product.client(scope);
        for query in [
            "SELECT OrderID FROM dbo.Orders WHERE OrderID < 10300 ORDER BY OrderID DESC",
            "SELECT TOP 52 OrderID FROM dbo.Orders ORDER BY OrderID",
        ] {
            let whole = client.sql(query).await.structured()["results"].clone();
            let mut rows = Vec::new();
            for page in 1.. {
                let reply = client
                    .call(
                        "execute_sql",
                        json!({ "query": query, "page": page, "page_size": 20 }),
                    )
                    .await;
                let document = reply.structured();
                rows.extend_from_slice(document["results"].as_array().unwrap());
                let more = rows.len() < whole.as_array().unwrap().len();
                assert_eq!(
                    document["pagination"],
                    json!({"page": page, "page_size": 20, "has_more": more})
                );
                if !more {
                    assert_eq!(page, 3);
                    break;
                }
            }
            assert_eq!(Value::Array(rows), whole, "{query}");
        }
        let unordered = json!({ "query": "SELECT OrderID FROM dbo.Orders", "page_size": 5 });
        let reply = client.call("execute_sql", unordered).await;
        let paging = &reply.structured()["pagination"];
        assert_eq!(
            (&paging["page"], &paging["has_more"]),
            (&json!(1), &json!(true))
        );
        assert!(paging["note"].as_str().unwrap().contains("not stable"));
    }
    let claude = product.client("claude");
    for (arguments, said) in [
        (json!({"page": 0}), "0"),
        (json!({"page_size": 1001}), "between 1 and 1000"),
        (json!({"page": 20_000_000}), "ORDER BY"),
    ] {
        let mut arguments = arguments;
        arguments["query"] = json!("SELECT OrderID FROM dbo.Orders");
        let error = claude.call("execute_sql", arguments).await.error();
        assert_eq!(error["code"], "invalid-arguments", "{error}");
        assert!(error["error"].as_str().unwrap().contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_with_several_databases_lists_them_and_reads_each() {
    let product = Product::builder()
        .sections(
            "[scopes.two]\ntool_sets = [\"claude-tools\", \"chatgpt-search-fetch\"]\n\
             databases = [\"demo\", \"demo-writer\", \"gone\"]\n\
             read_only = false\nwrite_database = \"demo-writer\"\n\
             [databases.gone]\nhost = \"127.0.0.1\"\nport = 1\ndatabase = \"d\"\nuser = \"u\"\n\
             password = \"p\"\npool = { acquire_timeout = \"1s\" }",
        )
        .start()
        .await;
    let two = product.client("two");
    let listed = two.call("list_databases", json!({})).await;
    assert_eq!(
        listed.structured()["databases"],
        json!([
            {"name": "demo", "default": true},
            {"name": "demo-writer", "default": false},
            {"name": "gone", "default": false},
        ])
    );
    let query = |label: &str| json!({"query": "SELECT 1 AS a", "database": label});
    for label in ["demo", "demo-writer"] {
        let reply = two.call("execute_sql", query(label)).await;
        assert_eq!(reply.structured()["results"], json!([{"a": 1}]));
    }
    // Nothing of it came from another one.
    assert_eq!(
        two.call("execute_sql", query("gone")).await.code(),
        "unavailable"
    );
    for (tool, arguments) in [
        ("list_tables", json!({})),
        ("describe_table", json!({"table_name": "Orders"})),
        (
            "get_table_sample",
            json!({"table_name": "Orders", "limit": 1}),
        ),
    ] {
        let mut arguments = arguments;
        arguments["database"] = json!("demo-writer");
        let reply = two.call(tool, arguments.clone()).await;
        assert!(reply.structured().is_object(), "{tool}");
        arguments["database"] = json!("hr");
        let error = two.call(tool, arguments).await.error();
        assert_eq!(error["code"], "invalid-arguments", "{error}");
        let message = error["error"].as_str().unwrap();
        assert!(message.contains("demo-writer"), "{message}");
    }
    let search = json!({"query": "sample Orders limit 1", "database": "demo-writer"});
    let found = two.call("search", search).await;
    let id = found.structured()["results"][0]["id"].clone();
    assert!(
        id.as_str().unwrap().starts_with("@demo-writer/dbo.Orders/"),
        "{id}"
    );
    let fetched = two.call("fetch", json!({ "id": id })).await;
    assert_eq!(fetched.structured()["id"], id);
}
