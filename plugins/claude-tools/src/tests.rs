//! The tool sets against a host that records what it is asked.

use mssql_mcp_sdk::testing::{FakeHost, FakeTable};
use mssql_mcp_sdk::{Access, Databases, Error, Failure, OutputShape, Reply, Structured, ToolSet};
use serde_json::{Value, json};

/// The tools of a scope with one database.
fn claude_tools() -> ToolSet<FakeHost> {
    crate::claude_tools(&Databases::listed("sales"))
}

/// The same, with one that writes.
fn claude_tools_write() -> ToolSet<FakeHost> {
    crate::claude_tools_write(&Databases::listed("sales"))
}

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
    for manifest in [claude_tools().manifest(), claude_tools_write().manifest()] {
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
    assert!(access(claude_tools().manifest().tools).is_empty());
    assert_eq!(
        access(claude_tools_write().manifest().tools),
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

#[test]
fn pages_are_the_hosts_and_a_size_alone_asks_for_the_first() {
    let host = host();
    for (arguments, page) in [
        (json!({}), None),
        (json!({"page": 3, "page_size": 20}), Some((3, Some(20)))),
        (json!({"page": 2}), Some((2, None))),
        (json!({"page_size": 20}), Some((1, Some(20)))),
    ] {
        let mut arguments = arguments;
        arguments["query"] = json!("SELECT a FROM t ORDER BY a");
        for tools in [claude_tools(), claude_tools_write()] {
            let reply = tools.call(&host, "execute_sql", &arguments.to_string());
            assert!(gives_rows(&reply.unwrap()));
            assert_eq!(host.queries().last().unwrap().page, page, "{arguments}");
        }
    }
    let change = json!({"query": "DELETE FROM t", "page": 1}).to_string();
    let failure = claude_tools_write().call(&host, "execute_sql", &change);
    assert!(matches!(failure.unwrap_err(), Failure::InvalidArguments(_)));
    assert!(host.executed().is_empty());
}

#[test]
fn several_databases_are_listed_and_every_tool_can_use_each() {
    let host = host();
    let several = Databases::listed("sales,archive");
    let tools = crate::claude_tools::<FakeHost>(&several);
    let listed = json_of(tools.call(&host, "list_databases", "{}").unwrap());
    assert_eq!(
        listed,
        json!({"count": 2, "databases": [
            {"name": "sales", "default": true}, {"name": "archive", "default": false},
        ]})
    );
    for tool in tools.manifest().tools {
        let schema: Value = serde_json::from_str(&tool.input_schema).unwrap();
        let argument = &schema["properties"]["database"];
        if tool.name == "list_databases" {
            assert!(argument.is_null());
        } else {
            assert_eq!(
                argument["enum"],
                json!(["sales", "archive"]),
                "{}",
                tool.name
            );
        }
    }
    for (tool, arguments) in [
        ("list_tables", json!({})),
        ("describe_table", json!({"table_name": "Orders"})),
        ("get_table_sample", json!({"table_name": "Orders"})),
        ("execute_sql", json!({"query": "SELECT 1"})),
    ] {
        let mut arguments = arguments;
        arguments["database"] = json!("archive");
        tools.call(&host, tool, &arguments.to_string()).unwrap();
        arguments["database"] = json!("hr");
        match tools.call(&host, tool, &arguments.to_string()) {
            Err(Failure::InvalidArguments(wrong)) => {
                assert!(wrong[0].message.contains("sales, archive"), "{wrong:?}");
            }
            other => panic!("{tool}: {other:?}"),
        }
    }
    assert!(host.queries().iter().all(|sent| sent.database == "archive"));
    let one = claude_tools().manifest();
    assert!(one.tools.iter().all(|tool| {
        tool.name != "list_databases" && !tool.input_schema.contains("\"database\"")
    }));
}

#[test]
fn a_sample_writes_places_and_hierarchies_as_text() {
    let columns = [
        ("id", "int"),
        ("place [x]", "geography"),
        ("node", "hierarchyid"),
    ];
    let host = FakeHost::new().table(FakeTable::new("dbo", "Tree", &[], &columns));
    let arguments = json!({"table_name": "Tree", "limit": 3}).to_string();
    claude_tools()
        .call(&host, "get_table_sample", &arguments)
        .unwrap();
    assert_eq!(
        host.statements()[0].0,
        "SELECT TOP (3) [id], [place [x]]].STAsText() AS [place [x]]], \
         [node].ToString() AS [node] FROM [dbo].[Tree]"
    );
}
