//! JSON-RPC errors and the codes that MCP assigns.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::version::Revision;
use crate::excerpt::excerpt;
use crate::principal::OAuthScope;
use crate::tools::ToolError;

/// The codes in use (JSON-RPC 2.0 §5.1; 2026-07-28, basic/index §Error codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Code {
    /// The bytes are not JSON.
    ParseError = -32700,
    /// The JSON is not a message.
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    InternalError = -32603,
    /// Until 2025-11-25.
    ResourceNotFound = -32002,
    /// A header is missing or says something else than the body.
    HeaderMismatch = -32020,
    MissingRequiredClientCapability = -32021,
    UnsupportedProtocolVersion = -32022,
    /// As HTTP has it, since the protocol has none: codes of applications lie
    /// outside of its range.
    TooMany = 429,
}

/// The `error` member of a response.
#[derive(Debug, Serialize)]
pub(crate) struct RpcError {
    #[serde(serialize_with = "number")]
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<ErrorData>,
}

/// The `data` members in use.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ErrorData {
    /// With [`Code::UnsupportedProtocolVersion`].
    Versions {
        supported: [&'static str; 1],
        requested: String,
    },
    /// With [`Code::MissingRequiredClientCapability`]
    Capabilities {
        #[serde(rename = "requiredCapabilities")]
        required: BTreeMap<&'static str, serde_json::Value>,
    },
    /// With [`Code::ResourceNotFound`], and what took its place.
    Resource { uri: String },
}

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Answered in JSON-RPC.
    Rpc(RpcError),
    /// The token lacks a right; HTTP answers with a challenge.
    InsufficientScope(OAuthScope),
    /// The caller may call again after this time.
    TooOften(Duration),
}

impl RpcError {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// -32601
    pub(crate) fn method_not_found(method: &str) -> Self {
        Self::new(
            Code::MethodNotFound,
            format!("Method not found: {}", shortened(method)),
        )
    }

    /// -32602
    pub(crate) fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidParams, message)
    }

    /// What a tool set's prompt or resource failed with.
    pub(crate) fn of_tool(error: ToolError) -> Self {
        let code = match error.code {
            "invalid-arguments" | "not-found" => Code::InvalidParams,
            _ => Code::InternalError,
        };
        let told = [
            Some(error.message),
            error.hint,
            error.id.map(|id| format!("Id: {id}.")),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        Self::new(code, told.join(" "))
    }

    /// Too many calls; the next may come after `wait`.
    pub(crate) fn too_often(wait: Duration) -> Self {
        let seconds = wait.as_secs() + 1;
        Self::new(
            Code::TooMany,
            format!("Too many calls: wait {seconds} s, then go on with fewer at a time"),
        )
    }

    /// -32022. Legacy versions are not listed: a client that picked one and
    /// kept sending modern claims could not be served.
    pub(crate) fn unsupported_version(requested: &str) -> Self {
        Self {
            code: Code::UnsupportedProtocolVersion,
            message: "Unsupported protocol version".into(),
            data: Some(ErrorData::Versions {
                supported: [Revision::FIRST_MODERN.as_str()],
                requested: shortened(requested).into_owned(),
            }),
        }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}

/// What a client sent, cut so that an error never repeats a long body.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    let start = excerpt(text, QUOTED_CHARS);
    if start.len() < text.len() {
        Cow::Owned(format!("{start}…"))
    } else {
        Cow::Borrowed(text)
    }
}

fn number<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i32(*code as i32)
}

const QUOTED_CHARS: usize = 128;
