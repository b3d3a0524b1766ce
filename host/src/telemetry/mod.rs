//! What can be seen of the process from outside: its log, and the numbers for
//! Prometheus.

use std::env;
use std::io::{self, IsTerminal};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

/// Sends the log to stderr: stdout belongs to the command, and to the protocol
/// under `stdio`. `LOG_LEVEL` sets the level, or filters in the syntax of
/// `tracing`; `json` writes one JSON object a line.
pub fn start_log(json: bool) -> Result<(), TryInitError> {
    let wanted = env::var("LOG_LEVEL")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let filter = if wanted.is_empty() {
        DEFAULT_FILTER.to_owned()
    } else {
        wanted.replace("warning", "warn")
    };
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    if json {
        log.json().finish().try_init()
    } else {
        log.with_target(false).finish().try_init()
    }
}

/// Collects metrics from here on; the handle renders them.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .install_recorder()
}

/// `info` for us, `warn` for libraries; not the driver, which logs the text of
/// every error of the server.
const DEFAULT_FILTER: &str = "warn,tiberius=off,mssql_mcp=info,demo_sqlserver=info,guest=info";
/// From a call that never leaves memory to one at its wall limit.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
