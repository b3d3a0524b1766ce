//! What the commands about people, clients and tokens share: the configuration
//! and the store that it names. What they change takes effect on every running
//! node within a second.

use std::path::PathBuf;

use super::exit::NothingDone;
use crate::app;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::entropy::Entropy;
use crate::oauth::{OAuth, ScopeAccess};
use crate::state::Store;

/// Which configuration.
#[derive(Debug, clap::Args)]
pub(super) struct SiteArguments {
    /// Configuration file
    #[arg(long, env = "MSSQL_MCP_CONFIG", global = true)]
    config: Option<PathBuf>,
}

/// An open store with the rules of its scopes.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) oauth: OAuth,
}

impl Site {
    pub(super) async fn open(arguments: &SiteArguments) -> anyhow::Result<Self> {
        let path = arguments.config.as_deref().ok_or_else(|| {
            super::exit::UsageError(
                "--config FILE is missing; it names the configuration of the server".to_owned(),
            )
        })?;
        let config = Config::from_file(path)?;
        if config.state.store == "memory" {
            return Err(super::exit::UsageError(
                "state.store is \"memory\": it ends with the server's process, and no command can \
                 reach it"
                    .to_owned(),
            )
            .into());
        }
        let key = app::host_key(&config)?;
        let store = app::open_store(&config, &key, Clock::system(), Entropy::system()).await?;
        Ok(Self {
            oauth: app::oauth(&config, store)?,
            config,
        })
    }

    pub(super) fn store(&self) -> &Store {
        self.oauth.store()
    }

    /// The rules of the scope named `name`.
    pub(super) fn scope(&self, name: &str) -> anyhow::Result<&ScopeAccess> {
        let scope = self.oauth.scope(name).ok_or_else(|| {
            let known: Vec<&str> = self.config.scopes.keys().map(String::as_str).collect();
            super::exit::UsageError(format!(
                "--scope {name}: there is no such scope; there is {}",
                known.join(", ")
            ))
        })?;
        Ok(scope)
    }
}

/// A subject as it is stored: without blanks around it, in lower case.
pub(super) fn subject(name: &str) -> anyhow::Result<String> {
    let subject = name.trim().to_lowercase();
    if subject.is_empty() || subject.contains(char::is_control) || subject.starts_with("group:") {
        return Err(super::exit::UsageError(format!(
            "\"{name}\" is not a person's name; write an e-mail address or a name"
        ))
        .into());
    }
    Ok(subject)
}

/// That there was nothing to do.
pub(super) fn nothing(sentence: impl Into<String>) -> anyhow::Error {
    NothingDone(sentence.into()).into()
}

/// As people read it: RFC 3339 in UTC, to the minute.
pub(super) fn time(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(at.0).map_or_else(
        || "-".to_owned(),
        |time| time.format("%Y-%m-%d %H:%MZ").to_string(),
    )
}

/// Rows under a head, columns as wide as they need.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |row: &[String]| {
        row.iter()
            .map(|cell| cell.chars().count())
            .collect::<Vec<_>>()
    };
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(cells(row)) {
            *width = cell.max(*width);
        }
    }
    let line = |row: Vec<&str>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let rows = [
            vec!["ñandú".to_owned(), "1".to_owned()],
            vec!["x".to_owned(), String::new()],
        ];
        assert_eq!(table(&["NAME", "N"], &rows), "NAME   N\nñandú  1\nx");
        assert_eq!(time(Timestamp(0)), "1970-01-01 00:00Z");
    }

    #[test]
    fn a_subject_is_a_name_in_lower_case() {
        assert_eq!(subject(" Ana@Example.com ").unwrap(), "ana@example.com");
        for name in ["", "  ", "a\nb", "group:x"] {
            assert!(subject(name).is_err(), "{name}");
        }
    }
}
