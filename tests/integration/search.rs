//! `search` and `fetch`, as ChatGPT uses them.

use integration_tests::{McpClient, Product};
use serde_json::{Value, json};

async fn search(client: &McpClient, query: &str) -> Vec<Value> {
    let reply = client.call("search", json!({"query": query})).await;
    reply.structured()["results"]
        .as_array()
        .expect("results")
        .clone()
}

async fn fetch(client: &McpClient, id: &str) -> Value {
    client
        .call("fetch", json!({"id": id}))
        .await
        .structured()
        .clone()
}

/// The question, and a statement whose first column lists what must be named
/// among the first five results.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "10 mejores clientes por ingresos",
        "SELECT TOP 1 c.CompanyName FROM Customers c JOIN Orders o ON o.CustomerID = c.CustomerID GROUP BY c.CompanyName ORDER BY SUM(o.Revenue) DESC",
    ),
    (
        "top 10 customers by revenue",
        "SELECT TOP 1 c.CompanyName FROM Customers c JOIN Orders o ON o.CustomerID = c.CustomerID GROUP BY c.CompanyName ORDER BY SUM(o.Revenue) DESC",
    ),
    (
        "orders shipped late to Berlin",
        "SELECT OrderID FROM Orders WHERE ShippedDate > RequiredDate AND ShipCity = 'Berlin'",
    ),
    (
        "pedidos enviados tarde a Berlin",
        "SELECT OrderID FROM Orders WHERE ShippedDate > RequiredDate AND ShipCity = 'Berlin'",
    ),
    (
        "most expensive products",
        "SELECT TOP 1 ProductName FROM Products ORDER BY UnitPrice DESC",
    ),
    (
        "productos más caros",
        "SELECT TOP 1 ProductName FROM Products ORDER BY UnitPrice DESC",
    ),
    (
        "cheapest products",
        "SELECT TOP 1 ProductName FROM Products ORDER BY UnitPrice",
    ),
    (
        "productos más baratos",
        "SELECT TOP 1 ProductName FROM Products ORDER BY UnitPrice",
    ),
    (
        "products low in stock",
        "SELECT ProductName FROM Products WHERE UnitsInStock < ReorderLevel",
    ),
    (
        "customers in Germany",
        "SELECT CompanyName FROM Customers WHERE Country = 'Germany'",
    ),
    (
        "clientes en Alemania",
        "SELECT CompanyName FROM Customers WHERE Country = 'Germany'",
    ),
    (
        "clientes de México",
        "SELECT CompanyName FROM Customers WHERE Country = 'Mexico'",
    ),
    (
        "suppliers in Japan",
        "SELECT CompanyName FROM Suppliers WHERE Country = 'Japan'",
    ),
    (
        "employees hired in 1993",
        "SELECT LastName FROM Employees WHERE YEAR(HireDate) = 1993",
    ),
    (
        "empleados contratados en 1993",
        "SELECT LastName FROM Employees WHERE YEAR(HireDate) = 1993",
    ),
    (
        "orders in March 1997",
        "SELECT OrderID FROM Orders WHERE OrderDate >= '19970301' AND OrderDate < '19970401'",
    ),
    (
        "pedidos de marzo de 1997",
        "SELECT OrderID FROM Orders WHERE OrderDate >= '19970301' AND OrderDate < '19970401'",
    ),
    (
        "customers in Berlin",
        "SELECT CompanyName FROM Customers WHERE City = 'Berlin'",
    ),
    (
        "best selling products",
        "SELECT TOP 5 p.ProductName FROM Products p JOIN [Order Details] d ON d.ProductID = p.ProductID GROUP BY p.ProductName ORDER BY SUM(d.Quantity) DESC",
    ),
    (
        "productos más vendidos",
        "SELECT TOP 5 p.ProductName FROM Products p JOIN [Order Details] d ON d.ProductID = p.ProductID GROUP BY p.ProductName ORDER BY SUM(d.Quantity) DESC",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn twenty_questions_find_their_answer_among_the_first_five() {
    let product = Product::start().await;
    let demo = product.client("demo");
    let mut missed = Vec::new();
    for (question, sql) in QUESTIONS {
        let expected: Vec<String> = demo.sql(sql).await.structured()["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(
                |row| match row.as_object().unwrap().values().next().unwrap() {
                    Value::String(text) => text.clone(),
                    number => number.to_string(),
                },
            )
            .collect();
        assert!(!expected.is_empty(), "{sql} finds nothing");
        let results = search(&demo, question).await;
        let first: Vec<String> = results.iter().take(5).map(Value::to_string).collect();
        if !first
            .iter()
            .any(|result| expected.iter().any(|name| result.contains(name.as_str())))
        {
            missed.push(format!(
                "{question}: wants one of {:?}, has {first:#?}",
                expected.first()
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_search_finds_can_be_fetched() {
    let product = Product::start().await;
    let chatgpt = product.client("chatgpt");
    for query in [
        "list tables",
        "listar tablas",
        "describe Order Details",
        "sample Customers limit 3",
        "SELECT TOP 3 * FROM Customers ORDER BY CustomerID",
        "SELECT Country, COUNT(*) AS n FROM Customers GROUP BY Country",
        "SELECT TOP 3 OrderID, ProductID, Quantity FROM [Order Details]",
        "customers in Berlin",
    ] {
        let results = search(&chatgpt, query).await;
        assert!(!results.is_empty(), "{query}");
        for result in results.iter().take(3) {
            let id = result["id"].as_str().unwrap();
            let document = fetch(&chatgpt, id).await;
            assert_eq!(document["id"], id, "{query}");
            assert!(
                document["text"].as_str().unwrap().len() > 5,
                "{query}: {document}"
            );
            assert!(
                document["title"].is_string()
                    && document["url"].is_string()
                    && document["metadata"].is_object()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_come_from_the_primary_key_and_need_no_cache() {
    let product = Product::start().await;
    let chatgpt = product.client("chatgpt");
    let results = search(
        &chatgpt,
        "SELECT TOP 1 * FROM [Order Details] ORDER BY OrderID, ProductID",
    )
    .await;
    let id = results[0]["id"].as_str().unwrap().to_owned();
    assert!(
        id.starts_with("dbo.Order%20Details/") && id.contains(','),
        "{id}"
    );
    // Another product knows nothing of the search, nor of the key of the first.
    let other = Product::start().await;
    assert_eq!(
        fetch(&other.client("chatgpt"), &id).await,
        fetch(&chatgpt, &id).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_form_of_an_id_and_of_its_argument_are_understood() {
    let product = Product::start().await;
    let chatgpt = product.client("chatgpt");
    let customers = search(
        &chatgpt,
        "SELECT TOP 1 CustomerID, CompanyName FROM Customers ORDER BY CustomerID",
    )
    .await;
    let id = customers[0]["id"].as_str().unwrap();
    let key = id.rsplit('/').next().unwrap();
    let document = fetch(&chatgpt, &format!("Customers_{key}")).await;
    assert!(
        document["text"].as_str().unwrap().contains(key),
        "{document}"
    );
    let undeclared = chatgpt.call("fetch", json!({"record_id": id})).await;
    assert_eq!(undeclared.structured()["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_none_is_not_found_and_a_statement_that_writes_is_refused() {
    let product = Product::start().await;
    let chatgpt = product.client("chatgpt");
    for id in ["dbo.Customers/NOBODY", "query:AAAA", "nonsense"] {
        let code = chatgpt.call("fetch", json!({"id": id})).await.code();
        assert!(
            code == "not-found" || code == "unknown-table",
            "{id}: {code}"
        );
    }
    let reply = chatgpt
        .call("search", json!({"query": "DELETE FROM Customers"}))
        .await;
    assert_eq!(reply.code(), "write-not-allowed");
    let reply = chatgpt
        .call("search", json!({"query": "SELECT 1 DROP TABLE Customers"}))
        .await;
    assert_eq!(reply.code(), "write-not-allowed");
}
