//! `mssql-mcp security-audit`: six checks over the last day, from the audit's files,
//! the state and the certificate. A line a finding, and exit code 1 if there is any.

mod certificate;
mod findings;
mod signs;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};

use super::audit::{since_of, walk};
use super::audit_row::Row;
use super::config::ConfigArguments;
use super::exit::{NothingDone, print};
use super::site::{Site, time};
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, SignIn, StoreKind};
use crate::principal::Rights;
use crate::state::GrantFilter;
use findings::Seen;

/// `mssql-mcp security-audit`
#[derive(Debug, clap::Args)]
pub(super) struct SecurityAuditArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Since then: a time ago (24h, 7d), a day (2026-11-21), or RFC 3339
    #[arg(long, default_value = "24h")]
    since: String,
    /// The certificate that clients see, in PEM; without it that of http.tls, or http.public_url
    /// is asked
    #[arg(long)]
    certificate: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What is to be said, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Said {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    found: bool,
    check: &'static str,
    sentence: String,
}

impl Said {
    fn found(&mut self, check: &'static str, sentence: String) {
        self.lines.push(Line {
            found: true,
            check,
            sentence,
        });
    }

    fn note(&mut self, check: &'static str, sentence: String) {
        self.lines.push(Line {
            found: false,
            check,
            sentence,
        });
    }

    fn of(&self, found: bool) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| line.found == found);
        lines
            .map(|line| format!("{}: {}", line.check, line.sentence))
            .collect()
    }

    fn findings(&self) -> Vec<String> {
        self.of(true)
    }

    fn notes(&self) -> Vec<String> {
        self.of(false)
    }

    fn json(&self) -> Value {
        let of = |found: bool| -> Vec<Value> {
            let lines = self.lines.iter().filter(|line| line.found == found);
            lines
                .map(|line| json!({ "check": line.check, "sentence": line.sentence }))
                .collect()
        };
        json!({ "findings": of(true), "notes": of(false) })
    }
}

pub(super) async fn run(arguments: SecurityAuditArguments) -> anyhow::Result<()> {
    let config = arguments.config.source().read()?;
    let now = Clock::system().now();
    let since = since_of(
        &arguments.since,
        DateTime::from_timestamp_millis(now.0).unwrap_or_default(),
    )?;
    let mut said = Said::default();
    lines(&config, &since, &mut said)?;
    let keeps_state = config.oauth.enabled && config.state.kind() != Some(StoreKind::Memory);
    if keeps_state {
        tokens(&Site::open(config.clone()).await?, now, &mut said).await?;
    } else {
        said.note("tokens", "there is no state that keeps any".to_owned());
    }
    let own = config.http.tls.as_ref().map(|tls| &tls.certificate);
    let file = arguments.certificate.as_ref().or(own);
    let ends = match (file, config.http.public_url.as_deref()) {
        (Some(file), _) => Some(certificate::of_file(file)),
        (None, Some(url)) if url.starts_with("https:") => Some(certificate::of_server(url).await),
        _ => None,
    };
    certificate(ends, now, &mut said);

    let findings = said.findings();
    if arguments.json {
        print(&serde_json::to_string_pretty(&said.json())?)?;
    } else {
        let found = findings.iter().map(|line| format!("FOUND  {line}"));
        let notes = said
            .notes()
            .into_iter()
            .map(|line| format!("note   {line}"));
        print(&found.chain(notes).collect::<Vec<_>>().join("\n"))?;
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(NothingDone(format!("one finding since {since}")).into()),
        count => Err(NothingDone(format!("{count} findings since {since}")).into()),
    }
}

/// The checks that read the audit.
fn lines(config: &Config, since: &str, said: &mut Said) -> anyhow::Result<()> {
    let mut files = BTreeSet::new();
    for (name, scope) in &config.scopes {
        match &scope.audit.file {
            Some(file) => _ = files.insert(file),
            None => said.found(
                "audit",
                format!(
                    "the audit of {name} goes to the log, which this cannot read; set \
                     scopes.{name}.audit = {{ file = \"…\" }}"
                ),
            ),
        }
    }
    let day = since
        .get(..10)
        .and_then(|day| day.parse::<NaiveDate>().ok());
    let mut seen = Seen::default();
    // What concerns every scope is in each of several files.
    let mut everywhere = BTreeSet::new();
    for file in &files {
        walk(file, day, &mut |line| {
            let Ok(row) = serde_json::from_slice::<Row<'_>>(line) else {
                return Ok(false);
            };
            let again = row.scope.is_none() && files.len() > 1 && !everywhere.insert(line.to_vec());
            if *row.time >= *since && !again {
                seen.add(&row);
            }
            Ok(true)
        })?;
    }
    seen.tell(said);
    Ok(())
}

