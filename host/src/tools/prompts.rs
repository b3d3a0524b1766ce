//! Texts that people choose in their client to begin with (MCP prompts).

use std::borrow::Cow;

use serde::Serialize;

use super::Content;

/// Names of the prompts that every scope has; a tool set cannot take them.
pub const HOST_PROMPTS: [&str; 2] = ["explore_database", "answer_question"];

/// One entry of `prompts/list` (MCP `Prompt`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prompt {
    /// Unique in its scope.
    pub name: Cow<'static, str>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'static, str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// What it takes.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub arguments: Cow<'static, [PromptArgument]>,
}

/// MCP `PromptArgument`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptArgument {
    /// Unique in its prompt.
    pub name: Cow<'static, str>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'static, str>>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// Whether it must be given.
    pub required: bool,
}

/// A prompt that was filled in (MCP `GetPromptResult`).
#[derive(Debug, Clone)]
pub struct Conversation {
    /// What it is for.
    pub description: Option<String>,
    /// In order.
    pub messages: Vec<PromptMessage>,
}

/// MCP `PromptMessage`
#[derive(Debug, Clone)]
pub struct PromptMessage {
    /// Whether the model is to have said it, and not the person.
    pub by_assistant: bool,
    /// What was said.
    pub content: Content,
}
