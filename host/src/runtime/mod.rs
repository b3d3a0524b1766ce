//! The sandbox: tool sets as WebAssembly components. The only module that
//! names wasmtime.
//!
//! [`Runtime`] is one per process: engine, pools, threads. [`Component`] is a
//! file, validated and compiled, shared by every scope that uses it.
//! [`WasmToolSet`] is a component bound to one scope's databases, settings and
//! limits; it implements [`crate::tools::ToolProvider`]. Every call runs in a
//! store of its own, which is gone when the call ends.

mod bindings;
mod call;
mod compile;
mod engine;
mod error;
mod figures;
mod held;
mod host;
mod job;
mod limits;
mod load;
mod manifest;
mod meter;
mod offers;
mod places;
mod problem;
mod question;
mod reply;
mod share;
mod state;
mod threads;
mod tool_set;
mod traced;

pub(crate) use compile::WALL_TO_CPU;
pub use compile::{
    COMPILE_COMMAND, CompileLimits, Compiled, Compiler, NativeCache, Place, compile_here, sha256,
};
pub use engine::{Capacity, Runtime};
pub use error::{LoadError, RuntimeError};
pub use host::GuestCache;
pub use limits::Limits;
pub use load::Component;
pub use places::Places;
pub use problem::{from_database as database_problem, not_noted};
pub use tool_set::{Grants, WasmToolSet};
