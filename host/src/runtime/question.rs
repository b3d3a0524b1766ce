//! A guest's question to the client, checked: what is asked of a person must be
//! what they can see and refuse.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::bindings::exports::mssql_mcp::tools::provider as wit;
use super::manifest::{self, Part, quoted};
use crate::entries::Entries;
use crate::tools::{InputMethod, InputRequest, Question};

/// The error says what of the question cannot be passed on.
pub(super) fn checked(question: wit::Question) -> Result<Question, String> {
    if question.requests.len() > MAX_REQUEST_BYTES {
        return Err(format!(
            "its question has {} bytes; the limit is {MAX_REQUEST_BYTES}",
            question.requests.len()
        ));
    }
    if question.state.len() > MAX_STATE_BYTES {
        return Err(format!(
            "the state of its question has {} bytes; the limit is {MAX_STATE_BYTES}",
            question.state.len()
        ));
    }
    let requests: Entries<Asked> = serde_json::from_str(&question.requests)
        .map_err(|error| format!("its question is not an object of requests: {error}"))?;
    if !requests.has_no_key_twice() {
        return Err("its question has a key twice".to_owned());
    }
    if requests.0.len() > MAX_REQUESTS {
        return Err(format!(
            "its question has {} requests; at most {MAX_REQUESTS} are passed on",
            requests.0.len()
        ));
    }
    if requests.0.is_empty() && question.state.is_empty() {
        return Err("its question asks nothing".to_owned());
    }
    let requests = requests.0.into_iter().map(|(key, asked)| {
        let request = request(&key, &asked);
        request.map_err(|fault| format!("its question {} {fault}", quoted(&key)))
    });
    Ok(Question {
        requests: requests.collect::<Result<_, _>>()?,
        state: question.state,
    })
}

/// What clients get is written anew: members that the checks do not know stay here.
fn request(key: &str, asked: &Asked) -> Result<InputRequest, String> {
    visible(key, MAX_KEY_BYTES)?;
    let method = InputMethod::ALL
        .into_iter()
        .find(|method| method.as_str() == asked.method)
        .ok_or_else(|| format!("is of the unknown method {}", quoted(&asked.method)))?;
    let params = match method {
        InputMethod::Elicitation => written(&form(asked)?),
        InputMethod::Sampling => written(&sample(asked)?),
        InputMethod::Roots => written(&serde_json::Map::new()),
    };
    Ok(InputRequest {
        key: key.to_owned(),
        method,
        params: params?,
    })
}

/// A form alone: an address that a person is sent to, which the protocol has too,
/// is not for guests to choose.
fn form(asked: &Asked) -> Result<Form, String> {
    let form: Form = params_of(asked)?;
    if asked.params.get("mode").is_some_and(|mode| mode != "form") {
        return Err("is no form, which is all that may be asked".to_owned());
    }
    let schema = &form.requested_schema;
    if schema.get("type").is_none_or(|kind| kind != "object") {
        return Err("has a schema that is not of an object".to_owned());
    }
    visible(&form.message, MAX_MESSAGE_BYTES)?;
    every_string(schema)?;
    Ok(form)
}

/// Without tools, and without what other servers told the client.
fn sample(asked: &Asked) -> Result<Sample, String> {
    for member in ["tools", "toolChoice", "includeContext"] {
        if asked.params.get(member).is_some() {
            return Err(format!("has \"{member}\", which no tool set may ask for"));
        }
    }
    let sample: Sample = params_of(asked)?;
    every_string(&sample.messages)?;
    visible(
        sample.system_prompt.as_deref().unwrap_or_default(),
        MAX_MESSAGE_BYTES,
    )?;
    Ok(sample)
}

/// `elicitation/create`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    message: String,
    requested_schema: Value,
}

/// `sampling/createMessage`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    messages: Value,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    #[serde(default)]
    params: Value,
}

fn params_of<'a, T: Deserialize<'a>>(asked: &'a Asked) -> Result<T, String> {
    T::deserialize(&asked.params).map_err(|error| format!("has params that do not fit: {error}"))
}

fn written<T: Serialize>(params: &T) -> Result<Box<RawValue>, String> {
    to_raw_value(params).map_err(|error| format!("cannot be written: {error}"))
}

