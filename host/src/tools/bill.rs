//! What one call cost: for figures, for the log, and for the caller who asks.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The bill of one call. Times are in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// SHA-256 of the component that was called, in hexadecimal.
    #[serde(serialize_with = "as_text")]
    pub digest: Arc<str>,
    /// From the end of the queue to the end of the call.
    pub wall_us: u64,
    /// CPU time of the component and of what the host did for it.
    pub cpu_us: u64,
    /// Waiting for a place.
    pub queue_us: u64,
    /// Making the instance.
    pub instantiation_us: u64,
    /// Waiting for the database, its own queue included.
    pub database_us: u64,
    /// Largest memory of the component, in bytes.
    pub memory_bytes: u64,
    /// Rows read.
    pub rows: u64,
    /// Bytes of the values in them, as encoded.
    pub bytes: u64,
}

impl Bill {
    /// Where a result carries it (`_meta` of a `tools/call`, if the request's
    /// `_meta` has this key with the value `true`).
    pub const META_KEY: &'static str = "mssql-mcp/bill";
}

fn as_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// In whole microseconds.
pub fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
