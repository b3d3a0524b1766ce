//! The test harness: the whole product in one process, on loopback, and a
//! client that speaks plain JSON-RPC to it.

mod authorization;
mod browser;
mod client;
pub mod faulty;
mod oauth_client;
mod product;
mod signals;
mod t_sql;

pub use browser::{Browser, Page};
pub use client::{McpClient, Reply};
pub use oauth_client::{OAuthClient, VERIFIER, register as oauth_register, sign_in};
pub use product::{Product, ProductBuilder};
pub use t_sql::t_sql;

/// Gives the process cryptography: clients of HTTP want some, though all of
/// this is plain HTTP. May be called by every test.
pub fn prepare_clients() {
    // It fails where another test was first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The component whose tools misbehave.
pub const HOSTILE_GUEST: &[u8] = plugin_bundle::HOSTILE.wasm;

/// The component with the tools that the conformance suite expects.
pub const EVERYTHING_GUEST: &[u8] = include_bytes!(env!("EVERYTHING_GUEST"));

/// The hostile one, built for the world that may write.
pub const HOSTILE_WRITER: &[u8] = plugin_bundle::HOSTILE_WRITE.wasm;
