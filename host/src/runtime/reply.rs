//! A guest's reply as the call's: what it hands over is checked here, once.

use serde_json::value::RawValue;
use wasmtime::ResourceLimiter as _;

use super::bindings::exports::mssql_mcp::tools::provider as wit;
use super::limits::MemoryMeter;
use super::{held, problem, question};
use crate::tools::{Blob, Content, Json, Output, Reply, Schema, ToolError};

pub(super) use wit::Failure;

/// What a tool declares of its structured result.
pub(super) struct Declared<'a> {
    pub(super) schema: &'a Schema,
    /// The call's: checking takes many times what the text has.
    pub(super) memory: &'a mut MemoryMeter,
}

/// What a tool replied. `rows` is the document encoded by the host where the guest
/// handed back a cursor; nobody checks that. The error says what of the reply cannot
/// be sent.
pub(super) fn of_tool(
    reply: wit::Reply,
    rows: Option<String>,
    declared: Option<Declared<'_>>,
) -> Result<Reply<Output>, String> {
    match reply {
        wit::Reply::Output(reply) => output(reply, rows, declared).map(Reply::Complete),
        wit::Reply::Ask(asked) => question::checked(asked).map(Reply::Ask),
    }
}

/// Bytes of JSON that would be read.
pub(super) fn size(reply: &wit::Reply) -> usize {
    let output = match reply {
        wit::Reply::Output(output) => output,
        // As large as it may be.
        wit::Reply::Ask(_) => return usize::MAX,
    };
    let structured = match &output.structured {
        Some(wit::Structured::Json(text)) => text.len(),
        _ => 0,
    };
    let raw = output.content.iter().map(|content| match content {
        wit::Content::Raw(text) => text.len(),
        _ => 0,
    });
    structured + output.meta.as_ref().map_or(0, String::len) + raw.sum::<usize>()
}

fn output(
    output: wit::Output,
    rows: Option<String>,
    declared: Option<Declared<'_>>,
) -> Result<Output, String> {
    let structured = match (rows, output.structured) {
        (Some(document), _) => Some(Json::encoded(document)),
        (None, Some(wit::Structured::Json(text))) => {
            let json = Json::parse(text)
                .map_err(|error| format!("its structured result is not JSON: {error}"))?;
            // MCP: `structuredContent` is an object.
            if !json.get().trim_start().starts_with('{') {
                return Err("its structured result is not a JSON object".to_owned());
            }
            if let Some(declared) = declared {
                conforms(&json, declared)?;
            }
            Some(json)
        }
        (None, Some(wit::Structured::Rows(_))) => {
            return Err("the cursor it handed back is not open".to_owned());
        }
        // MCP: a tool that declares an output schema gives what conforms to it.
        (None, None) if declared.is_some() => {
            return Err("it declares a structured result and gives none".to_owned());
        }
        (None, None) => None,
    };
    let content = output
        .content
        .into_iter()
        .map(content)
        .collect::<Result<_, _>>()?;
    let meta = output.meta.map(|meta| object("meta", meta)).transpose()?;
    Ok(Output {
        content,
        structured,
        meta,
    })
}

/// A failure that the guest reported, as the model sees it. The error says what
/// is wrong with the tool set itself.
pub(super) fn failure(failure: wit::Failure, tool: &str) -> Result<ToolError, String> {
    let error = |code, message, hint| ToolError {
        message,
        code,
        hint,
        number: None,
        id: None,
    };
    Ok(match failure {
        wit::Failure::UnknownTool => {
            return Err("it does not know a tool of its own manifest".to_owned());
        }
        wit::Failure::InvalidArguments(fields) => {
            let list: Vec<String> = fields
                .into_iter()
                .map(|field| match field.path.trim_start_matches('/') {
                    "" => field.message,
                    path => format!("{path}: {}", field.message),
                })
                .collect();
            error(
                "invalid-arguments",
                format!(
                    "Wrong arguments for {tool}: {}.",
                    list.join("; ").trim_end_matches('.')
                ),
                None,
            )
        }
        wit::Failure::Database(database) => problem::from_contract(database),
        wit::Failure::Failed(told) => {
            error(problem::code_of_guest(&told.code), told.message, told.hint)
        }
        wit::Failure::Cancelled => error("cancelled", "The call was cancelled.".to_owned(), None),
    })
}

fn conforms(json: &Json, declared: Declared<'_>) -> Result<(), String> {
    let Declared { schema, memory } = declared;
    let value = held::value(json.get(), memory)
        .map_err(|error| format!("its structured result cannot be checked: {error}"))?;
    memory
        .memory_growing(0, schema.keeps(&value), None)
        .map_err(|_| {
            "its structured result cannot be checked: what its schema's references find takes \
             more memory than the call has left; give fewer values"
                .to_owned()
        })?;
    schema.check(&value).map_err(|errors| {
        let first = errors.first();
        let (path, message) = first.map_or(("", ""), |error| (&*error.path, &*error.message));
        format!("its structured result does not fit its output schema: {path} {message}")
    })
}

pub(super) fn content(content: wit::Content) -> Result<Content, String> {
    let blob = |blob: wit::Blob| Blob {
        data: blob.data,
        mime_type: blob.mime_type,
    };
    Ok(match content {
        wit::Content::Text(text) => Content::Text(text),
        wit::Content::Image(image) => Content::Image(blob(image)),
        wit::Content::Audio(audio) => Content::Audio(blob(audio)),
        wit::Content::Link(link) => Content::Link {
            uri: link.uri,
            name: link.name,
            mime_type: link.mime_type,
        },
        wit::Content::Raw(text) => Content::Raw(object("content block", text)?),
    })
}

