//! `mssql-mcp plugin inspect`: what a component is, and what it could touch.

use std::path::Path;

use serde_json::Value;

use super::workbench::{BenchArguments, Workbench};
use crate::app::Version;
use crate::cli::exit::print;

pub(super) async fn run(file: &Path, json: bool, bench: &BenchArguments) -> anyhow::Result<()> {
    let workbench = Workbench::set(file, bench).await?;
    let version = workbench.version().await?;
    if json {
        return print(&serde_json::to_string_pretty(&version)?);
    }
    let size = std::fs::metadata(file)?.len();
    print(&format!("{}\n  sha256:{}", workbench.name, version.digest))?;
    print(&format!("  {size} bytes"))?;
    print("It can, where its scope grants it:")?;
    for line in powers(&version) {
        print(&format!("  {line}"))?;
    }
    print("It cannot: reach the network, files, variables or other calls.")?;
    for (kind, entries) in entries(&version) {
        print(&format!("{kind}:"))?;
        for entry in entries {
            print(&format!("  {entry}"))?;
        }
    }
    Ok(())
}

/// What its imports let it do, a line each.
fn powers(version: &Version) -> Vec<&'static str> {
    let imports = |name: &str| {
        version
            .imports
            .iter()
            .any(|import| import.starts_with(name))
    };
    let known = [
        (
            "mssql-mcp:database/db-query@",
            "read the scope's database, as its policy allows",
        ),
        (
            "mssql-mcp:database/db-catalog@",
            "read the catalogue: tables, columns, keys",
        ),
        (
            "mssql-mcp:database/db-execute@",
            "WRITE to the scope's database: world write-tools",
        ),
        ("mssql-mcp:host/cache@", "keep values in a cache of its own"),
        (
            "mssql-mcp:host/call@",
            "know who calls, report progress, ask the person",
        ),
        ("mssql-mcp:host/config@", "read its settings"),
        ("mssql-mcp:host/log@", "write to the host's log"),
        (
            "mssql-mcp:host/seal@",
            "seal values that leave through a client",
        ),
    ];
    let found = known.iter().filter(|(name, _)| imports(name));
    found.map(|(_, power)| *power).collect()
}

/// Tools and prompts of the one scope there is.
fn entries(version: &Version) -> Vec<(&'static str, Vec<String>)> {
    let Some(described) = version.scopes.values().next() else {
        return Vec::new();
    };
    let named = |key: &str| {
        let entries = described.get(key).and_then(Value::as_object);
        entries.into_iter().flatten()
    };
    let tools = named("tools").map(|(name, tool)| {
        let text = |key: &str| tool.get(key).and_then(Value::as_str).unwrap_or_default();
        format!(
            "{name}({})  {}\n    {}",
            arguments(tool),
            text("access"),
            text("description").lines().next().unwrap_or_default()
        )
    });
    let prompts = named("prompts").map(|(name, _)| name.clone());
    let all = [("Tools", tools.collect()), ("Prompts", prompts.collect())];
    let all: [(&'static str, Vec<String>); 2] = all;
    all.into_iter()
        .filter(|(_, list)| !list.is_empty())
        .collect()
}

/// "customer: string, limit?: integer"
fn arguments(tool: &Value) -> String {
    let schema = tool.get("arguments");
    let member = |key: &str| schema.and_then(|schema| schema.get(key));
    let required = member("required").and_then(Value::as_array);
    let properties = member("properties").and_then(Value::as_object);
    let arguments = properties.into_iter().flatten().map(|(name, property)| {
        let needed = required.is_some_and(|list| list.iter().any(|entry| entry == name));
        let kind = match property.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                let kinds = kinds.iter().filter_map(Value::as_str);
                kinds.collect::<Vec<_>>().join(" or ")
            }
            _ => "any".to_owned(),
        };
        format!("{name}{}: {kind}", if needed { "" } else { "?" })
    });
    arguments.collect::<Vec<_>>().join(", ")
}
