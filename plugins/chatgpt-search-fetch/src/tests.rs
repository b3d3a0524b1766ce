//! search and fetch together, against a host that answers from the tests.

use mssql_mcp_sdk::testing::{FakeCursor, FakeHost, FakeTable};
use mssql_mcp_sdk::{
    Databases, Error, Failure, OutputShape, Param, Reply, Structured, ToolSet, Value,
};
use serde_json::{Value as Json, json};

use crate::fixture;

/// The tools of a scope with one database.
fn chatgpt_search_fetch() -> ToolSet<FakeHost> {
    crate::chatgpt_search_fetch(&Databases::listed("sales"))
}

fn call(host: &FakeHost, tool: &str, arguments: &Json) -> Result<Json, Failure> {
    let reply = chatgpt_search_fetch().call(host, tool, &arguments.to_string())?;
    let Reply::Output(output) = reply else {
        panic!("a question instead of a result");
    };
    let Some(Structured::Json(json)) = output.structured else {
        panic!("no JSON");
    };
    Ok(serde_json::from_str(&json).unwrap())
}

fn search(host: &FakeHost, query: &str) -> Json {
    call(host, "search", &json!({ "query": query })).unwrap()
}

fn fetch(host: &FakeHost, id: &str) -> Result<Json, Failure> {
    call(host, "fetch", &json!({ "id": id }))
}

fn ids(results: &Json) -> Vec<&str> {
    results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["id"].as_str().unwrap())
        .collect()
}

fn customers() -> FakeCursor {
    FakeCursor::new(
        &[("CustomerID", "nchar(5)"), ("CompanyName", "nvarchar(40)")],
        vec![
            vec![
                Value::Text("ALFKI".into()),
                Value::Text("Alfreds Futterkiste".into()),
            ],
            vec![
                Value::Text("BERGS".into()),
                Value::Text("Berglunds snabbköp".into()),
            ],
        ],
    )
}

/// Answers every statement over Customers, narrowed by a parameter's value.
fn company() -> FakeHost {
    fixture::host().answering(|sql, params: &[Param]| {
        let cursor = customers();
        if !sql.contains("[Customers]") || sql.contains("COUNT(*)") {
            return Ok(FakeCursor::default());
        }
        let Some(Value::Text(key)) = params.first().map(|param| &param.value) else {
            return Ok(cursor);
        };
        use mssql_mcp_sdk::Cursor;
        let key = key.trim_matches('%');
        let mut rows = cursor.next(10)?.rows;
        rows.retain(|row| {
            row.iter()
                .any(|value| matches!(value, Value::Text(text) if text.contains(key)))
        });
        Ok(FakeCursor::new(
            &[("CustomerID", "nchar(5)"), ("CompanyName", "nvarchar(40)")],
            rows,
        ))
    })
}

#[test]
fn both_tools_take_one_string_and_say_what_they_return() {
    let manifest = chatgpt_search_fetch().manifest();
    let parameters: Vec<_> = manifest
        .tools
        .iter()
        .map(|tool| {
            let schema: Json = serde_json::from_str(&tool.input_schema).unwrap();
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(properties.len(), 1);
            assert_eq!(schema["additionalProperties"], false);
            let (name, property) = properties.iter().next().unwrap();
            assert_eq!(property["type"], "string");
            assert_eq!(schema["required"], json!([name]));
            (tool.name.clone(), name.clone())
        })
        .collect();
    assert_eq!(
        parameters,
        [
            ("search".into(), "query".into()),
            ("fetch".into(), "id".into())
        ]
    );
    for tool in manifest.tools {
        let hints = tool.annotations;
        assert_eq!(hints.read_only, Some(true));
        assert_eq!(hints.destructive, Some(false));
        assert_eq!(hints.idempotent, Some(true));
        assert_eq!(hints.open_world, Some(false));
        let Some(OutputShape::Schema(schema)) = tool.output else {
            panic!("{} has no output schema", tool.name);
        };
        assert!(!schema.contains("$ref"), "{schema}");
    }
}

#[test]
fn tables_are_listed_and_described_by_ids_that_fetch_takes() {
    let host = fixture::host();
    let listed = search(&host, "list tables");
    assert_eq!(ids(&listed).len(), 13);
    assert!(ids(&listed).contains(&"dbo.Order%20Details"));
    let described = fetch(&host, "dbo.Order%20Details").unwrap();
    assert_eq!(described["title"], "dbo.Order Details");
    assert!(
        described["text"]
            .as_str()
            .unwrap()
            .contains("Primary key: OrderID, ProductID")
    );
    assert_eq!(ids(&search(&host, "describe customers")), ["dbo.Customers"]);
}

#[test]
fn a_sampled_row_can_be_fetched_by_its_key() {
    let host = company();
    let sampled = search(&host, "sample Customers limit 2");
    assert_eq!(
        ids(&sampled),
        ["dbo.Customers/ALFKI", "dbo.Customers/BERGS"]
    );
    let fetched = fetch(&host, "dbo.Customers/BERGS").unwrap();
    assert_eq!(fetched["title"], "Customers BERGS: Berglunds snabbköp");
    assert_eq!(
        fetched["text"],
        "CustomerID: BERGS\nCompanyName: Berglunds snabbköp\n"
    );
    assert_eq!(fetched["metadata"]["table"], "dbo.Customers");
    assert_eq!(fetched["metadata"]["source"], "database");
}

