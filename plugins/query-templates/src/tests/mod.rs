//! The tool sets against a host that records what it is asked.

use mssql_mcp_sdk::testing::FakeHost;
use mssql_mcp_sdk::{
    Access, Date, Denial, Error, Failure, JsonShape, OutputShape, Param, Reply, ServerError,
    Structured, ToolEntry, Value,
};
use serde_json::{Value as Json, json};

use crate::{File, query_templates, query_templates_write, self_test};

const EXAMPLE: &str = include_str!("../../example.toml");

/// A file with one tool whose SQL uses every parameter that `parameters`, a piece
/// of TOML, declares.
fn with_parameter(declared: &str) -> String {
    format!(
        "[[tool]]\nname = \"t\"\ndescription = \"d\"\nsql = \"SELECT @p\"\n\
         [tool.parameters.p]\ndescription = \"d\"\n{declared}\n"
    )
}

fn with_tool(keys: &str) -> String {
    format!("[[tool]]\nname = \"t\"\ndescription = \"d\"\n{keys}\n")
}

fn host(file: &str) -> FakeHost {
    FakeHost::new().setting("file", file)
}

fn read(text: &str) -> File {
    File::parse(text, Access::Write).unwrap()
}

fn tools(text: &str) -> Vec<ToolEntry> {
    query_templates_write::<FakeHost>(&Ok(read(text)))
        .manifest()
        .tools
}

fn property(text: &str) -> Json {
    let schema: Json = serde_json::from_str(&tools(text)[0].input_schema).unwrap();
    schema["properties"]["p"].clone()
}

/// Calls the first tool of the file.
fn call(host: &FakeHost, text: &str, arguments: &Json) -> Result<Json, Failure> {
    let set = query_templates_write::<FakeHost>(&Ok(read(text)));
    let name = tools(text)[0].name.clone();
    match set.call(host, &name, &arguments.to_string())? {
        Reply::Output(output) => match output.structured {
            Some(Structured::Json(json)) => Ok(serde_json::from_str(&json).unwrap()),
            Some(Structured::Rows(_)) => Ok(json!("rows")),
            None => panic!("no result"),
        },
        Reply::Ask(question) => panic!("a question: {question:?}"),
    }
}

