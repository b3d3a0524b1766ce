//! A small SQL Server for demonstrations and tests: MS-TDS on a loopback
//! socket over SQLite, so that they use the driver, the pool and the
//! cancellation that production uses. A stage, not a product.

mod backend;
pub mod catalog;
mod certificate;
mod demo;
pub mod engine;
pub mod sample;
pub mod schema;
mod server;
mod session;
mod tds;
mod value;

pub use backend::{Backend, BackendSession, Interrupter, LogIn};
pub use demo::{Account, DemoServer, StartError};
pub use server::{Event, Server, ServerConfig, Tls};
pub use value::{Column, Flow, Length, Parameter, Sink, SqlError, SqlType, Udt, Value};
