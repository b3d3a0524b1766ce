//! Bytes to messages. What is not JSON and what is not a message are different
//! errors (-32700, -32600), and an error carries the id when there is one.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::params::{Params, ParamsField};
use crate::mcp::error::{Code, RpcError};

/// A body's outermost value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// One message, unless it is something else than an object.
    Single(&'a str),
    /// An array, of messages it is hoped.
    Array(&'a str),
}

/// One message.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Request(Request<'a>),
    OneWay(OneWay<'a>),
}

/// A message that wants no reply.
#[derive(Debug)]
pub(crate) enum OneWay<'a> {
    Notification(Notification<'a>),
    Response(Response<'a>),
}

impl<'a> Message<'a> {
    fn response(id: Option<&'a RawValue>, outcome: Result<&'a RawValue, &'a RawValue>) -> Self {
        Self::OneWay(OneWay::Response(Response { id, outcome }))
    }

    /// Answers a request with `request`, and leaves all else to `one_way`; `None`
    /// when nothing asked for a reply.
    pub(crate) async fn answer<R>(
        self,
        request: impl FnOnce(Request<'a>) -> R,
        one_way: impl FnOnce(&OneWay<'a>),
    ) -> Option<Vec<u8>>
    where
        R: Future<Output = Option<Vec<u8>>>,
    {
        match self {
            Self::Request(asked) => request(asked).await,
            Self::OneWay(told) => {
                one_way(&told);
                None
            }
        }
    }
}

/// A message that wants a reply.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The id as it was spelled.
    pub(crate) id: &'a RawValue,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
}

/// A message that wants none.
#[derive(Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
}

impl Notification<'_> {
    /// The request, as its id was spelled, that this cancels
    /// (basic/utilities/cancellation).
    pub(crate) fn cancelled(&self) -> Option<&str> {
        let id = self.params.request_id.map(RawValue::get);
        id.filter(|_| self.method == "notifications/cancelled")
    }
}

/// The client's answer to a request of this server's.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    /// The id as it was spelled; `None` where the client could not read it.
    pub(crate) id: Option<&'a RawValue>,
    /// The result, or the error.
    pub(crate) outcome: Result<&'a RawValue, &'a RawValue>,
}

/// What was sent is not a message.
#[derive(Debug)]
pub(crate) struct Invalid<'a> {
    /// The id, where one could be read.
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) error: RpcError,
}

impl<'a> Body<'a> {
    /// Looks at the outermost value, and refuses what is nested too deep for
    /// the recursive readers further on.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Invalid<'a>> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Invalid::new(Code::ParseError, "Parse error: the body is not UTF-8"))?;
        // RFC 8259 §8.1 lets a reader ignore a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
        if !nests_within(text, MAX_DEPTH) {
            return Err(Invalid::new(
                Code::InvalidRequest,
                format!("Invalid request: nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        if text.starts_with('[') {
            Ok(Self::Array(text))
        } else {
            Ok(Self::Single(text))
        }
    }
}

/// The elements of an array body.
pub(crate) fn elements(text: &str) -> Result<Vec<&RawValue>, Invalid<'_>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    match elements.len() {
        0 => Err(Invalid::new(
            Code::InvalidRequest,
            "Invalid request: the batch is empty",
        )),
        length if length > MAX_BATCH => Err(Invalid::new(
            Code::InvalidRequest,
            format!(
                "Invalid request: a batch holds at most {MAX_BATCH} messages, this one {length}"
            ),
        )),
        _ => Ok(elements),
    }
}

/// One message from the text of one JSON value.
pub(crate) fn message(text: &str) -> Result<Message<'_>, Invalid<'_>> {
    if !text.starts_with('{') {
        return Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Invalid::new(
                Code::InvalidRequest,
                "Invalid request: a message is a JSON object",
            ),
            Err(error) => not_json(&error),
        });
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Invalid::new(Code::InvalidRequest, format!("Invalid request: {error}"))
        } else {
            not_json(&error)
        }
    })?;
    envelope.into_message()
}

/// The members of every kind of message. None has a type that could fail, so
/// that whatever is wrong can be answered with the id.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: ParamsField<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn into_message(self) -> Result<Message<'a>, Invalid<'a>> {
        let id = match self.id {
            Some(id) if is_id(id) => Some(id),
            Some(_) => {
                return Err(Invalid::new(
                    Code::InvalidRequest,
                    "Invalid request: \"id\" is neither a string nor a number",
                ));
            }
            None => None,
        };
        let invalid = |what: &'static str| Invalid {
            id,
            error: RpcError::new(Code::InvalidRequest, what),
        };
        if self.jsonrpc.and_then(string).as_deref() != Some("2.0") {
            return Err(invalid("Invalid request: \"jsonrpc\" is not \"2.0\""));
        }
        let Some(method) = self.method else {
            return match (id, self.result, self.error) {
                (Some(_), Some(result), None) => Ok(Message::response(id, Ok(result))),
                (_, None, Some(error)) => Ok(Message::response(id, Err(error))),
                _ => Err(invalid(
                    "Invalid request: neither a request, a notification nor a response",
                )),
            };
        };
        if self.result.is_some() || self.error.is_some() {
            return Err(invalid("Invalid request: both a request and a response"));
        }
        let method =
            string(method).ok_or_else(|| invalid("Invalid request: \"method\" is not a string"))?;
        let params = match self.params {
            ParamsField::Read(params) => params,
            ParamsField::NotAnObject => {
                return Err(invalid("Invalid request: \"params\" is not an object"));
            }
            ParamsField::Repeated => {
                return Err(invalid("Invalid request: \"params\" has a member twice"));
            }
        };
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::OneWay(OneWay::Notification(Notification { method, params })),
        })
    }
}

impl Invalid<'_> {
    fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            id: None,
            error: RpcError::new(code, message),
        }
    }
}

/// The value of a JSON string; borrowed where nothing is escaped.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// A member that is there, even if it is `null`.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn not_json<'a>(error: &serde_json::Error) -> Invalid<'a> {
    Invalid::new(Code::ParseError, format!("Parse error: {error}"))
}

/// A number, or a string that every reader of the reply can read: half a surrogate
/// pair, which the grammar of JSON allows, is none.
pub(crate) fn is_id(raw: &RawValue) -> bool {
    match raw.get().as_bytes().first() {
        Some(b'"') => string(raw).is_some(),
        Some(b'-' | b'0'..=b'9') => true,
        _ => false,
    }
}

/// Counts brackets outside of strings. On text that is not JSON the answer
/// does not matter, since the parser refuses it next.
fn nests_within(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// serde_json's own readers stop at 128 levels; arguments are some levels
/// inside a message.
const MAX_DEPTH: usize = 100;
const MAX_BATCH: usize = 50;
