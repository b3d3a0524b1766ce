//! Tool set `__NAME__`: what customers ordered.
//!
//! A tool is a type with typed arguments; their comments are what a model reads.

mod order;
mod orders_of;

use mssql_mcp_sdk::{Host, ToolSet};

use crate::order::OrderTool;
use crate::orders_of::OrdersOf;

/// The tools, in the order they are listed.
pub fn tool_set<H: Host + 'static>() -> ToolSet<H> {
    ToolSet::new("__NAME__", env!("CARGO_PKG_VERSION"))
        .description("What customers ordered.")
        .instructions("Orders of the sample company: orders_of lists them, order opens one.")
        .tool(OrdersOf)
        .tool(OrderTool)
}

mssql_mcp_sdk::export!(tool_set);

#[cfg(test)]
mod tests;
