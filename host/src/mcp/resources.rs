//! `resources/list`, `resources/templates/list` and `resources/read`.

use serde::Serialize;

use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError, shortened};
use super::jsonrpc::{Reply, Request, encode};
use super::tools::{cacheable, complete};
use crate::principal::OAuthScope;
use crate::tools::{ResourceProvider, ResourceText, ToolError};

/// `resources/list`: some hundreds a page, since a database may have thousands
/// of tables.
pub(super) async fn list(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let provider = readable(caller)?;
    let start = match request.params.cursor() {
        _ if request.params.begins() => Some(0),
        Ok(Some(cursor)) => cursor.parse().ok(),
        _ => None,
    };
    let resources = provider.list().await.map_err(unavailable)?;
    let rest = start.and_then(|start| resources.get(start..));
    let Some(rest) = rest.filter(|rest| start == Some(0) || !rest.is_empty()) else {
        return Err(RpcError::invalid_params(
            "Invalid params: the cursor is not one this server gave; list again from the start",
        )
        .into());
    };
    let page = rest.get(..PAGE).unwrap_or(rest);
    let mut reply = Reply::to(request.id, page.len() * RESOURCE_BYTES);
    encode(reply.name("resources"), page);
    if rest.len() > PAGE {
        let next = start.unwrap_or_default() + PAGE;
        reply.string("nextCursor", &next.to_string());
    }
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// `resources/templates/list`
pub(super) fn templates(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let provider = readable(caller)?;
    let mut reply = Reply::to(request.id, RESOURCE_BYTES);
    encode(reply.name("resourceTemplates"), &provider.templates());
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// `resources/read`
pub(super) async fn read(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let uri = request
        .params
        .uri()
        .map_err(|_| RpcError::invalid_params("Invalid params: \"uri\" is not a string"))?;
    let provider = readable(caller)?;
    let Some(text) = provider.read(&uri).await.map_err(unavailable)? else {
        // 2026-07-28 has no code of its own for it (basic/index §Error codes).
        let code = if caller.revision.is_modern() {
            Code::InvalidParams
        } else {
            Code::ResourceNotFound
        };
        return Err(RpcError {
            data: Some(ErrorData::Resource {
                uri: shortened(&uri).into_owned(),
            }),
            ..RpcError::new(
                code,
                "Resource not found; resources/list has those there are",
            )
        }
        .into());
    };
    let mut reply = Reply::to(request.id, text.text.len() + text.text.len() / 4);
    encode(reply.name("contents"), &[Contents { uri: &uri, text }]);
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// The scope's resources, for who may read.
fn readable<'a>(caller: &Caller<'a>) -> Result<&'a dyn ResourceProvider, Failure> {
    let provider = caller
        .scope
        .resources()
        .ok_or_else(|| RpcError::method_not_found("resources"))?;
    match &caller.principal {
        Some(principal) if !principal.has(OAuthScope::Read) => {
            Err(Failure::InsufficientScope(OAuthScope::Read))
        }
        _ => Ok(provider),
    }
}

/// The message says what to do; it never names a server or a log-in.
fn unavailable(error: ToolError) -> RpcError {
    RpcError::new(Code::InternalError, error.message)
}

/// MCP `TextResourceContents`
#[derive(Serialize)]
struct Contents<'a> {
    uri: &'a str,
    #[serde(flatten)]
    text: ResourceText,
}

const PAGE: usize = 500;
const RESOURCE_BYTES: usize = 192;
