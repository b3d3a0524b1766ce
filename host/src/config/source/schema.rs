//! What keys there are and what they take, as serde tells it of a configuration that
//! holds nothing but the key in question: a table of names beside the sections would
//! only repeat them.

use serde::Deserialize;
use toml::{Table, Value};

use crate::config::Config;

/// What is below a place in the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Below {
    /// These keys.
    Keys(Vec<String>),
    /// Keys that the operator chooses: scopes, labels of databases.
    Names,
    /// Nothing: the place holds a value.
    Nothing,
}

/// What is below `path`.
pub(super) fn below(path: &[String]) -> Below {
    let value = Value::Table(Table::from_iter([(
        NO_KEY.to_owned(),
        Value::Boolean(true),
    )]));
    let Err(error) = Config::deserialize(Value::Table(alone(path, value))) else {
        return Below::Names;
    };
    let message = error.message();
    if message.starts_with("unknown field") {
        // Serde lists the known ones in backquotes.
        let quoted = message.split('`').skip(3).step_by(2);
        return Below::Keys(quoted.map(ToOwned::to_owned).collect());
    }
    // What is wrong is the value that the key has, not that there is a key.
    if message.starts_with("invalid type: boolean") {
        return Below::Names;
    }
    Below::Nothing
}

/// Why `value` cannot stand at `path`.
pub(super) fn refusal(path: &[String], value: &Value) -> Option<String> {
    let error = Config::deserialize(Value::Table(alone(path, value.clone()))).err()?;
    let message = error.message();
    // Keys are read before those are missed that stand beside them.
    let only_missed = message.starts_with(MISSING);
    (!only_missed).then(|| message.to_owned())
}

/// Which key the table at `path` does not have.
pub(super) fn missing(path: &[String], table: &Table) -> Option<String> {
    let whole = alone(path, Value::Table(table.clone()));
    let error = Config::deserialize(Value::Table(whole)).err()?;
    let named = error.message().strip_prefix(MISSING)?;
    Some(named.trim_matches(['`', ' ']).to_owned())
}

/// A configuration with `value` at `path`, and nothing else.
fn alone(path: &[String], value: Value) -> Table {
    let mut value = value;
    for key in path.iter().rev() {
        value = Value::Table(Table::from_iter([(key.clone(), value)]));
    }
    match value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// What serde says of a key that is not there.
pub(super) const MISSING: &str = "missing field";
/// No key and no variant has this name.
const NO_KEY: &str = "\u{1}";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Below {
        let path: Vec<String> = path
            .split('.')
            .filter(|key| !key.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        below(&path)
    }

    #[test]
    fn sections_have_keys_names_are_free_and_values_end_the_path() {
        for (path, key) in [
            ("", "default_scope"),
            ("http", "listen"),
            ("http.tls", "certificate"),
            ("oauth.oidc", "client_secret_file"),
            ("databases.x", "pool"),
            ("databases.x.pool", "acquire_timeout"),
            ("scopes.x", "max_rows"),
            ("scopes.x.tables", "deny"),
            ("scopes.x.limits", "cpu"),
            ("scopes.x.audit", "keep"),
        ] {
            let Below::Keys(keys) = at(path) else {
                panic!("{path}: {:?}", at(path));
            };
            assert!(keys.iter().any(|known| known == key), "{path}: {keys:?}");
        }
        for path in [
            "databases",
            "scopes",
            "scopes.x.session_context",
            "scopes.x.config",
            "scopes.x.config.y",
        ] {
            assert_eq!(at(path), Below::Names, "{path}");
        }
        for path in [
            "default_scope",
            "http.listen",
            "http.deny",
            "http.tls.key",
            "oauth.enabled",
            "oauth.sign_in",
            "oauth.access_token_ttl",
            "state.store",
            "state.key_file",
            "databases.x.password",
            "databases.x.port",
            "databases.x.encrypt",
            "scopes.x.tool_sets",
            "scopes.x.max_bytes",
            "scopes.x.people",
            "scopes.x.rate_limit_per_minute",
            "scopes.x.config.y.z",
        ] {
            assert_eq!(at(path), Below::Nothing, "{path}");
        }
    }
}
