//! What a tool set offers beside its tools: resources and prompts, checked like
//! everything that a guest says.

use std::borrow::Cow;
use std::collections::HashSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::bindings::exports::mssql_mcp::tools::{prompts as wit_prompts, resources as wit};
use super::error::LoadError;
use super::job::{GetPrompt, ListResources, ReadResource};
use super::manifest::{MAX_NAME, MAX_TEXT, at_most, quoted, refuse, text};
use super::tool_set::WasmToolSet;
use super::{question, reply};
use crate::tools::{
    CallContext, Conversation, HOST_PROMPTS, Prompt, PromptArgument, PromptMessage, Reply,
    Resource, ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate, ToolError,
};

/// The templates of a tool set.
pub(super) fn templates(templates: Vec<wit::Template>) -> Result<Vec<ResourceTemplate>, LoadError> {
    at_most("resource templates", templates.len(), MAX_TEMPLATES)?;
    templates
        .into_iter()
        .map(|template| {
            let uri = &template.uri_template;
            let what = format!("the resource template {}", quoted(uri));
            address(&what, uri)?;
            described(
                &what,
                &template.name,
                template.title.as_ref(),
                template.description.as_ref(),
            )?;
            media_type(&what, template.mime_type.as_ref())?;
            Ok(ResourceTemplate {
                uri_template: template.uri_template.into(),
                name: template.name.into(),
                title: template.title.map(Cow::Owned),
                description: template.description.map(Cow::Owned),
                mime_type: template.mime_type.map(Cow::Owned),
            })
        })
        .collect()
}

/// The prompts of a tool set.
pub(super) fn prompts(prompts: Vec<wit_prompts::Prompt>) -> Result<Vec<Prompt>, LoadError> {
    at_most("prompts", prompts.len(), MAX_PROMPTS)?;
    let mut names: HashSet<String> = HOST_PROMPTS.map(str::to_owned).into();
    prompts
        .into_iter()
        .map(|prompt| {
            let what = format!("the prompt {}", quoted(&prompt.name));
            own_name(&what, &prompt.name, &mut names)?;
            described(
                &what,
                &prompt.name,
                prompt.title.as_ref(),
                prompt.description.as_ref(),
            )?;
            at_most("arguments of a prompt", prompt.arguments.len(), MAX_PROMPTS)?;
            let mut names = HashSet::new();
            let arguments = prompt.arguments.into_iter().map(|argument| {
                let what = format!("{what}, argument {}", quoted(&argument.name));
                own_name(&what, &argument.name, &mut names)?;
                described(
                    &what,
                    &argument.name,
                    argument.title.as_ref(),
                    argument.description.as_ref(),
                )?;
                Ok(PromptArgument {
                    name: argument.name.into(),
                    title: argument.title.map(Cow::Owned),
                    description: argument.description.map(Cow::Owned),
                    required: argument.required,
                })
            });
            Ok(Prompt {
                name: prompt.name.into(),
                title: prompt.title.map(Cow::Owned),
                description: prompt.description.map(Cow::Owned),
                arguments: arguments.collect::<Result<_, LoadError>>()?,
            })
        })
        .collect()
}

/// A name that no other has, nor the host itself.
fn own_name(what: &str, name: &str, names: &mut HashSet<String>) -> Result<(), LoadError> {
    if name.is_empty() || !names.insert(name.to_owned()) {
        return Err(refuse(format!("{what} without a name of its own")));
    }
    Ok(())
}

/// An absolute address that is not the host's to give.
fn address(what: &str, uri: &str) -> Result<(), LoadError> {
    text(what, uri, MAX_URI)?;
    // RFC 3986 §3.1: schemes do not tell upper from lower case.
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(legal)
    });
    match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case(OWN_SCHEME) => Err(refuse(format!(
            "{what}; addresses beginning with \"{OWN_SCHEME}:\" are the host's own"
        ))),
        Some(_) if !uri.contains(char::is_whitespace) => Ok(()),
        _ => Err(refuse(format!("{what}, which is not an absolute URI"))),
    }
}

fn described(
    what: &str,
    name: &str,
    title: Option<&String>,
    description: Option<&String>,
) -> Result<(), LoadError> {
    text(&format!("{what}: its name"), name, MAX_NAME)?;
    if let Some(title) = title {
        text(&format!("{what}: its title"), title, MAX_NAME)?;
    }
    match description {
        Some(description) => text(&format!("{what}: its description"), description, MAX_TEXT),
        None => Ok(()),
    }
}

fn media_type(what: &str, media_type: Option<&String>) -> Result<(), LoadError> {
    let given = media_type.map_or("", String::as_str);
    text(&format!("{what}: its MIME type"), given, MAX_NAME)
}

impl ResourceProvider for WasmToolSet {
    fn list(&self, context: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        async {
            let what = "resources/list";
            let listed = self.perform(ListResources, what, context).await?;
            let listed = listed.map_err(|failure| self.told(failure, what))?;
            let entries = entries(listed);
            entries.map_err(|reason| self.broke(reason.to_string(), what))
        }
        .boxed()
    }

    fn templates(&self) -> Cow<'_, [ResourceTemplate]> {
        Cow::Borrowed(&self.templates)
    }

    fn read<'a>(
        &'a self,
        uri: &'a str,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Option<Vec<ResourceContents>>, ToolError>> {
        async move {
            let what = "resources/read";
            if address("", uri).is_err() {
                return Ok(None);
            }
            let job = ReadResource {
                uri: uri.to_owned(),
            };
            let read = self.perform(job, what, context).await?;
            let read = read.map_err(|failure| self.told(failure, what))?;
            let read = read.map(|parts| parts.into_iter().map(contents).collect());
            read.transpose()
                .map_err(|reason: LoadError| self.broke(reason.to_string(), what))
        }
        .boxed()
    }
}

