//! What the operating system tells of this process: memory, processor time. Where it
//! does not tell, that is not judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bytes of memory that the process has now.
pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Processor time of all its threads so far.
#[cfg(unix)]
pub(super) fn processor() -> Option<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(now.tv_nsec).ok()?))
}

#[cfg(not(unix))]
pub(super) fn processor() -> Option<Duration> {
    None
}

/// The most memory since it began to look.
pub(super) struct Peak {
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    looking: Option<JoinHandle<()>>,
}

impl Peak {
    pub(super) fn begin() -> std::io::Result<Self> {
        let (most, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (seen, stopped) = (Arc::clone(&most), Arc::clone(&stop));
        let looking = thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    seen.fetch_max(resident().unwrap_or_default(), Ordering::Relaxed);
                    thread::sleep(BETWEEN_LOOKS);
                }
            })?;
        Ok(Self {
            most,
            stop,
            looking: Some(looking),
        })
    }

    pub(super) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(looking) = self.looking.take() {
            let _ = looking.join();
        }
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
