//! A tool whose call changes the tools, as far as clients are told.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use mssql_mcp::mcp::McpScope;
use mssql_mcp::tools::{
    Access, Annotations, CallContext, Content, Manifest, Output, Reply, Tool, ToolError,
    ToolProvider,
};
use serde_json::value::RawValue;

/// `test_trigger_tool_change`
pub(crate) struct Trigger {
    manifest: Manifest,
    scope: Arc<McpScope>,
}

impl Trigger {
    pub(crate) fn new(scope: Arc<McpScope>) -> Self {
        let tool = Tool {
            name: "test_trigger_tool_change".to_owned(),
            title: None,
            description: "Changes the tools".to_owned(),
            access: Access::Read,
            input_schema: RawValue::from_string(r#"{"type":"object"}"#.to_owned())
                .expect("JSON")
                .into(),
            output_schema: None,
            annotations: Annotations {
                read_only_hint: true,
                destructive_hint: false,
                idempotent_hint: false,
                open_world_hint: false,
            },
            icons: Vec::new(),
            meta: None,
        };
        let manifest = Manifest {
            name: "trigger".to_owned(),
            version: "1".to_owned(),
            description: None,
            instructions: None,
            tools: vec![tool],
        };
        Self { manifest, scope }
    }
}

impl ToolProvider for Trigger {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        _: &'a Tool,
        _: &'a RawValue,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        self.scope.tools_changed();
        let output = Output {
            content: vec![Content::Text("They changed.".to_owned())],
            structured: None,
            meta: None,
        };
        ready(Ok(Reply::Complete(output))).boxed()
    }
}
