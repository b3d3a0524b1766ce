//! The product from outside, one process, one binary.

mod attacks;
mod contract;
mod errors;
mod large_results;
mod oauth;
mod policy;
mod queries;
mod reload;
mod rust_client;
mod sandbox;
mod search;
mod templates;
mod tools;
mod writes;

#[cfg(feature = "outside")]
mod outside;
