//! A line of the audit, as commands read it.

use std::borrow::Cow;

use serde::Deserialize;

/// What of a line is filtered, shown and counted.
#[derive(Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) outcome: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) code: Option<Cow<'a, str>>,
    /// `operator` where a command did it.
    #[serde(borrow, default)]
    pub(super) by: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) scope: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) client_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) client_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_set: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) statements: Vec<Statement<'a>>,
    pub(super) rows: Option<u64>,
    pub(super) wall_us: Option<u64>,
    /// Lines of this kind that were not written.
    #[serde(default)]
    pub(super) suppressed: u64,
}

/// One statement of a call.
#[derive(Deserialize)]
pub(super) struct Statement<'a> {
    #[serde(borrow, default)]
    pub(super) sql: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) hash: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) code: Option<Cow<'a, str>>,
}
