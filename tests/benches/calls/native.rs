//! `execute_sql` without a sandbox: the same query, the same encoding, in the
//! host's own code.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mssql_mcp::database::{Database, JsonShape, Options, Query};
use mssql_mcp::runtime::database_problem;
use mssql_mcp::tools::{
    CallContext, Json, Manifest, Output, Reply, Tool, ToolError, ToolProvider, ToolRegistry,
};
use serde_json::value::RawValue;

struct Native {
    manifest: Manifest,
    database: Database,
}

/// A registry with the one tool.
pub(crate) fn registry(database: Database) -> Arc<ToolRegistry> {
    let schema =
        r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#;
    let schema = RawValue::from_string(schema.to_owned()).expect("JSON");
    let tool = Tool::reading("execute_sql", "the same without a sandbox", schema.into());
    let manifest = Manifest {
        name: "native".to_owned(),
        version: "1".to_owned(),
        description: None,
        instructions: None,
        tools: vec![tool],
    };
    Arc::new(ToolRegistry::new(vec![Arc::new(Native { manifest, database })]).expect("a registry"))
}

impl ToolProvider for Native {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        _: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        async move {
            let arguments: serde_json::Value =
                serde_json::from_str(arguments.get()).expect("checked");
            let query = Query {
                sql: arguments["query"].as_str().expect("checked").to_owned(),
                params: Vec::new(),
                options: Options::default(),
                cancel: context.cancel,
                principal: None,
            };
            let mut cursor = self.database.query(query).await.map_err(database_problem)?;
            let document = cursor
                .document(JsonShape::Objects)
                .await
                .map_err(database_problem)?;
            Ok(Reply::Complete(Output {
                content: Vec::new(),
                structured: Some(Json::encoded(document)),
                meta: None,
            }))
        }
        .boxed()
    }
}
