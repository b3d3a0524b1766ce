//! The engine: what WebAssembly may use here, the pools its instances live in,
//! and the clock that takes control back from a guest.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::bindings::Everything;
use super::error::RuntimeError;
use super::limits::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLES};
use super::state::{HostState, StoreState};
use super::threads::GuestThreads;

/// The process's sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) linker: Arc<Linker<StoreState>>,
    pub(super) threads: Arc<GuestThreads>,
    pub(super) reservation: Reservation,
    capacity: Capacity,
}

impl Runtime {
    /// Starts engine and threads. `memory` is the most that one call of any
    /// scope may use, in bytes; `calls` how many may run at once in all scopes.
    pub fn start(memory: usize, calls: u32) -> Result<Self, RuntimeError> {
        let (engine, reservation) = engine(memory, calls).map_err(RuntimeError::Engine)?;
        let threads = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        start_ticker(&engine)?;
        Ok(Self {
            linker: Arc::new(linker(&engine).map_err(RuntimeError::Engine)?),
            threads: Arc::new(GuestThreads::start(threads)?),
            capacity: Capacity { memory, calls },
            reservation,
            engine,
        })
    }

    /// What calls of all scopes together can be given.
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }
}

/// What an engine was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes that one call may use.
    pub memory: usize,
    /// Calls that run at once.
    pub calls: u32,
}

/// Address space of each memory in bytes, where it is less than the usual 4 GiB.
/// Part of what native code is compiled for.
pub(super) type Reservation = Option<u64>;

/// Reserves 4 GiB of address space a memory, so that guest code needs no bounds
/// checks; where the machine has not that much, slots as large as the limit.
fn engine(memory: usize, calls: u32) -> wasmtime::Result<(Engine, Reservation)> {
    let pooled = |reservation| {
        let mut config = code_settings(reservation);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(memory, calls)));
        Engine::new(&config).map(|engine| (engine, reservation))
    };
    pooled(None).or_else(|error| {
        tracing::warn!(%error, "little address space: tool sets run with bounds checks");
        pooled(Some(memory as u64))
    })
}

/// An engine that compiles for those of [`Runtime`] and runs nothing: it reserves
/// no memory.
pub(super) fn compiling_engine(reservation: Reservation) -> wasmtime::Result<Engine> {
    Engine::new(&code_settings(reservation))
}

/// All that decides about native code.
fn code_settings(reservation: Reservation) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false);
    if let Some(bytes) = reservation {
        config.memory_reservation(bytes).memory_guard_size(64 << 10);
    }
    config
}

fn pool(memory: usize, calls: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        // As many of each as one component may have, so that a place is a place
        // whatever runs in it.
        .total_core_instances(calls.saturating_mul(as_u32(MAX_CORE_INSTANCES)))
        .total_memories(calls.saturating_mul(as_u32(MAX_MEMORIES)))
        .total_tables(calls.saturating_mul(as_u32(MAX_TABLES)))
        .total_stacks(calls)
        .max_core_instances_per_component(as_u32(MAX_CORE_INSTANCES))
        .max_memories_per_component(as_u32(MAX_MEMORIES))
        .max_tables_per_component(as_u32(MAX_TABLES))
        .max_memory_size(memory)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        // Whoever used it gives it back: collected, sixteen memories of 60 MiB stay
        // for ever where nobody calls any more, and else somebody's small call pays.
        .decommit_batch_size(1)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(32);
    pool
}

/// One linker for both worlds. What a read-only scope may not have is refused
/// by the component's type before it comes to linking.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<StoreState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Everything::add_to_linker::<_, HostState>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Advances the epoch every [`TICK`] until the engine is gone. A thread of its
/// own: on a runtime it would wait for the very guests it interrupts.
fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
    Ok(())
}

fn as_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// How often a running guest gives control back.
const TICK: Duration = Duration::from_millis(10);
