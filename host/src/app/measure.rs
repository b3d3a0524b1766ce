//! The metrics that are not counted but looked at, when somebody asks for them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::health::AppHealth;
use super::{App, FileStatus};
use crate::database::{Database, RESULTS};

impl AppHealth {
    /// Sets every metric of what is at this moment.
    pub fn measure(&self) {
        for scope in self.app().scopes() {
            let name = scope.name.to_string();
            for (label, database) in &scope.databases {
                let up = u32::from(self.is_up(&scope.name, label));
                let (scope, database_label) = (name.clone(), label.clone());
                metrics::gauge!("database_up", "scope" => scope, "database" => database_label)
                    .set(up);
                pool(&name, label, database);
            }
            if let (Some(writer), Some(label)) = (scope.writer(), &scope.section.write_database) {
                pool(&name, label, writer);
            }
            let open = scope.mcp.open();
            for (count, gauge) in [
                (
                    open.sessions,
                    metrics::gauge!("mcp_sessions", "scope" => name.clone()),
                ),
                (
                    open.streams,
                    metrics::gauge!("mcp_streams", "scope" => name.clone()),
                ),
                (
                    open.calls,
                    metrics::gauge!("mcp_calls_in_progress", "scope" => name.clone()),
                ),
            ] {
                gauge.set(number(count as u64));
            }
        }
        caches(self.app());
        tool_sets(self.app());
    }
}

fn pool(scope: &str, label: &str, database: &Database) {
    let state = database.pool_state();
    let labels = [("scope", scope.to_owned()), ("database", label.to_owned())];
    metrics::gauge!("database_pool_connections", &labels).set(state.connections);
    let used = state.connections.saturating_sub(state.idle);
    metrics::gauge!("database_pool_in_use", &labels).set(used);
    metrics::gauge!("database_pool_max", &labels).set(state.max);
    metrics::gauge!("database_pool_waiting", &labels).set(number(state.waiting));
}

fn caches(app: &App) {
    let mut all = 0;
    for (scope, caches) in app.caches_in_memory(None) {
        let of_tool_sets = caches.tool_sets.into_iter();
        let results = (RESULTS.to_owned(), caches.results);
        for (cache, figures) in of_tool_sets.chain([results]) {
            let labels = [("scope", scope.clone()), ("cache", cache)];
            all += figures.entries;
            metrics::gauge!("cache_entries", &labels).set(number(figures.entries));
            let bytes = figures.bytes.unwrap_or_default();
            metrics::gauge!("cache_bytes", &labels).set(number(bytes));
        }
    }
    metrics::gauge!("search_cache_size").set(number(all));
}

/// Files and digests that were shown as serving the last time.
static SHOWN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

fn tool_sets(app: &App) {
    let files = app.tool_sets();
    let serving = files.iter().filter_map(|(file, status)| {
        let digest = status.serving.clone()?;
        Some((file.clone(), digest))
    });
    let serving: BTreeSet<(String, String)> = serving.collect();
    let before = {
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *shown, serving.clone())
    };
    for version in before.union(&serving) {
        let (file, digest) = version.clone();
        let labels = [("tool_set", file), ("digest", digest)];
        let serves = u32::from(serving.contains(version));
        metrics::gauge!("tool_set_version_info", &labels).set(serves);
    }
    let count = |state: &'static str, wanted: fn(&FileStatus) -> bool| {
        let count = files.values().filter(|status| wanted(status)).count();
        metrics::gauge!("tool_sets", "state" => state).set(number(count as u64));
    };
    count("serving", |status| status.serving.is_some());
    count("refused", |status| {
        status
            .problem
            .as_ref()
            .is_some_and(|problem| !problem.parked)
    });
    count("parked", |status| {
        status
            .problem
            .as_ref()
            .is_some_and(|problem| problem.parked)
    });
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53, and a gauge is a float"
)]
fn number(count: u64) -> f64 {
    count as f64
}
