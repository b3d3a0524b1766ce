//! `resources/list`, `resources/templates/list` and `resources/read`: the scope's
//! own, which are its tables, and those of its tool sets.

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError, shortened};
use super::jsonrpc::{Reply, Request, encode, write_string};
use super::tools::{cacheable, complete, write_base64};
use crate::principal::OAuthScope;
use crate::tools::{
    CallContext, Resource, ResourceBody, ResourceContents, ResourceTemplate, Round, ToolError,
    ToolRegistry,
};

/// `resources/list`: some hundreds a page, since a database may have thousands
/// of tables.
pub(super) async fn list(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let registry = readable(caller)?;
    let start = match request.params.cursor() {
        _ if request.params.begins() => Some(0),
        Ok(Some(cursor)) => cursor.parse().ok(),
        _ => None,
    };
    let context = caller.context(cancel, Round::default());
    let resources = all(caller, &registry, &context).await?;
    let rest = start.and_then(|start| resources.get(start..));
    let Some(rest) = rest.filter(|rest| start == Some(0) || !rest.is_empty()) else {
        return Err(RpcError::invalid_params(
            "Invalid params: the cursor is not one this server gave; list again from the start",
        )
        .into());
    };
    let page = rest.get(..PAGE).unwrap_or(rest);
    let mut reply = Reply::to(request.id, page.len() * RESOURCE_BYTES);
    if caller.revision.has_structured_content() {
        encode(reply.name("resources"), page);
    } else {
        // `title` came with 2025-06-18.
        let untitled: Vec<Resource> = page.iter().cloned().map(untitled).collect();
        encode(reply.name("resources"), &untitled);
    }
    if rest.len() > PAGE {
        let next = start.unwrap_or_default() + PAGE;
        reply.string("nextCursor", &next.to_string());
    }
    cacheable(caller.revision, &mut reply);
    Ok(complete(caller.scope, caller.revision, reply, None))
}

fn untitled(resource: Resource) -> Resource {
    Resource {
        title: None,
        ..resource
    }
}

/// What a tool set fails to list is left out: the tables are there all the same.
async fn all(
    caller: &Caller<'_>,
    registry: &ToolRegistry,
    context: &CallContext,
) -> Result<Vec<Resource>, RpcError> {
    let own = async {
        match caller.scope.resources() {
            Some(own) => own.list(context.clone()).await,
            None => Ok(Vec::new()),
        }
    };
    let others = join_all(registry.resources().map(async |(tool_set, provider)| {
        provider
            .list(context.clone())
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(tool_set, %error, "a tool set's resources are left out");
                Vec::new()
            })
    }));
    let (own, others) = futures_util::join!(own, others);
    let mut resources = own.map_err(unavailable)?;
    resources.extend(others.into_iter().flatten());
    Ok(resources)
}

/// `resources/templates/list`
pub(super) fn templates(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, Failure> {
    let registry = readable(caller)?;
    let providers = caller.scope.resources().into_iter();
    let providers = providers.chain(registry.resources().map(|(_, provider)| provider));
    let templates: Vec<ResourceTemplate> = providers
        .flat_map(|provider| provider.templates().into_owned())
        .map(|template| ResourceTemplate {
            title: template
                .title
                .filter(|_| caller.revision.has_structured_content()),
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
    let registry = readable(caller)?;
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

/// Whoever knows the resource first: the scope, then its tool sets in order.
async fn found(
    caller: &Caller<'_>,
    registry: &ToolRegistry,
    uri: &str,
    context: &CallContext,
) -> Result<Option<Vec<ResourceContents>>, RpcError> {
    let providers = caller.scope.resources().into_iter();
    for provider in providers.chain(registry.resources().map(|(_, provider)| provider)) {
        let read = provider.read(uri, context.clone()).await;
        if let Some(contents) = read.map_err(unavailable)? {
            return Ok(Some(contents));
        }
    }
    Ok(None)
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
fn readable(caller: &Caller<'_>) -> Result<std::sync::Arc<ToolRegistry>, Failure> {
    let registry = caller.scope.registry();
    if !caller.scope.has_resources(&registry) {
        return Err(RpcError::method_not_found("resources").into());
    }
    match &caller.principal {
        Some(principal) if !principal.has(OAuthScope::Read) => {
            Err(Failure::InsufficientScope(OAuthScope::Read))
        }
        _ => Ok(registry),
    }
}

/// The message says what to do; it never names a server or a log-in.
fn unavailable(error: ToolError) -> RpcError {
    RpcError::new(Code::InternalError, error.message)
}

const PAGE: usize = 500;
const RESOURCE_BYTES: usize = 192;
