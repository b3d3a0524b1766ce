//! The HTTP server: who is let in, what is at which address, and how it stops.

mod address;
mod bearer;
mod connections;
mod cors;
mod edge;
mod endpoint;
mod environment_path;
mod guard;
mod health;
mod metrics;
mod pages;
mod records;
mod request_id;
mod revocable;
mod router;
mod security_headers;
mod state;
#[cfg(test)]
pub(crate) mod testing;
mod tls;

pub use bearer::Authentication;
pub(crate) use connections::http_1_builder;
pub use connections::{serve, serve_metrics};
pub use edge::{Edge, EdgeRules};
pub(crate) use edge::{FORWARDING, denied};
pub use guard::{GuardError, HostGuard};
pub use health::{Check, Health, HealthReport, ScopeHealth, Status};
pub use metrics::RenderMetrics;
pub(crate) use request_id::RequestIds;
pub use router::router;
pub(crate) use security_headers::add as add_security_headers;
pub use state::{ServerConfig, ServerError, ServerState};
pub use tls::{Tls, TlsError, TlsFiles};
