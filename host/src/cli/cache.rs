//! `mssql-mcp cache`: what running nodes keep to save work. Orders go through the
//! state, and so reach every node within a second.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::exit::Unreachable;
use super::orders;
use super::site::{Done, Output, Site, SiteArguments, nothing, table};
use crate::audit::Event;
use crate::state::{Report, Task};

#[derive(Debug, clap::Args)]
pub(super) struct CacheArguments {
    #[command(flatten)]
    site: SiteArguments,
    /// In this scope alone
    #[arg(long, global = true)]
    scope: Option<String>,
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum CacheCommand {
    /// What each node keeps, and how often it was of use
    Stats,
    /// Forget it on every node
    Clear,
    /// Connect to the databases and read their catalogues, on every node
    Warm,
}

pub(super) async fn run(arguments: CacheArguments) -> anyhow::Result<()> {
    let site = arguments.site.open().await?;
    let output = act(&site, arguments.command, arguments.scope.as_deref()).await?;
    arguments.site.print(&output)
}

async fn act(site: &Site, command: CacheCommand, scope: Option<&str>) -> anyhow::Result<Output> {
    if let Some(scope) = scope {
        site.scope(scope)?;
    }
    let (task, patience) = match command {
        CacheCommand::Stats => (Task::CacheStats, orders::ANSWERED_WITHIN),
        CacheCommand::Clear => (Task::CacheClear, orders::ANSWERED_WITHIN),
        CacheCommand::Warm => (Task::CacheWarm, WARM_WITHIN),
    };
    let reports = orders::give(site.store(), task, scope, patience).await?;
    if reports.is_empty() {
        return Err(nothing(
            "no server that keeps its state there answers: there is nothing to look at",
        ));
    }
    if let Some(late) = reports.iter().find(|report| !report.done) {
        return Err(Unreachable(format!(
            "{} has begun and is not done after {} s; its log says what it waits for",
            late.node,
            patience.as_secs()
        ))
        .into());
    }
    if matches!(command, CacheCommand::Clear) {
        let done = Done {
            scope: scope.unwrap_or_default(),
            ..Done::default()
        };
        site.note(Event::CacheClear, done);
    }
    let text = match command {
        CacheCommand::Stats => stats(&reports)?,
        CacheCommand::Clear => format!("{}\nforgotten", stats(&reports)?),
        CacheCommand::Warm => warm(&reports)?,
    };
    let nodes: BTreeMap<&str, &Value> = reports
        .iter()
        .map(|report| (&*report.node, &report.said))
        .collect();
    Ok(Output {
        text,
        json: json!({ "nodes": nodes }),
    })
}

/// A node's figures, as another version of this program may have more of.
#[derive(Deserialize)]
struct Caches {
    scopes: BTreeMap<String, ScopeCaches>,
    #[serde(default)]
    compiled: Option<Figures>,
}

#[derive(Deserialize)]
struct ScopeCaches {
    results: Figures,
    tool_sets: BTreeMap<String, Figures>,
    catalogue: BTreeMap<String, Figures>,
}

#[derive(Deserialize)]
struct Figures {
    entries: u64,
    #[serde(default)]
    bytes: Option<u64>,
    hits: u64,
    misses: u64,
}

fn stats(reports: &[Report]) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for report in reports {
        let caches = Caches::deserialize(&report.said)?;
        let mut row = |scope: &str, cache: String, figures: &Figures| {
            let bytes = figures.bytes.map(|bytes| bytes.to_string());
            rows.push(vec![
                report.node.clone(),
                scope.to_owned(),
                cache,
                figures.entries.to_string(),
                bytes.unwrap_or_else(|| "-".to_owned()),
                figures.hits.to_string(),
                figures.misses.to_string(),
            ]);
        };
        for (scope, caches) in &caches.scopes {
            row(scope, "results".to_owned(), &caches.results);
            for (name, figures) in &caches.tool_sets {
                row(scope, format!("tool set {name}"), figures);
            }
            for (label, figures) in &caches.catalogue {
                row(scope, format!("catalogue {label}"), figures);
            }
        }
        if let Some(figures) = &caches.compiled {
            row("*", "compiled code".to_owned(), figures);
        }
    }
    let head = [
        "NODE", "SCOPE", "CACHE", "ENTRIES", "BYTES", "HITS", "MISSES",
    ];
    Ok(table(&head, &rows))
}

