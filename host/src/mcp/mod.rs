//! The Model Context Protocol: messages in, messages out. Knows no wasm and no
//! SQL; only `transport` knows HTTP.
//!
//! A transport reads bytes into a [`jsonrpc::Message`], finds its
//! [`version::Revision`], and hands requests to [`dispatch`]; what comes back
//! is one encoded message, whatever the transport.

mod asking;
mod batch;
mod claim;
mod dispatch;
mod error;
mod jsonrpc;
mod lifecycle;
mod outlet;
mod places;
mod prompts;
mod rate;
mod resources;
mod scope;
mod session;
mod stream;
mod subscription;
#[cfg(test)]
pub(crate) mod testing;
mod tools;
mod traced;
pub mod transport;
mod version;

pub(crate) use crate::tools::{Record, ToolError};
pub use scope::{McpScope, Open};
pub use version::Revision;
