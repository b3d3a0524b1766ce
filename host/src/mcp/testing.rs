//! A scope with tools that do what tests need.

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::McpScope;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::state::{HostKey, Secrets};
use crate::tools::{
    Access, Annotations, Blob, CallContext, Content, Json, Manifest, Output, Resource,
    ResourceProvider, ResourceTemplate, ResourceText, Tool, ToolError, ToolProvider, ToolRegistry,
};

/// A scope and what its `hang` tool tells.
pub(crate) struct Fixture {
    pub(crate) scope: Arc<McpScope>,
    pub(crate) tools: Arc<ArcSwap<ToolRegistry>>,
    /// A call of `hang` has begun.
    pub(crate) hanging: Arc<Notify>,
    /// Its token was cancelled.
    pub(crate) cancelled: Arc<Notify>,
    /// Lets a call of `steps`, which has told the first, tell the second and end.
    pub(crate) go: Arc<Notify>,
}

/// The tools `echo`, `list`, `fail`, `media`, `hang`, `steps` and `write`.
pub(crate) fn fixture(name: &str) -> Fixture {
    let [hanging, cancelled, go] = std::array::from_fn(|_| Arc::new(Notify::new()));
    let signals = [&hanging, &cancelled, &go].map(Arc::clone);
    let registry = registry(&TOOLS, move |tool, arguments, context| {
        let signals = signals.clone();
        let (tool, arguments) = (tool.to_owned(), arguments.to_owned());
        async move { call(&tool, arguments, context, signals).await }.boxed()
    });
    let tools = Arc::new(ArcSwap::from_pointee(registry));
    Fixture {
        scope: Arc::new(scope(name, Arc::clone(&tools))),
        tools,
        hanging,
        cancelled,
        go,
    }
}

fn scope(name: &str, tools: Arc<ArcSwap<ToolRegistry>>) -> McpScope {
    let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
    McpScope::new(name, "Sales \"2026\"", tools, secrets, Clock::system())
        .with_resources(Arc::new(Numbered))
        .with_rate_limit(NonZeroU32::new(CALLS_PER_MINUTE).unwrap())
}

/// `db://1` and so on to `db://501`; `db://0` fails.
struct Numbered;

impl ResourceProvider for Numbered {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        let resources = (1..=501).map(|number| Resource {
            uri: format!("db://{number}"),
            name: format!("\"{number}\""),
            description: (number == 1).then(|| "The first".to_owned()),
            mime_type: "text/plain",
        });
        ready(Ok(resources.collect())).boxed()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        vec![ResourceTemplate {
            uri_template: "db://{number}".to_owned(),
            name: "number",
            description: "A number",
            mime_type: "text/plain",
        }]
    }

    fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Option<ResourceText>, ToolError>> {
        let read = match uri {
            "db://0" => Err(ToolError {
                message: "The database is down.".to_owned(),
                code: "unavailable",
                hint: None,
                number: None,
                id: None,
            }),
            "db://1" => Ok(Some(ResourceText {
                mime_type: "text/plain",
                text: "one \"1\"".to_owned(),
            })),
            _ => Ok(None),
        };
        ready(read).boxed()
    }
}

/// For each caller.
pub(crate) const CALLS_PER_MINUTE: u32 = 30;

/// A registry of one tool that hangs.
pub(crate) fn one_tool(name: &str) -> ToolRegistry {
    registry(&[(name, Access::Read, None)], |_, _, _| pending().boxed())
}

/// A registry of `tools` that all answer with `call`.
fn registry<F>(tools: &[(&str, Access, Option<&str>)], call: F) -> ToolRegistry
where
    F: Fn(&str, &str, CallContext) -> BoxFuture<'static, Result<Output, ToolError>>
        + Send
        + Sync
        + 'static,
{
    let manifest = Manifest {
        name: "fake".to_owned(),
        version: "1".to_owned(),
        description: None,
        instructions: Some("Ask \"echo\".".to_owned()),
        tools: tools
            .iter()
            .map(|(name, access, output)| tool(name, *access, *output))
            .collect(),
    };
    ToolRegistry::new(vec![Arc::new(Fake { manifest, call })]).unwrap()
}

struct Fake<F> {
    manifest: Manifest,
    call: F,
}

impl<F> ToolProvider for Fake<F>
where
    F: Fn(&str, &str, CallContext) -> BoxFuture<'static, Result<Output, ToolError>> + Send + Sync,
{
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Output, ToolError>> {
        (self.call)(&tool.name, arguments.get(), context)
    }
}

async fn call(
    tool: &str,
    arguments: String,
    context: CallContext,
    [hanging, cancelled, go]: [Arc<Notify>; 3],
) -> Result<Output, ToolError> {
    let output = |content, structured: Option<&str>| Output {
        content,
        structured: structured.map(|text| Json::parse(text.to_owned()).unwrap()),
        meta: None,
    };
    let blob = |mime_type: &str| Blob {
        data: vec![0xfb, 0xff],
        mime_type: mime_type.to_owned(),
    };
    match tool {
        "echo" => Ok(Output {
            meta: Some(raw(r#"{ "example.com/took": 3 }"#)),
            ..output(Vec::new(), Some(&arguments))
        }),
        "list" => Ok(output(Vec::new(), Some("[1,\n2]"))),
        "media" => Ok(output(
            vec![
                Content::Text("a \"b\"".to_owned()),
                Content::Image(blob("image/png")),
                Content::Audio(blob("audio/wav")),
                Content::Link {
                    uri: "db://t".to_owned(),
                    name: "t".to_owned(),
                    mime_type: None,
                },
                Content::Raw(raw(r#"{"type":"text","text":"raw"}"#)),
            ],
            None,
        )),
        "steps" => {
            if let Some(progress) = &context.progress {
                progress.report(1.0, Some(2.0), Some("one".to_owned()));
            }
            hanging.notify_one();
            go.notified().await;
            if let Some(progress) = &context.progress {
                progress.report(2.0, Some(2.0), None);
            }
            Ok(output(vec![Content::Text("done".to_owned())], None))
        }
        "hang" => {
            tokio::spawn(async move {
                context.cancel.cancelled().await;
                cancelled.notify_one();
            });
            hanging.notify_one();
            pending().await
        }
        _ => Err(ToolError {
            message: "There is no table \"X\".".to_owned(),
            code: "unknown-table",
            hint: Some("Call list_tables.".to_owned()),
            number: None,
            id: None,
        }),
    }
}

fn tool(name: &str, access: Access, output: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        title: Some(format!("The {name}")),
        description: format!("Does {name}."),
        access,
        input_schema: raw(r#"{"type":"object"}"#).into(),
        output_schema: output.map(|schema| raw(schema).into()),
        annotations: Annotations {
            read_only_hint: access == Access::Read,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: false,
        },
        meta: Some(raw(r#"{"example.com/set":"fake"}"#).into()),
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

const TOOLS: [(&str, Access, Option<&str>); 7] = [
    ("echo", Access::Read, Some(r#"{"type":"object"}"#)),
    ("list", Access::Read, Some(r#"{"type":"array"}"#)),
    ("fail", Access::Read, None),
    ("media", Access::Read, None),
    ("hang", Access::Read, None),
    ("steps", Access::Read, None),
    ("write", Access::Write, None),
];
