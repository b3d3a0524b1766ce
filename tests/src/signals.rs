//! Tools by which a client's test sees what reaches the server, without a sandbox
//! in between.

use std::sync::{Arc, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mssql_mcp::mcp::McpScope;
use mssql_mcp::tools::{
    Annotations, CallContext, Content, Manifest, Output, Reply, Tool, ToolError, ToolProvider,
};
use serde_json::value::RawValue;
use tokio::sync::Notify;

/// The tools of [`NAMES`].
pub(crate) struct Signals {
    manifest: Manifest,
    /// Weak, for the scope has these tools.
    scope: Weak<McpScope>,
    /// A call of `test_wait` has begun.
    waiting: Notify,
    /// One was cancelled.
    cancelled: Notify,
}

const NAMES: [(&str, &str); 4] = [
    (
        "test_trigger_tool_change",
        "Changes the tools, as far as clients are told",
    ),
    ("test_wait", "Ends when it is cancelled"),
    (
        "test_await_waiting",
        "Ends when test_wait, at some time, was called",
    ),
    (
        "test_await_cancelled",
        "Ends when test_wait, at some time, was cancelled",
    ),
];

impl Signals {
    pub(crate) fn new(scope: &Arc<McpScope>) -> Self {
        let manifest = Manifest {
            name: "signals".to_owned(),
            version: "1".to_owned(),
            description: None,
            instructions: None,
            tools: NAMES
                .iter()
                .map(|(name, description)| tool(name, description))
                .collect(),
        };
        Self {
            manifest,
            scope: Arc::downgrade(scope),
            waiting: Notify::new(),
            cancelled: Notify::new(),
        }
    }
}

impl ToolProvider for Signals {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        _: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        async move {
            match &*tool.name {
                "test_trigger_tool_change" => {
                    if let Some(scope) = self.scope.upgrade() {
                        scope.tools_changed();
                    }
                }
                "test_await_waiting" => self.waiting.notified().await,
                "test_await_cancelled" => self.cancelled.notified().await,
                _ => {
                    // The call may be dropped and not cancelled first.
                    let _told = Told(&self.cancelled);
                    self.waiting.notify_one();
                    context.cancel.cancelled().await;
                }
            }
            Ok(Reply::Complete(Output {
                content: vec![Content::Text("It is done.".to_owned())],
                structured: None,
                meta: None,
            }))
        }
        .boxed()
    }
}

struct Told<'a>(&'a Notify);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn tool(name: &str, description: &str) -> Tool {
    let schema = RawValue::from_string(r#"{"type":"object"}"#.to_owned()).expect("JSON");
    let tool = Tool::reading(name, description, schema.into());
    Tool {
        annotations: Annotations {
            idempotent_hint: false,
            ..tool.annotations
        },
        ..tool
    }
}
