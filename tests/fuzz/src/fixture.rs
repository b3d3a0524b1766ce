//! A server with tools that answer at once, and everything else that can be asked for.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use mssql_mcp::clock::Clock;
use mssql_mcp::entropy::Entropy;
use mssql_mcp::mcp::McpScope;
use mssql_mcp::server::{
    Authentication, Edge, Health, HealthReport, HostGuard, ServerConfig, ServerState, Status,
};
use mssql_mcp::state::{HostKey, Secrets};
use mssql_mcp::tools::{
    CallContext, Content, InputMethod, InputRequest, Json, Manifest, Output, Question, Reply,
    Resource, ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate, Tool, ToolError,
    ToolProvider, ToolRegistry,
};
use serde_json::value::RawValue;

/// Of a new server.
pub(crate) fn router() -> Router {
    let registry = ToolRegistry::new(vec![Arc::new(Tools::new())]).expect("tools");
    let secrets = Secrets::new(&HostKey::random().expect("a key"), Entropy::system());
    let tools = Arc::new(ArcSwap::from_pointee(registry));
    let scope = McpScope::new("fuzz", "Fuzz", tools, secrets, Clock::system());
    scope.set_resources(Arc::new(Resources));
    let state = ServerState::new(ServerConfig {
        scopes: vec![Arc::new(scope)],
        default_scope: "fuzz".into(),
        authentication: Authentication::Off,
        guard: HostGuard::new(([127, 0, 0, 1], 8008).into(), None).expect("a guard"),
        edge: Edge::default(),
        health: Arc::new(Well),
        metrics: None,
        max_body_bytes: ServerConfig::MAX_BODY_BYTES,
    });
    mssql_mcp::server::router(state.expect("a server"))
}

/// `echo` gives its arguments back, `ask` asks, `tell` tells how it goes.
struct Tools(Manifest);

impl Tools {
    fn new() -> Self {
        let schema = || raw(r#"{"type":"object"}"#).into();
        let tool = |name: &str| Tool::reading(name, name, schema());
        Self(Manifest {
            name: "fuzz".to_owned(),
            version: "1".to_owned(),
            description: None,
            instructions: None,
            tools: ["echo", "ask", "tell"].map(tool).into(),
        })
    }
}

impl ToolProvider for Tools {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        let mut output = Output {
            content: Vec::new(),
            structured: None,
            meta: None,
        };
        match &*tool.name {
            "echo" => output.structured = Json::parse(arguments.get().to_owned()).ok(),
            "ask" if context.round.answers.is_none() && context.round.state.is_none() => {
                return ready(Ok(Reply::Ask(question()))).boxed();
            }
            _ => {
                if let Some(progress) = context.progress {
                    progress.report(1.0, None, Some("\"one\"".to_owned()));
                }
                let said = format!("{:?}", context.round.answers);
                output.content.push(Content::Text(said));
            }
        }
        ready(Ok(Reply::Complete(output))).boxed()
    }
}

fn question() -> Question {
    let form = r#"{"message":"Who?","requestedSchema":{"type":"object"}}"#;
    Question {
        requests: vec![InputRequest {
            key: "who".to_owned(),
            method: InputMethod::Elicitation,
            params: raw(form),
        }],
        state: b"state".to_vec(),
    }
}

/// `fuzz://1`
struct Resources;

impl ResourceProvider for Resources {
    fn list(&self, _: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        let resource = Resource {
            uri: "fuzz://1".to_owned(),
            name: "1".to_owned(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
        };
        ready(Ok(vec![resource])).boxed()
    }

    fn templates(&self) -> Cow<'_, [ResourceTemplate]> {
        Cow::Borrowed(&[])
    }

    fn read<'a>(
        &'a self,
        uri: &'a str,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Option<Vec<ResourceContents>>, ToolError>> {
        let contents = ResourceContents {
            uri: uri.to_owned(),
            mime_type: None,
            body: ResourceBody::Text(uri.to_owned()),
        };
        ready(Ok((uri == "fuzz://1").then(|| vec![contents]))).boxed()
    }
}

struct Well;

impl Health for Well {
    fn report(&self) -> BoxFuture<'_, HealthReport> {
        let report = HealthReport {
            status: Status::Healthy,
            uptime: Duration::ZERO,
            timestamp: Default::default(),
            checks: Default::default(),
            scopes: Default::default(),
        };
        ready(report).boxed()
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}
