//! What a tool set offers beside its tools: resources and prompts. With the
//! feature `offers` alone.

use crate::bindings::exports::mssql_mcp::tools::prompts;
use crate::host::Host;
use crate::{Content, Failure};

pub use crate::bindings::exports::mssql_mcp::tools::prompts::{
    Argument, Conversation, Message, Prompt, Reply as PromptReply, Role,
};
pub use crate::bindings::exports::mssql_mcp::tools::resources::{Body, Contents, Entry, Template};

/// Resources and prompts. Every method has a default that offers nothing.
pub trait Offers<H: Host> {
    /// How addresses of resources are made.
    fn templates(&self) -> Vec<Template> {
        Vec::new()
    }

    /// All resources, in a stable order.
    ///
    /// # Errors
    /// See [`Failure`].
    fn resources(&self, host: &H) -> Result<Vec<Entry>, Failure> {
        let _ = host;
        Ok(Vec::new())
    }

    /// What the resource at `uri` says; `None` when there is none.
    ///
    /// # Errors
    /// See [`Failure`].
    fn read(&self, host: &H, uri: &str) -> Result<Option<Vec<Contents>>, Failure> {
        let _ = (host, uri);
        Ok(None)
    }

    /// The prompts.
    fn prompts(&self) -> Vec<Prompt> {
        Vec::new()
    }

    /// The prompt of that name, filled in; it is one of [`Offers::prompts`].
    ///
    /// # Errors
    /// See [`Failure`].
    fn prompt(
        &self,
        host: &H,
        name: &str,
        arguments: &[(String, String)],
    ) -> Result<PromptReply, Failure> {
        let _ = (host, name, arguments);
        Err(Failure::UnknownTool)
    }
}

impl Prompt {
    /// A prompt without arguments.
    #[must_use]
    pub fn new(name: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: None,
            description: Some(description.to_owned()),
            arguments: Vec::new(),
        }
    }

    /// The same prompt with one more argument, which must be given.
    #[must_use]
    pub fn argument(mut self, name: &str, description: &str) -> Self {
        self.arguments.push(Argument {
            name: name.to_owned(),
            title: None,
            description: Some(description.to_owned()),
            required: true,
        });
        self
    }
}

impl PromptReply {
    /// What the person is to have said.
    #[must_use]
    pub fn said(contents: Vec<Content>) -> Self {
        let messages = contents.into_iter().map(|content| Message {
            role: Role::User,
            content,
        });
        Self::Conversation(prompts::Conversation {
            description: None,
            messages: messages.collect(),
        })
    }
}
