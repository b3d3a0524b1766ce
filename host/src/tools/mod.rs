//! What a tool is, whoever implements it: names and schemas for `tools/list`,
//! calls and results for `tools/call`. Knows no wasm and no SQL.
//!
//! [`ToolProvider`] is one tool set. [`ToolRegistry`] is the tools of one
//! scope: it finds the provider, checks rights and arguments, and makes the
//! call.

mod asking;
mod bill;
mod effort;
mod patterns;
mod profile;
mod prompts;
mod records;
mod registry;
mod resources;
mod schema;

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

pub use asking::{Abilities, InputMethod, InputRequest, Question, Reply, Round};
pub use bill::{Bill, microseconds};
pub use profile::{Profile, ProfileError, Profiled};
pub use prompts::{Conversation, HOST_PROMPTS, Prompt, PromptArgument, PromptMessage};
pub use records::{Record, RecordField, RecordProvider};
pub use registry::{CallError, RegistryError, ToolRegistry};
pub use resources::{Resource, ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate};
pub use schema::{ArgumentError, Schema, SchemaError};

use crate::audit::{Call, Entry, Event, Origin, Outcome, ScopeAudit};
use crate::principal::Principal;

/// One entry of `tools/list` (MCP `Tool`).
#[derive(Debug, Clone)]
pub struct Tool {
    /// `[a-zA-Z0-9_-]{1,64}`, unique in its scope.
    pub name: String,
    /// Display name.
    pub title: Option<String>,
    /// What a model reads to choose the tool.
    pub description: String,
    /// What calling takes of the caller.
    pub access: Access,
    /// JSON Schema 2020-12 of the arguments; the root is an object.
    pub input_schema: Arc<RawValue>,
    /// That schema compiled, where whoever checked the tool has done it.
    pub compiled: Option<Arc<Schema>>,
    /// JSON Schema of `structuredContent`, where the tool returns one.
    pub output_schema: Option<Arc<RawValue>>,
    /// Hints for clients; never a basis for authorization.
    pub annotations: Annotations,
    /// Pictures that clients may show.
    pub icons: Vec<Icon>,
    /// Protocol `_meta`, a JSON object.
    pub meta: Option<Arc<RawValue>>,
}

impl Tool {
    /// A tool that reads, takes what `input_schema` says, and says nothing more of
    /// itself.
    pub fn reading(name: &str, description: &str, input_schema: Arc<RawValue>) -> Self {
        Self {
            name: name.to_owned(),
            title: None,
            description: description.to_owned(),
            access: Access::Read,
            input_schema,
            compiled: None,
            output_schema: None,
            annotations: Annotations {
                read_only_hint: true,
                destructive_hint: false,
                idempotent_hint: true,
                open_world_hint: false,
            },
            icons: Vec::new(),
            meta: None,
        }
    }
}

/// MCP `Icon`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// An `https:` address or a `data:` URI.
    pub src: String,
    /// MIME type, where it is not the one that `src` has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Such as `48x48`, or `any`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<String>,
    /// The background that it is for: `light` or `dark`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<&'static str>,
}

/// The right a tool asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `mcp:read`
    Read,
    /// `mcp:write`; hidden from callers without it.
    Write,
}

/// MCP `ToolAnnotations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// The tool does not change its environment.
    pub read_only_hint: bool,
    /// The tool may destroy data.
    pub destructive_hint: bool,
    /// Repeating the call has no further effect.
    pub idempotent_hint: bool,
    /// The tool reaches beyond the scope's own database.
    pub open_world_hint: bool,
}

/// A tool set's description of itself.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Name of the tool set.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// Joined into the server's `instructions`.
    pub instructions: Option<String>,
    /// Its tools, in the order they are listed.
    pub tools: Vec<Tool>,
}

/// Everything about one call but its arguments.
#[derive(Clone)]
pub struct CallContext {
    /// Path name of the scope, without the slash.
    pub scope: Arc<str>,
    /// The caller; `None` only where authentication is switched off.
    pub principal: Option<Arc<Principal>>,
    /// Cancelled when the client cancels or can no longer be answered.
    pub cancel: CancellationToken,
    /// Where progress goes, if the client asked for it.
    pub progress: Option<Arc<dyn Progress>>,
    /// What the client can be asked for.
    pub abilities: Abilities,
    /// What the repeat of a call brings with it.
    pub round: Round,
    /// Where the bill goes, for whoever wants to see it.
    pub bill: Option<Arc<OnceLock<Bill>>>,
    /// Where it is noted what happens.
    pub audit: ScopeAudit,
    /// The request that it came with, where there is one.
    pub origin: Option<Arc<Origin>>,
}

