//! Two people of one scope whose rows a security policy of the database tells
//! apart by SESSION_CONTEXT.

use demo_sqlserver::schema::Policy;
use integration_tests::{McpClient, Product};
use mssql_mcp::principal::Rights;
use serde_json::{Value, json};

/// Ana sees the customers of France, Ben those of Brazil.
const PREDICATE: &str = "Country = CASE CAST(SESSION_CONTEXT(N'Who') AS nvarchar(128)) \
    WHEN N'ana' THEN N'France' WHEN N'ben' THEN N'Brazil' END";

async fn product() -> Product {
    let policy = Policy {
        schema: "dbo".to_owned(),
        table: "Customers".to_owned(),
        predicate: PREDICATE.to_owned(),
    };
    let tools = "tool_sets = [\"claude-tools\", \"chatgpt-search-fetch\"]";
    Product::builder()
        .company(|company| company.policies.push(policy))
        .people(&[("ana", "a password"), ("ben", "another password")])
        .scope(
            "rows",
            &format!("{tools}\nsession_context = {{ Who = \"claim:sub\" }}"),
        )
        .scope(
            "lacking",
            &format!("{tools}\nsession_context = {{ Who = \"claim:department\" }}"),
        )
        .start()
        .await
}

async fn client(product: &Product, scope: &str, subject: &str) -> McpClient {
    let token = product.token(scope, subject, Rights::READ).await;
    product.client_with(scope, Some(token))
}

async fn countries(client: &McpClient) -> Value {
    let reply = client
        .sql("SELECT DISTINCT Country FROM dbo.Customers")
        .await;
    reply.structured()["results"].clone()
}

/// Number and name of the first customer that the caller sees.
async fn customer(client: &McpClient) -> (String, String) {
    let sql = "SELECT TOP (1) CustomerID, CompanyName FROM dbo.Customers ORDER BY CustomerID";
    let reply = client.sql(sql).await;
    let row = &reply.structured()["results"][0];
    let text = |name: &str| row[name].as_str().expect("text").to_owned();
    (text("CustomerID"), text("CompanyName"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_one_scope_never_see_each_others_rows() {
    let product = product().await;
    let (ana, ben) = tokio::join!(
        client(&product, "rows", "ana"),
        client(&product, "rows", "ben")
    );
    // By query, also at once and many times on the same pool.
    for _ in 0..5 {
        let both = tokio::join!(countries(&ana), countries(&ben));
        assert_eq!(
            both,
            (
                json!([{"Country": "France"}]),
                json!([{"Country": "Brazil"}])
            )
        );
    }
    // By search.
    let (id, name) = customer(&ana).await;
    for (who, sees) in [(&ana, true), (&ben, false)] {
        let reply = who.call("search", json!({"query": name})).await;
        let found = &reply.structured()["results"];
        let own = found.as_array().expect("results").iter();
        let own = own.filter(|result| result["id"] == format!("dbo.Customers/{id}"));
        assert_eq!(own.count(), usize::from(sees), "{reply:?}");
    }
    // By fetch, of which Ana's answer may be cached by now.
    let record = json!({"id": format!("dbo.Customers/{id}")});
    for _ in 0..2 {
        let mine = ana.call("fetch", record.clone()).await;
        assert!(mine.structured().to_string().contains(&name), "{mine:?}");
        let others = ben.call("fetch", record.clone()).await;
        assert_eq!(others.code(), "not-found", "{others:?}");
    }
    // By a sample.
    let sample = json!({"table_name": "dbo.Customers", "limit": 5});
    let sample = ben.call("get_table_sample", sample).await;
    for row in sample.structured()["results"].as_array().expect("rows") {
        assert_eq!(row["Country"], "Brazil");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lacks_the_claim_sees_nothing_and_is_told_why() {
    let product = product().await;
    let ana = client(&product, "lacking", "ana").await;
    let refused = ana.sql("SELECT COUNT(*) AS n FROM dbo.Customers").await;
    assert_eq!(refused.code(), "unavailable");
    let said = refused.error()["error"].to_string();
    assert!(said.contains("department"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_without_session_context_tells_the_server_of_nobody() {
    let product = product().await;
    let token = product.token("claude", "ana", Rights::READ).await;
    let ana = product.client_with("claude", Some(token));
    assert_eq!(countries(&ana).await, json!([]));
}
