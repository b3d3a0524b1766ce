//! Why a configuration cannot be used, in one sentence that names the key.

use std::io;
use std::path::PathBuf;

/// A configuration that cannot be used. Exit code 64.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{file}: {message}{hint}")]
    Syntax {
        /// Which file.
        file: String,
        /// What the parser says, with line and column.
        message: String,
        /// The nearest known key.
        hint: String,
    },
    /// A value that breaks a rule.
    #[error("{key}: {message}")]
    Rule {
        /// Dotted path of the key.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
}

impl ConfigError {
    pub(super) fn rule(key: &str, message: impl Into<String>) -> Self {
        Self::Rule {
            key: key.to_owned(),
            message: message.into(),
        }
    }

    /// A reference to something that is not configured.
    pub(super) fn unknown<'a>(
        key: &str,
        name: &str,
        known: impl Iterator<Item = &'a String>,
    ) -> Self {
        let known: Vec<&str> = known.map(String::as_str).collect();
        let message = match nearest(name, &known) {
            Some(near) => format!("\"{name}\" is not configured; did you mean \"{near}\"?"),
            None => format!("\"{name}\" is not configured; there is {}", list(&known)),
        };
        Self::rule(key, message)
    }

    pub(super) fn syntax(file: &str, error: &toml::de::Error) -> Self {
        Self::Syntax {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
            hint: key_hint(error.message()).unwrap_or_default(),
        }
    }
}

/// Serde lists the known keys of an unknown one in backquotes.
fn key_hint(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message
        .starts_with("unknown field")
        .then(|| quoted.next())
        .flatten()?;
    let known: Vec<&str> = quoted.collect();
    nearest(unknown, &known).map(|near| format!("\ndid you mean `{near}`?"))
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
