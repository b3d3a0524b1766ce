//! How client and server meet: the handshake of legacy revisions, and
//! `server/discover`, which took its place.

use serde_json::value::RawValue;

use super::asking::abilities;
use super::error::RpcError;
use super::jsonrpc::{Reply, Request};
use super::scope::McpScope;
use super::tools::{cacheable, complete};
use super::version::Revision;
use crate::tools::{Abilities, InputMethod};

/// The revision that a handshake settles on: the client's, if it is a legacy
/// one that is served, else the newest legacy (2025-11-25, basic/lifecycle
/// §Version Negotiation).
pub(crate) fn negotiate(initialize: &Request<'_>) -> Result<Revision, RpcError> {
    let asked = initialize.params.protocol_version().map_err(|_| {
        RpcError::invalid_params("Invalid params: \"protocolVersion\" is not a string")
    })?;
    Ok(Revision::parse(&asked)
        .filter(|revision| !revision.is_modern())
        .unwrap_or(Revision::NEWEST_LEGACY))
}

/// What the client says in its handshake that it can be asked for, as far as
/// `revision` has it.
pub(crate) fn declared(initialize: &Request<'_>, revision: Revision) -> Abilities {
    let capabilities = initialize.params.capabilities;
    let declared = capabilities.map_or(Abilities::NONE, abilities);
    if revision.has_elicitation() {
        declared
    } else {
        declared.without(InputMethod::Elicitation)
    }
}

/// `initialize`
pub(crate) fn initialize(scope: &McpScope, request: &Request<'_>) -> Result<Vec<u8>, RpcError> {
    let revision = negotiate(request)?;
    let mut reply = Reply::to(request.id, LIFECYCLE_BYTES);
    reply.string("protocolVersion", revision.as_str());
    reply.raw("capabilities", capabilities(scope));
    reply.raw("serverInfo", scope.server_info(revision));
    instructions(scope, &mut reply);
    Ok(reply.finish())
}

/// `server/discover` (2026-07-28, server/discover). Private to the caller's
/// cache, since instructions differ between scopes.
pub(crate) fn discover(scope: &McpScope, revision: Revision, id: &RawValue) -> Vec<u8> {
    let mut reply = Reply::to(id, LIFECYCLE_BYTES);
    reply.raw("supportedVersions", r#"["2026-07-28"]"#);
    reply.raw("capabilities", capabilities(scope));
    instructions(scope, &mut reply);
    cacheable(revision, &mut reply);
    complete(scope, revision, reply, None)
}

/// `ping`
pub(crate) fn ping(id: &RawValue) -> Vec<u8> {
    Reply::to(id, 0).finish()
}

fn capabilities(scope: &McpScope) -> &'static str {
    if scope.has_resources(&scope.registry()) {
        r#"{"tools":{"listChanged":true},"resources":{},"prompts":{}}"#
    } else {
        r#"{"tools":{"listChanged":true},"prompts":{}}"#
    }
}

fn instructions(scope: &McpScope, reply: &mut Reply) {
    if let Some(instructions) = scope.registry().instructions() {
        reply.string("instructions", instructions);
    }
}

const LIFECYCLE_BYTES: usize = 1024;
