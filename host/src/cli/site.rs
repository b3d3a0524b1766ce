//! What the commands about people, clients and tokens share: the configuration,
//! the store that it names, and how they answer. What they change takes effect
//! on every running node within a second.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::config::ConfigArguments;
use super::exit::{NothingDone, UsageError, print};
use crate::app;
use crate::audit::{self, Entry, Event, Outcome};
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, StoreKind};
use crate::entropy::Entropy;
use crate::oauth::{Admission, OAuth, ScopeAccess};
use crate::principal::Rights;
use crate::state::Store;

/// Which configuration, and how to answer.
#[derive(Debug, clap::Args)]
pub(super) struct SiteArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

/// An open store with the rules of its scopes.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) oauth: OAuth,
}

/// The answer of a command, for people and for programs.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) json: Value,
}

impl SiteArguments {
    pub(super) async fn open(&self) -> anyhow::Result<Site> {
        Site::open(self.config.source().read()?).await
    }

    pub(super) fn print(&self, output: &Output) -> anyhow::Result<()> {
        if self.json {
            print(&serde_json::to_string_pretty(&output.json)?)
        } else {
            print(&output.text)
        }
    }
}

impl Site {
    pub(super) async fn open(config: Config) -> anyhow::Result<Self> {
        if !config.oauth.enabled {
            return Err(UsageError(
                "oauth.enabled is false: there are no people, clients and tokens".to_owned(),
            )
            .into());
        }
        if config.state.kind() == Some(StoreKind::Memory) {
            return Err(UsageError(
                "state.store is \"memory\", which no other process can reach; write \
                 \"sqlite:PATH\" or \"redis://HOST\""
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

    /// Notes what the operator did.
    pub(super) fn note(&self, event: Event, done: Done<'_>) {
        note(&self.config, event, done);
    }

    pub(super) fn store(&self) -> &Store {
        self.oauth.store()
    }

    /// The rules of the scope named `name`.
    pub(super) fn scope(&self, name: &str) -> anyhow::Result<Arc<ScopeAccess>> {
        let scope = self.oauth.scope(name).ok_or_else(|| {
            let known: Vec<&str> = self.config.scopes.keys().map(String::as_str).collect();
            UsageError(format!(
                "--scope {name}: there is no such scope; there is {}",
                known.join(", ")
            ))
        })?;
        Ok(scope)
    }

    /// Names of the scopes that let this person in.
    pub(super) fn scopes_of(&self, subject: &str, groups: &BTreeSet<String>) -> Vec<&str> {
        let scopes = self.config.scopes.keys().map(String::as_str);
        scopes
            .filter(|name| {
                let scope = self.oauth.scope(name);
                scope.is_some_and(|scope| !scope.rights_of(subject, groups).is_empty())
            })
            .collect()
    }

    /// The subject of somebody who is known by that name: a provider's subject
    /// may have capitals, everybody else's has none.
    pub(super) async fn known(&self, name: &str) -> anyhow::Result<String> {
        let subject = subject(name)?;
        let exact = name.trim();
        if exact != subject && self.store().person(exact).await?.is_some() {
            return Ok(exact.to_owned());
        }
        Ok(subject)
    }
}

/// What a command did, for the audit; what is not known is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done<'a> {
    pub(super) scope: &'a str,
    pub(super) subject: &'a str,
    pub(super) client_id: &'a str,
    pub(super) rights: Option<Rights>,
    pub(super) reason: &'a str,
}

impl<'a> Done<'a> {
    /// About a person, and nothing else.
    pub(super) fn to(subject: &'a str) -> Self {
        Self {
            subject,
            ..Self::default()
        }
    }
}

/// Notes what the operator did: in the log, and in the audit files of the scope, or of
/// all where it concerns none alone.
pub(super) fn note(config: &Config, event: Event, done: Done<'_>) {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let entry = Entry {
        by: Some("operator"),
        reason: known(done.reason),
        scope: (!done.scope.is_empty()).then(|| done.scope.into()),
        subject: known(done.subject),
        client_id: known(done.client_id),
        rights: done.rights.map(|rights| rights.to_string()),
        ..Entry::new(event, Outcome::Done)
    };
    let scopes = config
        .scopes
        .iter()
        .filter(|(name, _)| done.scope.is_empty() || done.scope == *name);
    let files = scopes
        .filter_map(|(_, section)| section.audit.file.clone())
        .collect();
    for (path, error) in audit::note(entry, &Clock::system(), &files) {
        // What was done is done: it is said that the file does not know.
        tracing::error!(
            "the audit file {} has no line of this: {error}; run commands as the user of the server",
            path.display()
        );
    }
}

/// A subject as it is stored: without blanks around it, in lower case.
pub(super) fn subject(name: &str) -> anyhow::Result<String> {
    match name.parse() {
        Ok(Admission::Person(name)) if !name.contains(char::is_control) => Ok(name.to_lowercase()),
        _ => Err(UsageError(format!(
            "\"{name}\" is not a person's name; write an e-mail address or a name"
        ))
        .into()),
    }
}

/// That there was nothing to do.
pub(super) fn nothing(sentence: impl Into<String>) -> anyhow::Error {
    NothingDone(sentence.into()).into()
}

/// As people read it, in UTC, to the minute.
pub(super) fn time(at: Timestamp) -> String {
    written(at, "%Y-%m-%d %H:%MZ")
}

/// As programs read it: RFC 3339 in UTC, to the second.
pub(super) fn timestamp(at: Timestamp) -> String {
    written(at, "%Y-%m-%dT%H:%M:%SZ")
}

fn written(at: Timestamp, form: &str) -> String {
    chrono::DateTime::from_timestamp_millis(at.0)
        .map_or_else(|| "-".to_owned(), |time| time.format(form).to_string())
}

/// Rows under a head, columns as wide as they need.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
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
pub(super) mod testing {
    //! A site of its own in a folder that ends with it.

    use tempfile::TempDir;

    use super::*;

    pub(in crate::cli) struct TestSite {
        pub(in crate::cli) site: Site,
        pub(in crate::cli) folder: TempDir,
    }

    /// Scopes `claude`, for ana and the group analysts, and `sales`, where ana
    /// may write; `oauth` is what `[oauth]` says.
    pub(in crate::cli) async fn site(oauth: &str) -> TestSite {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            r#"
            [state]
            store = 'sqlite:{}/state.db'
            [oauth]
            {oauth}
            [databases.d]
            host = "h"
            database = "d"
            user = "u"
            password = "p"
            [scopes.claude]
            tool_sets = ["t"]
            databases = ["d"]
            people = ["ana", "group:analysts"]
            [scopes.sales]
            tool_sets = ["t"]
            databases = ["d"]
            read_only = false
            write_database = "d"
            people = ["ana", "bob"]
            writers = ["ana"]
            "#,
            folder.path().display()
        );
        let config = Config::parse(&text, "test").unwrap();
        TestSite {
            site: Site::open(config).await.unwrap(),
            folder,
        }
    }
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
        assert_eq!(timestamp(Timestamp(1_500)), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn a_subject_is_a_name_in_lower_case() {
        assert_eq!(subject(" Ana@Example.com ").unwrap(), "ana@example.com");
        for name in ["", "  ", "a\nb", "group:x", "*", "*@example.com"] {
            assert!(subject(name).is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_state_that_no_command_can_reach_is_said_so() {
        let mut config = testing::site("").await.site.config;
        config.state.store = "memory".into();
        let said = Site::open(config.clone()).await.err().unwrap().to_string();
        assert!(said.contains("no other process can reach"), "{said}");
        config.oauth.enabled = false;
        let said = Site::open(config).await.err().unwrap().to_string();
        assert!(said.contains("oauth.enabled is false"), "{said}");
    }
}
