//! `/health`, `/ready` and `/live`: what monitors ask. The application knows
//! the answers; this file knows their shape. Nothing here names a server, a
//! user or an error, but to this machine and trusted networks what is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;

use super::edge::Inside;
use super::state::ServerState;
use crate::http_error::HttpError;
use crate::mcp::Revision;

/// Knows how the parts behind the server are.
pub trait Health: Send + Sync {
    /// The state of this moment. Called for each request, so it asks nothing
    /// that takes long.
    fn report(&self) -> BoxFuture<'_, HealthReport>;
}

/// What the application knows of itself.
#[derive(Clone, Debug)]
pub struct HealthReport {
    /// The worst of all.
    pub status: Status,
    /// Since the start.
    pub uptime: Duration,
    /// When this was found.
    pub timestamp: DateTime<Utc>,
    /// By name: `database`, `tool_sets` …
    pub checks: BTreeMap<&'static str, Check>,
    /// By name.
    pub scopes: BTreeMap<String, ScopeHealth>,
}

/// How well something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All of it.
    Healthy,
    /// Not all of it, or not yet.
    Degraded,
    /// Not at all.
    Unhealthy,
}

/// One part.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// How it is.
    pub status: Status,
    /// What can be counted of it.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, u64>,
    /// What is wrong and what to do, for eyes inside alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Check {
    /// Of a part that nothing is counted of.
    pub fn of(status: Status) -> Self {
        Self {
            status,
            figures: BTreeMap::new(),
            problems: Vec::new(),
        }
    }
}

/// One scope.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeHealth {
    /// How it is.
    pub status: Status,
    /// Whether its tools only read.
    pub read_only: bool,
    /// How its database is.
    pub database: Status,
    /// How many tools a reader sees.
    pub tools: usize,
}

/// `/health`
pub(super) async fn health(inside: Inside, State(state): State<ServerState>) -> Response {
    let report = report(&state, inside).await;
    json(
        report.status,
        &Overview {
            summary: Summary::of(&state, &report, None),
            checks: &report.checks,
            scopes: &report.scopes,
        },
    )
}

/// `/{scope}/health`
pub(super) async fn scope(
    State(state): State<ServerState>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        return HttpError::not_found().into_response();
    };
    let report = report(&state, Inside(false)).await;
    match report.scopes.get(&name) {
        Some(scope) => json(scope.status, &Summary::of(&state, &report, Some(scope))),
        None => HttpError::not_found().into_response(),
    }
}

/// `/ready`: 503 until everything that is needed is up, and when the server is about
/// to stop.
pub(super) async fn ready(State(state): State<ServerState>) -> Response {
    let status = match state.is_draining() {
        true => Status::Unhealthy,
        false => report(&state, Inside(false)).await.status,
    };
    let word = if status == Status::Unhealthy {
        "not ready"
    } else {
        "ready"
    };
    json(status, &Word { status: word })
}

/// `/live`: the process answers.
pub(super) async fn live() -> Response {
    json(Status::Healthy, &Word { status: "alive" })
}

/// What the application knows, whether tokens can be checked, and how the certificate
/// is.
async fn report(state: &ServerState, Inside(inside): Inside) -> HealthReport {
    let mut report = state.shared.health.report().await;
    if let Some(oauth) = state.shared.authentication.oauth() {
        let check = Check {
            status: if oauth.is_watching() {
                Status::Healthy
            } else {
                Status::Unhealthy
            },
            figures: BTreeMap::from([("active_tokens", oauth.active_tokens())]),
            problems: Vec::new(),
        };
        report.status = report.status.max(check.status);
        report.checks.insert("oauth", check);
    }
    if let Some(tls) = state.tls() {
        let check = tls.check();
        report.status = report.status.max(check.status);
        report.checks.insert("tls", check);
    }
    // As for metrics: others are shown nothing of it.
    if !inside {
        for check in report.checks.values_mut() {
            check.problems.clear();
        }
    }
    report
}

#[derive(Serialize)]
struct Word {
    status: &'static str,
}

#[derive(Serialize)]
struct Overview<'a> {
    #[serde(flatten)]
    summary: Summary,
    checks: &'a BTreeMap<&'static str, Check>,
    scopes: &'a BTreeMap<String, ScopeHealth>,
}

#[derive(Serialize)]
struct Summary {
    status: Status,
    version: &'static str,
    uptime_seconds: u64,
    timestamp: String,
    mcp_version: &'static str,
    transport: &'static str,
    oauth: &'static str,
    read_only: bool,
    database: Option<Status>,
}

impl Summary {
    /// Of one scope, or of all: the process only reads if every scope does,
    /// and its databases are as well as the worst of them.
    fn of(state: &ServerState, report: &HealthReport, scope: Option<&ScopeHealth>) -> Self {
        Self {
            status: scope.map_or(report.status, |scope| scope.status),
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: report.uptime.as_secs(),
            timestamp: report
                .timestamp
                .to_rfc3339_opts(SecondsFormat::Millis, true),
            mcp_version: Revision::V2026_07_28.as_str(),
            transport: "sse",
            oauth: match state.shared.authentication.oauth() {
                Some(_) => "enabled",
                None => "disabled",
            },
            read_only: match scope {
                Some(scope) => scope.read_only,
                None => report.scopes.values().all(|scope| scope.read_only),
            },
            database: match scope {
                Some(scope) => Some(scope.database),
                None => report.scopes.values().map(|scope| scope.database).max(),
            },
        }
    }
}

fn json<T: Serialize>(status: Status, body: &T) -> Response {
    let code = match status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_vec(body) {
        Ok(body) => (code, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the health report could not be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
