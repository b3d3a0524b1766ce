//! Every mistake in a file is one sentence with its place.
//!
//! ` | ` stands for the end of a line here.

use mssql_mcp_sdk::Access;

use super::{with_parameter, with_tool};
use crate::File;

fn mistake(text: &str) -> String {
    let text = text.replace(" | ", "\n");
    File::parse(&text, Access::Write).unwrap_err().to_string()
}

/// Of a file with one tool, which the sentence names.
fn of_tool(keys: &str) -> String {
    let mistake = mistake(&with_tool(keys));
    assert!(mistake.contains(", tool \"t\""), "{mistake}");
    mistake.replace(", tool \"t\"", "")
}

/// Of a file with one parameter, which the sentence names.
fn of_parameter(keys: &str) -> String {
    let mistake = mistake(&with_parameter(keys));
    let (place, sentence) = mistake.split_once("parameters.p.").expect("a parameter");
    assert!(
        place.starts_with("line ") && place.ends_with(", tool \"t\", "),
        "{mistake}"
    );
    sentence.to_owned()
}

#[test]
fn in_the_file() {
    for (text, sentence) in [
        (
            "x = ",
            "line 1: this is not TOML: string values must be quoted, expected literal string",
        ),
        ("", "the file has no [[tool]]"),
        (
            "tool = 5",
            "line 1, tool: must be a table, written [[tool]], not 5",
        ),
        (
            "[[tools]]",
            r#"line 1, tools: there is no such key; did you mean "tool"?"#,
        ),
        (
            r#"[[tool]] | name = "a" | name = "b""#,
            "line 3: this is not TOML: duplicate key",
        ),
        (
            r#"name = "" | [[tool]] | name = "a" | description = "d" | sql = "SELECT 1""#,
            "line 1, name: is empty; it says what clients show",
        ),
        (
            r#"[tool] | name = "a""#,
            "line 1, tool: must be a table, written [[tool]], not a table",
        ),
        (
            r#"[[tool]] | description = "d""#,
            "line 1, tool 1, name: is missing; it says how the tool is called",
        ),
        (
            r#"[[tool]] | name = "a b""#,
            r#"line 2, tool "a b", name: must be 1 to 64 of A-Z a-z 0-9 _ -"#,
        ),
        (
            r#"[[tool]] | name = "a" | sql = "SELECT 1""#,
            r#"line 1, tool "a", description: is missing; it says to a model when to use the tool"#,
        ),
        (
            r#"[[tool]] | name = "a" | description = "d" | sql = "SELECT 1" | [[tool]] | name = "a" | description = "d" | sql = "SELECT 2""#,
            r#"line 6, tool "a", name: the tool of line 2 has the same name"#,
        ),
        (
            r#"[[tool]] | name = "a" | description = "d" | sql = "SELECT @p" | [tool.parameters.p] | type = "string""#,
            r#"line 5, tool "a", parameters.p.description: is missing; it says to a model what to give"#,
        ),
    ] {
        assert_eq!(mistake(text), sentence);
    }
}

#[test]
fn in_a_tool() {
    for (text, sentence) in [
        (
            r#"title = "t""#,
            "line 1, sql: is missing; it says what the tool runs",
        ),
        (
            r#"sql = " ""#,
            "line 4, sql: is empty; it says what the tool runs",
        ),
        (
            r#"statement = "SELECT 1""#,
            r#"line 4, statement: there is no such key; did you mean "sql"?"#,
        ),
        (
            r#"sql = "SELECT 1" | readonly = true"#,
            r#"line 5, readonly: there is no such key; did you mean "access"?"#,
        ),
        (
            r#"sql = "SELECT 1" | max_row = 5"#,
            r#"line 5, max_row: there is no such key; did you mean "max_rows"?"#,
        ),
        (
            r#"sql = "SELECT 1" | foo = 5"#,
            "line 5, foo: there is no such key",
        ),
        (
            r#"sql = "DELETE FROM t""#,
            r#"line 4, sql: changes data; that needs access = "write""#,
        ),
        (
            r#"sql = "SELECT 1" | access = "write""#,
            r#"line 5, access: "write" is not for a SELECT, which changes nothing"#,
        ),
        (
            r#"sql = "SELECT 1" | access = "rw""#,
            r#"line 5, access: must be "read" or "write", not "rw""#,
        ),
        (
            r#"sql = "DELETE FROM t" | access = "write" | max_rows = 5"#,
            "line 6, max_rows: is for tools that read; one that writes has no rows",
        ),
        (
            r#"sql = "SELECT 1" | rows = "object""#,
            r#"line 5, rows: must be "objects" or "arrays", not "object""#,
        ),
        (
            r#"sql = "SELECT 1" | max_rows = 0"#,
            "line 5, max_rows: must be a whole number from 1 on, not 0",
        ),
        (
            r#"sql = "SELECT 1" | max_rows = "5""#,
            r#"line 5, max_rows: must be a whole number from 1 on, not "5""#,
        ),
        (
            r#"sql = "SELECT 1" | timeout = 10"#,
            r#"line 5, timeout: must be a time such as "500ms", "10s" or "5m", not 10"#,
        ),
        (
            r#"sql = "SELECT 1" | timeout = "10 parsecs""#,
            r#"line 5, timeout: must be a time such as "500ms", "10s" or "5m", not "10 parsecs""#,
        ),
        (
            r#"sql = "SELECT 1" | timeout = "0s""#,
            r#"line 5, timeout: must be a time such as "500ms", "10s" or "5m", not "0s""#,
        ),
    ] {
        assert_eq!(of_tool(text), sentence);
    }
}

