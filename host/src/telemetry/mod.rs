//! What can be seen of the process from outside: its log, the numbers for Prometheus,
//! and traces for a collector.

mod catalogue;
mod collector;
mod context;
mod counted;
mod figures;
mod process;
mod traces;

use std::env;
use std::io::{self, IsTerminal};

pub use catalogue::{Kind, METRICS, Metric};
pub use collector::CollectorError;
pub use context::{Remote, adopt, adopt_message, trace_id};
pub use counted::logged;
pub use figures::{Metrics, MetricsError, start_metrics};
pub use traces::{Traces, TracesError};

use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use counted::Counting;
use traces::Wanted;

/// How the log is written, unless `LOG_FORMAT` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// For programs, where nobody watches: one JSON object a line off a terminal.
    Served,
    /// A line each, for people.
    Text,
    /// The same, of a command that answers by itself: what goes wrong, and what
    /// tool sets say.
    Quiet,
    /// Errors alone; what else would be written is counted: see [`logged`].
    Counted,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One JSON object.
    Json,
    /// Text.
    Pretty,
}

/// The log, or what else can be seen of the process, is not as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is a log already.
    #[error("{0}")]
    Log(#[from] TryInitError),
    /// It is asked for in a form that there is not.
    #[error("LOG_FORMAT is \"{0}\"; it can be json or pretty")]
    Form(String),
    /// Traces.
    #[error("{0}")]
    Traces(#[from] TracesError),
}

/// Sends the log to stderr: stdout belongs to the command, and to the protocol
/// under `stdio`. `LOG_LEVEL` sets the level, or filters in the syntax of
/// `tracing`; `LOG_FORMAT` is `json` or `pretty`. With `traces`, traces go from that
/// runtime to the collector that the environment names, if it does.
///
/// # Errors
/// What is wrong with the environment; there is a log to say it in.
pub fn start_log(style: LogStyle, traces: Option<Handle>) -> Result<Option<Traces>, StartError> {
    let form = form(&env::var("LOG_FORMAT").unwrap_or_default(), style);
    let traces = match traces {
        Some(runtime) => Wanted::from_env().and_then(|wanted| {
            let wanted = wanted.map(|wanted| Traces::start(wanted, runtime));
            wanted.transpose()
        }),
        None => Ok(None),
    };
    let filter = filter(
        &env::var("LOG_LEVEL").unwrap_or_default(),
        style == LogStyle::Quiet,
    );
    let lines = lines(style, *form.as_ref().unwrap_or(&Form::Pretty));
    match &traces {
        // A filter for all: what it does not let through costs next to nothing.
        Err(_) | Ok(None) => Registry::default().with(lines).with(filter).try_init()?,
        Ok(Some(traces)) => {
            let lines = lines.with_filter(filter);
            let both = Registry::default().with(lines).with(traces.layer());
            both.try_init()?;
        }
    }
    form?;
    Ok(traces?)
}

/// What writes the lines.
fn lines<S>(style: LogStyle, form: Form) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(form == Form::Pretty && io::stderr().is_terminal());
    match (style, form) {
        (LogStyle::Counted, _) => lines.with_target(false).with_writer(Counting).boxed(),
        (_, Form::Json) => lines.json().boxed(),
        (_, Form::Pretty) => lines.with_target(false).boxed(),
    }
}

/// What `wanted` asks for, or what is usual in that style.
fn form(wanted: &str, style: LogStyle) -> Result<Form, StartError> {
    match wanted {
        "" if style == LogStyle::Served && !io::stderr().is_terminal() => Ok(Form::Json),
        "" | "pretty" => Ok(Form::Pretty),
        "json" => Ok(Form::Json),
        other => Err(StartError::Form(other.to_owned())),
    }
}

/// What `wanted` asks for, or the default. Audit lines are told whatever the
/// level, but by a quiet command; who does not want them says `audit=off`.
fn filter(wanted: &str, quiet: bool) -> EnvFilter {
    let wanted = wanted.to_ascii_lowercase().replace("warning", "warn");
    let default = if quiet { QUIET_FILTER } else { DEFAULT_FILTER };
    let audit = if quiet { "audit=off" } else { AUDIT };
    let wanted = if wanted.is_empty() { default } else { &wanted };
    // Spans for traces are no lines.
    EnvFilter::try_new(format!("{audit},{wanted},otel=off"))
        .unwrap_or_else(|_| EnvFilter::new(format!("{audit},{default},otel=off")))
}

/// `info` for us, `warn` for libraries; not the driver, which logs the text of
/// every error of the server.
const DEFAULT_FILTER: &str = "warn,tiberius=off,mssql_mcp=info,demo_sqlserver=info,guest=info";
const QUIET_FILTER: &str = "warn,tiberius=off,guest=info";
const AUDIT: &str = "audit=info";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_is_told_at_every_level_unless_it_is_switched_off() {
        for (wanted, told) in [
            ("", true),
            ("error", true),
            ("Warning", true),
            ("what is this?", true),
            ("info,audit=off", false),
        ] {
            let log = tracing_subscriber::fmt().with_env_filter(filter(wanted, false));
            let _log = log.with_writer(io::sink).set_default();
            let enabled = tracing::enabled!(target: "audit", tracing::Level::INFO);
            assert_eq!(enabled, told, "{wanted}");
        }
    }

    #[test]
    fn spans_for_traces_are_no_part_of_the_log_whatever_is_asked_for() {
        for wanted in ["", "trace", "trace,otel=trace"] {
            let log = tracing_subscriber::fmt().with_env_filter(filter(wanted, false));
            let _log = log.with_writer(io::sink).set_default();
            let span = tracing::info_span!(target: "otel", "http");
            assert!(span.is_disabled(), "{wanted}");
        }
    }

    #[test]
    fn the_form_of_the_log_is_what_is_asked_for_or_what_is_usual() {
        for (wanted, style, expected) in [
            ("json", LogStyle::Text, Form::Json),
            ("pretty", LogStyle::Served, Form::Pretty),
            ("", LogStyle::Text, Form::Pretty),
            ("", LogStyle::Quiet, Form::Pretty),
        ] {
            assert_eq!(form(wanted, style).unwrap(), expected, "{wanted} {style:?}");
        }
        let said = form("xml", LogStyle::Served).unwrap_err().to_string();
        assert!(said.contains("json or pretty"), "{said}");
    }
}
