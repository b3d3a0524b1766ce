//! `resources/list`, `resources/templates/list` and `resources/read`.

use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError, shortened};
use super::jsonrpc::{Reply, Request, write_string};
use super::tools::{cacheable, complete};
use crate::principal::OAuthScope;
use crate::tools::{ResourceProvider, ToolError};

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
    let mut reply = Reply::to(request.id, rest.len().min(PAGE) * RESOURCE_BYTES);
    let buffer = reply.name("resources");
    buffer.push(b'[');
    for (at, resource) in rest.iter().take(PAGE).enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        object(
            buffer,
            &[
                ("uri", Some(&resource.uri)),
                ("name", Some(&resource.name)),
                ("description", resource.description.as_deref()),
                ("mimeType", Some(resource.mime_type)),
            ],
        );
    }
    buffer.push(b']');
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
    let buffer = reply.name("resourceTemplates");
    buffer.push(b'[');
    for (at, template) in provider.templates().iter().enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        object(
            buffer,
            &[
                ("uriTemplate", Some(&template.uri_template)),
                ("name", Some(template.name)),
                ("description", Some(template.description)),
                ("mimeType", Some(template.mime_type)),
            ],
        );
    }
    buffer.push(b']');
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
    let buffer = reply.name("contents");
    buffer.push(b'[');
    object(
        buffer,
        &[
            ("uri", Some(&uri)),
            ("mimeType", Some(text.mime_type)),
            ("text", Some(&text.text)),
        ],
    );
    buffer.push(b']');
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

/// Members that are there, all of them strings.
fn object(buffer: &mut Vec<u8>, members: &[(&str, Option<&str>)]) {
    let there = members
        .iter()
        .filter_map(|(name, text)| Some((*name, (*text)?)));
    for (at, (name, text)) in there.enumerate() {
        buffer.push(if at == 0 { b'{' } else { b',' });
        write_string(buffer, name);
        buffer.push(b':');
        write_string(buffer, text);
    }
    buffer.push(b'}');
}

const PAGE: usize = 500;
const RESOURCE_BYTES: usize = 192;
