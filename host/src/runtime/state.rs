//! What one store holds: the state of one call, and what its host functions
//! may reach.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::host::log::{GuestLog, Output};
use super::limits::MemoryMeter;
use super::meter::Meter;
use super::tool_set::ToolSetScope;
use crate::tools::{Access, CallContext};

/// The `T` of `Store<T>`.
pub(super) struct StoreState {
    wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) memory: MemoryMeter,
    pub(super) log: GuestLog,
    pub(super) scope: Arc<ToolSetScope>,
    pub(super) phase: Phase,
    pub(super) meter: Arc<Meter>,
    /// Whether a cursor is open: a call holds one connection at a time, or
    /// calls that hold one and open another deadlock the pool.
    pub(super) cursor_open: bool,
    /// Whether a database did not answer. It outlives the store, where time ran out.
    pub(super) away: Arc<AtomicBool>,
}

/// What the guest is running for.
pub(super) enum Phase {
    /// `describe`: every import of ours traps but `config` and `log`.
    Describe,
    /// A call.
    Call {
        context: CallContext,
        deadline: Instant,
        /// The right that was asked of the caller.
        access: Access,
    },
}

/// The view that host functions get of a store: all of it, one type.
pub(super) struct HostState;

impl HasData for HostState {
    type Data<'a> = &'a mut StoreState;
}

impl StoreState {
    pub(super) fn new(scope: Arc<ToolSetScope>, phase: Phase, meter: Arc<Meter>) -> Self {
        let log = GuestLog::new(Arc::clone(&scope), &phase);
        let mut table = ResourceTable::new();
        table.set_max_capacity(scope.limits.handles);
        Self {
            wasi: nothing_behind_it(&log),
            table,
            memory: MemoryMeter::new(scope.limits.memory, Arc::clone(&meter)),
            log,
            scope,
            phase,
            meter,
            cursor_open: false,
            away: Arc::default(),
        }
    }

    /// The running call, or the trap that ends a `describe` which reaches for
    /// more than `config` and `log`.
    pub(super) fn call(&self) -> wasmtime::Result<(&CallContext, Instant)> {
        match &self.phase {
            Phase::Call {
                context, deadline, ..
            } => Ok((context, *deadline)),
            Phase::Describe => Err(wasmtime::format_err!(
                "only config and log may be used in describe()"
            )),
        }
    }

    /// Whether the running call is one of a tool that writes: only for those
    /// was the caller asked for `mcp:write`.
    pub(super) fn may_write(&self) -> bool {
        matches!(
            self.phase,
            Phase::Call {
                access: Access::Write,
                ..
            }
        )
    }
}

impl WasiView for StoreState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// WASI without a world: no files, environment, arguments or sockets. Clocks
/// and random numbers work, because the start-up of guests needs them.
fn nothing_behind_it(log: &GuestLog) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(log.stream(Output::Stdout))
        .stderr(log.stream(Output::Stderr))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(64 << 10)
        .build()
}
