//! The host.

pub mod principal;
