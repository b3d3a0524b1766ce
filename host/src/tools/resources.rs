//! What a scope offers to be read without a call (MCP resources).

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{CallContext, ToolError};

/// One entry of `resources/list` (MCP `Resource`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Where it is.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is, for people and models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// MIME type of what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Cow<'static, str>>,
    /// Bytes of what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// One entry of `resources/templates/list` (MCP `ResourceTemplate`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplate {
    /// A URI template (RFC 6570).
    pub uri_template: Cow<'static, str>,
    /// Its name.
    pub name: Cow<'static, str>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'static, str>>,
    /// What it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// MIME type of what it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Cow<'static, str>>,
}

/// Where resources come from.
pub trait ResourceProvider: Send + Sync {
    /// All there are, in a stable order.
    fn list(&self, context: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>>;

    /// How their URIs are made.
    fn templates(&self) -> Cow<'_, [ResourceTemplate]>;

    /// What the resource at `uri` says; `None` when there is none.
    fn read<'a>(
        &'a self,
        uri: &'a str,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Option<Vec<ResourceContents>>, ToolError>>;
}

/// One part of what a resource says (MCP `ResourceContents`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceContents {
    /// Whose part it is.
    pub uri: String,
    /// MIME type of the body.
    pub mime_type: Option<Cow<'static, str>>,
    /// What it says.
    pub body: ResourceBody,
}

/// What a resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceBody {
    /// `text`
    Text(String),
    /// `blob`; base64 on the wire.
    Blob(Vec<u8>),
}
