//! The guard over lists of statements that it was not built with: each is refused
//! with the code that is its rule's, or passes.

use mssql_mcp::database::guard;
use serde::Deserialize;

#[test]
fn every_statement_on_the_list_is_refused_by_its_rule_and_told_a_way_out() {
    let cases: Vec<Refused> = list(include_str!("../data/guard-refuse.json"));
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let mut failures = Vec::new();
    for Refused { id, sql, code, why } in &cases {
        match guard::check(sql, &["p1", "p2"]) {
            Ok(_) => failures.push(format!("{id} passed ({why}): {sql:?}")),
            Err(denial) if denial.code != code || denial.hint.is_none() => {
                failures.push(format!("{id} is {code}: {denial:?} {sql:?}"));
            }
            Err(_) => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_statement_on_the_other_list_passes() {
    let cases: Vec<Passed> = list(include_str!("../data/guard-pass.json"));
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut failures = Vec::new();
    for Passed { id, sql, why } in &cases {
        if let Err(denial) = guard::check(sql, &["p1", "p2"]) {
            failures.push(format!("{id} ({why}): {denial} {sql:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[derive(Deserialize)]
struct Refused {
    id: String,
    sql: String,
    code: String,
    why: String,
}

#[derive(Deserialize)]
struct Passed {
    id: String,
    sql: String,
    why: String,
}

fn list<T: serde::de::DeserializeOwned>(json: &str) -> Vec<T> {
    serde_json::from_str(json).expect("a list of cases")
}