#[test]
fn ids_and_arguments_of_older_clients_are_understood() {
    let host = company();
    let fetched = call(&host, "fetch", &json!({"record_id": "Customers_BERGS"})).unwrap();
    assert_eq!(fetched["title"], "Customers BERGS: Berglunds snabbköp");
    assert_eq!(fetched["id"], "Customers_BERGS");
}

#[test]
fn the_cache_saves_the_statement_and_a_ttl_of_zero_saves_nothing() {
    let host = company().caching();
    search(&host, "sample Customers limit 2");
    let before = host.statements().len();
    let fetched = fetch(&host, "dbo.Customers/ALFKI").unwrap();
    assert_eq!(fetched["metadata"]["source"], "cache");
    assert_eq!(host.statements().len(), before);

    let host = company().caching().setting("cache_ttl", "0");
    search(&host, "sample Customers limit 2");
    let fetched = fetch(&host, "dbo.Customers/ALFKI").unwrap();
    assert_eq!(fetched["metadata"]["source"], "database");
}

#[test]
fn a_select_over_one_table_gives_the_ids_of_its_rows() {
    let host = company();
    let found = search(&host, "SELECT CustomerID, CompanyName FROM dbo.[Customers]");
    assert_eq!(ids(&found), ["dbo.Customers/ALFKI", "dbo.Customers/BERGS"]);
}

#[test]
fn a_row_without_a_key_is_found_again_by_its_statement() {
    let host = fixture::host().answering(|_, _| {
        Ok(FakeCursor::new(
            &[("Country", "nvarchar(15)"), ("n", "int")],
            vec![
                vec![Value::Text("Germany".into()), Value::Int(11)],
                vec![Value::Text("USA".into()), Value::Int(13)],
            ],
        ))
    });
    let found = search(
        &host,
        "SELECT Country, COUNT(*) AS n FROM dbo.Customers GROUP BY Country",
    );
    let id = ids(&found)[1].to_owned();
    assert!(id.starts_with("query:"), "{id}");
    let fetched = fetch(&host, &id).unwrap();
    assert_eq!(fetched["text"], "Country: USA\nn: 13\n");
    assert_eq!(fetched["metadata"].get("changed"), None);
    let failure = fetch(&host, "query:zz").unwrap_err();
    assert!(matches!(failure, Failure::Failed(problem) if problem.code == "not-found"));
}

#[test]
fn a_question_finds_the_row_and_says_where_it_looked() {
    let host = company();
    let found = search(&host, "clientes llamados Berglunds");
    assert_eq!(ids(&found)[0], "dbo.Customers/BERGS");
    let searched: Vec<_> = found["searched"].as_array().unwrap().iter().collect();
    assert_eq!(searched[0], "rows of dbo.Customers");
}

#[test]
fn tables_that_were_not_looked_at_are_counted() {
    let many = (0..140).fold(fixture::host(), |host, number| {
        let name = format!("Z{number}");
        host.table(FakeTable::new("dbo", &name, &["Id"], &[("Id", "int")]))
    });
    let last = |host: &FakeHost| {
        let found = search(host, "customers in Berlin");
        let searched = found["searched"].as_array().unwrap();
        searched.last().unwrap().as_str().unwrap().to_owned()
    };
    assert!(last(&many).contains("33 of 153 tables"), "{}", last(&many));
    assert_eq!(last(&company()), "names of tables and columns");
}

#[test]
fn results_are_capped_and_urls_follow_the_template() {
    let host = company()
        .setting("max_search_results", "1")
        .setting("record_url", "https://intranet/{schema}/{table}/{key}");
    let found = search(&host, "sample Customers limit 10");
    assert_eq!(ids(&found), ["dbo.Customers/ALFKI"]);
    assert_eq!(
        found["results"][0]["url"],
        "https://intranet/dbo/Customers/ALFKI"
    );
    assert_eq!(
        host.statements()[0].0,
        "SELECT TOP (1) * FROM [dbo].[Customers]"
    );
}

#[test]
fn a_refused_statement_is_the_databases_own_error() {
    let host = fixture::host().answering(|_, _| Err(Error::InvalidStatement("no".into())));
    let failure = call(&host, "search", &json!({"query": "DELETE FROM dbo.Orders"})).unwrap_err();
    assert_eq!(
        failure,
        Failure::Database(Error::InvalidStatement("no".into()))
    );
}

#[test]
fn a_question_outlives_a_statement_that_cannot_run_but_not_a_lost_database() {
    let host = fixture::host().answering(|_, _| Err(Error::Unsupported("no decimals".into())));
    let found = search(&host, "top 10 customers by revenue");
    assert!(
        found["searched"][0]
            .as_str()
            .unwrap()
            .ends_with("not searched (no decimals)")
    );

    let host = fixture::host().answering(|_, _| Err(Error::Busy));
    let failure = call(&host, "search", &json!({"query": "latest orders"})).unwrap_err();
    assert_eq!(failure, Failure::Database(Error::Busy));
}

