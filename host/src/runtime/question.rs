//! A guest's question to the client, checked: what is asked of a person must be
//! what they can see and refuse.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::bindings::exports::mssql_mcp::tools::provider as wit;
use super::manifest::text;
use crate::tools::{InputMethod, InputRequest, Question};

/// The error says what of the question cannot be passed on.
pub(super) fn checked(question: wit::Question) -> Result<Question, String> {
    let Requests(requests) = serde_json::from_str(&question.requests)
        .map_err(|error| format!("its question is not an object of requests: {error}"))?;
    if requests.len() > MAX_REQUESTS {
        return Err(format!(
            "its question has {} requests; at most {MAX_REQUESTS} are passed on",
            requests.len()
        ));
    }
    if requests.is_empty() && question.state.is_empty() {
        return Err("its question asks nothing".to_owned());
    }
    if question.state.len() > MAX_STATE_BYTES {
        return Err(format!(
            "the state of its question has {} bytes; the limit is {MAX_STATE_BYTES}",
            question.state.len()
        ));
    }
    let mut keys = HashSet::new();
    let requests = requests
        .into_iter()
        .map(|(key, asked)| {
            let said = |fault: String| format!("its question \"{key}\" {fault}");
            if !keys.insert(key.clone()) {
                return Err(said("is there twice".to_owned()));
            }
            let method = InputMethod::ALL
                .into_iter()
                .find(|method| method.as_str() == asked.method)
                .ok_or_else(|| said(format!("is of the unknown method {}", asked.method)))?;
            if method == InputMethod::Elicitation {
                form(asked.params.get()).map_err(said)?;
            } else if !asked.params.get().starts_with('{') {
                return Err(said("has params that are not an object".to_owned()));
            }
            Ok(InputRequest {
                key,
                method,
                params: asked.params,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Question {
        requests,
        state: question.state,
    })
}

/// A form alone: an address that a person is sent to, which the protocol has too,
/// is not for guests to choose.
fn form(params: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Form {
        mode: Option<String>,
        message: String,
        requested_schema: Schema,
    }
    #[derive(Deserialize)]
    struct Schema {
        #[serde(rename = "type")]
        kind: String,
    }
    let form: Form =
        serde_json::from_str(params).map_err(|error| format!("is no form: {error}"))?;
    if form.mode.is_some_and(|mode| mode != "form") {
        return Err("is no form, which is all that may be asked".to_owned());
    }
    if form.requested_schema.kind != "object" {
        return Err("has a schema that is not of an object".to_owned());
    }
    text("a question", &form.message, MAX_MESSAGE_BYTES).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    #[serde(default = "nothing")]
    params: Box<RawValue>,
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

/// In their order.
struct Requests(Vec<(String, Asked)>);

impl<'de> Deserialize<'de> for Requests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Requests;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of requests")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Requests, A::Error> {
                let mut requests = Vec::new();
                while let Some(request) = map.next_entry()? {
                    requests.push(request);
                }
                Ok(Requests(requests))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// As many forms as anybody fills in for one call.
const MAX_REQUESTS: usize = 8;
/// It goes to the client and back.
const MAX_STATE_BYTES: usize = 16 << 10;
const MAX_MESSAGE_BYTES: usize = 4 << 10;

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
                "s":{"method":"sampling/createMessage","params":{"maxTokens":1}}}"#,
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
                ("s", InputMethod::Sampling, r#"{"maxTokens":1}"#),
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
                "unknown method ping",
            ),
            (
                r#"{"a":{"method":"roots/list"},"a":{"method":"roots/list"}}"#.to_owned(),
                0,
                "twice",
            ),
            (
                r#"{"a":{"method":"roots/list","params":[]}}"#.to_owned(),
                0,
                "not an object",
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