fn object(what: &str, text: String) -> Result<Box<RawValue>, String> {
    let value =
        RawValue::from_string(text).map_err(|error| format!("its {what} is not JSON: {error}"))?;
    if value.get().trim_start().starts_with('{') {
        Ok(value)
    } else {
        Err(format!("its {what} is not a JSON object"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    fn reply(json: Option<&str>) -> wit::Output {
        wit::Output {
            content: Vec::new(),
            structured: json.map(|json| wit::Structured::Json(json.to_owned())),
            meta: None,
        }
    }

    fn schema(document: &Value) -> Schema {
        Schema::of_result(&RawValue::from_string(document.to_string()).unwrap()).unwrap()
    }

    /// What is wrong with a result, and whether it is that the call's memory is too small.
    fn fault_in(json: Option<&str>, schema: &Schema, limit: usize) -> (Option<String>, bool) {
        let memory = &mut MemoryMeter::new(limit, Arc::default());
        let fault = output(reply(json), None, Some(Declared { schema, memory })).err();
        (fault, memory.exceeded())
    }

    #[test]
    fn a_structured_result_must_fit_what_the_tool_declares() {
        let schema = schema(&json!({
            "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]
        }));
        for (json, fault) in [
            (Some(r#"{"n":1}"#), None),
            (
                Some(r#"{"n":"1"}"#),
                Some("/n \"1\" is not of type \"integer\""),
            ),
            (Some("{}"), Some("\"n\" is a required property")),
            (Some("[1]"), Some("not a JSON object")),
            (Some("{"), Some("not JSON")),
            (None, Some("gives none")),
        ] {
            let (said, _) = fault_in(json, &schema, USUAL);
            match fault {
                None => assert_eq!(said, None),
                Some(fault) => {
                    assert!(said.as_ref().is_some_and(|s| s.contains(fault)), "{said:?}");
                }
            }
        }
        assert!(output(reply(None), None, None).is_ok());
        assert!(output(reply(Some("{}")), None, None).is_ok());
    }

    #[test]
    fn a_large_table_is_checked_in_a_quarter_of_the_usual_memory() {
        let names: Vec<String> = (0..10).map(|n| format!("column_{n}")).collect();
        let column = json!({"type": ["string", "integer", "null"]});
        let columns: Value = names
            .iter()
            .map(|name| (name.clone(), column.clone()))
            .collect();
        let schema = schema(&json!({
            "type": "object",
            "properties": {"rows": {"type": "array", "items": {
                "type": "object", "properties": columns, "required": names
            }}},
            "required": ["rows"]
        }));
        let row: Value = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let value = if n % 2 == 0 {
                    json!("some words")
                } else {
                    json!(n)
                };
                (name.clone(), value)
            })
            .collect();
        let rows = |count: usize| json!({"rows": vec![&row; count]}).to_string();
        assert_eq!(
            fault_in(Some(&rows(10_000)), &schema, USUAL / 4),
            (None, false)
        );
        let (fault, is_of_memory) = fault_in(Some(&rows(10_000)), &schema, USUAL / 16);
        assert!(is_of_memory, "{fault:?}");
    }

    #[test]
    fn small_objects_without_number_are_refused_for_the_memory_that_they_take() {
        let schema = schema(&json!({"type": "object"}));
        let maps = |count: usize| format!(r#"{{"a":[{}0]}}"#, r#"{"":0},"#.repeat(count));
        assert_eq!(fault_in(Some(&maps(10_000)), &schema, USUAL), (None, false));
        // 0.7 MiB of text.
        let (fault, is_of_memory) = fault_in(Some(&maps(100_000)), &schema, USUAL);
        assert!(is_of_memory, "{fault:?}");
        assert!(fault.unwrap().contains("give fewer"));
    }

    #[test]
    fn what_is_kept_while_a_result_is_checked_is_of_the_calls_memory() {
        let to = |n: usize| json!({"$ref": format!("#/$defs/d{n}")});
        let nine: Vec<Value> = (0..9).map(to).collect();
        let parts: Value = (0..9)
            .map(|n| (format!("d{n}"), json!({"items": to(n)})))
            .collect();
        let recurring = schema(&json!({"properties": {"a": {"allOf": nine}}, "$defs": parts}));
        let plain = schema(&json!({"type": "object"}));
        let chain = format!("{}0{}", "[".repeat(100), "]".repeat(100));
        let chains = |count: usize| format!(r#"{{"a":[{}]}}"#, vec![&*chain; count].join(","));
        assert_eq!(
            fault_in(Some(&chains(100)), &recurring, USUAL),
            (None, false)
        );
        assert_eq!(fault_in(Some(&chains(1_000)), &plain, USUAL), (None, false));
        // 0.2 MiB of text, of which the validator would keep 900 000 outcomes.
        let (fault, is_of_memory) = fault_in(Some(&chains(1_000)), &recurring, USUAL);
        assert!(is_of_memory, "{fault:?}");
        assert!(fault.unwrap().contains("references"));
    }

    #[test]
    fn a_result_that_would_take_long_to_check_is_refused() {
        let checks: Vec<Value> = (0..900).map(|n| json!({"minimum": -n})).collect();
        let schema = schema(&json!({"properties": {"a": {"items": {"allOf": checks}}}}));
        let zeros = |count: usize| json!({"a": vec![0; count]}).to_string();
        assert_eq!(fault_in(Some(&zeros(5_000)), &schema, USUAL), (None, false));
        let (fault, is_of_memory) = fault_in(Some(&zeros(200_000)), &schema, USUAL);
        assert!(fault.is_some_and(|fault| fault.contains("give fewer")));
        assert!(!is_of_memory);
    }

    /// The memory of a call that nobody set another for.
    const USUAL: usize = 64 << 20;
}
