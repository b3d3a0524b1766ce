//! `[databases.LABEL]`: a SQL Server and the log-in for it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ConfigError;

/// `[databases.LABEL]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSection {
    /// Name or address; `host\instance` asks the SQL Server Browser for the port.
    pub host: String,
    /// Port, 1433 where neither it nor an instance is given.
    pub port: Option<u16>,
    /// Database name.
    pub database: String,
    /// SQL Server log-in.
    pub user: String,
    /// Its password, or …
    pub password: Option<SecretString>,
    /// … the file that holds it.
    pub password_file: Option<PathBuf>,
    /// What of the connection is encrypted.
    #[serde(default)]
    pub encrypt: Encrypt,
    /// Accept any certificate.
    #[serde(default)]
    pub trust_server_certificate: bool,
    /// PEM file of the authority that signed the server's certificate.
    pub ca_file: Option<PathBuf>,
    /// `read-only` lets an availability group send the connection to a replica.
    #[serde(default)]
    pub application_intent: ApplicationIntent,
    /// The connection pool.
    #[serde(default)]
    pub pool: PoolSection,
}

impl DatabaseSection {
    /// Whether a pool for the one serves for the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let password = |section: &Self| {
            let password = section.password.as_ref();
            password.map(|password| password.expose_secret().to_owned())
        };
        // Secrets alone have no part in what `Debug` writes.
        password(self) == password(other) && format!("{self:?}") == format!("{other:?}")
    }
}

/// What of a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encrypt {
    /// All of it.
    #[default]
    Required,
    /// All of it from the first byte: TDS 8.
    Strict,
    /// The password, no more.
    LoginOnly,
    /// Nothing.
    Off,
}

/// `ApplicationIntent` of the log-in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationIntent {
    /// A readable secondary will do.
    #[default]
    ReadOnly,
    /// The primary.
    ReadWrite,
}

/// How binary values are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BinaryForm {
    /// RFC 4648 §4
    #[default]
    Base64,
    /// `0x…`, as T-SQL writes it
    Hex,
}

/// `pool` of a database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSection {
    /// Most connections.
    pub max: u32,
    /// How long a call waits for one.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
    /// Age at which one is replaced.
    #[serde(with = "humantime_serde")]
    pub max_lifetime: Duration,
}

impl Default for PoolSection {
    fn default() -> Self {
        Self {
            max: 10,
            acquire_timeout: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(30 * 60),
        }
    }
}

impl DatabaseSection {
    pub(super) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        match (&self.password, &self.password_file) {
            (None, None) => {
                return rule(
                    "password_file",
                    "is missing: the file that holds the password of the log-in",
                );
            }
            (Some(_), Some(_)) => return rule("password", "is given twice; keep password_file"),
            _ => {}
        }
        if self.trust_server_certificate && self.ca_file.is_some() {
            return rule(
                "trust_server_certificate",
                "makes ca_file useless; keep ca_file alone",
            );
        }
        if self.host.contains('\\') && self.port.is_some() {
            return rule(
                "port",
                "a named instance is found by its name; give one of them",
            );
        }
        if self.pool.max == 0 {
            return rule(
                "pool.max",
                "0 would let nothing through; write the number of connections you mean",
            );
        }
        Ok(())
    }
}
