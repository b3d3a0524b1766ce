//! How messages travel. The only part of the protocol that knows HTTP.

pub mod stdio;
pub mod streamable_http;
