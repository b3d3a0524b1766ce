//! The tools of one scope: immutable once built, so that a call takes no lock;
//! a change builds a new registry and swaps it whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Access, CallContext, Output, Prompt, Reply, ResourceProvider, Schema, SchemaError, Tool,
    ToolError, ToolProvider,
};
use crate::audit::{self, Call, Outcome};
use crate::json_value;
use crate::principal::{OAuthScope, Principal};

/// What a scope offers.
#[derive(Default)]
pub struct ToolRegistry {
    tools: Vec<Arc<Tool>>,
    entries: HashMap<String, Entry>,
    /// The name of each prompt, and of the tool set that has it.
    prompts: HashMap<String, String>,
    providers: Vec<Arc<dyn ToolProvider>>,
    instructions: Option<String>,
}

struct Entry {
    tool: Arc<Tool>,
    provider: Arc<dyn ToolProvider>,
    arguments: Arc<Schema>,
    /// Undeclared name and the argument that it stands for.
    aliases: HashMap<String, String>,
}

/// Why tool sets cannot serve one scope together.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two tools have one name.
    #[error(
        "tool sets \"{first}\" and \"{second}\" both have a tool \"{tool}\"; rename one, as in \
         {{ file = \"{second}\", prefix = \"x_\" }}"
    )]
    Duplicate {
        /// The name.
        tool: String,
        /// The set that came first.
        first: String,
        /// The set that came second.
        second: String,
    },
    /// Two prompts have one name.
    #[error("tool sets \"{first}\" and \"{second}\" both have a prompt \"{prompt}\"")]
    DuplicatePrompt {
        /// The name.
        prompt: String,
        /// The set that came first.
        first: String,
        /// The set that came second.
        second: String,
    },
    /// A schema does not compile.
    #[error("the input schema of tool \"{tool}\": {source}")]
    Schema {
        /// Whose schema.
        tool: String,
        /// Why.
        source: SchemaError,
    },
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The scope has no such tool.
    #[error("unknown tool \"{0}\"")]
    UnknownTool(String),
    /// The caller's token lacks a right.
    #[error("this tool needs the scope {0}")]
    InsufficientScope(OAuthScope),
    /// Shown to the model.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl ToolRegistry {
    /// Joins the tools of `providers` in order.
    pub fn new(providers: Vec<Arc<dyn ToolProvider>>) -> Result<Self, RegistryError> {
        let mut all = Self::default();
        for provider in providers {
            all.add(provider)?;
        }
        Ok(all)
    }

    /// Joins one more; on an error nothing of it is joined.
    pub fn add(&mut self, provider: Arc<dyn ToolProvider>) -> Result<(), RegistryError> {
        let manifest = provider.manifest();
        let (mut names, mut entries) = (HashSet::new(), Vec::new());
        for tool in &manifest.tools {
            let first = match self.entries.get(&tool.name) {
                Some(first) => Some(&first.provider.manifest().name),
                None => (!names.insert(&tool.name)).then_some(&manifest.name),
            };
            if let Some(first) = first {
                return Err(RegistryError::Duplicate {
                    tool: tool.name.clone(),
                    first: first.clone(),
                    second: manifest.name.clone(),
                });
            }
            entries.push(Entry::new(tool, &provider)?);
        }
        let mut prompts = HashMap::new();
        for prompt in provider.prompts() {
            let known = self.prompts.get(&*prompt.name);
            let again = prompts.insert(prompt.name.clone().into_owned(), manifest.name.clone());
            if let Some(first) = known.or(again.as_ref()) {
                return Err(RegistryError::DuplicatePrompt {
                    prompt: prompt.name.clone().into_owned(),
                    first: first.clone(),
                    second: manifest.name.clone(),
                });
            }
        }
        if let Some(more) = &manifest.instructions {
            match &mut self.instructions {
                Some(instructions) => {
                    instructions.push_str("\n\n");
                    instructions.push_str(more);
                }
                none => *none = Some(more.clone()),
            }
        }
        self.prompts.extend(prompts);
        for entry in entries {
            self.tools.push(Arc::clone(&entry.tool));
            self.entries.insert(entry.tool.name.clone(), entry);
        }
        self.providers.push(provider);
        Ok(())
    }

    /// The same tool sets and one more.
    pub fn with(&self, provider: Arc<dyn ToolProvider>) -> Result<Self, RegistryError> {
        let mut providers = self.providers.clone();
        providers.push(provider);
        Self::new(providers)
    }

    /// The tools that `principal` may call, in a stable order. Without a
    /// principal (authentication is off) these are the tools that read.
    pub fn list<'a>(
        &'a self,
        principal: Option<&'a Principal>,
    ) -> impl Iterator<Item = &'a Arc<Tool>> {
        self.tools
            .iter()
            .filter(move |tool| may_call(tool, principal))
    }

    /// What the server tells a model about itself.
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// The prompts of the tool sets, in a stable order, and who fills them in.
    pub fn prompts(&self) -> impl Iterator<Item = (&dyn ToolProvider, &Prompt)> {
        let of_each = self.providers.iter().map(|provider| &**provider);
        of_each.flat_map(|provider| {
            provider
                .prompts()
                .iter()
                .map(move |prompt| (provider, prompt))
        })
    }

    /// The tool sets that have resources, and their names.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &dyn ResourceProvider)> {
        self.providers
            .iter()
            .filter_map(|provider| Some((&*provider.manifest().name, provider.resources()?)))
    }

    /// Calls a tool; `arguments` are raw until its schema has checked them.
    pub async fn call(
        &self,
        name: &str,
        arguments: Option<&RawValue>,
        context: CallContext,
    ) -> Result<Reply<Output>, CallError> {
        let renamed;
        let (entry, arguments) = match self.admit(name, arguments, &context) {
            Ok((entry, Renamed::Not(arguments))) => (entry, arguments),
            Ok((entry, Renamed::To(arguments))) => {
                renamed = arguments;
                (entry, &*renamed)
            }
            Err(error) => {
                self.note(name, &error, &context).await;
                return Err(error);
            }
        };
        Ok(entry.provider.call(&entry.tool, arguments, context).await?)
    }

    /// The tool, and the arguments as it takes them.
    fn admit<'a>(
        &self,
        name: &str,
        arguments: Option<&'a RawValue>,
        context: &CallContext,
    ) -> Result<(&Entry, Renamed<'a>), CallError> {
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| CallError::UnknownTool(name.to_owned()))?;
        if !may_call(&entry.tool, context.principal.as_deref()) {
            return Err(CallError::InsufficientScope(match entry.tool.access {
                Access::Read => OAuthScope::Read,
                Access::Write => OAuthScope::Write,
            }));
        }
        let arguments = match arguments {
            Some(arguments) => arguments,
            None => serde_json::from_str("{}").unwrap_or(RawValue::NULL),
        };
        // What the client sent, before its aliases are replaced: that is written anew, and
        // keeps one of two arguments that have one name.
        let given = entry.read(arguments)?;
        match entry.rename(arguments) {
            Some(renamed) => {
                entry.check(&entry.read(&renamed)?)?;
                Ok((entry, Renamed::To(renamed)))
            }
            None => {
                entry.check(&given)?;
                Ok((entry, Renamed::Not(arguments)))
            }
        }
    }

    /// The figures and the audit line of a call that came to no tool set, which has
    /// its own.
    async fn note(&self, name: &str, error: &CallError, context: &CallContext) {
        let code = match error {
            CallError::UnknownTool(_) => "unknown-tool",
            CallError::InsufficientScope(_) => "insufficient-scope",
            CallError::Tool(error) => error.code,
        };
        let entry = self.entries.get(name);
        let tool_set =
            entry.map_or_else(String::new, |entry| entry.provider.manifest().name.clone());
        let labels = [
            ("scope", context.scope.to_string()),
            ("tool_set", tool_set.clone()),
            // What is no tool is whatever somebody writes.
            ("tool_name", String::from(entry.map_or("", |_| name))),
            ("status", String::from(code)),
        ];
        metrics::counter!("tool_executions_total", &labels).increment(1);
        if audit::is_refusal(code) {
            let scope = context.scope.to_string();
            metrics::counter!("refusals_total", "scope" => scope, "code" => code).increment(1);
        }
        let call = Call {
            tool_set,
            tool: name.to_owned(),
            ..Call::default()
        };
        let line = context.entry(Outcome::of_error(code), call);
        let line = audit::Entry {
            code: Some(code.into()),
            ..line
        };
        context.audit.record_call(line).await;
    }
}

