//! The host's imports, one file an interface. Each is the generated `Host`
//! trait on the state of a store.
//!
//! Errors that a guest should see are values of the contract. An `Err` of
//! wasmtime's is a trap: the guest broke a rule, or the host has a bug.

mod cache;
mod call;
mod config;
mod convert;
mod database;
pub(super) mod log;
mod seal;

pub use cache::GuestCache;
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub use database::GuestCursor;
pub(super) use database::to_contract;
pub(super) use seal::Sealer;
