//! The tool sets against a host that records what it is asked.

use mssql_mcp_sdk::testing::{FakeHost, FakeTable};
use mssql_mcp_sdk::{Access, Error, Failure, OutputShape, Reply, Structured};
use serde_json::{Value, json};

use crate::{claude_tools, claude_tools_write};

fn host() -> FakeHost {
    FakeHost::new()
        .table(FakeTable::new(
            "dbo",
            "Orders",
            &["OrderID"],
            &[("OrderID", "int")],
        ))
        .table(FakeTable::new(
            "dbo",
            "Order Details",
            &["OrderID", "ProductID"],
            &[("OrderID", "int")],
        ))
}

fn json_of<C: std::fmt::Debug>(reply: Reply<C>) -> Value {
    match reply {
        Reply::Output(output) => match output.structured {
            Some(Structured::Json(json)) => serde_json::from_str(&json).unwrap(),
            other => panic!("not JSON: {other:?}"),
        },
        Reply::Ask(question) => panic!("a question: {question:?}"),
    }
}

fn gives_rows<C>(reply: &Reply<C>) -> bool {
    matches!(
        reply,
        Reply::Output(output) if matches!(output.structured, Some(Structured::Rows(_)))
    )
}

#[test]
fn every_tool_has_a_closed_schema_an_output_a_title_and_all_four_hints() {
    for manifest in [
        claude_tools::<FakeHost>().manifest(),
        claude_tools_write::<FakeHost>().manifest(),
    ] {
        let names: Vec<_> = manifest.tools.iter().map(|tool| &tool.name).collect();
        assert_eq!(
            names,
            [
                "list_tables",
                "describe_table",
                "execute_sql",
                "get_table_sample"
            ]
        );
        assert!(manifest.instructions.unwrap().len() <= 512);
        for tool in manifest.tools {
            let input: Value = serde_json::from_str(&tool.input_schema).unwrap();
            assert_eq!(input["type"], "object", "{}", tool.name);
            assert_eq!(input["additionalProperties"], false, "{}", tool.name);
            assert!(tool.title.is_some());
            let hints = tool.annotations;
            assert!(hints.read_only.is_some() && hints.destructive.is_some());
            assert!(hints.idempotent.is_some() && hints.open_world.is_some());
            match tool.output {
                Some(OutputShape::Schema(schema)) => {
                    let schema: Value = serde_json::from_str(&schema).unwrap();
                    assert_eq!(schema["type"], "object", "{}", tool.name);
                    assert!(!schema.to_string().contains("$ref"), "{}", tool.name);
                }
                Some(OutputShape::Rows(_)) => {}
                None => panic!("{} has no output schema", tool.name),
            }
        }
    }
}

#[test]
fn only_the_writing_set_has_a_tool_that_asks_for_write_access() {
    let access = |tools: Vec<mssql_mcp_sdk::bindings::mssql_mcp::tools::types::Tool>| {
        tools
            .into_iter()
            .filter(|tool| tool.access == Access::Write)
            .map(|tool| tool.name)
            .collect::<Vec<_>>()
    };
    assert!(access(claude_tools::<FakeHost>().manifest().tools).is_empty());
    assert_eq!(
        access(claude_tools_write::<FakeHost>().manifest().tools),
        ["execute_sql"]
    );
}

#[test]
fn list_tables_counts_what_it_lists() {
    let reply = claude_tools().call(&host(), "list_tables", "{}").unwrap();
    assert_eq!(
        json_of(reply),
        json!({"count": 2, "tables": [
            {"schema": "dbo", "name": "Orders", "type": "table", "rows": 100, "comment": null},
            {"schema": "dbo", "name": "Order Details", "type": "table", "rows": 100,
             "comment": null},
        ]})
    );
}

#[test]
fn describe_table_resolves_the_name_and_passes_the_document_on() {
    let reply = claude_tools()
        .call(
            &host(),
            "describe_table",
            r#"{"table_name": "[order details]"}"#,
        )
        .unwrap();
    let document = json_of(reply);
    assert_eq!(document["table"], "Order Details");
    assert_eq!(document["primary_keys"], json!(["OrderID", "ProductID"]));
}

#[test]
fn a_sample_is_ten_rows_of_the_quoted_table_unless_told() {
    let host = host();
    let tools = claude_tools();
    let reply = tools
        .call(
            &host,
            "get_table_sample",
            r#"{"table_name": "order details"}"#,
        )
        .unwrap();
    assert!(gives_rows(&reply));
    tools
        .call(
            &host,
            "get_table_sample",
            r#"{"table_name": "Orders", "limit": 100}"#,
        )
        .unwrap();
    let statements: Vec<_> = host.statements().into_iter().map(|(sql, _)| sql).collect();
    assert_eq!(
        statements,
        [
            "SELECT TOP (10) * FROM [dbo].[Order Details]",
            "SELECT TOP (100) * FROM [dbo].[Orders]"
        ]
    );
}

#[test]
fn a_sample_outside_one_to_a_hundred_asks_nothing_of_the_database() {
    let host = host();
    for limit in ["0", "101", "-1", "\"ten\""] {
        let arguments = format!(r#"{{"table_name": "Orders", "limit": {limit}}}"#);
        let failure = claude_tools()
            .call(&host, "get_table_sample", &arguments)
            .unwrap_err();
        assert!(matches!(failure, Failure::InvalidArguments(_)), "{limit}");
    }
    assert!(host.statements().is_empty());
}

#[test]
fn an_unknown_table_is_the_databases_own_error() {
    let failure = claude_tools()
        .call(&host(), "describe_table", r#"{"table_name": "Nope"}"#)
        .unwrap_err();
    assert_eq!(failure, Failure::Database(Error::UnknownName(Vec::new())));
}

#[test]
fn the_reading_set_sends_every_statement_to_query_for_the_guard_to_judge() {
    let host = host();
    for sql in ["SELECT 1", "DELETE FROM dbo.Orders"] {
        let arguments = json!({ "query": sql }).to_string();
        let reply = claude_tools()
            .call(&host, "execute_sql", &arguments)
            .unwrap();
        assert!(gives_rows(&reply));
    }
    assert!(host.executed().is_empty());
    assert_eq!(host.statements().len(), 2);
}

#[test]
fn the_writing_set_executes_changes_and_queries_the_rest() {
    let host = host();
    let tools = claude_tools_write();
    let run = |sql: &str| {
        tools
            .call(&host, "execute_sql", &json!({ "query": sql }).to_string())
            .unwrap()
    };
    assert_eq!(
        json_of(run("DELETE FROM dbo.Orders WHERE OrderID = 1")),
        json!({"rows_affected": 1})
    );
    assert!(gives_rows(&run(
        "WITH c AS (SELECT 1 AS a) SELECT a FROM c"
    )));
    assert!(gives_rows(&run("DROP TABLE dbo.Orders")));
    assert_eq!(
        host.executed(),
        ["DELETE FROM dbo.Orders WHERE OrderID = 1"]
    );
}

#[test]
fn an_unknown_tool_and_an_empty_statement_are_refused() {
    let host = host();
    let failure = claude_tools().call(&host, "drop_table", "{}").unwrap_err();
    assert_eq!(failure, Failure::UnknownTool);
    let failure = claude_tools()
        .call(&host, "execute_sql", r#"{"query": "  "}"#)
        .unwrap_err();
    assert!(matches!(failure, Failure::InvalidArguments(_)));
    assert!(host.statements().is_empty());
}
