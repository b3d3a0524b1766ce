//! What a scope offers to be read without a call (MCP resources).

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::ToolError;

/// One entry of `resources/list` (MCP `Resource`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Where it is.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// What it is, for people and models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// MIME type of its text.
    pub mime_type: &'static str,
}

/// One entry of `resources/templates/list` (MCP `ResourceTemplate`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplate {
    /// A URI template (RFC 6570).
    pub uri_template: String,
    /// Its name.
    pub name: &'static str,
    /// What it leads to.
    pub description: &'static str,
    /// MIME type of what it leads to.
    pub mime_type: &'static str,
}

/// Where a scope's resources come from.
pub trait ResourceProvider: Send + Sync {
    /// All there are, in a stable order.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>>;

    /// How their URIs are made.
    fn templates(&self) -> Vec<ResourceTemplate>;

    /// The text of the resource at `uri`; `None` when there is none.
    fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Option<ResourceText>, ToolError>>;
}

/// What a resource says (MCP `TextResourceContents`, without its URI).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceText {
    /// MIME type of the text.
    pub mime_type: &'static str,
    /// The text.
    pub text: String,
}