impl CallContext {
    /// An audit line of what was called, with who called it.
    pub fn entry(&self, outcome: Outcome, call: Call) -> Entry {
        let principal = self.principal.as_deref();
        Entry {
            scope: Some(Arc::clone(&self.scope)),
            subject: principal.map(|principal| principal.subject.clone()),
            client_id: principal.map(|principal| principal.client.clone()),
            origin: self.origin.clone(),
            call: Some(Box::new(call)),
            ..Entry::new(Event::ToolCall, outcome)
        }
    }

    /// A first call of a client that wants no progress and cannot be asked.
    pub fn new(
        scope: impl Into<Arc<str>>,
        principal: Option<Arc<Principal>>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            scope: scope.into(),
            principal,
            cancel,
            progress: None,
            abilities: Abilities::NONE,
            round: Round::default(),
            bill: None,
            audit: ScopeAudit::in_log(),
            origin: None,
        }
    }
}

/// Receives a running call's progress.
pub trait Progress: Send + Sync {
    /// `done` of `total`, in units of the tool's choice.
    fn report(&self, done: f64, total: Option<f64>, message: Option<String>);
}

/// What a call gives back (MCP `CallToolResult`).
#[derive(Debug, Clone)]
pub struct Output {
    /// Content blocks. Empty where `structured` is set: then one text item
    /// with the same JSON goes out.
    pub content: Vec<Content>,
    /// `structuredContent`.
    pub structured: Option<Json>,
    /// Protocol `_meta`, a JSON object.
    pub meta: Option<Box<RawValue>>,
}

/// One JSON value, encoded. Unlike `RawValue` it can be made of text that is
/// known to be JSON without parsing it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Checks that `text` is one JSON value.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(&text)?;
        Ok(Self(text))
    }

    /// Takes text that an encoder of this process has just written.
    pub fn encoded(text: String) -> Self {
        debug_assert!(serde_json::from_str::<&RawValue>(&text).is_ok());
        Self(text)
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

/// An MCP content block.
#[derive(Debug, Clone)]
pub enum Content {
    /// `text`
    Text(String),
    /// `image`
    Image(Blob),
    /// `audio`
    Audio(Blob),
    /// `resource_link`
    Link {
        /// Where the resource is.
        uri: String,
        /// Its name.
        name: String,
        /// Its MIME type, if known.
        mime_type: Option<String>,
    },
    /// Any other block, a JSON object with a `type`.
    Raw(Box<RawValue>),
}

impl Content {
    /// Bytes of what it carries.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Image(blob) | Self::Audio(blob) => blob.data.len(),
            Self::Link { uri, name, .. } => uri.len() + name.len(),
            Self::Raw(block) => block.get().len(),
        }
    }
}

/// Binary content.
#[derive(Debug, Clone)]
pub struct Blob {
    /// The bytes; base64 on the wire.
    pub data: Vec<u8>,
    /// Their MIME type.
    pub mime_type: String,
}

/// A call that failed in a way the model should see and can act on: becomes an
/// `isError` result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ToolError {
    /// A sentence for the model.
    #[serde(rename = "error")]
    pub message: String,
    /// Stable code, one of the list in `docs/errors.md`.
    pub code: &'static str,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// SQL Server's error number, with code `server-error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// What the log knows this failure by, with code `crashed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// One tool set, however it is implemented.
pub trait ToolProvider: Send + Sync {
    /// The tools, fixed for the life of the provider.
    fn manifest(&self) -> &Manifest;

    /// Calls `tool` with `arguments`, which already satisfy its input schema.
    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>>;

    /// Its prompts, fixed for the life of the provider.
    fn prompts(&self) -> &[Prompt] {
        &[]
    }

    /// Fills in one of its prompts; the arguments are those it declares, and the
    /// required ones are there.
    fn prompt<'a>(
        &'a self,
        prompt: &'a Prompt,
        arguments: Vec<(String, String)>,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Conversation>, ToolError>> {
        let _ = (arguments, context);
        let error = ToolError {
            message: format!("There is no prompt \"{}\".", prompt.name),
            code: "not-found",
            hint: None,
            number: None,
            id: None,
        };
        ready(Err(error)).boxed()
    }

    /// Its resources, if it has any.
    fn resources(&self) -> Option<&dyn ResourceProvider> {
        None
    }
}
