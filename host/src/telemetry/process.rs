//! What the process itself is: measured when somebody asks.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// When the process started, as far as it is known: at the first call.
pub(super) fn started() -> f64 {
    static STARTED: OnceLock<f64> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    })
}

/// Sets the metrics of the process.
pub(super) fn measure() {
    metrics::gauge!("mssql_mcp_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    metrics::gauge!("process_start_time_seconds").set(started());
    #[cfg(unix)]
    {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let seconds = u64::try_from(used.tv_sec).unwrap_or_default();
        metrics::counter!("process_cpu_seconds_total").absolute(seconds);
    }
    if let Some(kibibytes) = resident() {
        metrics::gauge!("process_resident_memory_bytes").set(f64::from(kibibytes) * 1024.0);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let count = u32::try_from(open.count()).unwrap_or(u32::MAX);
        metrics::gauge!("process_open_fds").set(count);
    }
}

/// In KiB, where the system tells.
fn resident() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
