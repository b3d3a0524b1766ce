//! The host.

pub mod config;
pub mod mcp;
pub mod principal;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod tools;
