//! The product from outside, one process, one binary.

mod attacks;
mod audit;
mod contract;
mod errors;
mod faults;
mod guard;
mod hard_tables;
mod large_results;
mod log_ins;
mod metrics;
mod oauth;
mod operator;
mod pages;
mod policy;
mod queries;
mod reconfigure;
mod records;
mod reload;
mod results;
mod row_security;
mod rust_client;
mod sample_script;
mod sandbox;
mod search;
mod templates;
mod tools;
mod values;
mod writes;

#[cfg(feature = "outside")]
mod outside;