/// People see titles, descriptions and choices as much as the message.
fn every_string(value: &Value) -> Result<(), String> {
    let looked = manifest::every_text("text", value, |part, text| {
        let limit = match part {
            Part::Name => MAX_KEY_BYTES,
            Part::Text => MAX_MESSAGE_BYTES,
        };
        manifest::text("text", text, limit)
    });
    looked.map_err(|error| error.to_string())
}

fn visible(text: &str, limit: usize) -> Result<(), String> {
    manifest::text("text", text, limit).map_err(|error| error.to_string())
}

/// As many forms as anybody fills in for one call.
const MAX_REQUESTS: usize = 8;
/// It goes to the client and back.
const MAX_STATE_BYTES: usize = 16 << 10;
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// All of them together.
const MAX_REQUEST_BYTES: usize = 32 << 10;
const MAX_KEY_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requests: &str, state: usize) -> Result<Question, String> {
        checked(wit::Question {
            requests: requests.to_owned(),
            state: vec![0; state],
        })
    }

    #[test]
    fn questions_keep_their_order_and_params() {
        let asked = check(
            r#"{"b":{"method":"elicitation/create","params":{"message":"B?","requestedSchema":{"type":"object"}}},
                "a":{"method":"roots/list"},
                "s":{"method":"sampling/createMessage","params":{"maxTokens":1,"messages":[],"_meta":{}}}}"#,
            0,
        );
        let asked = asked.unwrap().requests;
        let asked: Vec<_> = asked
            .iter()
            .map(|request| (&*request.key, request.method, request.params.get()))
            .collect();
        assert_eq!(
            asked,
            [
                (
                    "b",
                    InputMethod::Elicitation,
                    r#"{"message":"B?","requestedSchema":{"type":"object"}}"#
                ),
                ("a", InputMethod::Roots, "{}"),
                (
                    "s",
                    InputMethod::Sampling,
                    r#"{"messages":[],"maxTokens":1}"#
                ),
            ]
        );
        assert!(check("{}", 1).is_ok());
    }

    #[test]
    fn what_no_client_should_be_asked_is_refused() {
        let form = |params: &str| {
            format!(r#"{{"a":{{"method":"elicitation/create","params":{params}}}}}"#)
        };
        for (requests, state, fault) in [
            ("[]".to_owned(), 0, "not an object of requests"),
            ("{}".to_owned(), 0, "asks nothing"),
            ("{}".to_owned(), MAX_STATE_BYTES + 1, "the limit is"),
            (
                r#"{"a":{"method":"ping"}}"#.to_owned(),
                0,
                "unknown method \"ping\"",
            ),
            (
                r#"{"a":{"method":"roots/list"},"a":{"method":"roots/list"}}"#.to_owned(),
                0,
                "a key twice",
            ),
            (
                r#"{"a":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1,"tools":[]}}}"#.to_owned(),
                0,
                "no tool set may ask for",
            ),
            (
                r#"{"a":{"method":"sampling/createMessage","params":{"messages":[]}}}"#.to_owned(),
                0,
                "maxTokens",
            ),
            ("x".repeat(MAX_REQUEST_BYTES + 1), 0, "the limit is"),
            (
                form("{\"message\":\"A?\",\"requestedSchema\":{\"type\":\"object\",\"title\":\"\u{202e}\"}}"),
                0,
                "U+202E",
            ),
            (form(r#"{"message":"A?"}"#), 0, "requestedSchema"),
            (
                form(r#"{"message":"A?","requestedSchema":{"type":"array"}}"#),
                0,
                "not of an object",
            ),
            (
                form(
                    r#"{"mode":"url","message":"A?","url":"https://x","requestedSchema":{"type":"object"}}"#,
                ),
                0,
                "is no form",
            ),
            (
                form("{\"message\":\"A\u{202e}\",\"requestedSchema\":{\"type\":\"object\"}}"),
                0,
                "U+202E",
            ),
            (
                format!(
                    "{{{}}}",
                    (0..=MAX_REQUESTS)
                        .map(|n| format!(r#""{n}":{{"method":"roots/list"}}"#))
                        .collect::<Vec<_>>()
                        .join(",")
                ),
                0,
                "at most",
            ),
        ] {
            let said = check(&requests, state).unwrap_err();
            assert!(said.contains(fault), "{said}");
        }
    }
}
