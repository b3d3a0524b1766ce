//! `mssql-mcp plugin diff`: what changed between two versions of a tool set, and
//! what of it breaks those who call it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::workbench::{BenchArguments, Workbench};
use crate::app::{Version, changes};
use crate::cli::exit::{NothingDone, print};

pub(super) async fn run(old: &Path, new: &Path, bench: &BenchArguments) -> anyhow::Result<()> {
    let (old, new) = (version(old, bench).await?, version(new, bench).await?);
    if old.digest == new.digest {
        return print("the files are the same");
    }
    let breaking = breaking(&old, &new);
    for line in &breaking {
        print(&format!("breaks  {line}"))?;
    }
    for line in changes(&old, &new) {
        print(&format!(
            "differs  {}",
            line.trim_start_matches("workbench: ")
        ))?;
    }
    if breaking.is_empty() {
        return print("nothing breaks those who call it");
    }
    Err(NothingDone(format!("{} changes break callers", breaking.len())).into())
}

async fn version(file: &Path, bench: &BenchArguments) -> anyhow::Result<Version> {
    Workbench::set(file, bench).await?.version().await
}

/// Calls that were good and are not any more, and rights that are wanted anew.
fn breaking(old: &Version, new: &Version) -> Vec<String> {
    let mut lines: Vec<String> = new
        .imports
        .difference(&old.imports)
        .filter(|import| import.contains("/db-execute@"))
        .map(|_| "it writes now: a read-only scope refuses it".to_owned())
        .collect();
    let tools = |version: &Version| {
        let described = version.scopes.values().next();
        let tools = described.and_then(|described| described.get("tools"));
        tools
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let after = tools(new);
    for (name, before) in tools(old) {
        match after.get(&name) {
            None => lines.push(format!("tool {name} is gone")),
            Some(after) => of_tool(&name, &before, after, &mut lines),
        }
    }
    lines
}

fn of_tool(name: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    let at = |tool: &Value, pointer: &str| tool.pointer(pointer).cloned().unwrap_or_default();
    if at(before, "/access") != at(after, "/access") {
        lines.push(format!(
            "tool {name} asks for another right: {} instead of {}",
            at(after, "/access"),
            at(before, "/access")
        ));
    }
    let names = |tool: &Value, pointer: &str| -> BTreeSet<String> {
        match at(tool, pointer) {
            Value::Array(list) => list
                .iter()
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
            Value::Object(members) => members.keys().cloned().collect(),
            _ => BTreeSet::new(),
        }
    };
    let (known, now) = (
        names(before, "/arguments/properties"),
        names(after, "/arguments/properties"),
    );
    for argument in known.difference(&now) {
        lines.push(format!("tool {name} takes {argument} no more"));
    }
    let required = names(after, "/arguments/required");
    for argument in required.difference(&names(before, "/arguments/required")) {
        lines.push(format!(
            "tool {name} cannot be called without {argument} now"
        ));
    }
    for argument in known.intersection(&now) {
        let pointer = format!("/arguments/properties/{argument}/type");
        if at(before, &pointer) != at(after, &pointer) {
            lines.push(format!(
                "tool {name} takes {argument} as {} instead of {}",
                at(after, &pointer),
                at(before, &pointer)
            ));
        }
    }
    let results = |tool: &Value| names(tool, "/result/properties");
    for member in results(before).difference(&results(after)) {
        lines.push(format!("tool {name} gives {member} no more"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(tools: &Value, imports: &[&str]) -> Version {
        Version {
            digest: tools.to_string(),
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            scopes: [("workbench".to_owned(), json!({"tools": tools}))].into(),
        }
    }

    #[test]
    fn what_callers_relied_on_is_told_from_what_they_never_saw() {
        let tool = |properties: Value, required: Value, access: &str| {
            json!({"access": access, "description": "d",
                   "arguments": {"properties": properties, "required": required},
                   "result": {"properties": {"rows": {}}}})
        };
        let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
        let old = version(
            &json!({"a": tool(json!({"x": text, "y": text}), json!([]), "read"), "gone": {}}),
            &[],
        );
        let new = version(
            &json!({"a": tool(json!({"x": number, "z": text}), json!(["z"]), "write"), "b": {}}),
            &["mssql-mcp:database/db-execute@1.0.0"],
        );
        assert_eq!(
            breaking(&old, &new),
            [
                "it writes now: a read-only scope refuses it",
                "tool a asks for another right: \"write\" instead of \"read\"",
                "tool a takes y no more",
                "tool a cannot be called without z now",
                "tool a takes x as \"integer\" instead of \"string\"",
                "tool gone is gone",
            ]
        );
        let wider = version(
            &json!({"a": tool(json!({"x": text, "y": text, "w": text}), json!([]), "read"),
                   "gone": {}, "more": {}}),
            &["mssql-mcp:host/seal@1.0.0"],
        );
        assert_eq!(breaking(&old, &wider), Vec::<String>::new());
    }
}
