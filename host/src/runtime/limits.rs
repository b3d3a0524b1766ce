//! What a scope lets one call of a tool set and all of them together use, and the meter
//! for memory.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::compile::CompileLimits;
use super::meter::Meter;

/// Limits of one scope; every one of them is enforced.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of all linear memories and tables of one call, and of what the
    /// host holds for it.
    pub memory: usize,
    /// CPU time of one call: the thread's clock around each poll of it.
    pub cpu: Duration,
    /// Time from the end of the queue to the last row of the reply, database
    /// included. Waiting in the queue takes as long at most.
    pub wall: Duration,
    /// Calls of the tool set that run at once.
    pub concurrency: usize,
    /// Calls of it that wait for a place; above that they are turned away.
    pub queue: usize,
    /// Bytes of one result and of one argument of a host call.
    pub transfer: usize,
    /// Bytes that one call may log, stdout and stderr included.
    pub log: usize,
    /// Bytes of the tool set's cache, of all callers.
    pub cache: u64,
    /// Handles that one call may hold: cursors, streams, pollables, on either side.
    pub handles: usize,
    /// What compiling the tool set may take.
    pub compile: CompileLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(60),
            concurrency: 16,
            queue: 64,
            transfer: 4 << 20,
            log: 16 << 10,
            cache: 16 << 20,
            handles: 1_000,
            compile: CompileLimits::default(),
        }
    }
}

/// Sums what wasmtime's own limiter counts per memory: all linear memories
/// and tables of a store against one number.
#[derive(Debug)]
pub(super) struct MemoryMeter {
    limit: usize,
    used: usize,
    exceeded: bool,
    meter: Arc<Meter>,
}

impl MemoryMeter {
    pub(super) fn new(limit: usize, meter: Arc<Meter>) -> Self {
        Self {
            limit,
            used: 0,
            exceeded: false,
            meter,
        }
    }

    /// Whether the guest died of this limit.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// The limit, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a host buffer of `bytes` for this call fits beside its memory.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.exceeded = true;
            // A trap rather than a failed `memory.grow`: guests abort on that
            // anyway, after a detour through their panic machinery.
            return Err(wasmtime::format_err!(
                "memory limit of {} bytes exceeded",
                self.limit
            ));
        }
        self.used = used;
        self.meter.memory(used);
        Ok(true)
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(current, desired)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let bytes = |elements: usize| elements.saturating_mul(size_of::<usize>());
        self.grow(bytes(current), bytes(desired))
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }
}

/// Core instances of one component. Components made from Python or JavaScript
/// consist of some twenty; the engine's default is 10 000.
pub(super) const MAX_CORE_INSTANCES: usize = 64;
/// Linear memories of one component: address space is reserved for each, and the
/// languages of the kit need one or two.
pub(super) const MAX_MEMORIES: usize = 4;
/// Tables of one component.
pub(super) const MAX_TABLES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed_not_judged_one_by_one() {
        let mut meter = MemoryMeter::new(100, Arc::default());
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.fits(40) && !meter.fits(41));
        assert!(meter.memory_growing(0, 41, None).is_err());
        assert!(meter.exceeded());
    }

    #[test]
    fn growth_beyond_a_modules_own_maximum_is_refused_without_blame() {
        let mut meter = MemoryMeter::new(1000, Arc::default());
        assert!(!meter.memory_growing(0, 60, Some(50)).unwrap());
        assert!(!meter.exceeded());
    }
}
