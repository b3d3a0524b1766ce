//! The tools against a host that records what it is asked: `cargo test`.

use mssql_mcp_sdk::testing::{FakeCursor, FakeHost};
use mssql_mcp_sdk::{Failure, Reply, Structured, Value};
use serde_json::json;

use crate::tool_set;

#[test]
fn what_a_person_writes_is_a_parameter_and_rows_are_handed_through() {
    let host = FakeHost::new();
    let reply = tool_set()
        .call(&host, "orders_of", r#"{"customer": "A'; --"}"#)
        .unwrap();
    let Reply::Output(output) = reply else {
        panic!("a question");
    };
    assert!(matches!(output.structured, Some(Structured::Rows(_))));
    let (sql, params) = host.statements().remove(0);
    assert!(!sql.contains("A'"));
    assert_eq!(params[0].value, Value::Text("A'; --".to_owned()));
    assert_eq!(params[1].value, Value::Int(10));
}

#[test]
fn an_order_has_its_customer_and_its_lines() {
    let host = FakeHost::new().answering(|sql, _| {
        Ok(if sql.contains("Products") {
            FakeCursor::new(
                &[
                    ("ProductName", "nvarchar(40)"),
                    ("Quantity", "smallint"),
                    ("UnitPrice", "money"),
                ],
                vec![vec![
                    Value::Text("Café".to_owned()),
                    Value::Int(3),
                    Value::Decimal("1.5000".to_owned()),
                ]],
            )
        } else {
            FakeCursor::new(
                &[("CompanyName", "nvarchar(40)"), ("Subtotal", "money")],
                vec![vec![
                    Value::Text("Adler Market".to_owned()),
                    Value::Decimal("4.5000".to_owned()),
                ]],
            )
        })
    });
    let reply = tool_set().call(&host, "order", r#"{"order": 7}"#).unwrap();
    let Reply::Output(output) = reply else {
        panic!("a question");
    };
    let Some(Structured::Json(text)) = output.structured else {
        panic!("no document");
    };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        json!({
            "order": 7, "company": "Adler Market", "subtotal": "4.5000",
            "lines": [{"product": "Café", "quantity": 3, "unit_price": "1.5000"}]
        })
    );
}

#[test]
fn a_missing_order_says_where_the_numbers_are() {
    let failure = tool_set()
        .call(&FakeHost::new(), "order", r#"{"order": 7}"#)
        .unwrap_err();
    let Failure::Failed(problem) = failure else {
        panic!("{failure:?}");
    };
    assert_eq!(problem.code, "not-found");
    assert!(problem.hint.unwrap().contains("orders_of"));
}
