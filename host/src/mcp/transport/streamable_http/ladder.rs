//! The checks that a body passes before it is dispatched, in the order that
//! clients and the conformance suite rely on. A request is classified by the
//! version it claims, never by which headers exist.

use axum::http::HeaderMap;
use serde_json::value::RawValue;

use super::headers::{self, Value};
use crate::mcp::batch::Batch;
use crate::mcp::claim::Claim;
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc::{self, Body, Invalid, Message, Notification, OneWay, Request};
use crate::mcp::version::Revision;
use crate::tools::Abilities;

/// What a body turned out to be.
pub(super) enum Inbound<'a> {
    /// With what a modern client says that it can be asked for.
    Request(Revision, Abilities, Request<'a>),
    /// One way, of a revision with a handshake.
    Told(OneWay<'a>),
    /// A modern notification. There is none that matters.
    Ignored,
    Batch(Revision, Batch<'a>),
}

/// HTTP 400 with a JSON-RPC error.
pub(super) struct Rejection<'a> {
    pub(super) id: Option<&'a RawValue>,
    pub(super) error: RpcError,
}

/// Classifies one body. `unnamed` is the revision of a legacy message that
/// names none.
pub(super) fn classify<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    unnamed: Revision,
) -> Result<Inbound<'a>, Rejection<'a>> {
    let version = Value::plain(headers, &headers::PROTOCOL_VERSION);
    match Body::read(body)? {
        Body::Array(text) => {
            let batch = Batch::read(text)?;
            match legacy_revision(&version, unnamed) {
                Ok(revision) if revision.has_batches() => Ok(Inbound::Batch(revision, batch)),
                _ => Err(Batch::out_of_place().into()),
            }
        }
        Body::Single(text) => match jsonrpc::message(text)? {
            Message::Request(request) => check_request(headers, &version, request, unnamed),
            Message::OneWay(OneWay::Notification(notification)) => {
                let modern = check_notification(headers, &version, &notification)
                    .map_err(|error| Rejection { id: None, error })?;
                if modern {
                    return Ok(Inbound::Ignored);
                }
                Ok(Inbound::Told(OneWay::Notification(notification)))
            }
            Message::OneWay(OneWay::Response(_)) if is_modern(&version) => Err(RpcError::new(
                Code::InvalidRequest,
                "Invalid request: 2026-07-28 has no responses from clients",
            )
            .into()),
            Message::OneWay(response) => Ok(Inbound::Told(response)),
        },
    }
}

fn check_request<'a>(
    headers: &HeaderMap,
    version: &Value<'_>,
    request: Request<'a>,
    unnamed: Revision,
) -> Result<Inbound<'a>, Rejection<'a>> {
    let mut abilities = Abilities::NONE;
    let revision = match Claim::of(&request.params) {
        Ok(Some(claim)) => {
            abilities = claim.abilities;
            modern_request(headers, version, &request, &claim)
        }
        Ok(None) if is_modern(version) && request.method == "initialize" => Err(mismatch(
            "MCP-Protocol-Version names a revision that has no \"initialize\"",
        )),
        Ok(None) if is_modern(version) => Err(Claim::missing()),
        // A handshake is what settles the version.
        Ok(None) if request.method == "initialize" => Ok(Revision::NEWEST_LEGACY),
        Ok(None) => legacy_revision(version, unnamed),
        Err(error) => Err(error),
    };
    match revision {
        Ok(revision) => Ok(Inbound::Request(revision, abilities, request)),
        Err(error) => Err(Rejection {
            id: Some(request.id),
            error,
        }),
    }
}

fn modern_request(
    headers: &HeaderMap,
    version: &Value<'_>,
    request: &Request<'_>,
    claim: &Claim<'_>,
) -> Result<Revision, RpcError> {
    if !version.is(&claim.version) {
        return Err(mismatch("MCP-Protocol-Version is not the version in _meta"));
    }
    let revision = supported(&claim.version)?;
    if !Value::plain(headers, &headers::METHOD).is(&request.method) {
        return Err(mismatch("Mcp-Method is not the method in the body"));
    }
    let named = match &*request.method {
        "tools/call" | "prompts/get" => Some(request.params.name()),
        "resources/read" => Some(request.params.uri()),
        _ => None,
    };
    match named {
        Some(Ok(name)) if Value::decoded(headers, &headers::NAME).is(&name) => Ok(revision),
        None => Ok(revision),
        Some(_) => Err(mismatch("Mcp-Name is not the name in the body")),
    }
}

/// The core protocol has no notification from clients over HTTP, so headers
/// need not be there; they must not contradict the body, though. Whether the
/// notification is modern.
fn check_notification(
    headers: &HeaderMap,
    version: &Value<'_>,
    notification: &Notification<'_>,
) -> Result<bool, RpcError> {
    match Claim::of(&notification.params)? {
        Some(claim) => {
            if *version != Value::Absent && !version.is(&claim.version) {
                return Err(mismatch("MCP-Protocol-Version is not the version in _meta"));
            }
            supported(&claim.version)?;
        }
        None => {
            if !is_modern(version) {
                return legacy_revision(version, Revision::UNNAMED).map(|_| false);
            }
            if let Value::Text(version) = version {
                supported(version)?;
            }
        }
    }
    let method = Value::plain(headers, &headers::METHOD);
    if method != Value::Absent && !method.is(&notification.method) {
        return Err(mismatch("Mcp-Method is not the method in the body"));
    }
    Ok(true)
}

fn supported(version: &str) -> Result<Revision, RpcError> {
    Revision::parse(version)
        .filter(|revision| revision.is_modern())
        .ok_or_else(|| RpcError::unsupported_version(version))
}

fn legacy_revision(version: &Value<'_>, unnamed: Revision) -> Result<Revision, RpcError> {
    let known = match version {
        Value::Absent => Some(unnamed),
        Value::Text(text) => Revision::parse(text).filter(|revision| !revision.is_modern()),
        Value::Unreadable => None,
    };
    known.ok_or_else(|| {
        let served: Vec<&str> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
        RpcError::new(
            Code::InvalidRequest,
            format!(
                "Bad Request: Unsupported protocol version in MCP-Protocol-Version (supported versions: {})",
                served.join(", ")
            ),
        )
    })
}

pub(super) fn is_modern(version: &Value<'_>) -> bool {
    matches!(version, Value::Text(text) if Revision::names_modern(text))
}

fn mismatch(what: &'static str) -> RpcError {
    RpcError::new(Code::HeaderMismatch, format!("Header mismatch: {what}"))
}

impl<'a> From<Invalid<'a>> for Rejection<'a> {
    fn from(Invalid { id, error }: Invalid<'a>) -> Self {
        Self { id, error }
    }
}

impl From<RpcError> for Rejection<'_> {
    fn from(error: RpcError) -> Self {
        Self { id: None, error }
    }
}