/// What is allowed at present, and to whom it should not be.
async fn tokens(site: &Site, now: Timestamp, said: &mut Said) -> anyhow::Result<()> {
    let store = site.store();
    let grants = store.grants(&GrantFilter::default()).await?;
    let active = store.active_tokens().await?;
    let people: BTreeSet<&str> = grants.iter().map(|grant| &*grant.subject).collect();
    said.note(
        "tokens",
        format!(
            "{active} active tokens, {} grants of {} people",
            grants.len(),
            people.len()
        ),
    );
    for grant in &grants {
        let whose = format!(
            "of {} with {} in {} (`token revoke {}`)",
            grant.subject, grant.client_name, grant.scope, grant.id
        );
        let person = store.person(&grant.subject).await?;
        let groups = match (&person, site.config.oauth.sign_in) {
            (Some(person), _) => Some(&person.groups),
            // Whom a provider knows, or this machine, need not be known here.
            (None, SignIn::Consent | SignIn::Oidc) => None,
            (None, SignIn::Password) => {
                said.found("tokens", format!("a grant outlives its person: {whose}"));
                continue;
            }
        };
        let Some(access) = site.oauth.scope(&grant.scope) else {
            said.found(
                "tokens",
                format!("a grant is for a scope that is gone: {whose}"),
            );
            continue;
        };
        let rights = groups.map(|groups| access.rights_of(&grant.subject, groups));
        if rights.is_some_and(Rights::is_empty) {
            said.found(
                "tokens",
                format!("a grant is of somebody who may not enter: {whose}"),
            );
        } else if now.since(grant.used_at) > UNUSED {
            let last = time(grant.used_at);
            said.found(
                "tokens",
                format!("a grant was not used since {last}: {whose}"),
            );
        }
    }
    Ok(())
}

fn certificate(ends: Option<Result<Timestamp, String>>, now: Timestamp, said: &mut Said) {
    let Some(ends) = ends else {
        return said.note(
            "certificate",
            "http.public_url is no https address; --certificate FILE names one to look at"
                .to_owned(),
        );
    };
    match ends {
        Err(problem) => said.found("certificate", problem),
        Ok(ends) if ends <= now => {
            said.found("certificate", format!("it ended at {}", time(ends)));
        }
        Ok(ends) => {
            let days = ends.since(now).as_secs() / DAY;
            let sentence = format!("it is good for {days} days, until {}", time(ends));
            if ends.since(now) < RENEWED {
                said.found("certificate", sentence);
            } else {
                said.note("certificate", sentence);
            }
        }
    }
}

const DAY: u64 = 24 * 3_600;
/// Refresh tokens live as long, unless configured otherwise.
const UNUSED: Duration = Duration::from_secs(30 * DAY);
/// Certbot renews 30 days before the end: after nine days without, something is wrong.
const RENEWED: Duration = Duration::from_secs(21 * DAY);

#[cfg(test)]
mod tests {
    use super::super::site::testing::site;
    use super::*;
    use crate::state::{SecretKind, Tokens};

    #[test]
    fn a_certificate_is_found_before_it_ends() {
        let now = Timestamp(1_800_000_000_000);
        let days = |days: u64| now.after(Duration::from_secs(days * DAY));
        for (ends, found) in [
            (Some(Ok(days(60))), false),
            (Some(Ok(days(20))), true),
            (Some(Ok(Timestamp(0))), true),
            (Some(Err("no".to_owned())), true),
            (None, false),
        ] {
            let mut said = Said::default();
            certificate(ends.clone(), now, &mut said);
            assert_eq!(said.findings().len(), usize::from(found), "{ends:?}");
            assert_eq!(said.lines.len(), 1);
        }
    }

    #[tokio::test]
    async fn grants_of_who_may_not_enter_or_does_not_come_are_found() {
        let test = site("").await;
        let store = test.site.store();
        let nobody = BTreeSet::new();
        for (name, scope) in [
            ("ana", "claude"),
            ("zoe", "claude"),
            ("bob", "gone"),
            ("eve", "claude"),
        ] {
            if name != "eve" {
                assert!(store.add_person(name, None, &nobody).await.unwrap());
            }
            let token = store.secrets().issue(SecretKind::AccessToken).unwrap();
            let tokens = Tokens::access_only(token.hash, Duration::from_secs(90 * DAY));
            let issued = store.issue_token(scope, name, "c", Rights::READ, tokens);
            issued.await.unwrap();
        }
        let now = Clock::system().now();
        let mut said = Said::default();
        tokens(&test.site, now, &mut said).await.unwrap();
        let mut findings = said.findings();
        findings.sort();
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(
            findings[0].contains("scope that is gone: of bob"),
            "{findings:?}"
        );
        assert!(
            findings[1].contains("may not enter: of zoe"),
            "{findings:?}"
        );
        assert!(
            findings[2].contains("outlives its person: of eve"),
            "{findings:?}"
        );
        assert!(said.notes()[0].contains("4 active tokens, 4 grants"));
        let mut later = Said::default();
        let month = now.after(Duration::from_secs(31 * DAY));
        tokens(&test.site, month, &mut later).await.unwrap();
        assert!(later.findings().join("\n").contains("not used since"));
    }

    #[test]
    fn a_scope_whose_audit_goes_to_the_log_is_said_so() {
        let text = "[databases.d]\nhost = \"h\"\ndatabase = \"d\"\nuser = \"u\"\npassword = \"p\"\n\
                    [scopes.claude]\ntool_sets = [\"t\"]\ndatabases = [\"d\"]\n";
        let config = Config::parse(text, "test").unwrap();
        let mut said = Said::default();
        lines(&config, "2026-11-21T00:00:00.000Z", &mut said).unwrap();
        assert!(said.findings()[0].contains("scopes.claude.audit"));
    }
}
