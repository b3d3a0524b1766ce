//! The application, as its operator sees it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{App, AppHealth, FileStatus, ServedScope};
use crate::database::Database;
use crate::operator::{
    DatabaseState, Guests, Parked, Pool, ScopeState, Site, SiteError, ToolSetState,
};
use crate::server::{Health as _, Status};

/// Asks whoever reads the configuration to read it again, and hears what came of it.
pub type AskToReload = mpsc::Sender<oneshot::Sender<Result<(), String>>>;

/// What the operator page shows and does.
pub struct AppSite {
    app: Arc<App>,
    health: Arc<AppHealth>,
    reload: Option<AskToReload>,
}

impl AppSite {
    /// `reload` where there is a configuration file.
    pub fn new(app: Arc<App>, health: Arc<AppHealth>, reload: Option<AskToReload>) -> Self {
        Self {
            app,
            health,
            reload,
        }
    }

    fn scope(&self, scope: &ServedScope) -> ScopeState {
        let pool = |label: &str, database: &Database| {
            let state = database.pool_state();
            DatabaseState {
                label: label.to_owned(),
                pool: Pool {
                    used: state.connections.saturating_sub(state.idle),
                    waiting: state.waiting,
                    max: state.max,
                },
            }
        };
        let databases = scope.databases.iter();
        let databases = databases.map(|(label, database)| pool(label, database));
        let writer = scope.section.write_database.as_deref().zip(scope.writer());
        let writer = writer.map(|(label, database)| pool(label, database));
        ScopeState {
            name: scope.name.to_string(),
            up: self.health.of_scope(scope) == Status::Healthy,
            read_only: scope.read_only,
            tools: scope.tools.load().list(None).count(),
            databases: databases.chain(writer).collect(),
            guests: scope.guests(),
        }
    }

    /// What is wrong with a tool set now, as the outcome of what was just done.
    fn outcome(&self, tool_set: &str) -> Result<(), SiteError> {
        let status = self.app.tool_sets().remove(tool_set);
        match status.map(|status| status.problem) {
            Some(None) => Ok(()),
            Some(Some(problem)) => Err(SiteError(problem.sentence)),
            None => Err(SiteError(format!("no scope uses \"{tool_set}\""))),
        }
    }
}

impl Site for AppSite {
    fn uptime(&self) -> Duration {
        self.health.uptime()
    }

    fn status(&self) -> BoxFuture<'_, (Status, Vec<String>)> {
        let report = self.health.report();
        report
            .map(|report| {
                let checks = report.checks.into_values();
                (
                    report.status,
                    checks.flat_map(|check| check.problems).collect(),
                )
            })
            .boxed()
    }

    fn scopes(&self) -> Vec<ScopeState> {
        let scopes = self.app.scopes();
        scopes.iter().map(|scope| self.scope(scope)).collect()
    }

    fn tool_sets(&self) -> Vec<ToolSetState> {
        let files = self.app.tool_sets().into_iter();
        files.map(|(name, status)| of_file(name, status)).collect()
    }

    fn parked(&self, tool_set: &str) -> Result<Option<Parked>, SiteError> {
        let parked = self.app.parked(tool_set);
        let parked = parked.map_err(|error| SiteError(error.to_string()))?;
        Ok(parked.map(|parked| Parked {
            digest: parked.digest,
            changes: parked.changes,
        }))
    }

    fn reload<'a>(&'a self, tool_set: &'a str) -> BoxFuture<'a, Result<(), SiteError>> {
        async move {
            if self.app.tool_sets().contains_key(tool_set) {
                self.app.reload(tool_set).await;
            }
            self.outcome(tool_set)
        }
        .boxed()
    }

    fn accept<'a>(
        &'a self,
        tool_set: &'a str,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<(), SiteError>> {
        async move {
            let accepted = self.app.accept(tool_set, digest);
            if !accepted.map_err(|error| SiteError(error.to_string()))? {
                return Err(SiteError(
                    "another version waits by now, or none; look at it again".to_owned(),
                ));
            }
            self.reload(tool_set).await
        }
        .boxed()
    }

    fn has_configuration(&self) -> bool {
        self.reload.is_some()
    }

    fn reconfigure(&self) -> BoxFuture<'_, Result<(), SiteError>> {
        async move {
            let gone = || SiteError("there is no configuration file to read".to_owned());
            let reload = self.reload.as_ref().ok_or_else(gone)?;
            let (answer, answered) = oneshot::channel();
            reload.send(answer).await.map_err(|_| gone())?;
            let outcome = answered.await.map_err(|_| gone())?;
            outcome.map_err(SiteError)
        }
        .boxed()
    }
}

impl ServedScope {
    /// The calls in its tool sets.
    fn guests(&self) -> Guests {
        let mut sum = Guests::default();
        for places in self.all_places() {
            sum.running += places.running();
            sum.waiting += places.waiting();
            sum.places += places.size();
        }
        sum
    }
}

fn of_file(name: String, status: FileStatus) -> ToolSetState {
    ToolSetState {
        name,
        digest: status.serving,
        parked: status
            .problem
            .as_ref()
            .is_some_and(|problem| problem.parked),
        problem: status.problem.map(|problem| problem.sentence),
        reloads: status.reloads,
        refusals: status.refusals,
    }
}