#[test]
fn in_its_parameters() {
    for (text, sentence) in [
        (
            r#"sql = "SELECT @a""#,
            "line 4, sql: uses @a, which is no parameter; add [tool.parameters.a]",
        ),
        (
            r#"sql = "SELECT @Customer" | [tool.parameters] | customer = { type = "string", description = "d" }"#,
            "line 4, sql: uses @Customer, which is no parameter; did you mean @customer?",
        ),
        (
            r#"sql = "SELECT '@a'" | [tool.parameters] | a = { type = "string", description = "d" }"#,
            "line 6, parameters.a: sql does not use @a",
        ),
        (
            r#"sql = "SELECT 1" | parameters = 5"#,
            "line 5, parameters: must be a table, such as [tool.parameters.name], not 5",
        ),
        (
            r#"sql = "SELECT 1" | [[tool.parameters]] | name = "a""#,
            "line 5, parameters: must be a table, such as [tool.parameters.name], not a list",
        ),
        (
            r#"sql = "SELECT 1" | [tool.parameters] | a = "string""#,
            r#"line 6, parameters.a: must be a table, such as [tool.parameters.a], not "string""#,
        ),
        (
            r#"sql = "SELECT @a" | [tool.parameters] | a = { type = "string", description = "d" } | A = { type = "string", description = "d" }"#,
            "line 7, parameters.A: differs from a in its capitals alone",
        ),
        (
            r#"sql = "SELECT 1" | [tool.parameters."a b"] | type = "string""#,
            "line 5, parameters.a b: is no name of a parameter; use 1 to 64 letters, digits and _, not beginning with a digit or mcp_",
        ),
        (
            r#"sql = "SELECT @mcp_a" | [tool.parameters.mcp_a] | type = "string""#,
            "line 5, parameters.mcp_a: is no name of a parameter; use 1 to 64 letters, digits and _, not beginning with a digit or mcp_",
        ),
    ] {
        assert_eq!(of_tool(text), sentence);
    }
}

#[test]
fn in_its_annotations() {
    for (text, sentence) in [
        (
            r#"sql = "SELECT 1" | [tool.annotations] | destructive = true"#,
            r#"line 6, annotations.destructive: is for tools with access = "write""#,
        ),
        (
            r#"sql = "SELECT 1" | [tool.annotations] | idempotent = 1"#,
            "line 6, annotations.idempotent: must be true or false, not 1",
        ),
        (
            r#"sql = "SELECT 1" | [tool.annotations] | title = "a""#,
            "line 6, annotations.title: is said by the key title of the tool itself",
        ),
        (
            r#"sql = "SELECT 1" | [tool.annotations] | destructiveHint = true"#,
            r#"line 6, annotations.destructiveHint: there is no such key; did you mean "destructive"?"#,
        ),
        (
            r#"sql = "SELECT 1" | [tool.annotations] | read_only = true"#,
            "line 6, annotations.read_only: is said by the key access of the tool itself",
        ),
        (
            r#"sql = "SELECT 1" | annotations = true"#,
            "line 5, annotations: must be a table, such as [tool.annotations], not true",
        ),
    ] {
        assert_eq!(of_tool(text), sentence);
    }
}

#[test]
fn in_a_type() {
    for (text, sentence) in [
        (
            r#"sql_type = "int""#,
            "type: is missing; it says what values it takes",
        ),
        (
            r#"type = "strng""#,
            r#"type: there is no type "strng"; did you mean "string"?"#,
        ),
        (
            r#"type = "float""#,
            r#"type: there is no type "float"; did you mean "number"?"#,
        ),
        (
            r#"type = "jsonb""#,
            r#"type: there is no type "jsonb"; there is string, integer, number, decimal, boolean, date, time, datetime, uuid, array"#,
        ),
        (
            r#"type = "list""#,
            r#"type: there is no type "list"; did you mean "array"?"#,
        ),
        ("type = 5", "type: must be a string in quotes, not 5"),
        (
            r#"type = "array""#,
            "items: is missing; it says the type of the values in it",
        ),
        (
            r#"type = "array" | items = "array""#,
            r#"items: there is no type "array"; there is string, integer, number, decimal, boolean, date, time, datetime, uuid"#,
        ),
        (
            r#"type = "array" | items = { type = "string" }"#,
            "items: must be a string in quotes, not a table",
        ),
        (
            r#"type = "string" | items = "string""#,
            r#"items: goes with the type "array""#,
        ),
        (
            r#"type = "string" | sql_type = "nvarcar(5)""#,
            r#"sql_type: there is no type "nvarcar" to declare a parameter with; did you mean "nvarchar"?"#,
        ),
        (
            r#"type = "string" | sql_type = "nchar(5""#,
            r#"sql_type: "nchar(5" has no closing )"#,
        ),
        (
            r#"type = "string" | sql_type = "nchar(five)""#,
            r#"sql_type: "nchar(five)" is written as nvarchar(50), nvarchar(max) or decimal(18,4)"#,
        ),
    ] {
        assert_eq!(of_parameter(text), sentence);
    }
}