#[test]
fn an_id_that_is_none_and_a_record_that_is_gone_are_not_found() {
    let host = company();
    for id in ["dbo.Customers/ZZZZZ", "dbo.Customers/A,B", "dbo.Orders/x"] {
        let failure = fetch(&host, id).unwrap_err();
        assert!(
            matches!(&failure, Failure::Failed(problem) if problem.code == "not-found"),
            "{id}: {failure:?}"
        );
    }
}

#[test]
fn an_id_of_another_database_says_so_and_leads_back_there() {
    let host = company()
        .caching()
        .setting("record_url", "https://here/records/{id}");
    let tools = crate::chatgpt_search_fetch::<FakeHost>(&Databases::listed("sales,old data"));
    let call = |tool: &str, arguments: Json| -> Result<Json, Failure> {
        match tools.call(&host, tool, &arguments.to_string())? {
            Reply::Output(output) => match output.structured {
                Some(Structured::Json(json)) => Ok(serde_json::from_str(&json).unwrap()),
                other => panic!("no JSON: {other:?}"),
            },
            Reply::Ask(_) => panic!("a question"),
        }
    };
    let query = "sample Customers limit 2";
    let here = call("search", json!({ "query": query, "database": "sales" })).unwrap();
    assert_eq!(ids(&here)[0], "dbo.Customers/ALFKI");
    let there = call("search", json!({ "query": query, "database": "old data" })).unwrap();
    let id = "@old%20data/dbo.Customers/ALFKI";
    assert_eq!(ids(&there)[0], id);
    assert_eq!(
        there["results"][0]["url"],
        format!("https://here/records/{id}")
    );
    for arguments in [
        json!({ "id": id }),
        json!({ "id": id, "database": "old data" }),
        json!({ "id": "dbo.Customers/ALFKI", "database": "old data" }),
    ] {
        let fetched = call("fetch", arguments).unwrap();
        assert_eq!(
            (&fetched["id"], &fetched["title"]),
            (&json!(id), &json!("Customers ALFKI: Alfreds Futterkiste"),)
        );
    }
    for (id, database) in [
        (id, json!("sales")),
        ("@hr/dbo.Customers/ALFKI", Json::Null),
        ("dbo.Customers/ALFKI", json!("hr")),
    ] {
        let refused = call("fetch", json!({ "id": id, "database": database })).unwrap_err();
        assert!(
            matches!(refused, Failure::InvalidArguments(_)),
            "{refused:?}"
        );
    }
    let labels: Vec<_> = host
        .queries()
        .into_iter()
        .map(|sent| sent.database)
        .collect();
    assert_eq!(labels, ["", "old data"]);
}

#[test]
fn a_row_in_a_hierarchy_is_read_and_found_as_text() {
    let columns = [
        ("Node", "hierarchyid"),
        ("Place", "geometry"),
        ("Name", "nvarchar(20)"),
    ];
    let tree = mssql_mcp_sdk::testing::FakeTable::new("dbo", "Tree", &["Node"], &columns);
    let host = FakeHost::new().table(tree).answering(|_, _| {
        Ok(FakeCursor::new(
            &[
                ("Node", "nvarchar(4000)"),
                ("Place", "nvarchar(max)"),
                ("Name", "nvarchar(20)"),
            ],
            vec![vec![
                Value::Text("/1/2/".into()),
                Value::Text("POINT (1 2)".into()),
                Value::Text("Ana".into()),
            ]],
        ))
    });
    let found = search(&host, "sample Tree limit 1");
    assert_eq!(ids(&found), ["dbo.Tree/%2F1%2F2%2F"]);
    let fetched = fetch(&host, "dbo.Tree/%2F1%2F2%2F").unwrap();
    assert_eq!(
        fetched["text"],
        "Node: /1/2/\nPlace: POINT (1 2)\nName: Ana\n"
    );
    let statements: Vec<_> = host.statements().into_iter().map(|(sql, _)| sql).collect();
    assert_eq!(
        statements,
        [
            "SELECT TOP (1) [Node].ToString() AS [Node], [Place].STAsText() AS [Place], [Name] \
             FROM [dbo].[Tree]",
            "SELECT [Node].ToString() AS [Node], [Place].STAsText() AS [Place], [Name] FROM \
             [dbo].[Tree] WHERE [Node] = CAST(@k0 AS hierarchyid)",
        ]
    );
}

#[test]
fn a_record_that_is_too_large_is_not_called_missing() {
    let host =
        fixture::host().answering(|_, _| Ok(FakeCursor::default().truncated_by("bytes", 131_072)));
    let failure = fetch(&host, "dbo.Customers/ALFKI").unwrap_err();
    assert_eq!(
        failure,
        Failure::Database(Error::Limit(mssql_mcp_sdk::LimitKind::Bytes))
    );
}
