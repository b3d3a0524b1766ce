//! Addresses, and the protocol behind them, through the real router.

mod addresses;
mod asking;
mod bodies;
mod catalogue;
mod ladder;
mod legacy;
mod results;
mod streams;
mod tokens;

use serde_json::{Value, json};

use crate::server::testing::Reply;

/// A modern request body; `params` gets the claims.
fn modern(method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

/// The JSON-RPC error code, 0 for none.
fn code(reply: &Reply) -> i64 {
    if reply.text.is_empty() {
        return 0;
    }
    reply.json()["error"]["code"].as_i64().unwrap_or(0)
}
