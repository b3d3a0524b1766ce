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
mod engine;
mod error;
mod host;
mod job;
mod limits;
mod load;
mod manifest;
mod offers;
mod problem;
mod question;
mod reply;
mod state;
mod threads;
mod tool_set;

pub use engine::Runtime;
pub use error::{LoadError, RuntimeError};
pub use limits::Limits;
pub use load::Component;
pub use problem::from_database as database_problem;
pub use tool_set::{Grants, WasmToolSet};
