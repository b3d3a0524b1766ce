//! Tools that ask the person, the client's model, or for its roots.

use mssql_mcp_sdk::{
    Ability, Answer, Answers, Ask, Failure, Host, NoArguments, Reply, Tool, ToolInfo,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tool;

tool!(
    StreamingElicitation,
    "test_streaming_elicitation",
    "Asks in the middle of its work",
    |host| {
        host.progress(0.0, Some(1.0), None);
        form_or(host, "go_on", "Shall it go on?", &confirmation(), |form| {
            format!("It went on: {form}")
        })
    }
);

tool!(
    MissingCapability,
    "test_missing_capability",
    "Needs a client with a model",
    |host| ask_model(host, "answer", "Is anybody there?", 16)
);

/// What `test_elicitation` says to the person.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Message {
    /// What to say.
    message: String,
}

pub(crate) struct Elicitation;

impl<H: Host> Tool<H> for Elicitation {
    const NAME: &'static str = "test_elicitation";
    type Arguments = Message;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("test_elicitation", "Asks the person for name and address")
    }

    fn call(&self, host: &H, Message { message }: Message) -> Result<Reply<H::Cursor>, Failure> {
        let schema = json!({
            "type": "object",
            "properties": {
                "username": {"type": "string", "description": "User's response"},
                "email": {"type": "string", "description": "User's email address"},
            },
            "required": ["username", "email"],
        });
        form_or(host, "user", &message, &schema, |form| {
            format!("User response: action=accept, content={form}")
        })
    }
}

tool!(
    Defaults,
    "test_elicitation_sep1034_defaults",
    "Asks with defaults of every type",
    |host| {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "default": "John Doe"},
                "age": {"type": "integer", "default": 30},
                "score": {"type": "number", "default": 95.5},
                "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
                "verified": {"type": "boolean", "default": true},
            },
        });
        form_or(host, "defaults", "Please check", &schema, completed)
    }
);

tool!(
    Enums,
    "test_elicitation_sep1330_enums",
    "Asks with choices of every kind",
    |host| {
        let titled = |names: [(&str, &str); 3]| {
            names.map(|(value, title)| json!({"const": value, "title": title}))
        };
        let options = ["option1", "option2", "option3"];
        let values = [
            ("value1", "First"),
            ("value2", "Second"),
            ("value3", "Third"),
        ];
        let schema = json!({
            "type": "object",
            "properties": {
                "untitledSingle": {"type": "string", "enum": options},
                "titledSingle": {"type": "string", "oneOf": titled(values)},
                "legacyEnum": {
                    "type": "string",
                    "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                },
                "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
                "titledMulti": {"type": "array", "items": {"anyOf": titled(values)}},
            },
        });
        form_or(host, "choices", "Please choose", &schema, completed)
    }
);

/// What `test_sampling` asks the client's model.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Prompt {
    /// What to ask.
    prompt: String,
}

pub(crate) struct Sampling;

impl<H: Host> Tool<H> for Sampling {
    const NAME: &'static str = "test_sampling";
    type Arguments = Prompt;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("test_sampling", "Asks the client's model")
    }

    fn call(&self, host: &H, Prompt { prompt }: Prompt) -> Result<Reply<H::Cursor>, Failure> {
        ask_model(host, "answer", &prompt, 100)
    }
}

tool!(
    Name,
    "test_input_required_result_elicitation",
    "Asks for a name",
    |host| form_or(
        host,
        "user_name",
        "What is your name?",
        &text_field("name"),
        greeting
    )
);

tool!(
    Capital,
    "test_input_required_result_sampling",
    "Asks the client's model for a capital",
    |host| ask_model(
        host,
        "capital_question",
        "What is the capital of France?",
        100
    )
);

tool!(
    Roots,
    "test_input_required_result_list_roots",
    "Asks for the client's roots",
    |host| Ok(match Answers::of(host).get("client_roots") {
        Some(roots) => Reply::text(format!("Roots: {roots}")),
        None => Ask::new()
            .request("client_roots", "roots/list", &json!({}))
            .reply(),
    })
);

tool!(
    State,
    "test_input_required_result_request_state",
    "Asks, and wants its state back",
    |host| with_state(host)
);

