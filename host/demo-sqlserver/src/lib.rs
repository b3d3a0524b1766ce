//! A small SQL Server for demonstrations and tests: MS-TDS on a loopback
//! socket over SQLite, so that they use the driver, the pool and the
//! cancellation that production uses. A stage, not a product.

pub mod catalog;
pub mod engine;
pub mod sample;
pub mod schema;
mod value;

pub use value::{Column, Flow, Length, Parameter, Sink, SqlError, SqlType, Udt, Value};
