//! The spans of a call for whoever collects traces: the tool, and the guest in it.

use tracing::Span;
use tracing::field::Empty;

use super::meter::Meter;
use super::tool_set::ToolSetScope;

/// The span of a call of the tool `name`.
pub(super) fn tool(scope: &ToolSetScope, name: &str, digest: &str) -> Span {
    tracing::info_span!(
        target: "otel",
        "tool",
        otel.name = %format_args!("execute_tool {name}"),
        otel.status_code = Empty,
        "error.type" = Empty,
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = name,
        gen_ai.tool.type = "function",
        mssql_mcp.scope = &*scope.scope,
        mssql_mcp.tool_set = &*scope.tool_set,
        mssql_mcp.tool_set.digest = digest,
    )
}

/// The span of a guest's work.
pub(super) fn guest(scope: &ToolSetScope) -> Span {
    tracing::info_span!(
        target: "otel",
        "guest",
        otel.name = %format_args!("guest {}", scope.tool_set),
        mssql_mcp.tool_set = &*scope.tool_set,
        mssql_mcp.guest.queue_us = Empty,
        mssql_mcp.guest.instantiation_us = Empty,
        mssql_mcp.guest.cpu_us = Empty,
        mssql_mcp.guest.memory_bytes = Empty,
    )
}

/// Notes what the guest used so far.
pub(super) fn used(span: &Span, meter: &Meter) {
    if span.is_disabled() {
        return;
    }
    let used = meter.used();
    for (field, value) in [
        ("mssql_mcp.guest.queue_us", used.queue_us),
        ("mssql_mcp.guest.instantiation_us", used.instantiation_us),
        ("mssql_mcp.guest.cpu_us", used.cpu_us),
        ("mssql_mcp.guest.memory_bytes", used.memory_bytes),
    ] {
        span.record(field, value);
    }
}

/// Notes that the call failed with that code.
pub(super) fn failed(span: &Span, code: &'static str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", code);
}
