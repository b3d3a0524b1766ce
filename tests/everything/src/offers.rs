//! Resources and prompts.

use mssql_mcp_sdk::offers::{Body, Contents, Entry, Offers, Prompt, PromptReply, Template};
use mssql_mcp_sdk::{Answer, Answers, Ask, Content, Failure, Host};
use serde_json::{Value, json};

use crate::{PNG, image, text};

/// All of them.
#[derive(Debug)]
pub struct Everything;

impl<H: Host> Offers<H> for Everything {
    fn templates(&self) -> Vec<Template> {
        vec![Template {
            uri_template: "test://template/{id}/data".to_owned(),
            name: "data".to_owned(),
            title: None,
            description: Some("Data with an id".to_owned()),
            mime_type: Some("application/json".to_owned()),
        }]
    }

    fn resources(&self, _: &H) -> Result<Vec<Entry>, Failure> {
        let entry = |uri: &str, name: &str, mime_type: &str| Entry {
            uri: uri.to_owned(),
            name: name.to_owned(),
            title: None,
            description: None,
            mime_type: Some(mime_type.to_owned()),
            size: None,
        };
        Ok(vec![
            entry("test://static-text", "Static text", "text/plain"),
            entry("test://static-binary", "Static image", "image/png"),
        ])
    }

    fn read(&self, _: &H, uri: &str) -> Result<Option<Vec<Contents>>, Failure> {
        let (mime_type, body) = match uri {
            "test://static-text" => {
                let text = "This is the content of the static text resource.";
                ("text/plain", Body::Text(text.to_owned()))
            }
            "test://static-binary" => ("image/png", Body::Blob(PNG.to_vec())),
            _ => {
                let id = uri.strip_prefix("test://template/");
                let Some(id) = id.and_then(|rest| rest.strip_suffix("/data")) else {
                    return Ok(None);
                };
                let data = format!("Data for ID: {id}");
                let json = json!({"id": id, "templateTest": true, "data": data});
                ("application/json", Body::Text(json.to_string()))
            }
        };
        Ok(Some(vec![Contents {
            uri: uri.to_owned(),
            mime_type: Some(mime_type.to_owned()),
            body,
        }]))
    }

    fn prompts(&self) -> Vec<Prompt> {
        vec![
            Prompt::new("test_simple_prompt", "A simple prompt"),
            Prompt::new("test_prompt_with_arguments", "A prompt with arguments")
                .argument("arg1", "First test argument")
                .argument("arg2", "Second test argument"),
            Prompt::new(
                "test_prompt_with_embedded_resource",
                "A prompt with a resource",
            )
            .argument("resourceUri", "URI of the resource to embed"),
            Prompt::new("test_prompt_with_image", "A prompt with an image"),
            Prompt::new("test_input_required_result_prompt", "A prompt that asks"),
        ]
    }

    fn prompt(
        &self,
        host: &H,
        name: &str,
        arguments: &[(String, String)],
    ) -> Result<PromptReply, Failure> {
        let argument = |name: &str| {
            let found = arguments.iter().find(|(given, _)| given == name);
            found.map_or("", |(_, value)| value)
        };
        Ok(PromptReply::said(match name {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => vec![text(&format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1"),
                argument("arg2")
            ))],
            "test_prompt_with_embedded_resource" => {
                let resource = json!({"type": "resource", "resource": {
                    "uri": argument("resourceUri"),
                    "mimeType": "text/plain",
                    "text": "Embedded resource content for testing.",
                }});
                vec![
                    Content::Raw(resource.to_string()),
                    text("Please process the embedded resource above."),
                ]
            }
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            "test_input_required_result_prompt" => {
                match Answers::of(host).form::<Value>("user_context") {
                    Some(Answer::Accepted(form)) => vec![text(&format!("With context: {form}"))],
                    Some(_) => vec![text("Without context.")],
                    None => {
                        let schema = json!({
                            "type": "object",
                            "properties": {"context": {"type": "string"}},
                            "required": ["context"],
                        });
                        let message = "What context should the prompt use?";
                        let ask = Ask::new().form("user_context", message, &schema);
                        return Ok(PromptReply::Ask(ask.question()));
                    }
                }
            }
            _ => return Err(Failure::UnknownTool),
        }))
    }
}
