//! The tools against a host that records what it is asked.

use mssql_mcp_sdk::testing::{FakeCursor, FakeHost};
use mssql_mcp_sdk::{Ability, Error, Failure, Reply, Structured, Value};
use serde_json::json;

use crate::customer_desk;

fn call(host: &FakeHost, tool: &str, arguments: &serde_json::Value) -> Reply<FakeCursor> {
    let called = customer_desk().call(host, tool, &arguments.to_string());
    called.unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn document(reply: Reply<FakeCursor>) -> serde_json::Value {
    let Reply::Output(output) = reply else {
        panic!("a question: {reply:?}");
    };
    let Some(Structured::Json(json)) = output.structured else {
        panic!("no document: {output:?}");
    };
    serde_json::from_str(&json).unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.to_owned())
}

#[test]
fn what_the_model_wrote_is_a_parameter_and_wildcards_in_it_are_letters() {
    let host = FakeHost::new();
    let reply = call(&host, "find_orders", &json!({"company": "50%'; --"}));
    assert!(matches!(
        reply,
        Reply::Output(output) if matches!(output.structured, Some(Structured::Rows(_)))
    ));
    let (sql, params) = host.statements().remove(0);
    assert!(!sql.contains("50"), "{sql}");
    assert_eq!(params[0].value, text(r"%50\%'; --%"));
    assert_eq!(params[1].value, Value::Int(0));
    assert_eq!(params[2].value, Value::Int(20));
}

#[test]
fn the_summary_is_exact_sorted_and_computed_once() {
    let host = FakeHost::new().caching().answering(|_, _| {
        Ok(FakeCursor::new(
            &[
                ("Country", "nvarchar(15)"),
                ("Orders", "int"),
                ("Revenue", "money"),
            ],
            vec![
                vec![text("Spain"), Value::Int(1), decimal("0.1000")],
                vec![text("UK"), Value::Int(2), decimal("0.2000")],
            ],
        ))
    });
    let first = document(call(&host, "revenue_by_country", &json!({})));
    assert_eq!(
        first,
        json!({
            "total": "0.3000",
            "countries": [
                {"country": "UK", "orders": 2, "revenue": "0.2000", "percent": 66.7},
                {"country": "Spain", "orders": 1, "revenue": "0.1000", "percent": 33.3},
            ]
        })
    );
    assert_eq!(
        document(call(&host, "revenue_by_country", &json!({}))),
        first
    );
    assert_eq!(host.statements().len(), 1);
}

#[test]
fn half_a_summary_is_none() {
    let host = FakeHost::new().caching().answering(|_, _| {
        Ok(FakeCursor::new(&[("Country", "nvarchar(15)")], Vec::new()).truncated_by("bytes", 1))
    });
    let failure = customer_desk()
        .call(&host, "revenue_by_country", "{}")
        .unwrap_err();
    assert!(matches!(failure, Failure::Failed(problem) if problem.code == "server-error"));
}

#[test]
fn every_page_begins_behind_the_one_before() {
    let host = FakeHost::new().answering(|sql, params| {
        if sql.contains("COUNT") {
            return Ok(FakeCursor::new(
                &[("", "int")],
                vec![vec![Value::Int(1_200)]],
            ));
        }
        let Value::Int(after) = params[0].value else {
            return Err(Error::Other("no page".to_owned()));
        };
        let page = (after + 1..=1_200).take(500);
        let rows = page.map(|order| vec![Value::Int(order), Value::Int(order % 100)]);
        Ok(FakeCursor::new(
            &[("OrderID", "int"), ("Days", "int")],
            rows.collect(),
        ))
    });
    assert_eq!(
        document(call(&host, "shipping_times", &json!({}))),
        json!({"orders": 1_200, "median_days": 49, "ninth_decile_days": 89, "slowest_days": 99})
    );
    let statements = host.statements();
    let pages = statements
        .iter()
        .skip(1)
        .map(|(_, params)| params[0].value.clone());
    assert!(pages.eq([0, 500, 1_000].map(Value::Int)));
}

#[test]
fn without_orders_there_are_no_times() {
    let host = FakeHost::new().answering(|sql, _| {
        let count = sql.contains("COUNT").then(|| vec![Value::Int(0)]);
        Ok(FakeCursor::new(&[("", "int")], count.into_iter().collect()))
    });
    assert_eq!(
        document(call(&host, "shipping_times", &json!({}))),
        json!({"orders": 0, "median_days": null, "ninth_decile_days": null, "slowest_days": null})
    );
}

fn customers() -> FakeHost {
    FakeHost::new().answering(|_, _| {
        Ok(FakeCursor::new(
            &[("CompanyName", ""), ("ContactName", ""), ("Phone", "")],
            vec![vec![text("Adler Market"), text("Lukas"), Value::Null]],
        ))
    })
}

#[test]
fn the_person_is_asked_and_decides_what_the_model_learns() {
    let customer = json!({"customer": "ADLEA"});
    let contact = |host: FakeHost| document(call(&host, "contact_of_customer", &customer));
    let shared = json!({"company": "Adler Market", "contact": "Lukas", "phone": null});
    let kept = json!({"company": "Adler Market", "contact": null, "phone": null});

    let asking = customers().able(Ability::Elicitation);
    let Reply::Ask(question) = call(&asking, "contact_of_customer", &customer) else {
        panic!("it did not ask");
    };
    assert!(
        question.requests.contains("Adler Market"),
        "{}",
        question.requests
    );

    for (answer, expected) in [
        (
            r#"{"action": "accept", "content": {"share": true}}"#,
            &shared,
        ),
        (
            r#"{"action": "accept", "content": {"share": false}}"#,
            &kept,
        ),
        (r#"{"action": "decline"}"#, &kept),
        (r#"{"action": "cancel"}"#, &kept),
    ] {
        let host = customers().able(Ability::Elicitation);
        let host = host.answered(&format!(r#"{{"consent": {answer}}}"#), b"");
        assert_eq!(contact(host), *expected, "{answer}");
    }
    assert_eq!(contact(customers()), kept);
}

#[test]
fn an_answer_of_another_shape_is_asked_for_again() {
    let host = customers().able(Ability::Elicitation);
    let host = host.answered(
        r#"{"consent": {"action": "accept", "content": {"share": 1}}}"#,
        b"",
    );
    let reply = call(&host, "contact_of_customer", &json!({"customer": "ADLEA"}));
    assert!(matches!(reply, Reply::Ask(_)));
}

#[test]
fn an_unknown_customer_is_a_sentence() {
    let failure = customer_desk()
        .call(
            &FakeHost::new(),
            "contact_of_customer",
            r#"{"customer": "NONE"}"#,
        )
        .unwrap_err();
    assert!(matches!(failure, Failure::Failed(problem) if problem.code == "not-found"));
}
