//! What a modern request says about itself in `_meta` (2026-07-28, basic/index
//! §Per-request protocol fields).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::asking::abilities;
use super::error::RpcError;
use super::jsonrpc::{Params, present, string};
use crate::tools::Abilities;

/// The claims of a modern request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim<'a> {
    /// `io.modelcontextprotocol/protocolVersion`
    pub(crate) version: Cow<'a, str>,
    /// `io.modelcontextprotocol/clientCapabilities`
    pub(crate) abilities: Abilities,
}

impl<'a> Claim<'a> {
    /// The claims in `params`; none when the message does not name a version
    /// there, which is what makes it legacy.
    pub(crate) fn of(params: &Params<'a>) -> Result<Option<Self>, RpcError> {
        let Some(meta) = params.meta else {
            return Ok(None);
        };
        let Ok(meta) = serde_json::from_str::<Meta<'a>>(meta.get()) else {
            return Ok(None);
        };
        let Some(version) = meta.version else {
            return Ok(None);
        };
        let version = string(version).ok_or_else(|| {
            RpcError::invalid_params(format!(
                "Invalid params: _meta[\"{VERSION}\"] is not a string"
            ))
        })?;
        match meta.capabilities {
            Some(capabilities) if capabilities.get().starts_with('{') => Ok(Some(Self {
                version,
                abilities: abilities(capabilities),
            })),
            Some(_) => Err(RpcError::invalid_params(format!(
                "Invalid params: _meta[\"{CAPABILITIES}\"] is not an object"
            ))),
            None => Err(RpcError::invalid_params(format!(
                "Invalid params: _meta[\"{CAPABILITIES}\"] is missing"
            ))),
        }
    }

    /// The error of a request that is modern by its header alone.
    pub(crate) fn missing() -> RpcError {
        RpcError::invalid_params(format!("Invalid params: _meta[\"{VERSION}\"] is missing"))
    }
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/protocolVersion",
        deserialize_with = "present"
    )]
    version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/clientCapabilities",
        deserialize_with = "present"
    )]
    capabilities: Option<&'a RawValue>,
}

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
