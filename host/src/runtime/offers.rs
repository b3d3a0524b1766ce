//! What a tool set offers beside its tools: resources and prompts, checked like
//! everything that a guest says.

use std::borrow::Cow;
use std::collections::HashSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::bindings::exports::mssql_mcp::tools::{prompts as wit_prompts, resources as wit};
use super::error::LoadError;
use super::job::{GetPrompt, ListResources, ReadResource};
use super::manifest::{MAX_NAME, MAX_TEXT, text};
use super::tool_set::WasmToolSet;
use super::{question, reply};
use crate::tools::{
    CallContext, Conversation, Prompt, PromptArgument, PromptMessage, Reply, Resource,
    ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate, ToolError,
};

/// The templates of a tool set.
pub(super) fn templates(templates: Vec<wit::Template>) -> Result<Vec<ResourceTemplate>, LoadError> {
    at_most("resource templates", templates.len(), MAX_TEMPLATES)?;
    templates
        .into_iter()
        .map(|template| {
            let what = format!("the resource template \"{}\"", template.uri_template);
            text(&what, &template.uri_template, MAX_TEXT)?;
            is_foreign(&template.uri_template)
                .then_some(())
                .ok_or_else(|| {
                    refuse(format!(
                        "{what}; addresses beginning with \"{OWN_SCHEME}\" are the host's own"
                    ))
                })?;
            named(
                &what,
                &template.name,
                template.title.as_ref(),
                template.description.as_ref(),
            )?;
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
    let mut names = HashSet::new();
    prompts
        .into_iter()
        .map(|prompt| {
            let what = format!("the prompt \"{}\"", prompt.name);
            if prompt.name.is_empty() || !names.insert(prompt.name.clone()) {
                return Err(refuse(format!("{what} without a name of its own")));
            }
            named(
                &what,
                &prompt.name,
                prompt.title.as_ref(),
                prompt.description.as_ref(),
            )?;
            let mut arguments = Vec::with_capacity(prompt.arguments.len());
            at_most("arguments of a prompt", prompt.arguments.len(), MAX_PROMPTS)?;
            for argument in prompt.arguments {
                named(
                    &what,
                    &argument.name,
                    argument.title.as_ref(),
                    argument.description.as_ref(),
                )?;
                arguments.push(PromptArgument {
                    name: argument.name.into(),
                    title: argument.title.map(Cow::Owned),
                    description: argument.description.map(Cow::Owned),
                    required: argument.required,
                });
            }
            Ok(Prompt {
                name: prompt.name.into(),
                title: prompt.title.map(Cow::Owned),
                description: prompt.description.map(Cow::Owned),
                arguments: arguments.into(),
            })
        })
        .collect()
}

fn named(
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

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), LoadError> {
    if count > limit {
        return Err(refuse(format!(
            "{count} {what}; at most {limit} are served"
        )));
    }
    Ok(())
}

fn refuse(what: String) -> LoadError {
    LoadError::Manifest(what)
}

impl ResourceProvider for WasmToolSet {
    fn list(&self, context: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        async {
            let listed = self.ask(ListResources, "resources/list", context).await?;
            let listed = listed.map_err(|failure| self.told(failure, "resources/list"))?;
            Ok(listed.into_iter().filter_map(listed_resource).collect())
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
            if !is_foreign(uri) {
                return Ok(None);
            }
            let job = ReadResource {
                uri: uri.to_owned(),
            };
            let read = self.ask(job, "resources/read", context).await?;
            let read = read.map_err(|failure| self.told(failure, "resources/read"))?;
            Ok(read.map(|parts| parts.into_iter().map(contents).collect()))
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
        let reply = self.ask(job, name, context).await?;
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

/// One that is named as a table of the host's would be is left out.
fn listed_resource(entry: wit::Entry) -> Option<Resource> {
    is_foreign(&entry.uri).then_some(Resource {
        uri: entry.uri,
        name: entry.name,
        title: entry.title,
        description: entry.description,
        mime_type: entry.mime_type.map(Cow::Owned),
        size: entry.size,
    })
}

fn contents(part: wit::Contents) -> ResourceContents {
    ResourceContents {
        uri: part.uri,
        mime_type: part.mime_type.map(Cow::Owned),
        body: match part.body {
            wit::Body::Text(text) => ResourceBody::Text(text),
            wit::Body::Blob(bytes) => ResourceBody::Blob(bytes),
        },
    }
}

/// URI schemes do not tell upper from lower case (RFC 3986 §3.1).
fn is_foreign(uri: &str) -> bool {
    !uri.get(..OWN_SCHEME.len())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(OWN_SCHEME))
}

/// Tables of the scope.
const OWN_SCHEME: &str = "mssql:";
/// Of one tool set: more than anybody looks through.
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
        let listed = |uri: &str| {
            listed_resource(wit::Entry {
                uri: uri.to_owned(),
                name: "n".to_owned(),
                title: None,
                description: None,
                mime_type: None,
                size: None,
            })
        };
        assert!(listed("test://a").is_some());
        assert!(listed("mssql://demo/dbo/Orders").is_none());
    }

    #[test]
    fn prompts_have_names_of_their_own_and_nothing_hidden() {
        assert!(prompts(vec![prompt("a"), prompt("b")]).is_ok());
        for (given, fault) in [
            (vec![prompt("a"), prompt("a")], "name of its own"),
            (vec![prompt("")], "name of its own"),
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
