//! `/live`: the parts of the page that change, for its script.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::OperatorState;
use super::recorder::{EVERY, Noted, Sample};
use super::rows::{ScopeRow, ToolSetRow, duration};
use super::texts::OperatorTexts;
use crate::http_error::HttpError;
use crate::oauth::Parameters;
use crate::oauth::endpoints::operator::Door;
use crate::server::Status;

/// As HTML, each part the content of the element of that id.
#[derive(Serialize)]
pub(super) struct Parts {
    pub(super) overview: String,
    pub(super) scopes: String,
    pub(super) tool_sets: String,
    pub(super) codes: String,
    pub(super) refusals: String,
    pub(super) happened: String,
}

#[derive(Serialize)]
struct Live {
    /// Milliseconds between two samples.
    every: u64,
    /// Number of the last sample.
    last: u64,
    samples: Vec<Figures>,
    parts: Parts,
}

/// A sample.
#[derive(Serialize)]
struct Figures {
    number: u64,
    at: i64,
    scopes: BTreeMap<String, OfScope>,
}

/// Calls, errors, median and 99th percentile (microseconds), guests, connections.
type OfScope = (u64, u64, Option<u64>, Option<u64>, u64, u64);

/// `GET /live?after=NUMBER`
pub(super) async fn get(State(state): State<OperatorState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let door = match Door::of(&state.0.oauth, &mut parts).await {
        Ok(door) => door,
        Err(response) => return *response,
    };
    if door.operator().await.is_err() {
        // The script loads the page again, which says why.
        return HttpError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Sign in as an operator.",
        )
        .into_response();
    }
    let query = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let after = query.one("after").ok().flatten();
    let after = after.and_then(|after| after.parse().ok()).unwrap_or(0);
    let samples = state.0.recorder.samples(after);
    let live = Live {
        every: EVERY.as_secs() * 1_000,
        last: state.0.recorder.last(),
        samples: samples.into_iter().map(Figures::from).collect(),
        parts: Parts::of(&state, OperatorTexts::of(door.language())).await,
    };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(live)).into_response()
}

impl From<Sample> for Figures {
    fn from(sample: Sample) -> Self {
        let points = sample.points.into_iter();
        let scopes = points.map(|(name, point)| {
            let figures = (
                point.calls,
                point.errors,
                point.p50,
                point.p99,
                point.guests,
                point.connections,
            );
            (name.to_string(), figures)
        });
        Self {
            number: sample.number,
            at: sample.at.0,
            scopes: scopes.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "operator/overview.html")]
struct Overview {
    o: &'static OperatorTexts,
    status: Status,
    problems: Vec<String>,
    version: &'static str,
    uptime: String,
    active_tokens: Option<u64>,
    calls: u64,
    running: usize,
}

#[derive(Template)]
#[template(path = "operator/scopes.html")]
struct Scopes {
    o: &'static OperatorTexts,
    rows: Vec<ScopeRow>,
}

#[derive(Template)]
#[template(path = "operator/tool_sets.html")]
struct ToolSets {
    o: &'static OperatorTexts,
    rows: Vec<ToolSetRow>,
}

#[derive(Template)]
#[template(path = "operator/codes.html")]
struct Codes {
    o: &'static OperatorTexts,
    rows: Vec<(&'static str, String, u64)>,
}

#[derive(Template)]
#[template(path = "operator/refusals.html")]
struct Refusals {
    o: &'static OperatorTexts,
    rows: Vec<Noted>,
}

#[derive(Template)]
#[template(path = "operator/happened.html")]
struct Happened {
    o: &'static OperatorTexts,
    rows: Vec<Noted>,
}

impl Parts {
    pub(super) async fn of(state: &OperatorState, o: &'static OperatorTexts) -> Self {
        let (site, recorder) = (&state.0.site, &state.0.recorder);
        let (status, problems) = site.status().await;
        let scopes = site.scopes().into_iter();
        let scopes = scopes.map(|scope| {
            let minute = recorder.minute(&scope.name);
            ScopeRow::new(scope, &minute)
        });
        let scopes: Vec<ScopeRow> = scopes.collect();
        let oauth = &state.0.oauth;
        let overview = Overview {
            o,
            status,
            problems,
            version: env!("CARGO_PKG_VERSION"),
            uptime: duration(site.uptime()),
            active_tokens: state.0.tokens.then(|| oauth.active_tokens()),
            calls: scopes.iter().map(|scope| scope.calls).sum(),
            running: scopes.iter().map(|scope| scope.guests.running).sum(),
        };
        let tool_sets = site.tool_sets().into_iter();
        let tool_sets = ToolSets {
            o,
            rows: tool_sets.map(|set| ToolSetRow { set }).collect(),
        };
        Self {
            overview: html(&overview),
            scopes: html(&Scopes { o, rows: scopes }),
            tool_sets: html(&tool_sets),
            codes: html(&Codes {
                o,
                rows: recorder.codes(),
            }),
            refusals: html(&Refusals {
                o,
                rows: recorder.refusals(),
            }),
            happened: html(&Happened {
                o,
                rows: recorder.happened(),
            }),
        }
    }
}

fn html(part: &impl Template) -> String {
    part.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a part of the operator page cannot be written");
        String::new()
    })
}
