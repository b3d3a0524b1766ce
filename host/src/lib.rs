//! Serves SQL Server to MCP clients through sandboxed WebAssembly tool sets.
//!
//! # One call, from socket to row and back
//!
//! ```text
//! TCP (nodelay) → server::connections, with server::tls where it is configured
//!   → server::edge                   whose request, from where, for which scope
//!   → server::router                 request id, Host and Origin, every address on one screen
//!   → server::endpoint               path → McpScope                      404
//!   → oauth::bearer                  token → Principal                    401 before anything else
//!   → mcp::transport                 bytes → one message and its revision 400, 405, 413, 415
//!   → mcp::dispatch                  method → tools/call(name, arguments), still raw JSON
//!   → tools::registry                name → tool set; arguments against the schema
//!   → runtime::call                  place in the bulkhead → fresh store → guest `call`
//!        → guest → runtime::host::database
//!             → database::guard      read-only rule                       denied, before the server hears of it
//!             → database::policy     the scope's tables, masks in place   denied likewise
//!             → database::manager    a connection of the scope's pool
//!             → sp_executesql        never a batch
//!             → database::cursor     rows, as they are asked for
//!        ← guest: JSON, or the cursor itself
//!      with the cursor, database::json encodes TDS → JSON into one buffer of at most max_bytes
//!   ← runtime::reply, runtime::problem   output; or trap, deadline, memory as one stable sentence
//!   ← mcp::tools::result             written once as structuredContent and once, escaped, as text
//! ```
//!
//! Each arrow is one translation, in the file that it names. [`app`] builds the
//! parts from [`config`]; [`cli`] starts them.

pub mod app;
pub mod audit;
mod buckets;
pub mod cli;
mod client_tls;
pub mod clock;
pub mod config;
pub mod database;
mod entries;
pub mod entropy;
mod excerpt;
mod handover;
pub mod http_error;
mod json_value;
pub mod mcp;
pub mod oauth;
pub mod operator;
pub mod principal;
pub mod runtime;
pub mod server;
pub mod state;
pub mod tally;
pub mod telemetry;
pub mod tools;
