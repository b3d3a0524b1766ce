//! How the parts are: databases are asked in the background, so that a health
//! check waits for none.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

use super::{App, FileStatus, ServedScope};
use crate::audit::FileState;
use crate::database::{Database, Error};
use crate::server::{Check, Health, HealthReport, ScopeHealth, Status};

/// Answers `/health` for an [`App`].
pub struct AppHealth {
    app: Arc<App>,
    started: Instant,
    /// Whether each database answered last, by scope and label.
    up: Mutex<HashMap<(Arc<str>, String), bool>>,
}

impl AppHealth {
    /// Asks every database once, then every [`INTERVAL`], and when the scopes change,
    /// until `shutdown`.
    pub async fn watch(app: Arc<App>, shutdown: CancellationToken) -> Arc<Self> {
        let health = Arc::new(Self {
            app,
            started: Instant::now(),
            up: Mutex::default(),
        });
        health.ask().await;
        let watcher = Arc::clone(&health);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(INTERVAL) => {}
                    // Databases of a new scope are not known yet.
                    () = watcher.app.reconfigured.notified() => {}
                }
                watcher.ask().await;
            }
        });
        health
    }

    /// Since the start.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    async fn ask(&self) {
        let scopes = self.app.scopes();
        let databases = scopes.iter().flat_map(|scope| {
            let databases = scope.databases.iter();
            databases.map(|(label, database)| (Arc::clone(&scope.name), label, database))
        });
        let answers = join_all(databases.map(|(scope, label, database)| async move {
            let answer = ask(database).await;
            let up = answer.is_ok();
            let was_up = self.is_up(&scope, label);
            match answer {
                Ok(()) if !was_up => tracing::info!(scope = &*scope, "database is up"),
                Err(error) => tracing::warn!(scope = &*scope, %error, "database is down"),
                Ok(()) => {}
            }
            ((scope, label.clone()), up)
        }));
        let answers = answers.await.into_iter().collect();
        *self.up.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn is_up(&self, scope: &Arc<str>, label: &str) -> bool {
        let up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        let known = up.get(&(Arc::clone(scope), label.to_owned()));
        known.copied().unwrap_or(false)
    }

    pub(super) fn of_scope(&self, scope: &ServedScope) -> Status {
        let mut labels = scope.databases.iter().map(|(label, _)| label);
        if labels.all(|label| self.is_up(&scope.name, label)) {
            Status::Healthy
        } else {
            Status::Unhealthy
        }
    }

    /// What log-ins of scopes that only read can do besides, and what mends it.
    fn of_log_ins(&self) -> Vec<String> {
        let scopes = self.app.scopes();
        let reading = scopes.iter().filter(|scope| scope.read_only);
        let databases = reading.flat_map(|scope| {
            let databases = scope.databases.iter();
            databases.map(move |(label, database)| (&*scope.name, label, database.known_posture()))
        });
        let wrong = databases.filter_map(|(scope, label, known)| {
            let (posture, _) = known?;
            let wrong = !posture.only_reads();
            wrong.then(|| {
                let (sentence, remedy) = (posture.sentence(), posture.remedy());
                format!("{scope}, {label}: {sentence}; in SQL Server: {remedy}")
            })
        });
        wrong.collect()
    }

    /// How many files serve, and what is wrong with those that do not.
    fn of_tool_sets(&self) -> Check {
        let files = self.app.tool_sets();
        let count = |wanted: fn(&FileStatus) -> bool| -> u64 {
            let count = files.values().filter(|status| wanted(status)).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        let parked = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.parked)
        };
        let refused = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| !problem.parked)
        };
        let problems = files.values().filter_map(|status| status.problem.as_ref());
        let problems: Vec<String> = problems.map(|problem| problem.sentence.clone()).collect();
        Check {
            status: if problems.is_empty() {
                Status::Healthy
            } else {
                Status::Degraded
            },
            figures: BTreeMap::from([
                ("serving", count(|status| status.serving.is_some())),
                ("refused", count(refused)),
                ("parked", count(parked)),
            ]),
            problems,
        }
    }

    /// How the audit's files are, if there is any. While one cannot be written,
    /// scopes that want it answer no call.
    fn of_audit(&self) -> Option<Check> {
        let files = self.app.audit().files();
        let sum = |of: fn(&FileState) -> u64| files.iter().map(of).sum();
        let problems = files.iter().filter_map(|file| file.problem.clone());
        let stopped = files
            .iter()
            .any(|file| file.stops && file.problem.is_some());
        let problems: Vec<String> = problems.collect();
        (!files.is_empty()).then(|| Check {
            status: match (stopped, problems.is_empty()) {
                (true, _) => Status::Unhealthy,
                (false, false) => Status::Degraded,
                (false, true) => Status::Healthy,
            },
            figures: BTreeMap::from([
                ("lines", sum(|file| file.lines)),
                ("waiting", sum(|file| file.waiting)),
            ]),
            problems,
        })
    }
}

/// Whether the database answers, and its log-in is fit for what it is used for.
async fn ask(database: &Database) -> Result<(), Error> {
    let fresh = database.known_posture().is_some_and(|(posture, age)| {
        age < POSTURE_KEPT && (posture.only_reads() || !database.must_only_read())
    });
    if fresh {
        return database.ping().await;
    }
    let posture = database.posture().await?;
    if database.must_only_read() && !posture.only_reads() {
        tracing::error!(remedy = posture.remedy(), "{}", posture.sentence());
        return Err(Error::Withheld(posture.sentence()));
    }
    Ok(())
}

impl Health for AppHealth {
    fn report(&self) -> BoxFuture<'_, HealthReport> {
        let scopes: BTreeMap<String, ScopeHealth> = self
            .app
            .scopes()
            .iter()
            .map(|scope| {
                let database = self.of_scope(scope);
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
        let tool_sets = self.of_tool_sets();
        let databases = match up {
            0 => Status::Unhealthy,
            _ if up < scopes.len() => Status::Degraded,
            _ => Status::Healthy,
        };
        let log_ins = self.of_log_ins();
        let database = Check {
            status: databases,
            figures: BTreeMap::from([(
                "writable_log_ins",
                u64::try_from(log_ins.len()).unwrap_or(u64::MAX),
            )]),
            problems: log_ins,
        };
        let mut checks = BTreeMap::from([("database", database), ("tool_sets", tool_sets)]);
        if let Some(audit) = self.of_audit() {
            checks.insert("audit", audit);
        }
        let statuses = checks.values().map(|check| check.status);
        let status = statuses.max().unwrap_or(databases);
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

/// Rights change seldom; what was wrong is asked for each time.
const POSTURE_KEPT: Duration = Duration::from_secs(300);
/// Between two questions to a database.
const INTERVAL: Duration = Duration::from_secs(10);
