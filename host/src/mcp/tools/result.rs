//! Results on the wire. A structured result is copied once as it is and once,
//! escaped, as the text that clients without `structuredContent` read.

use serde_json::value::RawValue;

use super::content;
use crate::mcp::dispatch::Caller;
use crate::mcp::jsonrpc::{Reply, encode, write_string};
use crate::mcp::scope::McpScope;
use crate::mcp::version::Revision;
use crate::tools::{Bill, Json, Output, ToolError};

/// Adds the caching members of results that a client may keep (2026-07-28,
/// server/utilities/caching). Private: what is listed depends on the caller.
pub(crate) fn cacheable(revision: Revision, reply: &mut Reply) {
    if revision.is_modern() {
        reply.raw("ttlMs", TTL_MS);
        reply.raw("cacheScope", "\"private\"");
    }
}

/// Closes a result with what every result of `revision` carries.
pub(crate) fn complete(
    scope: &McpScope,
    revision: Revision,
    mut reply: Reply,
    meta: Option<&RawValue>,
) -> Vec<u8> {
    if !revision.is_modern() {
        if let Some(meta) = meta {
            reply.raw("_meta", meta.get());
        }
        return reply.finish();
    }
    reply.raw("resultType", "\"complete\"");
    signed(scope, revision, reply, meta)
}

/// Closes a result that asks for input, of a modern caller.
pub(crate) fn input_required(caller: &Caller<'_>, mut reply: Reply) -> Vec<u8> {
    reply.raw("resultType", "\"input_required\"");
    signed(caller.scope, caller.revision, reply, None)
}

/// Closes a modern result with its `_meta`.
fn signed(
    scope: &McpScope,
    revision: Revision,
    mut reply: Reply,
    meta: Option<&RawValue>,
) -> Vec<u8> {
    let buffer = reply.name("_meta");
    buffer.push(b'{');
    if let Some(members) = meta.and_then(members) {
        buffer.extend_from_slice(members.as_bytes());
        buffer.push(b',');
    }
    // Last, so that a tool set cannot speak for the server.
    buffer.extend_from_slice(b"\"io.modelcontextprotocol/serverInfo\":");
    buffer.extend_from_slice(scope.server_info(revision).as_bytes());
    buffer.push(b'}');
    reply.finish()
}

/// A `CallToolResult`.
pub(super) fn output(
    caller: &Caller<'_>,
    id: &RawValue,
    output: &Output,
    bill: Option<&Bill>,
) -> Vec<u8> {
    let revision = caller.revision;
    let json = output.structured.as_ref().map_or("", Json::get);
    let mut reply = Reply::to(id, RESULT_EXTRA_BYTES + json.len() * 2 + json.len() / 4);
    let buffer = reply.name("content");
    buffer.push(b'[');
    if output.content.is_empty() && output.structured.is_some() {
        buffer.extend_from_slice(TEXT_START);
        write_string(buffer, json);
        buffer.push(b'}');
    }
    for (at, item) in output.content.iter().enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        content::write(buffer, item, revision);
    }
    buffer.push(b']');
    let carried = revision.structures_any_value()
        || revision.has_structured_content() && json.trim_ascii_start().starts_with('{');
    if output.structured.is_some() && carried {
        reply.raw("structuredContent", json);
    }
    reply.raw("isError", "false");
    let meta = output.meta.as_deref();
    let billed = bill.and_then(|bill| with_bill(meta, bill));
    complete(caller.scope, revision, reply, billed.as_deref().or(meta))
}

/// A failure that the model should see: one text item, a JSON object.
pub(super) fn tool_error(
    caller: &Caller<'_>,
    id: &RawValue,
    error: &ToolError,
    bill: Option<&Bill>,
) -> Vec<u8> {
    let mut json = Vec::new();
    encode(&mut json, error);
    let mut reply = Reply::to(id, RESULT_EXTRA_BYTES + json.len() * 2);
    let buffer = reply.name("content");
    buffer.push(b'[');
    buffer.extend_from_slice(TEXT_START);
    write_string(buffer, &String::from_utf8_lossy(&json));
    buffer.extend_from_slice(b"}]");
    reply.raw("isError", "true");
    let billed = bill.and_then(|bill| with_bill(None, bill));
    complete(caller.scope, caller.revision, reply, billed.as_deref())
}

/// The object `meta` with the bill as its last member.
fn with_bill(meta: Option<&RawValue>, bill: &Bill) -> Option<Box<RawValue>> {
    let bill = serde_json::to_string(bill).ok()?;
    let (rest, comma) = meta.and_then(members).map_or(("", ""), |rest| (rest, ","));
    RawValue::from_string(format!("{{{rest}{comma}\"{}\":{bill}}}", Bill::META_KEY)).ok()
}

/// What stands between the braces of an object; `None` if nothing does.
pub(super) fn members(object: &RawValue) -> Option<&str> {
    let members = object
        .get()
        .trim_ascii()
        .strip_prefix('{')?
        .strip_suffix('}')?
        .trim_ascii();
    (!members.is_empty()).then_some(members)
}

const TEXT_START: &[u8] = br#"{"type":"text","text":"#;
/// Half a minute, for who does not listen for changes.
const TTL_MS: &str = "30000";
const RESULT_EXTRA_BYTES: usize = 384;