#[test]
fn in_a_default() {
    for (text, sentence) in [
        (
            r#"type = "string" | default = 5"#,
            "default: must be a string, not 5",
        ),
        (
            r#"type = "integer" | default = "5""#,
            r#"default: must be an integer, not "5""#,
        ),
        (
            r#"type = "date" | default = "yesterday""#,
            r#"default: must be a date such as 2024-05-31, not "yesterday""#,
        ),
        (
            r#"type = "number" | default = inf"#,
            "default: must be a number, not inf",
        ),
        (
            r#"type = "array" | items = "integer" | default = ["a"]"#,
            r#"default: must be a list with an integer in each place, not "a""#,
        ),
        (
            r#"type = "array" | items = "integer" | default = 5"#,
            "default: must be a list with an integer in each place, not 5",
        ),
        (
            r#"type = "integer" | default = 0 | min = 1"#,
            "default: 0 is less than 1",
        ),
        (
            r#"type = "string" | default = "c" | enum = ["a", "b"]"#,
            r#"default: "c" is none of "a", "b""#,
        ),
        (
            r#"type = "string" | default = "c" | min_length = 2"#,
            r#"default: "c" is too short"#,
        ),
        (
            r#"type = "string" | required = true | default = "a""#,
            "required: is not for a parameter with a default",
        ),
        (
            r#"type = "string" | required = "no""#,
            r#"required: must be true or false, not "no""#,
        ),
    ] {
        assert_eq!(of_parameter(text), sentence);
    }
}

#[test]
fn in_a_limit() {
    for (text, sentence) in [
        (
            r#"type = "array" | items = "string" | sql_type = "nvarchar(max)""#,
            "sql_type: is not for an array, which is bound as one JSON text",
        ),
        (
            r#"type = "integer" | min = 5 | max = 1"#,
            "min: 5 is more than the max, 1",
        ),
        (
            r#"type = "string" | min = 5"#,
            r#"min: goes with the types "integer", "number" and "decimal""#,
        ),
        (
            r#"type = "integer" | min_length = 5"#,
            r#"min_length: goes with the type "string""#,
        ),
        (
            r#"type = "integer" | min = 1.5"#,
            "min: must be an integer, not 1.5",
        ),
        (
            r#"type = "string" | min_length = 5 | max_length = 1"#,
            "min_length: 5 is more than the max_length, 1",
        ),
        (
            r#"type = "string" | sql_type = "nchar(5)" | max_length = 10"#,
            "max_length: is more than the 5 characters that sql_type has room for",
        ),
        (
            r#"type = "string" | pattern = "[a-""#,
            r#"pattern: "[a-" cannot be used: unclosed character class"#,
        ),
        (
            r#"type = "string" | pattern = "(?=a)""#,
            r#"pattern: "(?=a)" cannot be used: look-around, including look-ahead and look-behind, is not supported"#,
        ),
        (
            r#"type = "integer" | pattern = "a""#,
            r#"pattern: goes with the type "string""#,
        ),
        (
            r#"type = "string" | allowed_values = []"#,
            r#"allowed_values: there is no such key; did you mean "enum"?"#,
        ),
        (
            r#"type = "string" | enum = []"#,
            "enum: must be a list of values, not an empty list",
        ),
        (
            r#"type = "string" | enum = [1]"#,
            "enum: must be a list with a string in each place, not 1",
        ),
        (
            r#"type = "date" | enum = ["2024-01-01"]"#,
            r#"enum: goes with the types "string", "integer" and "number""#,
        ),
        (
            r#"type = "string" | max_items = 5"#,
            r#"max_items: goes with the type "array""#,
        ),
    ] {
        assert_eq!(of_parameter(text), sentence);
    }
}

#[test]
fn a_tool_that_writes_is_refused_where_nothing_can_write() {
    let text = with_tool("sql = \"DELETE FROM t\"\naccess = \"write\"");
    assert!(File::parse(&text, Access::Write).is_ok());
    assert_eq!(
        File::parse(&text, Access::Read).unwrap_err().to_string(),
        "line 5, tool \"t\", access: \"write\" needs the tool set query-templates-write; this one \
         can only read"
    );
}
