//! How messages travel. The only part of the protocol that knows HTTP.

mod http_error;
pub mod stdio;
pub mod streamable_http;

pub use http_error::HttpError;
