//! The host.

pub mod config;
pub mod principal;

pub mod tools;
