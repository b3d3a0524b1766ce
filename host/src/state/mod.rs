//! What outlives a request or a process.

mod key;

pub use key::{HostKey, KeyError};
