//! The variables of a process that configure this product, as a value: tests make
//! their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::variables;

/// Variables by name. Of a process only those that are ours; each may be a secret.
#[derive(Clone, Default)]
pub struct Environment {
    ours: BTreeMap<String, Value>,
    /// Others whose names begin as ours do.
    strangers: BTreeSet<String>,
}

#[derive(Clone)]
enum Value {
    Text(SecretString),
    /// Bytes that are no UTF-8.
    Unreadable,
}

impl Environment {
    /// Those of this process, as they are now.
    pub fn of_process() -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().map_or(Value::Unreadable, Value::text);
            Some((name.into_string().ok()?, value))
        });
        Self::of(named)
    }

    fn of(variables: impl Iterator<Item = (String, Value)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            if name.starts_with(PREFIX) || variables::is_known(&name) {
                environment.ours.insert(name, value);
            } else if name.starts_with("MSSQL_") {
                environment.strangers.insert(name);
            }
        }
        environment
    }

    /// The value of a variable. An empty one is not set: Compose makes those of what
    /// a file leaves out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.ours.get(name)?.get()
    }

    /// Names and values of the variables that each stand for one key, sorted by name.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.ours.iter();
        set.filter(|(name, _)| name.starts_with(PREFIX))
            .filter_map(|(name, value)| Some((&**name, value.get()?)))
    }

    /// Names that begin as ours do, and mean nothing to us.
    pub(super) fn strangers(&self) -> impl Iterator<Item = &str> {
        self.strangers.iter().map(String::as_str)
    }

    /// The first variable that is no text.
    pub(super) fn unreadable(&self) -> Option<&str> {
        let mut all = self.ours.iter();
        let found = all.find(|(_, value)| matches!(value, Value::Unreadable));
        found.map(|(name, _)| &**name)
    }
}

impl Value {
    fn text(text: String) -> Self {
        Self::Text(text.into())
    }

    fn get(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose_secret()).filter(|text| !text.is_empty()),
            Self::Unreadable => None,
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let pairs = pairs.into_iter();
        Self::of(pairs.map(|(name, value)| (name.to_owned(), Value::text(value.to_owned()))))
    }
}

#[cfg(test)]
impl Environment {
    /// Both; the other one's values win.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.ours.extend(other.ours);
        self
    }
}

/// Names alone.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ours.keys()).finish()
    }
}

/// What the variables of single keys begin with.
pub(super) const PREFIX: &str = "MSSQL_MCP__";