/// What is bound for the parameter of `declared`.
fn bound(declared: &str, arguments: &Json) -> Result<Param, String> {
    let host = FakeHost::new();
    match call(&host, &with_parameter(declared), arguments) {
        Ok(_) => Ok(host.queries()[0].params[0].clone()),
        Err(Failure::InvalidArguments(errors)) => {
            assert_eq!(errors.len(), 1);
            Err(format!("{} {}", errors[0].path, errors[0].message))
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_four_tools_that_clients_can_use() {
    let host = host(EXAMPLE);
    let file = File::of(&host, Access::Read);
    let manifest = query_templates::<FakeHost>(&file).manifest();
    assert_eq!(manifest.name, "query-templates");
    assert!(manifest.instructions.unwrap().len() <= 512);
    let names: Vec<_> = manifest
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "orders_of_customer",
            "find_customers",
            "sales_by_category",
            "stock_of_products"
        ]
    );
    for tool in &manifest.tools {
        assert_eq!(tool.access, Access::Read);
        assert!(tool.title.is_some() && tool.annotations.read_only == Some(true));
    }
    assert_eq!(self_test(&host, &file), Ok(()));
    assert_eq!(host.queries().len(), 4);
}

#[test]
fn a_schema_is_closed_and_in_the_order_of_the_file() {
    let tool = &tools(EXAMPLE)[0];
    assert_eq!(
        tool.input_schema,
        concat!(
            r#"{"type":"object","properties":{"#,
            r#""customer":{"type":"string","description":"Number of the customer, such as ALFKI","#,
            r#""maxLength":5,"pattern":"^[A-Z]{5}$"},"#,
            r#""limit":{"type":"integer","description":"How many orders","#,
            r#""minimum":1,"maximum":200,"default":20}},"#,
            r#""required":["customer"],"additionalProperties":false}"#
        )
    );
    assert!(matches!(
        tool.output,
        Some(OutputShape::Rows(JsonShape::Objects))
    ));
    let country = &tools(EXAMPLE)[1].input_schema;
    assert!(country.contains(r#""country":{"type":["string","null"]"#));
    assert!(matches!(
        tools(EXAMPLE)[3].output,
        Some(OutputShape::Rows(JsonShape::Arrays))
    ));
}

#[test]
fn every_type_has_its_schema() {
    for (declared, schema) in [
        (
            "type = \"integer\"\nenum = [1, 2]",
            json!({"type": "integer", "enum": [1, 2]}),
        ),
        (
            "type = \"number\"\nmin = 0\nmax = 1.5",
            json!({"type": "number", "minimum": 0, "maximum": 1.5}),
        ),
        (
            "type = \"decimal\"\nmin = \"0.01\"",
            json!({"type": ["string", "number"], "pattern": r"^-?\d+(\.\d+)?$", "minimum": 0.01}),
        ),
        (
            "type = \"boolean\"\ndefault = false",
            json!({"type": "boolean", "default": false}),
        ),
        (
            "type = \"date\"\ndefault = 2024-05-31",
            json!({"type": "string", "format": "date", "default": "2024-05-31"}),
        ),
        (
            "type = \"uuid\"",
            json!({"type": "string", "format": "uuid"}),
        ),
        (
            "type = \"datetime\"\nsql_type = \"datetimeoffset\"",
            json!({"type": "string", "format": "date-time"}),
        ),
        (
            "type = \"array\"\nitems = \"string\"\nmax_length = 9\nmax_items = 3\ndefault = [\"a\"]",
            json!({"type": "array", "items": {"type": "string", "maxLength": 9},
                   "maxItems": 3, "default": ["a"]}),
        ),
        (
            "type = \"string\"\nenum = [\"a\"]\nrequired = false",
            json!({"type": ["string", "null"], "enum": ["a", null]}),
        ),
    ] {
        let mut expected = schema;
        expected["description"] = json!("d");
        assert_eq!(property(&with_parameter(declared)), expected, "{declared}");
    }
}

#[test]
fn arguments_are_bound_as_their_types() {
    let date = Date {
        year: 2024,
        month: 5,
        day: 31,
    };
    for (declared, argument, value, sql_type) in [
        (
            "type = \"string\"",
            json!("'; DROP"),
            Value::Text("'; DROP".into()),
            None,
        ),
        (
            "type = \"string\"\nsql_type = \"varchar(9)\"",
            json!("a"),
            Value::Text("a".into()),
            Some("varchar(9)"),
        ),
        ("type = \"integer\"", json!(7), Value::Int(7), None),
        ("type = \"number\"", json!(1), Value::Float(1.0), None),
        (
            "type = \"decimal\"",
            json!("0.10"),
            Value::Decimal("0.10".into()),
            None,
        ),
        ("type = \"boolean\"", json!(true), Value::Bit(true), None),
        (
            "type = \"date\"",
            json!("2024-05-31"),
            Value::Date(date),
            None,
        ),
        (
            "type = \"integer\"\ndefault = 3",
            json!(null),
            Value::Int(3),
            None,
        ),
        (
            "type = \"integer\"\nrequired = false",
            json!(null),
            Value::Null,
            Some("int"),
        ),
        (
            "type = \"array\"\nitems = \"integer\"",
            json!([1, 2]),
            Value::Text("[1,2]".into()),
            Some("nvarchar(max)"),
        ),
        (
            "type = \"array\"\nitems = \"date\"\nrequired = false",
            json!(null),
            Value::Null,
            Some("nvarchar(max)"),
        ),
    ] {
        let param = bound(declared, &json!({"p": argument})).unwrap();
        assert_eq!(param.name, "p");
        assert_eq!(
            (param.value, param.sql_type.as_deref()),
            (value, sql_type),
            "{declared}"
        );
    }
}

#[test]
fn arguments_that_do_not_fit_ask_nothing_of_the_database() {
    for (declared, argument, message) in [
        (
            "type = \"integer\"",
            json!({"p": "7"}),
            "/p \"7\" is not an integer",
        ),
        ("type = \"integer\"", json!({}), "/p is missing"),
        (
            "type = \"integer\"",
            json!({"p": 7, "q": 1}),
            "/q is not an argument of this tool",
        ),
        (
            "type = \"decimal\"\nmax = 10",
            json!({"p": "10.01"}),
            "/p \"10.01\" is more than 10",
        ),
        (
            "type = \"date\"",
            json!({"p": "2023-02-29"}),
            "/p \"2023-02-29\" is not a date such as 2024-05-31",
        ),
        (
            "type = \"string\"\nsql_type = \"nchar(2)\"",
            json!({"p": "abc"}),
            "/p \"abc\" is too long",
        ),
        (
            "type = \"array\"\nitems = \"integer\"",
            json!({"p": [1, "x"]}),
            "/p \"x\" is not an integer",
        ),
        (
            "type = \"array\"\nitems = \"integer\"\nmax_items = 1",
            json!({"p": [1, 2]}),
            "/p 2 are too many",
        ),
    ] {
        assert_eq!(
            bound(declared, &argument),
            Err(message.to_owned()),
            "{declared}"
        );
    }
}

#[test]
fn a_query_goes_to_its_database_with_its_limits() {
    let text = with_tool(
        "sql = \"SELECT 1\"\ndatabase = \"sales\"\nmax_rows = 9\ntimeout = \"10s\"\n\
         cache = \"5m\"",
    );
    let host = FakeHost::new();
    assert_eq!(call(&host, &text, &json!({})).unwrap(), "rows");
    let sent = host.queries().remove(0);
    assert_eq!(
        (sent.database.as_str(), sent.sql.as_str()),
        ("sales", "SELECT 1")
    );
    let options = sent.options.unwrap();
    assert_eq!(
        (options.max_rows, options.timeout_ms, options.cache_ttl_ms),
        (Some(9), Some(10_000), Some(300_000))
    );
}

#[test]
fn a_tool_that_writes_answers_the_rows_affected() {
    let text = with_tool(
        "sql = \"DELETE FROM t WHERE a = @a\"\naccess = \"write\"\ntimeout = \"2s\"\n\
         [tool.parameters.a]\ntype = \"integer\"\ndescription = \"d\"\n\
         [tool.annotations]\nidempotent = true",
    );
    let host = FakeHost::new().executing(|_, _| Ok(3));
    assert_eq!(
        call(&host, &text, &json!({"a": 1})).unwrap(),
        json!({"rows_affected": 3})
    );
    let sent = host.executions().remove(0);
    assert_eq!(sent.params[0].value, Value::Int(1));
    assert_eq!(sent.options.unwrap().timeout_ms, Some(2_000));
    assert!(host.queries().is_empty());
    let tool = &tools(&text)[0];
    assert_eq!(tool.access, Access::Write);
    assert_eq!(tool.annotations.destructive, Some(true));
    assert_eq!(tool.annotations.idempotent, Some(true));
    // What it would do is not tried out.
    assert_eq!(self_test(&host, &Ok(read(&text))), Ok(()));
    assert!(host.queries().is_empty() && host.executions().len() == 1);
}

#[test]
fn a_file_with_a_mistake_serves_no_tools_and_says_so_in_the_self_test() {
    let host = host("[[tool]]\nname = 5");
    let file = File::of(&host, Access::Read);
    assert!(
        query_templates::<FakeHost>(&file)
            .manifest()
            .tools
            .is_empty()
    );
    assert_eq!(
        self_test(&host, &file),
        Err("line 2, tool 1, name: must be a string in quotes, not 5".to_owned())
    );
    let without = File::of(&FakeHost::new(), Access::Read);
    assert_eq!(
        self_test(&FakeHost::new(), &without),
        Err(
            "the setting \"file\" is missing; it names the TOML file with the templates".to_owned()
        )
    );
}

#[test]
fn the_self_test_tries_statements_with_defaults_and_null() {
    let text = with_parameter("type = \"uuid\"\nrequired = false");
    let host = FakeHost::new();
    assert_eq!(self_test(&host, &Ok(read(&text))), Ok(()));
    let sent = host.queries().remove(0);
    assert_eq!(sent.options.unwrap().max_rows, Some(1));
    assert_eq!(
        (&sent.params[0].value, sent.params[0].sql_type.as_deref()),
        (&Value::Null, Some("uniqueidentifier"))
    );
}

#[test]
fn the_self_test_rejects_what_the_host_will_never_run() {
    let tried = |error: Error| {
        let host = FakeHost::new().answering(move |_, _| Err(error.clone()));
        self_test(&host, &Ok(read(EXAMPLE)))
    };
    let denial = Denial {
        code: "table-not-allowed".to_owned(),
        message: "dbo.Orders is not allowed.".to_owned(),
        hint: Some("Ask for it.".to_owned()),
    };
    assert_eq!(
        tried(Error::Denied(denial)).unwrap_err(),
        "line 24, tool \"orders_of_customer\", sql: dbo.Orders is not allowed. Ask for it."
    );
    assert!(tried(Error::InvalidStatement("Two statements.".to_owned())).is_err());
    let parameter = ("limit".to_owned(), "not a type".to_owned());
    assert_eq!(
        tried(Error::InvalidParameter(parameter)).unwrap_err(),
        "line 24, tool \"orders_of_customer\", parameters.limit: not a type"
    );
    for passing in [
        Error::Unavailable("down".to_owned()),
        Error::Busy,
        Error::Unsupported("no".to_owned()),
        Error::Server(ServerError {
            number: 1060,
            state: 1,
            severity: 15,
            message: "TOP".to_owned(),
            line: None,
            retryable: false,
        }),
    ] {
        assert_eq!(tried(passing), Ok(()));
    }
}

#[test]
fn the_self_test_stops_where_nobody_answers_or_time_is_short() {
    let down = FakeHost::new().answering(|_, _| Err(Error::Unavailable("down".to_owned())));
    assert_eq!(self_test(&down, &Ok(read(EXAMPLE))), Ok(()));
    assert_eq!(down.queries().len(), 1);
    let late = FakeHost::new().remaining(10);
    assert_eq!(self_test(&late, &Ok(read(EXAMPLE))), Ok(()));
    assert!(late.queries().is_empty());
}

#[test]
fn capitals_byte_order_marks_and_windows_lines_do_no_harm() {
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    assert_eq!(tools(&text).len(), 4);
}

mod mistakes;