/// Arguments, and whether aliases in them were replaced.
enum Renamed<'a> {
    Not(&'a RawValue),
    To(Box<RawValue>),
}

impl Entry {
    fn new(tool: &Tool, provider: &Arc<dyn ToolProvider>) -> Result<Self, RegistryError> {
        let arguments = match &tool.compiled {
            Some(compiled) => Arc::clone(compiled),
            None => {
                let compiled = Schema::of_arguments(&tool.input_schema);
                Arc::new(compiled.map_err(|source| RegistryError::Schema {
                    tool: tool.name.clone(),
                    source,
                })?)
            }
        };
        Ok(Self {
            aliases: aliases(tool),
            tool: Arc::new(tool.clone()),
            provider: Arc::clone(provider),
            arguments,
        })
    }

    /// The arguments with aliases replaced, where one stands for an argument
    /// that is missing.
    fn rename(&self, arguments: &RawValue) -> Option<Box<RawValue>> {
        if self.aliases.is_empty() {
            return None;
        }
        let mut members: BTreeMap<String, &RawValue> =
            serde_json::from_str(arguments.get()).ok()?;
        let mut renamed = false;
        for (alias, name) in &self.aliases {
            if !members.contains_key(name)
                && let Some(value) = members.remove(alias)
            {
                members.insert(name.clone(), value);
                renamed = true;
            }
        }
        renamed.then(|| to_raw_value(&members).ok()).flatten()
    }

