//! The host.

pub mod database;
pub mod principal;
