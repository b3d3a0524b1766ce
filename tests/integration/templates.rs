//! Tools without code: an operator's SQL in a file, reloaded when the file changes.

use std::path::Path;

use integration_tests::Product;
use mssql_mcp::app::FileStatus;
use mssql_mcp::principal::Rights;
use serde_json::{Value, json};

const ORDERS: &str = r#"
[[tool]]
name = "orders_of"
description = "Orders of a customer, newest first."
sql = "SELECT TOP (@limit) OrderID FROM dbo.Orders WHERE CustomerID = @customer ORDER BY OrderDate DESC"
parameters.customer = { type = "string", description = "Customer number", sql_type = "nchar(5)" }
parameters.limit = { type = "integer", description = "Rows at most", default = 3, min = 1, max = 50 }
"#;

fn scope(tool_set: &str, file: &Path) -> String {
    format!(
        "tool_sets = [\"{tool_set}\"]\nconfig = {{ {tool_set} = {{ file = '{}' }} }}",
        file.display()
    )
}

fn refused(status: &FileStatus) -> bool {
    status.problem.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_tools_and_a_changed_file_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("templates.toml");
    std::fs::write(&file, ORDERS).unwrap();
    let product = Product::builder()
        .scope("templates", &scope("query-templates", &file))
        .start()
        .await;
    let client = product.client("templates");
    assert_eq!(client.tools().await, ["orders_of"]);
    let orders = client.call("orders_of", json!({"customer": "ADLEB"})).await;
    assert_eq!(orders.structured()["row_count"], 3);
    let injected = json!({"customer": "A' OR 1=1 --", "limit": 50});
    let wrong = client.call("orders_of", injected).await;
    assert_eq!(wrong.error()["code"], "invalid-arguments");
    let too_many = client.call("orders_of", json!({"customer": "ADLEB", "limit": 51}));
    assert_eq!(too_many.await.error()["code"], "invalid-arguments");

    // The listing changes, so those who listen are told; the component is the same.
    let mut changed = product.app.watch_tool_sets();
    changed.mark_unchanged();
    let more = format!(
        "{ORDERS}\n[[tool]]\nname = \"customers\"\ndescription = \"How many there are.\"\n\
         sql = \"SELECT COUNT(*) AS n FROM dbo.Customers\"\n"
    );
    std::fs::write(&file, more).unwrap();
    changed.changed().await.unwrap();
    assert_eq!(client.tools().await, ["orders_of", "customers"]);
    let counted = client.call("customers", json!({})).await;
    assert!(counted.structured()["results"][0]["n"].as_i64() > Some(1));

    for (mistake, said) in [
        ("[[tool]]\nname = \"x\"\n", "description"),
        (
            "[[tool]]\nname = \"x\"\ndescription = \"d\"\nsql = \"DROP TABLE Orders\"\n",
            "tool \"x\", sql",
        ),
        ("[[tool]]\nnam = \"x\"\n", "did you mean \"name\"?"),
        ("[[tool]\n", "line 1"),
    ] {
        std::fs::write(&file, mistake).unwrap();
        let new = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.sentence.contains(said))
        };
        let status = product.tool_set("query-templates", new).await;
        println!("{}", status.problem.unwrap().sentence);
        // The calls of the good version still have the good text.
        assert_eq!(client.tools().await, ["orders_of", "customers"]);
        let orders = client.call("orders_of", json!({"customer": "ADLEB"})).await;
        assert_eq!(orders.structured()["row_count"], 3);
    }
    std::fs::write(&file, ORDERS).unwrap();
    product
        .tool_set("query-templates", |status| !refused(status))
        .await;
    assert_eq!(client.tools().await, ["orders_of"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_writes_does_so_for_who_may_and_where_it_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("templates.toml");
    let text = r#"
[[tool]]
name = "set_phone"
description = "Changes the telephone number of a customer."
access = "write"
sql = "UPDATE dbo.Customers SET Phone = @phone WHERE CustomerID = @customer"
parameters.customer = { type = "string", description = "Customer number", sql_type = "nchar(5)" }
parameters.phone = { type = "string", description = "Telephone number", sql_type = "nvarchar(24)" }
"#;
    std::fs::write(&file, text).unwrap();
    let writing = "read_only = false\nwrite_database = \"demo-writer\"\n";
    let product = Product::builder()
        .oauth()
        .scope(
            "changes",
            &(scope("query-templates-write", &file) + "\n" + writing),
        )
        .scope_writers("changes", &["*"])
        .start()
        .await;
    let reader = product.token("changes", "local", Rights::READ).await;
    let reader = product.client_with("changes", Some(reader));
    assert_eq!(reader.tools().await, Vec::<String>::new());
    let client = product.client("changes");
    assert_eq!(client.tools().await, ["set_phone"]);
    let given =
        json!({"customer": "ADLEB", "phone": "+34 600 000 000'; DROP TABLE Orders --".get(..20)});
    let changed = client.call("set_phone", given).await;
    assert_eq!(changed.structured(), &json!({"rows_affected": 1}));
    let listed: Value = client.request("tools/list", json!({})).await;
    assert_eq!(listed["tools"][0]["annotations"]["destructiveHint"], true);
}
