//! The span of a statement for whoever collects traces, by the conventions of
//! OpenTelemetry for databases. Never a literal, never a log-in.

use tracing::Span;
use tracing::field::{Empty, display};

use super::config::DatabaseConfig;
use super::error::{Error, LimitKind};
use super::guard;

/// Which database it is, as spans name it.
pub(super) struct Named {
    database: String,
    host: String,
    port: Option<u16>,
    instance: Option<String>,
}

impl Named {
    pub(super) fn new(config: &DatabaseConfig) -> Self {
        Self {
            database: config.database.clone(),
            host: config.host.clone(),
            port: config.instance.is_none().then_some(config.port),
            instance: config.instance.as_deref().map(str::to_ascii_lowercase),
        }
    }

    pub(super) fn is_same_database(&self, other: &Self) -> bool {
        self.database.to_lowercase() == other.database.to_lowercase()
    }

    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        (
            self.host.eq_ignore_ascii_case(&other.host),
            self.port,
            &self.instance,
        ) == (true, other.port, &other.instance)
    }

    /// The span of one run of `sql`.
    pub(super) fn statement(&self, sql: &str) -> Span {
        if !tracing::enabled!(target: "otel", tracing::Level::INFO) {
            return Span::none();
        }
        let normal = guard::normal(sql);
        let verb = normal.text.split_whitespace().next().unwrap_or("…");
        let verb = verb.to_ascii_uppercase();
        let mut summary = verb.clone();
        for table in &normal.tables {
            summary.push(' ');
            summary.push_str(table);
        }
        tracing::info_span!(
            target: "otel",
            "sql",
            otel.name = &*summary,
            otel.kind = "client",
            otel.status_code = Empty,
            "error.type" = Empty,
            db.system.name = "microsoft.sql_server",
            db.namespace = &*self.database,
            db.operation.name = verb,
            db.query.summary = &*summary,
            db.query.text = normal.text,
            db.response.returned_rows = Empty,
            db.response.status_code = Empty,
            server.address = &*self.host,
            server.port = self.port,
        )
    }
}

/// Notes how many rows were read.
pub(super) fn read(span: &Span, rows: u64) {
    span.record("db.response.returned_rows", rows);
}

/// Notes why the statement came to nothing.
pub(super) fn failed(span: &Span, error: &Error) {
    if span.is_disabled() {
        return;
    }
    span.record("otel.status_code", "ERROR");
    if let Error::Server(error) = error {
        span.record("db.response.status_code", display(error.number));
        span.record("error.type", display(error.number));
        return;
    }
    span.record("error.type", kind(error));
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Limit(LimitKind::Time) => "timeout",
        Error::Limit(_) => "limit",
        Error::Busy => "busy",
        Error::Unavailable(_) => "unavailable",
        Error::Cancelled => "cancelled",
        Error::Unsupported(_) => "unsupported",
        Error::Withheld(_) => "withheld",
        _ => "_OTHER",
    }
}
