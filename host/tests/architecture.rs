//! Holds the sources to the layers of `docs/architecture.md`: which module may
//! use which, and which one alone names a crate.

#![expect(clippy::unwrap_used, reason = "that is how a test says what is wrong")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Module, and the modules it may use besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("buckets", &[]),
    ("entries", &[]),
    ("excerpt", &[]),
    ("handover", &[]),
    ("json_value", &["excerpt"]),
    ("client_tls", &[]),
    ("telemetry", &["client_tls"]),
    ("config", &[]),
    ("clock", &[]),
    ("entropy", &[]),
    ("http_error", &[]),
    ("principal", &[]),
    ("audit", &["clock", "excerpt", "handover"]),
    ("state", &["clock", "entropy", "principal"]),
    ("tally", &[]),
    ("database", &["principal", "tally"]),
    ("tools", &["audit", "excerpt", "json_value", "principal"]),
    (
        "runtime",
        &[
            "audit",
            "database",
            "entries",
            "excerpt",
            "json_value",
            "principal",
            "tally",
            "tools",
        ],
    ),
    (
        "mcp",
        &[
            "audit",
            "buckets",
            "clock",
            "entries",
            "entropy",
            "excerpt",
            "http_error",
            "json_value",
            "principal",
            "state",
            "telemetry",
            "tools",
        ],
    ),
    (
        "oauth",
        &[
            "audit",
            "buckets",
            "client_tls",
            "clock",
            "entropy",
            "excerpt",
            "http_error",
            "principal",
            "state",
        ],
    ),
    (
        "server",
        &[
            "audit",
            "clock",
            "excerpt",
            "http_error",
            "mcp",
            "oauth",
            "principal",
            "telemetry",
        ],
    ),
    (
        "operator",
        &[
            "audit",
            "clock",
            "entropy",
            "excerpt",
            "http_error",
            "oauth",
            "principal",
            "server",
            "state",
        ],
    ),
    ("app", BELOW_APP),
    ("cli", BELOW_CLI),
];

const BELOW_APP: &[&str] = &[
    "audit",
    "clock",
    "config",
    "database",
    "entropy",
    "excerpt",
    "handover",
    "json_value",
    "mcp",
    "oauth",
    "operator",
    "principal",
    "runtime",
    "server",
    "state",
    "tally",
    "telemetry",
    "tools",
];

const BELOW_CLI: &[&str] = &[
    "app",
    "audit",
    "clock",
    "config",
    "database",
    "entropy",
    "mcp",
    "oauth",
    "operator",
    "principal",
    "runtime",
    "server",
    "state",
    "telemetry",
    "tools",
];

/// Crate, and the modules that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("argon2", &["oauth/people"]),
    ("askama", &["oauth", "operator"]),
    (
        "axum",
        &[
            "http_error.rs",
            "mcp/transport",
            "oauth",
            "operator",
            "server",
        ],
    ),
    ("bb8", &["database"]),
    ("clap", &["cli", "main.rs"]),
    ("demo_sqlserver", &["cli"]),
    ("jsonschema", &["tools"]),
    ("jsonschema_regex", &["tools"]),
    ("metrics_exporter_prometheus", &["telemetry"]),
    ("openidconnect", &["oauth/people"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("plugin_bundle", &["cli"]),
    ("plugin_kit", &["cli"]),
    ("redis", &["state/backend"]),
    ("regex_automata", &["tools"]),
    (
        "reqwest",
        &[
            "cli/attack",
            "cli/doctor",
            "cli/health.rs",
            "cli/security_audit",
            "database/entra.rs",
            "oauth/clients/document",
            "oauth/people/provider",
            "telemetry/collector.rs",
        ],
    ),
    ("rpassword", &["cli"]),
    ("rusqlite", &["state/backend"]),
    ("tiberius", &["database"]),
    ("toml", &["cli/plugin", "config"]),
    ("tokio_rustls", &["server/tls"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("wasm_encoder", &["cli/attack"]),
    ("wasmtime", &["runtime"]),
    ("wasmtime_wasi", &["runtime"]),
    ("x509_cert", &["server/tls"]),
];

#[test]
fn every_module_uses_only_those_below_it() {
    for (path, source) in sources() {
        let Some(module) = top_module(&path) else {
            continue;
        };
        let (_, allowed) = LAYERS
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{module} is not in the table of layers"));
        for used in uses_of_crate(&source) {
            assert!(
                used == module || allowed.contains(&used.as_str()),
                "{} uses crate::{used}, which {module} may not",
                path.display()
            );
        }
    }
}

#[test]
fn every_crate_with_an_owner_is_named_by_it_alone() {
    for (path, source) in sources() {
        for (name, owners) in OWNERS {
            let owned = is_test(&path) || owners.iter().any(|owner| path.starts_with(owner));
            assert!(
                owned || !code(&source).contains(&format!("{name}::")),
                "{} names {name}, which belongs to {owners:?}",
                path.display()
            );
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.iter().any(|part| part == "tests")
}

#[test]
fn every_file_says_what_it_is_in_its_first_line() {
    for (path, source) in sources() {
        assert!(
            is_test(&path) || source.starts_with("//! "),
            "{} begins without //!",
            path.display()
        );
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
    }
}

/// As the README has it: `cargo run --release -- demo`.
#[test]
fn cargo_run_runs_the_program() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members = metadata["workspace_default_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let packages = packages.iter();
    let packages = packages.filter(|package| members.contains(&package["id"]));
    let runs: Vec<&Value> = packages
        .map(|package| &package["default_run"])
        .filter(|run| !run.is_null())
        .collect();
    assert_eq!(runs, ["mssql-mcp"]);
}

/// Path below `src` and text of every source file.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_owned();
                found.push((below, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    found
}

/// `None` for `lib.rs` and `main.rs`, which name everything.
fn top_module(path: &Path) -> Option<String> {
    let first = path.iter().next()?.to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(module, "lib" | "main")).then(|| module.to_owned())
}

/// The modules after `crate::`, also in braces.
fn uses_of_crate(source: &str) -> Vec<String> {
    let code = code(source);
    let mut used = Vec::new();
    for after in code.split("crate::").skip(1) {
        let list = match after.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => after
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default(),
        };
        for item in list.split(',') {
            let name = item
                .trim()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            used.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    used
}

/// The source without comments and without its tests.
fn code(source: &str) -> String {
    source
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}
