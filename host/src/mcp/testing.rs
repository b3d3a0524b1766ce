//! A scope with tools that do what tests need.

use std::borrow::Cow;
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
    Access, Annotations, Blob, CallContext, Content, Conversation, InputMethod, InputRequest, Json,
    Manifest, Output, Prompt, PromptArgument, PromptMessage, Question, Reply, Resource,
    ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate, Tool, ToolError,
    ToolProvider, ToolRegistry,
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

/// The tools `echo`, `list`, `fail`, `media`, `hang`, `steps`, `ask` and `write`, the
/// prompt `greet`, and the resource `extra://1`.
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
    let scope = McpScope::new(name, "Sales \"2026\"", tools, secrets, Clock::system());
    scope.set_resources(Arc::new(Numbered));
    scope.set_rate_limit(NonZeroU32::new(CALLS_PER_MINUTE).unwrap());
    scope
}

/// `db://1` and so on to `db://501`; `db://0` fails.
struct Numbered;

impl ResourceProvider for Numbered {
    fn list(&self, _: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        let resources = (1..=501).map(|number| Resource {
            uri: format!("db://{number}"),
            name: format!("\"{number}\""),
            description: (number == 1).then(|| "The first".to_owned()),
            title: None,
            mime_type: Some("text/plain".into()),
            size: None,
        });
        ready(Ok(resources.collect())).boxed()
    }

    fn templates(&self) -> Cow<'_, [ResourceTemplate]> {
        let template = ResourceTemplate {
            uri_template: "db://{number}".into(),
            name: "number".into(),
            title: None,
            description: Some("A number".into()),
            mime_type: Some("text/plain".into()),
        };
        vec![template].into()
    }

    fn read<'a>(
        &'a self,
        uri: &'a str,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Option<Vec<ResourceContents>>, ToolError>> {
        let read = match uri {
            "db://0" => Err(ToolError {
                message: "The database is down.".to_owned(),
                code: "unavailable",
                hint: None,
                number: None,
                id: None,
            }),
            "db://1" => Ok(Some(vec![text_at(uri, "one \"1\"")])),
            _ => Ok(None),
        };
        ready(read).boxed()
    }
}

fn text_at(uri: &str, text: &str) -> ResourceContents {
    ResourceContents {
        uri: uri.to_owned(),
        mime_type: Some("text/plain".into()),
        body: ResourceBody::Text(text.to_owned()),
    }
}

/// `extra://1`, which is bytes; what is listed names its caller.
struct Extra;

impl ResourceProvider for Extra {
    fn list(&self, context: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        let caller = context.principal.map(|caller| caller.subject.clone());
        let resource = Resource {
            uri: "extra://1".to_owned(),
            name: "extra".to_owned(),
            title: Some("Extra".to_owned()),
            description: caller,
            mime_type: None,
            size: Some(3),
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
            body: ResourceBody::Blob(vec![0xfb, 0xff, 0]),
        };
        let read = (uri == "extra://1").then(|| vec![contents]);
        ready(Ok(read)).boxed()
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
    F: Fn(&str, &str, CallContext) -> BoxFuture<'static, Result<Reply<Output>, ToolError>>
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
    F: Fn(&str, &str, CallContext) -> BoxFuture<'static, Result<Reply<Output>, ToolError>>
        + Send
        + Sync,
{
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        (self.call)(&tool.name, arguments.get(), context)
    }

    fn prompts(&self) -> &[Prompt] {
        GREET
    }

    fn prompt<'a>(
        &'a self,
        _: &'a Prompt,
        arguments: Vec<(String, String)>,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Conversation>, ToolError>> {
        let reply = match context.round.answers {
            None => ask(&context),
            Some(answers) => Reply::Complete(Conversation {
                description: None,
                messages: vec![PromptMessage {
                    by_assistant: true,
                    content: Content::Text(format!("{arguments:?} {answers}")),
                }],
            }),
        };
        ready(Ok(reply)).boxed()
    }

    fn resources(&self) -> Option<&dyn ResourceProvider> {
        Some(&Extra)
    }
}

async fn call(
    tool: &str,
    arguments: String,
    context: CallContext,
    [hanging, cancelled, go]: [Arc<Notify>; 3],
) -> Result<Reply<Output>, ToolError> {
    let output = |content, structured: Option<&str>| {
        Reply::Complete(Output {
            content,
            structured: structured.map(|text| Json::parse(text.to_owned()).unwrap()),
            meta: None,
        })
    };
    let blob = |mime_type: &str| Blob {
        data: vec![0xfb, 0xff],
        mime_type: mime_type.to_owned(),
    };
    match tool {
        "echo" => Ok(Reply::Complete(Output {
            content: Vec::new(),
            structured: Some(Json::parse(arguments).unwrap()),
            meta: Some(raw(r#"{ "example.com/took": 3 }"#)),
        })),
        "ask" => Ok(match &context.round.answers {
            None => ask(&context),
            Some(answers) if answers.contains("again") => ask(&context),
            Some(answers) => {
                let state = context.round.state.as_deref().unwrap_or_default();
                let state = String::from_utf8_lossy(state);
                output(vec![Content::Text(format!("{answers} {state}"))], None)
            }
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

/// Asks for a name, and where the client has them, for its roots.
fn ask<T>(context: &CallContext) -> Reply<T> {
    let request = |key: &str, method, params: &str| InputRequest {
        key: key.to_owned(),
        method,
        params: raw(params),
    };
    let mut requests = vec![request(
        "name",
        InputMethod::Elicitation,
        r#"{"message":"Who?","requestedSchema":{"type":"object"}}"#,
    )];
    if context.abilities.has(InputMethod::Roots) {
        requests.push(request("roots", InputMethod::Roots, "{}"));
    }
    Reply::Ask(Question {
        requests,
        state: b"step 1".to_vec(),
    })
}

const GREET: &[Prompt] = &[Prompt {
    name: Cow::Borrowed("greet"),
    title: Some(Cow::Borrowed("Greet")),
    description: None,
    arguments: Cow::Borrowed(&[PromptArgument {
        name: Cow::Borrowed("tone"),
        title: Some(Cow::Borrowed("Tone")),
        description: None,
        required: true,
    }]),
}];

fn tool(name: &str, access: Access, output: Option<&str>) -> Tool {
    let schema = raw(r#"{"type":"object"}"#).into();
    let tool = Tool::reading(name, &format!("Does {name}."), schema);
    Tool {
        title: Some(format!("The {name}")),
        access,
        output_schema: output.map(|schema| raw(schema).into()),
        annotations: Annotations {
            read_only_hint: access == Access::Read,
            ..tool.annotations
        },
        meta: Some(raw(r#"{"example.com/set":"fake"}"#).into()),
        ..tool
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

const TOOLS: [(&str, Access, Option<&str>); 8] = [
    ("echo", Access::Read, Some(r#"{"type":"object"}"#)),
    ("list", Access::Read, Some(r#"{"type":"array"}"#)),
    ("fail", Access::Read, None),
    ("media", Access::Read, None),
    ("hang", Access::Read, None),
    ("steps", Access::Read, None),
    ("ask", Access::Read, None),
    ("write", Access::Write, None),
];
