//! A name for each request, in its log lines and in its reply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_lc_rs::rand;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use super::state::ServerState;
use crate::audit::Origin;
use crate::excerpt::excerpt;
use crate::oauth::ClientAddress;
use crate::telemetry::{self, Remote};

/// Makes ids that are unique among processes that write to one log.
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Without a source of randomness ids are unique in this process alone.
    pub(crate) fn random() -> Self {
        let mut process = [0; 8];
        if rand::fill(&mut process).is_err() {
            tracing::warn!("no randomness for request ids; they repeat after a restart");
        }
        Self {
            process: u64::from_ne_bytes(process),
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> String {
        format!(
            "{:016x}-{:x}",
            self.process,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// The span that every log line of a request is in.
#[derive(Clone)]
pub(super) struct RequestSpan(pub(super) Span);

/// Opens the span in which the request is served. Queries stay out of it: they
/// are where misguided clients put secrets.
pub(super) async fn trace(
    State(state): State<ServerState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = state.shared.request_ids.next();
    // Of the audit, whose lines tell the request's id at every log level.
    let span = tracing::info_span!(
        target: "audit",
        "request",
        request_id = id,
        method = %request.method(),
        path = excerpt(request.uri().path(), LOGGED_CHARACTERS),
        scope = named(&state, request.uri().path()),
        subject = Empty,
        client_id = Empty,
        trace_id = Empty,
    );
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(OTHER, MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let traced = traced(&request, &id, method, &route);
    if let Some(trace_id) = telemetry::trace_id(&traced) {
        span.record("trace_id", trace_id);
    }
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let client = request.extensions().get::<ClientAddress>();
    let origin = Origin {
        request_id: id.as_str().into(),
        address: client.map(|ClientAddress(address)| *address),
        client_name: None,
    };
    let step = is_step(request.uri().path());
    let user_agent = request.headers().get(header::USER_AGENT);
    let user_agent = user_agent.and_then(|value| value.to_str().ok());
    let user_agent = excerpt(user_agent.unwrap_or_default(), LOGGED_CHARACTERS).to_owned();
    let began = Instant::now();
    let served = async move {
        let mut response = next.run(request).instrument(traced.clone()).await;
        let status = response.status();
        traced.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            traced.record("otel.status_code", "ERROR");
            traced.record("error.type", display(status.as_u16()));
        }
        drop(traced);
        count(method, route, status, began);
        if step || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            tracing::info!(status = status.as_u16(), user_agent, "replied");
        } else {
            tracing::debug!(status = status.as_u16(), user_agent, "replied");
        }
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    };
    origin.within(served.instrument(span)).await
}

/// A record's address has its key, which statements do not show either.
fn without_record(path: &str) -> &str {
    path.split_inclusive("/records/").next().unwrap_or(path)
}

/// The span of the request for whoever collects traces, in the caller's trace if it
/// names one.
fn traced(request: &Request, id: &str, method: &'static str, route: &str) -> Span {
    let span = tracing::info_span!(
        target: "otel",
        "http",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        "error.type" = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = excerpt(without_record(request.uri().path()), LOGGED_CHARACTERS),
        mssql_mcp.request_id = id,
    );
    let header = |headers: &'_ HeaderMap, name| -> Option<String> {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    if !span.is_disabled() {
        let traceparent = header(request.headers(), "traceparent");
        let tracestate = header(request.headers(), "tracestate");
        let remote = Remote {
            traceparent: traceparent.as_deref(),
            tracestate: tracestate.as_deref(),
        };
        telemetry::adopt(&span, remote);
    }
    span
}

/// Methods are whatever somebody writes.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

fn count(method: &'static str, route: String, status: StatusCode, began: Instant) {
    let labels = [
        ("method", method.to_owned()),
        ("route", route),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    let labels = labels.get(..2).unwrap_or_default();
    metrics::histogram!("http_request_seconds", labels).record(began.elapsed());
}

/// The scope that the path begins with, if it does.
fn named<'a>(state: &ServerState, path: &'a str) -> Option<&'a str> {
    let first = path.split('/').nth(1)?;
    state.scope(Some(first)).map(|_| first)
}

/// Whether the request is one on a client's way to its first token: where a
/// connector does not connect, the log shows which of them never came.
fn is_step(path: &str) -> bool {
    path.contains("/.well-known/")
        || ["/register", "/authorize", "/token"]
            .iter()
            .any(|step| path.ends_with(step))
}

/// Of what anybody can send.
const LOGGED_CHARACTERS: usize = 200;
/// The route of what has none.
const OTHER: &str = "other";
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
