//! What can be seen of the process from outside: its log, and the numbers for
//! Prometheus.

mod counted;

use std::env;
use std::io::{self, IsTerminal};

pub use counted::logged;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

use counted::Counting;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// One JSON object a line, for programs.
    Json,
    /// A line each, for people.
    Text,
    /// The same, of a command that answers by itself: what goes wrong, and what
    /// tool sets say.
    Quiet,
    /// Errors alone; what else would be written is counted: see [`logged`].
    Counted,
}

/// Sends the log to stderr: stdout belongs to the command, and to the protocol
/// under `stdio`. `LOG_LEVEL` sets the level, or filters in the syntax of
/// `tracing`.
pub fn start_log(style: LogStyle) -> Result<(), TryInitError> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(
            &env::var("LOG_LEVEL").unwrap_or_default(),
            style == LogStyle::Quiet,
        ))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match style {
        LogStyle::Json => log.json().finish().try_init(),
        LogStyle::Text | LogStyle::Quiet => log.with_target(false).finish().try_init(),
        LogStyle::Counted => log
            .with_target(false)
            .with_writer(Counting)
            .finish()
            .try_init(),
    }
}

/// What `wanted` asks for, or the default. Audit lines are told whatever the
/// level, but by a quiet command; who does not want them says `audit=off`.
fn filter(wanted: &str, quiet: bool) -> EnvFilter {
    let wanted = wanted.to_ascii_lowercase().replace("warning", "warn");
    let default = if quiet { QUIET_FILTER } else { DEFAULT_FILTER };
    let audit = if quiet { "audit=off" } else { AUDIT };
    let wanted = if wanted.is_empty() { default } else { &wanted };
    EnvFilter::try_new(format!("{audit},{wanted}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("{audit},{default}")))
}

/// Collects metrics from here on; the handle renders them.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES)?
        .install_recorder()
}

/// `info` for us, `warn` for libraries; not the driver, which logs the text of
/// every error of the server.
const DEFAULT_FILTER: &str = "warn,tiberius=off,mssql_mcp=info,demo_sqlserver=info,guest=info";
const QUIET_FILTER: &str = "warn,tiberius=off,guest=info";
const AUDIT: &str = "audit=info";
/// From a small Rust guest to the usual limit and beyond.
const BYTES: &[f64] = &[1e6, 2e6, 4e6, 8e6, 16e6, 32e6, 64e6, 128e6, 256e6, 1e9];
/// From a call that never leaves memory to one at its wall limit.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

#[cfg(test)]
mod tests {
    use tracing_subscriber::util::SubscriberInitExt;

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
}