tool!(
    TamperedState,
    "test_input_required_result_tampered_state",
    "Asks, and wants its state back as it was",
    |host| with_state(host)
);

tool!(
    Several,
    "test_input_required_result_multiple_inputs",
    "Asks the person, the model and the client at once",
    |host| {
        let answers = Answers::of(host);
        let all = ["user_name", "greeting", "client_roots"];
        if host.state().as_deref() == Some(b"several")
            && all.iter().all(|key| answers.get(key).is_some())
        {
            return Ok(Reply::text("Everything was answered."));
        }
        Ok(Ask::new()
            .form("user_name", "What is your name?", &text_field("name"))
            .request(
                "greeting",
                "sampling/createMessage",
                &message("Generate a greeting", 50),
            )
            .request("client_roots", "roots/list", &json!({}))
            .state(*b"several")
            .reply())
    }
);

tool!(
    Rounds,
    "test_input_required_result_multi_round",
    "Asks twice",
    |host| {
        let answers = Answers::of(host);
        let first = || {
            Ask::new()
                .form("step1", "Step 1: What is your name?", &text_field("name"))
                .state(*b"round 1")
                .reply()
        };
        Ok(match host.state().as_deref() {
            Some(b"round 1") => match answers.form::<Value>("step1") {
                Some(Answer::Accepted(form)) => Ask::new()
                    .form(
                        "step2",
                        "Step 2: What is your favorite color?",
                        &text_field("color"),
                    )
                    .state(format!("round 2 {form}"))
                    .reply(),
                _ => first(),
            },
            Some(state) => Reply::text(String::from_utf8_lossy(state)),
            None => first(),
        })
    }
);

tool!(
    Able,
    "test_input_required_result_capabilities",
    "Asks what the client says it can be asked",
    |host| {
        if Answers::of(host).get("question").is_some() {
            return Ok(Reply::text("It was answered."));
        }
        if host.can_ask(Ability::Elicitation) {
            return Ok(Ask::new()
                .form("question", "What is your name?", &text_field("name"))
                .reply());
        }
        ask_model(host, "question", "Who are you?", 20)
    }
);

/// Asks a form, until it is accepted or refused.
fn form_or<H: Host>(
    host: &H,
    key: &str,
    text: &str,
    schema: &Value,
    accepted: impl Fn(&Value) -> String,
) -> Result<Reply<H::Cursor>, Failure> {
    Ok(match Answers::of(host).form::<Value>(key) {
        Some(Answer::Accepted(form)) => Reply::text(accepted(&form)),
        Some(Answer::Declined) => Reply::text("action=decline"),
        Some(Answer::Cancelled) => Reply::text("action=cancel"),
        None => Ask::new().form(key, text, schema).reply(),
    })
}

fn ask_model<H: Host>(
    host: &H,
    key: &str,
    text: &str,
    tokens: u32,
) -> Result<Reply<H::Cursor>, Failure> {
    Ok(match Answers::of(host).get(key) {
        Some(answer) => Reply::text(format!("LLM response: {answer}")),
        None => Ask::new()
            .request(key, "sampling/createMessage", &message(text, tokens))
            .reply(),
    })
}

fn with_state<H: Host>(host: &H) -> Result<Reply<H::Cursor>, Failure> {
    let answered = Answers::of(host).get("confirm").is_some();
    if answered && host.state().as_deref() == Some(b"kept") {
        return Ok(Reply::text("state-ok"));
    }
    Ok(Ask::new()
        .form("confirm", "Please confirm", &confirmation())
        .state(*b"kept")
        .reply())
}

fn message(text: &str, tokens: u32) -> Value {
    let content = json!({"type": "text", "text": text});
    json!({"messages": [{"role": "user", "content": content}], "maxTokens": tokens})
}

fn text_field(name: &str) -> Value {
    json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]})
}

fn confirmation() -> Value {
    json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})
}

fn completed(form: &Value) -> String {
    format!("Elicitation completed: action=accept, content={form}")
}

fn greeting(form: &Value) -> String {
    let name = form.get("name").and_then(Value::as_str).unwrap_or_default();
    format!("Hello, {name}!")
}
