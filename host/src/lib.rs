//! The host.

pub mod principal;

pub mod tools;