#[derive(Deserialize)]
struct Warm {
    scopes: BTreeMap<String, Warmed>,
}

#[derive(Deserialize)]
struct Warmed {
    databases: BTreeMap<String, WarmedDatabase>,
    tool_sets: u64,
    took_ms: u64,
}

#[derive(Deserialize)]
struct WarmedDatabase {
    tables: u64,
    connections: u64,
    #[serde(default)]
    problem: Option<String>,
}

/// What was warmed; an error if a database could not be.
fn warm(reports: &[Report]) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for report in reports {
        for (scope, warmed) in Warm::deserialize(&report.said)?.scopes {
            for (label, database) in warmed.databases {
                if let Some(problem) = database.problem {
                    problems.push(format!("{}, {scope}, {label}: {problem}", report.node));
                    continue;
                }
                rows.push(vec![
                    report.node.clone(),
                    scope.clone(),
                    label,
                    database.tables.to_string(),
                    database.connections.to_string(),
                    warmed.tool_sets.to_string(),
                    format!("{} ms", warmed.took_ms),
                ]);
            }
        }
    }
    if !problems.is_empty() {
        return Err(nothing(problems.join("\n")));
    }
    let head = [
        "NODE",
        "SCOPE",
        "DATABASE",
        "TABLES",
        "CONNECTIONS",
        "TOOL SETS",
        "TOOK",
    ];
    Ok(table(&head, &rows))
}

/// More than a database has to answer, after every retry.
const WARM_WITHIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::super::exit::ExitCode;
    use super::super::site::testing::site;
    use super::*;
    use crate::clock::Timestamp;

    fn report(said: Value) -> Report {
        Report {
            order: "o".to_owned(),
            node: "a/1".to_owned(),
            done: true,
            said,
            expires_at: Timestamp(0),
        }
    }

    #[test]
    fn figures_are_a_line_each() {
        let figures = json!({ "entries": 2, "bytes": 300, "hits": 5, "misses": 1 });
        let said = json!({
            "scopes": { "claude": {
                "results": figures,
                "tool_sets": { "search": figures },
                "catalogue": { "sales": { "entries": 1, "hits": 0, "misses": 1 } },
                "ttl_seconds": 3600,
            }},
            "compiled": figures,
        });
        let text = stats(&[report(said)]).unwrap();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1], ["a/1", "claude", "results", "2", "300", "5", "1"]);
        assert!(text.contains("catalogue sales  1        -"), "{text}");
    }

    #[test]
    fn a_database_that_could_not_be_warmed_is_an_error() {
        let database = json!({ "tables": 0, "connections": 0, "problem": "is down" });
        let said = json!({ "scopes": { "claude": {
            "databases": { "sales": database }, "tool_sets": 1, "took_ms": 2,
        }}});
        let error = warm(&[report(said)]).unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Found);
        assert_eq!(error.to_string(), "a/1, claude, sales: is down");
    }

    #[tokio::test]
    async fn without_a_server_there_is_nothing_to_look_at() {
        let test = site("").await;
        for command in [CacheCommand::Stats, CacheCommand::Clear, CacheCommand::Warm] {
            let error = act(&test.site, command, None).await.unwrap_err();
            assert_eq!(ExitCode::of(&error), ExitCode::Found);
        }
        let error = act(&test.site, CacheCommand::Stats, Some("nowhere")).await;
        assert_eq!(ExitCode::of(&error.unwrap_err()), ExitCode::Usage);
    }
}
