//! What is kept to save work, a scope at a time: its figures, emptied, filled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use serde::Serialize;

use super::{App, ServedScope};
use crate::tally::CacheFigures;

/// The caches of one process.
#[derive(Debug, Serialize)]
pub struct Caches {
    /// By name.
    pub scopes: BTreeMap<String, ScopeCaches>,
    /// Native code of tool sets on disk, which all scopes share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<CacheFigures>,
}

/// The caches of one scope.
#[derive(Debug, Serialize)]
pub struct ScopeCaches {
    /// Results of statements that asked for it.
    pub results: CacheFigures,
    /// What tool sets keep themselves, by their names.
    pub tool_sets: BTreeMap<String, CacheFigures>,
    /// The list of tables and what is known of each, by label of the database.
    pub catalogue: BTreeMap<String, CacheFigures>,
    /// For how long a result may be given again.
    pub ttl_seconds: u64,
}

/// What warming found in one scope.
#[derive(Debug, Serialize)]
pub struct Warmed {
    /// By label.
    pub databases: BTreeMap<String, WarmedDatabase>,
    /// Tool sets whose code is compiled and ready to be called.
    pub tool_sets: usize,
    /// Milliseconds.
    pub took_ms: u64,
}

/// What warming found in one database.
#[derive(Debug, Serialize)]
pub struct WarmedDatabase {
    /// Tables and views whose names are known now.
    pub tables: usize,
    /// Connections that are open now.
    pub connections: u32,
    /// Why not, in words for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl App {
    /// The caches of the scope of that name, or of all.
    pub fn caches(&self, scope: Option<&str>) -> Caches {
        Caches {
            scopes: self.caches_in_memory(scope),
            compiled: self.tool_sets.compiled(),
        }
    }

    /// The same without what is on disk.
    pub(super) fn caches_in_memory(&self, scope: Option<&str>) -> BTreeMap<String, ScopeCaches> {
        let scopes = self.named(scope);
        let of = scopes
            .iter()
            .map(|scope| (scope.name.to_string(), scope.caches()));
        of.collect()
    }

    /// Forgets results, values of tool sets and the catalogue; what was forgotten.
    /// Compiled code stays: it is right as long as its file is.
    pub fn clear_caches(&self, scope: Option<&str>) -> Caches {
        let before = self.caches(scope);
        for scope in self.named(scope) {
            scope.clear_caches();
        }
        before
    }

    /// Connects to each database and reads its catalogue.
    pub async fn warm_caches(&self, scope: Option<&str>) -> BTreeMap<String, Warmed> {
        let scopes = self.named(scope).into_iter();
        let warmed =
            scopes.map(|scope| async move { (scope.name.to_string(), scope.warm().await) });
        join_all(warmed).await.into_iter().collect()
    }

    fn named(&self, scope: Option<&str>) -> Vec<Arc<ServedScope>> {
        match scope {
            None => self.scopes(),
            Some(name) => self.scope(name).into_iter().collect(),
        }
    }
}

impl ServedScope {
    fn caches(&self) -> ScopeCaches {
        let bound = self.bound();
        let tool_sets = bound
            .iter()
            .map(|set| (set.entry.file.clone(), set.cache.figures()));
        let databases = self.databases.iter();
        ScopeCaches {
            results: self.results.figures(),
            tool_sets: tool_sets.collect(),
            catalogue: databases
                .map(|(label, database)| (label.clone(), database.catalogue()))
                .collect(),
            ttl_seconds: self.section.cache_ttl.as_secs(),
        }
    }

    fn clear_caches(&self) {
        self.results.clear();
        for set in self.bound() {
            set.cache.clear();
        }
        for (_, database) in &self.databases {
            database.forget();
        }
    }

    async fn warm(&self) -> Warmed {
        let started = Instant::now();
        let databases = self.databases.clone().into_iter();
        let databases = databases.map(|(label, database)| async move {
            let tables = database.tables().await;
            // The catalogue may have been known; the connection is wanted, too.
            let answered = match &tables {
                Ok(_) => database.ping().await,
                Err(error) => Err(error.clone()),
            };
            let warmed = WarmedDatabase {
                tables: tables.map_or(0, |tables| tables.len()),
                connections: database.pool_state().connections,
                problem: answered.err().map(|error| error.to_string()),
            };
            (label, warmed)
        });
        Warmed {
            databases: join_all(databases).await.into_iter().collect(),
            tool_sets: self.bound().len(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}
