//! `resources/list`, `resources/templates/list` and `resources/read`: the scope's
//! own, which are its tables, and those of its tool sets.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError, shortened};
use super::jsonrpc::{Reply, Request, encode, write_string};
use super::tools::{cacheable, complete, write_base64};
use crate::tools::{
    CallContext, Resource, ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate,
    Round, ToolRegistry,
};

/// `resources/list`: some hundreds of the scope's own a page, since a database may
/// have thousands of tables; what tool sets add is on the last.
pub(super) async fn list(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let registry = readable(caller, request)?;
    let _place = caller.admitted()?;
    let start = match request.params.cursor() {
        _ if request.params.begins() => Some(0),
        Ok(Some(cursor)) => cursor.parse().ok().filter(|start: &usize| *start > 0),
        _ => None,
    };
    let context = caller.context(cancel, Round::default());
    let own = match caller.scope.resources() {
        Some(own) => own.list(context.clone()).await.map_err(RpcError::of_tool)?,
        None => Vec::new(),
    };
    let Some(start) = start.filter(|start| *start == 0 || *start < own.len()) else {
        return Err(RpcError::invalid_params(
            "Invalid params: the cursor is not one this server gave; list again from the start",
        )
        .into());
    };
    let next = Some(start + PAGE).filter(|next| *next < own.len());
    let mut page: Vec<Resource> = own.into_iter().skip(start).take(PAGE).collect();
    if next.is_none() {
        page.extend(of_tool_sets(&registry, &context).await);
    }
    if !caller.revision.has_titles() {
        for resource in &mut page {
            resource.title = None;
        }
    }
    let mut reply = Reply::to(request.id, page.len() * RESOURCE_BYTES);
    encode(reply.name("resources"), &page);
    if let Some(next) = next {
        reply.string("nextCursor", &next.to_string());
    }
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// Of each tool set that lists in time: the tables are there whatever one does.
async fn of_tool_sets(registry: &ToolRegistry, context: &CallContext) -> Vec<Resource> {
    let lists = registry.resources().map(async |(tool_set, provider)| {
        let mut context = context.clone();
        // What nobody waits for any more is to end.
        context.cancel = context.cancel.child_token();
        let _dropped = context.cancel.clone().drop_guard();
        let left_out = match timeout(LIST_WITHIN, provider.list(context)).await {
            Ok(Ok(listed)) => return listed,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than {LIST_WITHIN:?}"),
        };
        tracing::warn!(tool_set, left_out, "a tool set's resources are left out");
        Vec::new()
    });
    join_all(lists).await.concat()
}

/// `resources/templates/list`
pub(super) fn templates(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let registry = readable(caller, request)?;
    let own = caller.scope.resources();
    let templates: Vec<ResourceTemplate> = providers(own.as_deref(), &registry)
        .flat_map(|provider| provider.templates().into_owned())
        .map(|template| ResourceTemplate {
            title: template.title.filter(|_| caller.revision.has_titles()),
            ..template
        })
        .collect();
    let mut reply = Reply::to(request.id, templates.len() * RESOURCE_BYTES);
    encode(reply.name("resourceTemplates"), &templates);
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// `resources/read`
pub(super) async fn read(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let uri = request
        .params
        .uri()
        .map_err(|_| RpcError::invalid_params("Invalid params: \"uri\" is not a string"))?;
    let registry = readable(caller, request)?;
    let _place = caller.admitted()?;
    let context = caller.context(cancel, Round::default());
    let Some(contents) = found(caller, &registry, &uri, &context).await? else {
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
    let mut reply = Reply::to(request.id, size_of(&contents));
    let buffer = reply.name("contents");
    buffer.push(b'[');
    for (at, part) in contents.iter().enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        write_part(buffer, part);
    }
    buffer.push(b']');
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

/// Whoever knows the resource first. A failure counts where nobody knows it.
async fn found(
    caller: &Caller<'_>,
    registry: &ToolRegistry,
    uri: &str,
    context: &CallContext,
) -> Result<Option<Vec<ResourceContents>>, RpcError> {
    let mut failed = None;
    let own = caller.scope.resources();
    for provider in providers(own.as_deref(), registry) {
        match provider.read(uri, context.clone()).await {
            Ok(Some(contents)) => return Ok(Some(contents)),
            Ok(None) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), |error| Err(RpcError::of_tool(error)))
}

/// The scope itself, then its tool sets in order.
fn providers<'a>(
    own: Option<&'a dyn ResourceProvider>,
    registry: &'a ToolRegistry,
) -> impl Iterator<Item = &'a dyn ResourceProvider> {
    let of_tool_sets = registry.resources().map(|(_, provider)| provider);
    own.into_iter().chain(of_tool_sets)
}

/// MCP `TextResourceContents`, `BlobResourceContents`
fn write_part(buffer: &mut Vec<u8>, part: &ResourceContents) {
    buffer.extend_from_slice(b"{\"uri\":");
    write_string(buffer, &part.uri);
    if let Some(mime_type) = &part.mime_type {
        buffer.extend_from_slice(b",\"mimeType\":");
        write_string(buffer, mime_type);
    }
    match &part.body {
        ResourceBody::Text(text) => {
            buffer.extend_from_slice(b",\"text\":");
            write_string(buffer, text);
        }
        ResourceBody::Blob(bytes) => {
            buffer.extend_from_slice(b",\"blob\":");
            write_base64(buffer, bytes);
        }
    }
    buffer.push(b'}');
}

fn size_of(contents: &[ResourceContents]) -> usize {
    let each = contents.iter().map(|part| match &part.body {
        ResourceBody::Text(text) => text.len() + text.len() / 4,
        ResourceBody::Blob(bytes) => bytes.len() / 3 * 4,
    });
    each.map(|size| size + RESOURCE_BYTES).sum()
}

/// The tools of this moment, for who may read.
fn readable(caller: &Caller<'_>, request: &Request<'_>) -> Result<Arc<ToolRegistry>, Failure> {
    let registry = caller.scope.registry();
    if !caller.scope.has_resources(&registry) {
        return Err(RpcError::method_not_found(&request.method).into());
    }
    caller.may_read()?;
    Ok(registry)
}

const PAGE: usize = 500;
/// Of what a tool set takes to list; clients wait for a minute at most.
const LIST_WITHIN: Duration = Duration::from_secs(5);
const RESOURCE_BYTES: usize = 192;
