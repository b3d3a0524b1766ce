//! The host.

pub mod config;
pub mod principal;
pub mod state;
pub mod telemetry;

pub mod tools;
