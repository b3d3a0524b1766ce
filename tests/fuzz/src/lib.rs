//! What the fuzz targets do with an input. `just fuzz` makes inputs; `cargo test` takes
//! those that were kept.

// What a fuzzer finds is a panic.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a set-up that fails, and whatever is found, ends the process"
)]

mod atoms;
mod fixture;
pub mod guard;
pub mod requests;
