//! The span of a request for whoever collects traces, by the conventions of
//! OpenTelemetry for MCP.

use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::Span;
use tracing::field::Empty;

use super::dispatch::Caller;
use super::error::Failure;
use super::jsonrpc::Request;
use crate::excerpt::excerpt;
use crate::telemetry::{self, Remote};

/// The span of `request`: in the trace that its `_meta` names, or else in that of the
/// request which brought it. Its methods are known.
pub(super) fn request(caller: &Caller<'_>, request: &Request<'_>) -> Span {
    if !tracing::enabled!(target: "otel", tracing::Level::INFO) {
        return Span::none();
    }
    let name = request.params.name().ok();
    let target = name.as_deref().map(|name| excerpt(name, MAX_CHARACTERS));
    let called = target.filter(|_| request.method == "tools/call");
    let prompt = target.filter(|_| request.method == "prompts/get");
    let title = match target {
        Some(target) => format!("{} {target}", request.method),
        None => request.method.to_string(),
    };
    let span = tracing::info_span!(
        target: "otel",
        "mcp",
        otel.name = title,
        otel.kind = "server",
        otel.status_code = Empty,
        "error.type" = Empty,
        mcp.method.name = &*request.method,
        mcp.protocol.version = caller.revision.as_str(),
        gen_ai.tool.name = called,
        gen_ai.prompt.name = prompt,
        rpc.system = "jsonrpc",
        jsonrpc.request.id = excerpt(request.id.get().trim_matches('"'), MAX_CHARACTERS),
        jsonrpc.protocol.version = "2.0",
        rpc.response.status_code = Empty,
        mssql_mcp.scope = &**caller.scope.name(),
    );
    let meta = request.params.meta.map(RawValue::get);
    if let Some(Ok(meta)) = meta.map(serde_json::from_str::<Meta>) {
        let remote = Remote {
            traceparent: meta.traceparent.as_deref(),
            tracestate: meta.tracestate.as_deref(),
        };
        telemetry::adopt_message(&span, remote);
    }
    span
}

/// Notes why there is no result.
pub(super) fn failed(span: &Span, failure: &Failure) {
    if span.is_disabled() {
        return;
    }
    span.record("otel.status_code", "ERROR");
    match failure {
        Failure::Rpc(error) => {
            let code = (error.code as i32).to_string();
            span.record("error.type", &*code);
            span.record("rpc.response.status_code", &*code);
        }
        Failure::TooOften(_) => {
            span.record("error.type", "too-many-calls");
        }
        Failure::InsufficientScope(_) => {
            span.record("error.type", "insufficient-scope");
        }
    }
}

/// Notes that the result of the call which is served now is an error.
pub(super) fn tool_failed() {
    let span = Span::current();
    span.record("otel.status_code", "ERROR");
    span.record("error.type", "tool_error");
}

/// Of `_meta`, what W3C Trace Context writes.
#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(default)]
    tracestate: Option<String>,
}

/// Of what a client may send.
const MAX_CHARACTERS: usize = 64;
