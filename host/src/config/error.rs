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
    #[error("{file}, line {line}, column {column}: {message}{hint}")]
    Syntax {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser says.
        message: String,
        /// The nearest known key.
        hint: String,
    },
    /// Neither a file nor variables.
    #[error(
        "there is no configuration: name a file with --config or MSSQL_MCP_CONFIG, or set \
         MSSQL_HOST, MSSQL_DATABASE, MSSQL_USER and MSSQL_PASSWORD (or MSSQL_PASSWORD_FILE)"
    )]
    Nowhere,
    /// A value that breaks a rule.
    #[error("{key}: {message}")]
    Rule {
        /// Dotted path of the key, or a variable's name.
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

    /// The parser's own display quotes the line, which may hold a password; its
    /// message quotes the value, so a line with one gets a message of ours.
    pub(super) fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start));
        let before = before.unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next());
        let secret =
            line.is_some_and(is_about_secrets) && !error.message().starts_with("unknown field");
        Self::Syntax {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.chars().count() - before.get(..start).map_or(0, |b| b.chars().count())
                + 1,
            message: if secret {
                "this line cannot be read; what it sets is a string in quotes".to_owned()
            } else {
                error.message().to_owned()
            },
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
    nearest(unknown, &known).map(|near| format!("; did you mean `{near}`?"))
}

/// The name that was meant, if there is one like it.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

pub(super) fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// Whether a line or a key may hold a secret, which no message may quote.
pub(super) fn is_about_secrets(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRET.iter().any(|word| text.contains(word))
}

/// What lines are about that may hold a secret.
const SECRET: &[&str] = &["password", "secret", "redis"];
