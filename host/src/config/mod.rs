//! What an operator writes: TOML to values, one file a section. A key that is
//! not known is an error that names the nearest one that is.

mod audit;
mod database;
mod error;
mod http;
mod oauth;
mod scope;
mod source;
mod state;
mod tool_sets;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use audit::{AuditSection, OnFailure};
pub use database::{ApplicationIntent, Auth, BinaryForm, DatabaseSection, Encrypt, PoolSection};
pub use error::ConfigError;
pub use http::{HttpSection, TlsSection};
pub use oauth::{OAuthSection, OidcSection, SignIn};
pub use scope::{CLAIM, LimitsSection, ScopeSection};
pub use source::{Environment, Source};
pub use state::{StateSection, StoreKind};
pub use tool_sets::{DEFAULT_CACHE, ToolSetEntry, ToolSetsSection};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The scope that is also served at the root; without it the first by name.
    pub default_scope: Option<String>,
    /// The scope whose metadata the root's well-known addresses show; without
    /// it the default scope.
    pub root_discovery: Option<String>,
    /// The listener.
    #[serde(default)]
    pub http: HttpSection,
    /// How people sign in.
    #[serde(default)]
    pub oauth: OAuthSection,
    /// Where what must survive a restart is kept.
    #[serde(default)]
    pub state: StateSection,
    /// Where components are found.
    #[serde(default)]
    pub tool_sets: ToolSetsSection,
    /// Databases by label.
    #[serde(default)]
    pub databases: BTreeMap<String, DatabaseSection>,
    /// Scopes by the name that is their path.
    #[serde(default)]
    pub scopes: BTreeMap<String, ScopeSection>,
}

impl Config {
    /// Parses and checks a text; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::syntax(name, text, &error))?;
        config.check()?;
        Ok(config)
    }

    /// The scope that the root's well-known addresses describe.
    pub fn root_discovery(&self) -> Option<&str> {
        self.root_discovery
            .as_deref()
            .or_else(|| self.default_scope())
    }

    /// The scope served at the root.
    pub fn default_scope(&self) -> Option<&str> {
        match &self.default_scope {
            Some(name) => Some(name),
            None => self.scopes.keys().next().map(String::as_str),
        }
    }

    /// Where records of the scope `name` can be looked at: what its section says, else
    /// this server's own pages, whose address is known with a public URL or on loopback.
    pub fn record_url(&self, name: &str) -> String {
        let configured = self.scopes.get(name).map(|scope| &*scope.record_url);
        if let Some(url) = configured.filter(|url| !url.is_empty()) {
            return url.to_owned();
        }
        let listen = self.http.listen;
        let base = match &self.http.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if listen.ip().is_loopback() && listen.port() > 0 => format!("http://{listen}"),
            None => return String::new(),
        };
        format!("{base}/{name}/records/{{id}}")
    }

    /// The keys that cannot change while it serves, and in which the other one differs.
    pub fn differs_for_good(&self, other: &Self) -> Vec<&'static str> {
        // Secrets are read from the file at the start, and then no more.
        let sections = |config: &Self| {
            let http = &config.http;
            [
                ("default_scope", format!("{:?}", config.default_scope)),
                ("root_discovery", format!("{:?}", config.root_discovery)),
                ("http.listen", http.listen.to_string()),
                ("http.public_url", format!("{:?}", http.public_url)),
                ("http.metrics_listen", format!("{:?}", http.metrics_listen)),
                ("http.admin_listen", format!("{:?}", http.admin_listen)),
                ("http.tls", http.tls.is_some().to_string()),
                ("oauth", format!("{:?}", config.oauth)),
                ("state", format!("{:?}", config.state)),
                ("tool_sets", format!("{:?}", config.tool_sets)),
            ]
        };
        let both = sections(self).into_iter().zip(sections(other));
        both.filter(|(one, other)| one != other)
            .map(|((name, _), _)| name)
            .collect()
    }

    /// What no single section can see.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.scopes.is_empty() {
            return Err(ConfigError::rule(
                "scopes",
                "there is none; add one, such as [scopes.claude]",
            ));
        }
        for (key, name) in [
            ("default_scope", &self.default_scope),
            ("root_discovery", &self.root_discovery),
        ] {
            if let Some(name) = name
                && !self.scopes.contains_key(name)
            {
                return Err(ConfigError::unknown(key, name, self.scopes.keys()));
            }
        }
        self.http.check()?;
        let loopback = self.http.listen.ip().is_loopback();
        self.oauth.check(loopback, self.http.public_url.is_some())?;
        self.state.check()?;
        let signs_in = self.oauth.enabled && self.oauth.sign_in != SignIn::Consent;
        self.http.check_admin(signs_in)?;
        if self.oauth.enabled && !loopback && self.http.public_url.is_none() {
            return Err(ConfigError::rule(
                "http.public_url",
                "is needed off loopback: the address that clients use, such as \
                 \"https://data.example.com\"",
            ));
        }
        if !self.oauth.enabled && self.http.public_url.is_some() {
            return Err(ConfigError::rule(
                "http.public_url",
                "would let everybody in who reaches it with oauth.enabled = false; remove one of \
                 them",
            ));
        }
        for (name, database) in &self.databases {
            let key = format!("databases.{name}");
            if name.trim() != name || name.is_empty() || name.contains(',') {
                return Err(ConfigError::rule(
                    &key,
                    "a label has no comma and no blanks around it: tool sets get a list of them",
                ));
            }
            database.check(&key)?;
        }
        for (name, scope) in &self.scopes {
            let key = format!("scopes.{name}");
            check_scope_name(&key, name)?;
            scope.check(&key)?;
            if !self.oauth.enabled && !scope.claims().is_empty() {
                return Err(ConfigError::rule(
                    &format!("{key}.session_context"),
                    "names claims, and with oauth.enabled = false nobody signs in; write \
                     constants, or leave OAuth on",
                ));
            }
            let reading = scope.databases.iter().map(|label| ("databases", label));
            let writing = scope.write_database.iter();
            for (field, label) in reading.chain(writing.map(|label| ("write_database", label))) {
                if !self.databases.contains_key(label) {
                    return Err(ConfigError::unknown(
                        &format!("{key}.{field}"),
                        label,
                        self.databases.keys(),
                    ));
                }
            }
        }
        self.check_audits()
    }

    /// Scopes that write one file want the same of it.
    fn check_audits(&self) -> Result<(), ConfigError> {
        for (at, (name, scope)) in self.scopes.iter().enumerate() {
            let mut others = self.scopes.iter().take(at);
            let other = others.find(|(_, other)| !scope.audit.agrees(&other.audit));
            if let Some((other, _)) = other {
                return Err(ConfigError::rule(
                    &format!("scopes.{name}.audit"),
                    format!(
                        "keep and max_size are not those of scopes.{other}.audit, which writes \
                         the same file; write the same, or name another file"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn check_scope_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let well_formed = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !well_formed {
        return Err(ConfigError::rule(
            key,
            "a scope's name is made of a-z, 0-9 and -",
        ));
    }
    if RESERVED.contains(&name) {
        return Err(ConfigError::rule(
            key,
            "this name is an address of the server itself; choose another",
        ));
    }
    Ok(())
}

/// Paths at the root that no scope can have.
const RESERVED: &[&str] = &[
    "account",
    "authorize",
    "callback",
    "docs",
    "health",
    "invitation",
    "live",
    "mcp",
    "metrics",
    "oauth",
    "oidc",
    "ready",
    "records",
    "register",
    "revoke",
    "sign-in",
    "sse",
    "token",
];

#[cfg(test)]
mod tests;
