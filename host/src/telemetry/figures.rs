//! The numbers for Prometheus: collected from the start, and kept small.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use super::{catalogue, process};

/// What was collected so far. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// The numbers cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Something else of this process collects already.
    #[error("metrics cannot be collected: {0}")]
    Build(#[from] BuildError),
    /// No thread to keep them small with.
    #[error("metrics cannot be collected: {0}")]
    Thread(#[from] io::Error),
}

impl Metrics {
    /// All of them, in Prometheus' text format.
    pub fn render(&self) -> String {
        process::measure();
        self.0.render()
    }
}

/// Collects metrics from here on; what counts before goes nowhere. The same again
/// when it is asked for again.
///
/// # Errors
/// Another recorder is there, or there is no thread.
pub fn start_metrics() -> Result<Metrics, MetricsError> {
    static STARTED: Mutex<Option<Metrics>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(metrics) = &*started {
        return Ok(metrics.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES)?
        // Those of scopes and databases that are gone are not told for ever.
        .idle_timeout(MetricKindMask::GAUGE, Some(FORGOTTEN))
        .install_recorder()?;
    process::started();
    catalogue::describe();
    let upkeep = handle.clone();
    // What is recorded waits until somebody sorts it into buckets; without this it
    // would wait, and grow, until the next scrape.
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                upkeep.run_upkeep();
            }
        })?;
    Ok(started.insert(Metrics(handle)).clone())
}

/// Every gauge is set at each scrape, and a scrape is rarer than this nowhere.
const FORGOTTEN: Duration = Duration::from_secs(600);
const UPKEEP: Duration = Duration::from_secs(5);
/// From a small Rust guest to the usual limit and beyond.
const BYTES: &[f64] = &[1e6, 2e6, 4e6, 8e6, 16e6, 32e6, 64e6, 128e6, 256e6, 1e9];
/// From a call that never leaves memory to one at its wall limit.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