    /// The arguments as the tool set will read them: it gets their text.
    fn read(&self, arguments: &RawValue) -> Result<Value, ToolError> {
        json_value::read(arguments.get()).map_err(|error| ToolError {
            message: format!(
                "The arguments of {} cannot be read: {error}.",
                self.tool.name
            ),
            code: "invalid-arguments",
            hint: Some(self.expected()),
            number: None,
            id: None,
        })
    }

    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        self.arguments.check(arguments).map_err(|errors| {
            let list: Vec<String> = errors
                .iter()
                .map(|error| match error.path.trim_start_matches('/') {
                    "" => error.message.clone(),
                    field => format!("{field}: {}", error.message),
                })
                .collect();
            ToolError {
                message: format!(
                    "Wrong arguments for {}: {}.",
                    self.tool.name,
                    list.join("; ")
                ),
                code: "invalid-arguments",
                hint: Some(self.expected()),
                number: None,
                id: None,
            }
        })
    }

    /// "Arguments: table_name (string, required), limit (integer)."
    fn expected(&self) -> String {
        let schema: Value = serde_json::from_str(self.tool.input_schema.get()).unwrap_or_default();
        let required = schema.get("required").and_then(Value::as_array);
        let fields: Vec<String> = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, property)| {
                let kind = property
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or("any");
                let needed = required.is_some_and(|list| list.iter().any(|item| item == name));
                format!("{name} ({kind}{})", if needed { ", required" } else { "" })
            })
            .collect();
        if fields.is_empty() {
            format!("{} takes no arguments.", self.tool.name)
        } else {
            format!("{} takes: {}.", self.tool.name, fields.join(", "))
        }
    }
}

/// The names that a tool understands besides those of its schema: some clients
/// check that a schema has certain arguments and no others.
fn aliases(tool: &Tool) -> HashMap<String, String> {
    #[derive(Default, Deserialize)]
    struct Meta {
        #[serde(rename = "mssql-mcp/argument-aliases", default)]
        aliases: HashMap<String, String>,
    }
    let meta = tool
        .meta
        .as_ref()
        .and_then(|meta| serde_json::from_str(meta.get()).ok());
    meta.map_or_else(HashMap::new, |meta: Meta| meta.aliases)
}

/// Without a principal (authentication is off) everybody reads and nobody
/// writes. Tools that a caller may not call are hidden from them.
fn may_call(tool: &Tool, principal: Option<&Principal>) -> bool {
    match tool.access {
        Access::Read => principal.is_none_or(|p| p.has(OAuthScope::Read)),
        Access::Write => principal.is_some_and(|p| p.has(OAuthScope::Write)),
    }
}

#[cfg(test)]
mod tests;
