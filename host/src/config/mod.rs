//! What an operator writes: TOML to values, one file a section. A key that is
//! not known is an error that names the nearest one that is.

mod database;
mod error;
mod http;
mod scope;
mod tool_sets;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use database::{ApplicationIntent, BinaryForm, DatabaseSection, Encrypt, PoolSection};
pub use error::ConfigError;
pub use http::HttpSection;
pub use scope::{LimitsSection, ScopeSection};
pub use tool_sets::{StateSection, ToolSetsSection};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The scope that is also served at the root; without it the first by name.
    pub default_scope: Option<String>,
    /// The listener.
    #[serde(default)]
    pub http: HttpSection,
    /// Whether callers prove who they are.
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

/// `[oauth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthSection {
    /// `false` only on loopback.
    pub enabled: bool,
}

impl Default for OAuthSection {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Config {
    /// Reads and checks a file. Nothing is opened or connected.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses and checks a text; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::syntax(name, text, &error))?;
        config.check()?;
        Ok(config)
    }

    /// The scope served at the root.
    pub fn default_scope(&self) -> Option<&str> {
        match &self.default_scope {
            Some(name) => Some(name),
            None => self.scopes.keys().next().map(String::as_str),
        }
    }

    /// What no single section can see.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.scopes.is_empty() {
            return Err(ConfigError::rule(
                "scopes",
                "there is none; add one, such as [scopes.claude]",
            ));
        }
        if let Some(name) = &self.default_scope
            && !self.scopes.contains_key(name)
        {
            return Err(ConfigError::unknown(
                "default_scope",
                name,
                self.scopes.keys(),
            ));
        }
        if !self.oauth.enabled && !self.http.listen.ip().is_loopback() {
            return Err(ConfigError::rule(
                "oauth.enabled",
                "false is for loopback only; listen on 127.0.0.1, or leave OAuth on",
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
            database.check(&format!("databases.{name}"))?;
        }
        for (name, scope) in &self.scopes {
            let key = format!("scopes.{name}");
            check_scope_name(&key, name)?;
            scope.check(&key)?;
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
    "authorize",
    "docs",
    "health",
    "live",
    "mcp",
    "metrics",
    "ready",
    "records",
    "register",
    "revoke",
    "sse",
    "token",
];

#[cfg(test)]
mod tests;