impl WasmToolSet {
    /// Fills in a prompt.
    pub(super) async fn fill_in(
        &self,
        prompt: &Prompt,
        arguments: Vec<(String, String)>,
        context: CallContext,
    ) -> Result<Reply<Conversation>, ToolError> {
        let name: &str = &prompt.name;
        let job = GetPrompt {
            name: name.to_owned(),
            arguments,
        };
        let reply = self.perform(job, name, context).await?;
        let reply = reply.map_err(|failure| self.told(failure, name))?;
        let reply = match reply {
            wit_prompts::Reply::Ask(asked) => question::checked(asked).map(Reply::Ask),
            wit_prompts::Reply::Conversation(said) => conversation(said).map(Reply::Complete),
        };
        reply.map_err(|reason| self.broke(reason, name))
    }
}

fn conversation(said: wit_prompts::Conversation) -> Result<Conversation, String> {
    let messages = said.messages.into_iter().map(|message| {
        Ok(PromptMessage {
            by_assistant: matches!(message.role, wit_prompts::Role::Assistant),
            content: reply::content(message.content)?,
        })
    });
    Ok(Conversation {
        description: said.description,
        messages: messages.collect::<Result<_, String>>()?,
    })
}

/// What a guest lists. One fault is a fault of the whole: nobody would notice that
/// an entry is missing.
fn entries(listed: Vec<wit::Entry>) -> Result<Vec<Resource>, LoadError> {
    at_most("resources", listed.len(), MAX_RESOURCES)?;
    listed
        .into_iter()
        .map(|entry| {
            let what = format!("the resource {}", quoted(&entry.uri));
            address(&what, &entry.uri)?;
            described(
                &what,
                &entry.name,
                entry.title.as_ref(),
                entry.description.as_ref(),
            )?;
            media_type(&what, entry.mime_type.as_ref())?;
            Ok(Resource {
                uri: entry.uri,
                name: entry.name,
                title: entry.title,
                description: entry.description,
                mime_type: entry.mime_type.map(Cow::Owned),
                size: entry.size,
            })
        })
        .collect()
}

fn contents(part: wit::Contents) -> Result<ResourceContents, LoadError> {
    let what = format!("contents of {}", quoted(&part.uri));
    address(&what, &part.uri)?;
    media_type(&what, part.mime_type.as_ref())?;
    Ok(ResourceContents {
        uri: part.uri,
        mime_type: part.mime_type.map(Cow::Owned),
        body: match part.body {
            wit::Body::Text(text) => ResourceBody::Text(text),
            wit::Body::Blob(bytes) => ResourceBody::Blob(bytes),
        },
    })
}

/// Tables of the scope.
const OWN_SCHEME: &str = "mssql";
/// Bytes of an address.
const MAX_URI: usize = 2 << 10;
/// Of one tool set: more than anybody looks through.
const MAX_RESOURCES: usize = 500;
const MAX_TEMPLATES: usize = 64;
const MAX_PROMPTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn template(uri: &str) -> wit::Template {
        wit::Template {
            uri_template: uri.to_owned(),
            name: "n".to_owned(),
            title: None,
            description: Some("d".to_owned()),
            mime_type: None,
        }
    }

    fn prompt(name: &str) -> wit_prompts::Prompt {
        wit_prompts::Prompt {
            name: name.to_owned(),
            title: None,
            description: None,
            arguments: Vec::new(),
        }
    }

    #[test]
    fn a_tool_set_cannot_speak_for_the_hosts_tables() {
        assert!(templates(vec![template("test://{id}")]).is_ok());
        for uri in ["mssql://{database}/x", "MSSQL:x"] {
            let said = templates(vec![template(uri)]).unwrap_err().to_string();
            assert!(said.contains("the host's own"), "{said}");
        }
        for uri in [
            "{+uri}", "mss{x}:a", " test:a", "test", ":a", "test:a b", "1:a",
        ] {
            let said = templates(vec![template(uri)]).unwrap_err().to_string();
            assert!(said.contains("not an absolute URI"), "{said}");
        }
        let entry = |uri: &str| wit::Entry {
            uri: uri.to_owned(),
            name: "n".to_owned(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
        };
        assert!(entries(vec![entry("test://a")]).is_ok());
        assert!(entries(vec![entry("mssql://demo/dbo/Orders")]).is_err());
        assert!(entries(vec![entry("test://\u{202e}a")]).is_err());
        assert!(entries(vec![entry("test://a"); MAX_RESOURCES + 1]).is_err());
        let read = |uri: &str| {
            contents(wit::Contents {
                uri: uri.to_owned(),
                mime_type: None,
                body: wit::Body::Text(String::new()),
            })
        };
        assert!(read("test://a").is_ok());
        assert!(read("Mssql:a").is_err());
    }

    #[test]
    fn prompts_have_names_of_their_own_and_nothing_hidden() {
        assert!(prompts(vec![prompt("a"), prompt("b")]).is_ok());
        for (given, fault) in [
            (vec![prompt("a"), prompt("a")], "name of its own"),
            (vec![prompt("")], "name of its own"),
            (vec![prompt(HOST_PROMPTS[0])], "name of its own"),
            (vec![prompt("a\u{202e}")], "U+202E"),
            (
                (0..=MAX_PROMPTS).map(|n| prompt(&n.to_string())).collect(),
                "at most",
            ),
        ] {
            let said = prompts(given).unwrap_err().to_string();
            assert!(said.contains(fault), "{said}");
        }
    }
}
