//! `[databases.LABEL]`: a SQL Server and the log-in for it.

use std::path::{Path, PathBuf};
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
    /// How to log in.
    #[serde(default)]
    pub auth: Auth,
    /// SQL Server log-in.
    #[serde(default)]
    pub user: String,
    /// Its password, or …
    pub password: Option<SecretString>,
    /// … the file that holds it.
    pub password_file: Option<PathBuf>,
    /// With `auth = "entra"`: the file that something keeps an access token in, or …
    pub token_file: Option<PathBuf>,
    /// … the tenant, …
    pub tenant: Option<String>,
    /// … the application in it, …
    pub client_id: Option<String>,
    /// … its secret, or …
    pub client_secret: Option<SecretString>,
    /// … the file that holds it, …
    pub client_secret_file: Option<PathBuf>,
    /// … and whom to ask: another cloud's address.
    pub authority: Option<String>,
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
    /// Lets scopes that only read use a log-in that can do more.
    #[serde(default)]
    pub allow_writable_login: bool,
    /// The connection pool.
    #[serde(default)]
    pub pool: PoolSection,
}

impl DatabaseSection {
    /// The files that it names and that are read when it is opened, and no more.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.password_file, &self.client_secret_file, &self.ca_file];
        files.into_iter().filter_map(Option::as_deref)
    }

    /// Whether a pool for the one serves for the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let secrets = |section: &Self| {
            [&section.password, &section.client_secret]
                .map(|secret| Some(secret.as_ref()?.expose_secret().to_owned()))
        };
        // Secrets alone have no part in what `Debug` writes.
        secrets(self) == secrets(other) && format!("{self:?}") == format!("{other:?}")
    }
}

/// How to log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// By `user` and `password`.
    #[default]
    Sql,
    /// By an access token of Microsoft Entra.
    Entra,
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
    fn check_password(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        if self.user.is_empty() {
            return rule("user", "is missing: the SQL Server log-in");
        }
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
        match self.entra_keys().into_iter().find(|(_, given)| *given) {
            Some((field, _)) => rule(field, "is for auth = \"entra\"; write that, or remove it"),
            None => Ok(()),
        }
    }

    fn check_entra(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        let password = self.password.is_some() || self.password_file.is_some();
        if password || !self.user.is_empty() {
            let field = if password { "password_file" } else { "user" };
            return rule(field, "has no use with auth = \"entra\"; remove it");
        }
        if self.encrypt == Encrypt::Off || self.encrypt == Encrypt::LoginOnly {
            return rule(
                "encrypt",
                "would show the access token to others; write \"required\" or \"strict\"",
            );
        }
        let mut client = self.entra_keys().into_iter().skip(1);
        if self.token_file.is_some() {
            return match client.find(|(_, given)| *given) {
                Some((field, _)) => rule(field, "has no use beside token_file; keep one of them"),
                None => Ok(()),
            };
        }
        if self.tenant.is_none() && self.client_id.is_none() {
            return rule(
                "token_file",
                "is missing: a file with an access token; or write tenant, client_id and \
                 client_secret_file",
            );
        }
        if self.tenant.is_none() {
            return rule("tenant", "is missing: the directory that client_id is in");
        }
        if self.client_id.is_none() {
            return rule("client_id", "is missing: the application in that tenant");
        }
        match (&self.client_secret, &self.client_secret_file) {
            (None, None) => rule(
                "client_secret_file",
                "is missing: the file that holds the application's secret",
            ),
            (Some(_), Some(_)) => rule("client_secret", "is given twice; keep client_secret_file"),
            _ => Ok(()),
        }
    }

    /// The keys of `auth = "entra"`, and whether they are given.
    fn entra_keys(&self) -> [(&'static str, bool); 6] {
        [
            ("token_file", self.token_file.is_some()),
            ("tenant", self.tenant.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
            ("client_secret_file", self.client_secret_file.is_some()),
            ("authority", self.authority.is_some()),
        ]
    }

    pub(super) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let rule =
            |field: &str, message: &str| Err(ConfigError::rule(&format!("{key}.{field}"), message));
        match self.auth {
            Auth::Sql => self.check_password(key)?,
            Auth::Entra => self.check_entra(key)?,
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
