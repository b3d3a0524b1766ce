//! What the official conformance suite expects of a server, with the answers that
//! it expects. For tests only.

mod asking;
pub mod offers;

use std::io::Write;
use std::thread;
use std::time::Duration;

use mssql_mcp_sdk::{
    Blob, Content, Failure, Host, NoArguments, Output, Problem, Reply, Tool, ToolInfo, ToolSet,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Declares a tool without arguments: its name, what it is for, and what it does.
#[macro_export]
macro_rules! tool {
    ($type:ident, $name:literal, $description:literal, |$host:ident| $body:expr) => {
        pub(crate) struct $type;

        impl<H: Host> Tool<H> for $type {
            const NAME: &'static str = $name;
            type Arguments = NoArguments;

            fn info(&self) -> ToolInfo {
                ToolInfo::reading($name, $description)
            }

            fn call(&self, $host: &H, _: NoArguments) -> Result<Reply<H::Cursor>, Failure> {
                $body
            }
        }
    };
}

tool!(
    SimpleText,
    "test_simple_text",
    "Returns simple text",
    |_host| {
        Ok(reply(vec![text(
            "This is a simple text response for testing.",
        )]))
    }
);

tool!(Image, "test_image_content", "Returns an image", |_host| Ok(
    reply(vec![image()])
));

tool!(Audio, "test_audio_content", "Returns audio", |_host| {
    Ok(reply(vec![Content::Audio(Blob {
        data: WAV.to_vec(),
        mime_type: "audio/wav".to_owned(),
    })]))
});

tool!(
    EmbeddedResource,
    "test_embedded_resource",
    "Returns an embedded resource",
    |_host| {
        let json = r#"{"type":"resource","resource":{"uri":"test://embedded-resource","mimeType":"text/plain","text":"This is an embedded resource content."}}"#;
        Ok(reply(vec![Content::Raw(json.to_owned())]))
    }
);

tool!(
    MixedContent,
    "test_multiple_content_types",
    "Returns content of several types",
    |_host| {
        let json = r#"{"type":"resource","resource":{"uri":"test://mixed-content-resource","mimeType":"application/json","text":"{\"test\":\"data\",\"value\":123}"}}"#;
        Ok(reply(vec![
            text("Multiple content types test:"),
            image(),
            Content::Raw(json.to_owned()),
        ]))
    }
);

tool!(
    ErrorHandling,
    "test_error_handling",
    "Always fails",
    |_host| {
        Err(Failure::Failed(Problem {
            code: "not-found".to_owned(),
            message: "This tool intentionally returns an error for testing".to_owned(),
            hint: None,
        }))
    }
);

tool!(
    WithProgress,
    "test_tool_with_progress",
    "Tells how it goes",
    |host| {
        for done in [0.0, 50.0, 100.0] {
            host.progress(done, Some(100.0), None);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(reply(vec![text("It went well.")]))
    }
);

tool!(
    Logging,
    "test_logging_tool",
    "Writes to its log, which clients are not told",
    |_host| {
        // Whether it is written does not matter to the answer.
        let _ = writeln!(std::io::stdout(), "a line of the log");
        Ok(reply(vec![text("It is in the log of the host.")]))
    }
);

/// What the tool with the schema of the suite's own takes.
#[derive(Deserialize, JsonSchema)]
struct Contact {
    name: Option<String>,
}

struct JsonSchema202012;

impl<H: Host> Tool<H> for JsonSchema202012 {
    const NAME: &'static str = "json_schema_2020_12_tool";
    type Arguments = Contact;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("JSON Schema", "Tool with JSON Schema 2020-12 features")
            .accepts_schema(include_str!("schema.json"))
    }

    fn call(&self, _: &H, contact: Contact) -> Result<Reply<H::Cursor>, Failure> {
        Ok(Reply::text(contact.name.unwrap_or_default()))
    }
}

fn reply<C>(content: Vec<Content>) -> Reply<C> {
    Reply::Output(Output {
        content,
        structured: None,
        meta: None,
    })
}

fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

fn image() -> Content {
    Content::Image(Blob {
        data: PNG.to_vec(),
        mime_type: "image/png".to_owned(),
    })
}

/// The tools.
pub fn everything<H: Host + 'static>() -> ToolSet<H> {
    ToolSet::new("everything", "1.0.0")
        .tool(SimpleText)
        .tool(Image)
        .tool(Audio)
        .tool(EmbeddedResource)
        .tool(MixedContent)
        .tool(ErrorHandling)
        .tool(WithProgress)
        .tool(Logging)
        .tool(JsonSchema202012)
        .tool(asking::StreamingElicitation)
        .tool(asking::MissingCapability)
        .tool(asking::Elicitation)
        .tool(asking::Defaults)
        .tool(asking::Enums)
        .tool(asking::Sampling)
        .tool(asking::Name)
        .tool(asking::Capital)
        .tool(asking::Roots)
        .tool(asking::State)
        .tool(asking::TamperedState)
        .tool(asking::Several)
        .tool(asking::Rounds)
        .tool(asking::Able)
}

mssql_mcp_sdk::export!(everything, offers::Everything);

/// One red pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\
    \0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";
/// Silence: no sample of 8 kHz, 8 bit, mono.
const WAV: &[u8] = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0\
    data\0\0\0\0";
