//! One version of a tool set, as far as it concerns a model: what it says of itself in
//! each scope, what it was given there, and what is new in it against another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::ToolSetEntry;
use crate::json_value;
use crate::runtime::{Component, sha256};
use crate::tools::{Access, ToolProvider};

/// One version, as far as it concerns a model or what the component may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the file.
    pub digest: String,
    /// What it may ask of the host.
    pub imports: BTreeSet<String>,
    /// What it says of itself in each scope, and under [`GIVEN`] what it was given
    /// there. Where it was left out it says nothing.
    #[serde(deserialize_with = "as_written")]
    pub scopes: BTreeMap<String, Value>,
}

impl Version {
    /// `component` and what it says in the scopes that use it.
    pub(in crate::app) fn new(component: &Component, scopes: BTreeMap<String, Value>) -> Self {
        Self {
            digest: component.digest().to_owned(),
            imports: component.imports().iter().cloned().collect(),
            scopes,
        }
    }

    /// The same with what `before` said in scopes that do not have it at the moment:
    /// they may come back.
    pub(super) fn with_scopes_of(mut self, before: &Self) -> Self {
        for (scope, said) in &before.scopes {
            let known = self.scopes.entry(scope.clone());
            let known = known.or_insert_with(|| said.clone());
            if is_silent(known) && !is_silent(said) {
                known.clone_from(said);
            }
        }
        self
    }
}

/// A prompt may have a name that `serde_json` takes for something else, and one such
/// prompt would make a lock that cannot be read.
fn as_written<'de, D: Deserializer<'de>>(json: D) -> Result<BTreeMap<String, Value>, D::Error> {
    match json_value::within(json)? {
        Value::Object(scopes) => Ok(scopes.into_iter().collect()),
        _ => Err(D::Error::custom("the scopes of a version are an object")),
    }
}

/// What a model reads of a tool set, and what calling it takes.
pub(in crate::app) fn describe(provider: &dyn ToolProvider) -> Value {
    let manifest = provider.manifest();
    let tools = manifest.tools.iter().map(|tool| {
        // What cannot be read is compared as it is written: never as if it were nothing.
        let schema =
            |text: &str| json_value::read(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let entry = json!({
            "title": tool.title,
            "description": tool.description,
            "access": match tool.access {
                Access::Read => "read",
                Access::Write => "write",
            },
            "arguments": schema(tool.input_schema.get()),
            "result": tool.output_schema.as_ref().map(|text| schema(text.get())),
            "annotations": tool.annotations,
            "icons": tool.icons,
            "meta": tool.meta.as_ref().map(|text| schema(text.get())),
        });
        (tool.name.clone(), entry)
    });
    let prompts = provider.prompts().iter().map(|prompt| {
        let arguments = prompt.arguments.iter().map(|argument| {
            json!([
                argument.name,
                argument.title,
                argument.description,
                argument.required
            ])
        });
        let entry = json!({
            "title": prompt.title,
            "description": prompt.description,
            "arguments": arguments.collect::<Vec<_>>(),
        });
        (prompt.name.clone().into_owned(), entry)
    });
    let templates = provider.resources().map(|resources| {
        let templates = resources.templates().into_owned().into_iter();
        let templates = templates.map(|template| {
            let entry = json!([template.name, template.title, template.description]);
            (template.uri_template.into_owned(), entry)
        });
        Value::Object(templates.collect())
    });
    json!({
        "tools": Value::Object(tools.collect()),
        "prompts": Value::Object(prompts.collect()),
        "resources": templates,
        "instructions": manifest.instructions,
    })
}

/// What a scope gives a tool set to describe itself with, as part of what it says
/// there. A digest: settings hold the content of files, passwords among them.
pub(in crate::app) fn given_to(entry: &ToolSetEntry, settings: &HashMap<String, String>) -> Value {
    let settings: BTreeMap<&String, &String> = settings.iter().collect();
    let given = json!([FORM, entry.tools, entry.prefix, entry.rename, settings]);
    let digest = sha256(given.to_string().as_bytes());
    json!({ GIVEN: { digest: true } })
}

/// What is new in `new`, a line each. A scope that did not use the tool set before
/// is the operator's doing, not the tool set's. Where it was left out all is new that
/// it did not say in another scope: it could have been silent there to speak later.
pub fn changes(old: &Version, new: &Version) -> Vec<String> {
    let mut lines = Vec::new();
    for import in new.imports.difference(&old.imports) {
        lines.push(format!("it now imports {import}"));
    }
    for (scope, after) in &new.scopes {
        let Some(before) = old.scopes.get(scope) else {
            continue;
        };
        let (before, after) = (said(before), said(after));
        let known = || old.scopes.values().any(|heard| said(heard) == after);
        if is_silent(&after) || (is_silent(&before) && known()) {
            continue;
        }
        let before = if is_silent(&before) {
            nothing_of(&after)
        } else {
            before
        };
        compare(&format!("{scope}:"), &before, &after, &mut lines);
    }
    lines
}

/// What is new in `new` by nobody's doing but its own. Of the same file that is what it
/// says in scopes that give it what they gave it before; where they give it something
/// else, or it is not known what they gave it, the operator knows why it differs.
pub(super) fn unasked(old: &Version, new: &Version) -> Vec<String> {
    if old.digest != new.digest {
        return changes(old, new);
    }
    let mut alike = new.clone();
    alike.scopes.retain(|scope, after| {
        let before = old.scopes.get(scope).and_then(given);
        before.is_some() && before == given(after)
    });
    changes(old, &alike)
}

fn given(described: &Value) -> Option<&Value> {
    described.get(GIVEN)
}

/// Without what it was given.
fn said(described: &Value) -> Value {
    let mut said = described.clone();
    if let Value::Object(members) = &mut said {
        members.remove(GIVEN);
    }
    said
}

pub(super) fn is_silent(described: &Value) -> bool {
    let members = described.as_object();
    members.is_some_and(|members| members.keys().all(|member| member == GIVEN))
}

/// What is said with nothing in it, for each to be named that is new.
fn nothing_of(said: &Value) -> Value {
    let members = said.as_object().into_iter().flatten();
    let emptied = members.map(|(name, value)| {
        let nothing = if value.is_object() {
            json!({})
        } else {
            Value::Null
        };
        (name.clone(), nothing)
    });
    emptied.collect()
}

/// Names every member that differs, down to the smallest.
fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let path = format!("{path} {name}");
                match (before.get(name), after.get(name)) {
                    (Some(before), Some(after)) => compare(&path, before, after, lines),
                    (None, Some(after)) => lines.push(format!("{path} is new: {after}")),
                    (Some(_), None) => lines.push(format!("{path} is gone")),
                    (None, None) => {}
                }
            }
        }
        (before, after) if before != after => {
            lines.push(format!("{path} was {before}, is {after}"));
        }
        _ => {}
    }
}

/// Beside what a tool set says in a scope: what it was given there, as digests.
pub(super) const GIVEN: &str = "given";
/// Raised when this program itself comes to write descriptions otherwise, such as the
/// schema of rows: what changes by that is not the tool sets' doing.
const FORM: u32 = 1;
