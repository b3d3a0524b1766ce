//! How messages travel. The only part of the protocol that knows HTTP.

mod event;
mod sse;
pub mod stdio;
pub mod streamable_http;
