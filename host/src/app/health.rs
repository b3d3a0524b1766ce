//! How the parts are: databases are asked in the background, so that a health
//! check waits for none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::database::Database;
use crate::server::{Check, Health, HealthReport, ScopeHealth, Status};

/// Answers `/health` for an [`App`].
pub struct AppHealth {
    app: Arc<App>,
    started: Instant,
    databases: Vec<WatchedDatabase>,
}

struct WatchedDatabase {
    scope: Arc<str>,
    database: Database,
    up: AtomicBool,
}

impl AppHealth {
    /// Asks every database once, then every [`INTERVAL`] until `shutdown`.
    pub async fn watch(app: Arc<App>, shutdown: CancellationToken) -> Arc<Self> {
        let databases = app
            .scopes()
            .iter()
            .flat_map(|scope| {
                scope.databases.iter().map(|(_, database)| WatchedDatabase {
                    scope: Arc::clone(&scope.name),
                    database: database.clone(),
                    up: AtomicBool::new(false),
                })
            })
            .collect();
        let health = Arc::new(Self {
            app,
            started: Instant::now(),
            databases,
        });
        health.ask().await;
        let watcher = Arc::clone(&health);
        tokio::spawn(async move {
            while shutdown
                .run_until_cancelled(tokio::time::sleep(INTERVAL))
                .await
                .is_some()
            {
                watcher.ask().await;
            }
        });
        health
    }

    async fn ask(&self) {
        join_all(self.databases.iter().map(|watched| async {
            let answer = watched.database.ping().await;
            let was_up = watched.up.swap(answer.is_ok(), Ordering::Relaxed);
            match answer {
                Ok(()) if !was_up => tracing::info!(scope = &*watched.scope, "database is up"),
                Err(error) => tracing::warn!(scope = &*watched.scope, %error, "database is down"),
                Ok(()) => {}
            }
        }))
        .await;
    }

    fn of_scope(&self, name: &str) -> Status {
        let mut databases = self
            .databases
            .iter()
            .filter(|watched| &*watched.scope == name);
        if databases.all(|watched| watched.up.load(Ordering::Relaxed)) {
            Status::Healthy
        } else {
            Status::Unhealthy
        }
    }
}

impl Health for AppHealth {
    fn report(&self) -> BoxFuture<'_, HealthReport> {
        let scopes: BTreeMap<String, ScopeHealth> = self
            .app
            .scopes()
            .iter()
            .map(|scope| {
                let database = self.of_scope(&scope.name);
                let health = ScopeHealth {
                    status: database,
                    read_only: scope.read_only,
                    database,
                    tools: scope.tools.load().list(None).count(),
                };
                (scope.name.to_string(), health)
            })
            .collect();
        let up = scopes
            .values()
            .filter(|scope| scope.status == Status::Healthy)
            .count();
        let status = match up {
            0 => Status::Unhealthy,
            _ if up < scopes.len() => Status::Degraded,
            _ => Status::Healthy,
        };
        let checks = BTreeMap::from([
            ("database", Check::of(status)),
            ("tool_sets", Check::of(Status::Healthy)),
        ]);
        let report = HealthReport {
            status,
            uptime: self.started.elapsed(),
            timestamp: Utc::now(),
            checks,
            scopes,
        };
        async { report }.boxed()
    }
}

/// Between two questions to a database.
const INTERVAL: Duration = Duration::from_secs(10);
