//! What a database label of a scope stands for: where it is, how to log in,
//! and what one statement may cost.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::context::SessionContext;
use super::entra::TokenSource;
use super::error::Error;

/// One configured database: address, log-in, encryption and pool.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port; ignored where `instance` is set.
    pub port: u16,
    /// Named instance, found through SQL Server Browser (UDP 1434).
    pub instance: Option<String>,
    /// Database of the log-in.
    pub database: String,
    /// SQL Server log-in.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Access tokens in place of both.
    pub entra: Option<TokenSource>,
    /// How much of the traffic TLS covers.
    pub encrypt: Encrypt,
    /// Accept any certificate. Excludes `ca_file` and `ca_pem`.
    pub trust_server_certificate: bool,
    /// PEM or DER file of a certificate authority to trust as well.
    pub ca_file: Option<PathBuf>,
    /// The same, as PEM text.
    pub ca_pem: Option<Vec<u8>>,
    /// `ApplicationIntent=ReadOnly`: may be routed to a readable secondary.
    pub application_intent_read_only: bool,
    /// Shown in `sys.dm_exec_sessions.program_name`.
    pub application_name: String,
    /// Reads only: statements pass the guard and are rolled back, and
    /// [`Database::execute`](super::Database::execute) refuses.
    pub read_only: bool,
    /// With `read_only`: statements run even if the log-in could write.
    pub allow_writable_login: bool,
    /// What the server is told of who asks; `None`: nothing.
    pub session_context: Option<SessionContext>,
    /// Pool of connections.
    pub pool: PoolConfig,
}

/// `Encrypt` of a connection string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypt {
    /// TLS for everything, negotiated in PRELOGIN (TDS 7.4).
    Required,
    /// TLS before anything else (TDS 8.0).
    Strict,
    /// TLS for the log-in packet alone.
    LoginOnly,
    /// No TLS.
    Off,
}

/// Size and patience of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolConfig {
    /// Most connections, at least 1.
    pub max: u32,
    /// How long a call waits for a connection before it is told `busy`.
    pub acquire_timeout: Duration,
    /// A connection is not reused past this age.
    pub max_lifetime: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max: 10,
            acquire_timeout: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(30 * 60),
        }
    }
}

/// What one statement may cost; the options of a query only lower it.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Rows of a result.
    pub max_rows: u64,
    /// Bytes of a result's JSON, or of the cells of typed rows.
    pub max_bytes: usize,
    /// Bytes of one cell; longer text and binary is cut.
    pub max_cell: usize,
    /// Wall time of a statement, from sending it to its last row.
    pub timeout: Duration,
    /// Rows that [`Database::execute`](super::Database::execute) may change.
    pub max_rows_affected: u64,
    /// How binary values are written in JSON.
    pub binary: Binary,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            max_rows: 1_000,
            max_bytes: 128 * 1024,
            max_cell: 64 * 1024,
            timeout: Duration::from_secs(30),
            max_rows_affected: 1_000,
            binary: Binary::Base64,
        }
    }
}

/// JSON form of `binary`, `varbinary` and `image`. CLR types and `rowversion`
/// are hexadecimal whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// RFC 4648 §4, with padding.
    Base64,
    /// `0x` and upper-case digits, as SQL Server writes it.
    Hex,
}

impl DatabaseConfig {
    /// Refuses what the driver and the pool would answer with a panic.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let fault = if self.trust_server_certificate
            && (self.ca_file.is_some() || self.ca_pem.is_some())
        {
            "trust_server_certificate and a certificate authority exclude each other; keep one"
        } else if self.host.is_empty() {
            "the host of a database is empty; set `host`"
        } else if self.pool.max == 0 {
            "a pool needs at least one connection; raise `pool.max`"
        } else if self.pool.acquire_timeout.is_zero() || self.pool.max_lifetime.is_zero() {
            "pool times of zero admit nobody; raise `pool.acquire_timeout` and `pool.max_lifetime`"
        } else {
            return Ok(());
        };
        Err(Error::Other(fault.to_owned()))
    }
}
