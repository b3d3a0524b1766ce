//! `mssql-mcp token`: what people allowed, and tokens for scripts.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Subcommand;
use humantime_serde::re::humantime::parse_duration;
use serde_json::json;

use super::exit::UsageError;
use super::site::{Done, Output, Site, SiteArguments, nothing, table, time, timestamp};
use crate::audit::Event;
use crate::config::SignIn;
use crate::oauth::LOCAL_SUBJECT;
use crate::principal::{OAuthScope, Rights};
use crate::state::{GrantFilter, SecretKind, Tokens};

#[derive(Debug, clap::Args)]
pub(super) struct TokenArguments {
    #[command(flatten)]
    site: SiteArguments,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make an access token for a script, and print it once
    Issue {
        /// Scope that it is good at
        #[arg(long)]
        scope: String,
        /// Person that it speaks for
        #[arg(long)]
        user: String,
        /// May write as well
        #[arg(long)]
        write: bool,
        /// Its life
        #[arg(long, default_value = "90d", value_parser = life)]
        ttl: Duration,
    },
    /// List what is allowed at present
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// Revoke what is allowed, with all its tokens
    Revoke {
        /// The grant's id, from `token list`
        #[arg(conflicts_with_all = ["user", "client", "scope", "all"])]
        grant: Option<String>,
        #[command(flatten)]
        filter: Filter,
        /// Everything there is
        #[arg(long, conflicts_with_all = ["user", "client", "scope"])]
        all: bool,
    },
}

#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Of this person
    #[arg(long)]
    user: Option<String>,
    /// Of this client_id
    #[arg(long)]
    client: Option<String>,
    /// At this scope
    #[arg(long)]
    scope: Option<String>,
}

pub(super) async fn run(arguments: TokenArguments) -> anyhow::Result<()> {
    let site = arguments.site.open().await?;
    arguments.site.print(&act(&site, arguments.command).await?)
}

async fn act(site: &Site, command: TokenCommand) -> anyhow::Result<Output> {
    match command {
        TokenCommand::Issue {
            scope,
            user,
            write,
            ttl,
        } => issue(site, &scope, &user, write, ttl).await,
        TokenCommand::List { filter } => list(site, &filter.read(site).await?).await,
        TokenCommand::Revoke { grant, filter, all } => {
            let mut filter = filter.read(site).await?;
            let count = match grant {
                Some(id) => {
                    let all = site.store().grants(&GrantFilter::default()).await?;
                    let known = all.into_iter().find(|grant| grant.id == id);
                    let revoked = site.store().revoke_grant(&id).await?;
                    if let Some(known) = known {
                        filter = GrantFilter {
                            subject: Some(known.subject),
                            client_id: Some(known.client_id),
                            scope: Some(known.scope),
                        };
                    }
                    usize::from(revoked)
                }
                None if filter == GrantFilter::default() && !all => {
                    return Err(UsageError(
                        "say what to revoke: a grant's id, --user, --client, --scope, or --all"
                            .to_owned(),
                    )
                    .into());
                }
                None => site.store().revoke_grants(&filter).await?.grants,
            };
            if count == 0 {
                return Err(nothing("there is nothing of that kind to revoke"));
            }
            let of = |part: &Option<String>| part.clone().unwrap_or_default();
            let done = Done {
                scope: &of(&filter.scope),
                subject: &of(&filter.subject),
                client_id: &of(&filter.client_id),
                reason: &format!("{count} grants"),
                ..Done::default()
            };
            site.note(Event::Revocation, done);
            Ok(Output {
                text: format!("{count} revoked"),
                json: json!({ "revoked": count }),
            })
        }
    }
}

async fn issue(
    site: &Site,
    scope: &str,
    user: &str,
    write: bool,
    ttl: Duration,
) -> anyhow::Result<Output> {
    let access = site.scope(scope)?;
    let name = site.known(user).await?;
    let groups = if site.config.oauth.sign_in == SignIn::Consent && name == LOCAL_SUBJECT {
        BTreeSet::new()
    } else {
        let person = site.store().person(&name).await?;
        let missing = || nothing(format!("there is no {name}; `user add` adds a person"));
        person.ok_or_else(missing)?.groups
    };
    let may = access.rights_of(&name, &groups);
    let wanted = if write { Rights::ALL } else { Rights::READ };
    if !may.has(OAuthScope::Read) {
        return Err(nothing(format!(
            "{name} may not enter {scope}; scopes.{scope}.people says who may"
        )));
    }
    if !wanted.within(may) {
        return Err(nothing(format!(
            "{name} may not write in {scope}; scopes.{scope}.writers says who may"
        )));
    }
    let store = site.store();
    let token = store.secrets().issue(SecretKind::AccessToken)?;
    let tokens = Tokens::access_only(token.hash, ttl);
    let grant = store
        .issue_token(scope, &name, CLIENT, wanted, tokens)
        .await?;
    let done = Done {
        scope,
        client_id: CLIENT,
        rights: Some(wanted),
        ..Done::to(&name)
    };
    site.note(Event::TokenIssue, done);
    let token = token.expose();
    Ok(Output {
        text: token.to_owned(),
        json: json!({
            "access_token": token,
            "token_type": "Bearer",
            "grant": grant.id,
            "scope": grant.scope,
            "user": grant.subject,
            "rights": grant.rights,
            "expires_at": timestamp(grant.expires_at),
        }),
    })
}

async fn list(site: &Site, filter: &GrantFilter) -> anyhow::Result<Output> {
    let grants = site.store().grants(filter).await?;
    let rows: Vec<Vec<String>> = grants
        .iter()
        .map(|grant| {
            vec![
                grant.id.clone(),
                grant.scope.clone(),
                grant.subject.clone(),
                grant.client_name.clone(),
                grant.rights.to_string(),
                time(grant.used_at),
                time(grant.expires_at),
            ]
        })
        .collect();
    let json = grants.iter().map(|grant| {
        json!({
            "id": grant.id,
            "scope": grant.scope,
            "user": grant.subject,
            "client_id": grant.client_id,
            "client_name": grant.client_name,
            "rights": grant.rights,
            "created_at": timestamp(grant.created_at),
            "used_at": timestamp(grant.used_at),
            "expires_at": timestamp(grant.expires_at),
        })
    });
    let head = [
        "GRANT", "SCOPE", "PERSON", "CLIENT", "RIGHTS", "USED", "ENDS",
    ];
    Ok(Output {
        json: json.collect(),
        text: table(&head, &rows),
    })
}

impl Filter {
    async fn read(self, site: &Site) -> anyhow::Result<GrantFilter> {
        if let Some(scope) = &self.scope {
            site.scope(scope)?;
        }
        Ok(GrantFilter {
            subject: match &self.user {
                Some(name) => Some(site.known(name).await?),
                None => None,
            },
            client_id: self.client,
            scope: self.scope,
        })
    }
}

/// `90d`, `1h 30m`
fn life(text: &str) -> Result<Duration, String> {
    let ttl = parse_duration(text).map_err(|error| format!("{error}; write it like 90d or 12h"))?;
    if !(SHORTEST..=LONGEST).contains(&ttl) {
        return Err("is between a second and a year".to_owned());
    }
    Ok(ttl)
}

/// What audit and lists call the client of such tokens.
const CLIENT: &str = "mssql-mcp token";
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::super::exit::ExitCode;
    use super::super::site::testing::{TestSite, site};
    use super::*;

    async fn people(names: &[(&str, &[&str])]) -> TestSite {
        let test = site("").await;
        for (name, groups) in names {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            let store = test.site.store();
            assert!(store.add_person(name, None, &groups).await.unwrap());
        }
        test
    }

    async fn issue(
        test: &TestSite,
        scope: &str,
        user: &str,
        write: bool,
    ) -> anyhow::Result<Output> {
        let command = TokenCommand::Issue {
            scope: scope.to_owned(),
            user: user.to_owned(),
            write,
            ttl: Duration::from_secs(60),
        };
        act(&test.site, command).await
    }

    #[tokio::test]
    async fn a_token_has_what_was_asked_and_no_more_than_the_person_may() {
        let test = people(&[("ana", &[]), ("bob", &[]), ("eva", &["analysts"])]).await;
        for (scope, user, write, refused) in [
            ("claude", "Ana", false, None),
            ("claude", "eva", false, None),
            ("sales", "ana", true, None),
            ("sales", "bob", true, Some("bob may not write in sales")),
            ("claude", "ana", true, Some("ana may not write in claude")),
            ("claude", "bob", false, Some("bob may not enter claude")),
            ("sales", "eva", false, Some("eva may not enter sales")),
            ("sales", "zoe", false, Some("there is no zoe")),
            ("sales", "local", false, Some("there is no local")),
            ("cloud", "ana", false, Some("there is no such scope")),
        ] {
            let answer = issue(&test, scope, user, write).await;
            let Some(reason) = refused else {
                let token = answer.unwrap().text;
                let store = test.site.store();
                let hash = store.secrets().recognise(SecretKind::AccessToken, &token);
                let known = store.known_token(hash.unwrap()).await.unwrap().unwrap();
                assert_eq!(known.grant.scope, scope);
                assert_eq!(known.grant.subject, user.to_lowercase());
                assert_eq!(known.token.rights.has(OAuthScope::Write), write);
                continue;
            };
            let said = answer.unwrap_err().to_string();
            assert!(said.contains(reason), "{scope} {user}: {said}");
        }
    }

    #[tokio::test]
    async fn what_is_revoked_is_what_was_named() {
        let test = people(&[("ana", &[]), ("bob", &[])]).await;
        let revoke = async |grant: Option<String>, filter: Filter, all| {
            act(&test.site, TokenCommand::Revoke { grant, filter, all }).await
        };
        let of = |user: &str| Filter {
            user: Some(user.to_owned()),
            ..Filter::default()
        };
        let first = issue(&test, "claude", "ana", false).await.unwrap();
        issue(&test, "sales", "ana", false).await.unwrap();
        issue(&test, "sales", "bob", false).await.unwrap();
        let error = revoke(None, Filter::default(), false).await.unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Usage, "{error}");
        let id = first.json["grant"].as_str().map(ToOwned::to_owned);
        let one = revoke(id.clone(), Filter::default(), false).await.unwrap();
        assert_eq!(one.json["revoked"], 1);
        let error = revoke(id, Filter::default(), false).await.unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Found, "{error}");
        assert_eq!(
            revoke(None, of("ana"), false).await.unwrap().text,
            "1 revoked"
        );
        let left = act(&test.site, TokenCommand::List { filter: of("bob") }).await;
        assert!(left.unwrap().text.contains("bob"));
        let all = revoke(None, Filter::default(), true).await.unwrap();
        assert_eq!(all.json["revoked"], 1);
    }

    #[tokio::test]
    async fn where_nobody_signs_in_a_token_speaks_for_the_local_person() {
        let test = site("sign_in = \"consent\"").await;
        let refused = issue(&test, "claude", LOCAL_SUBJECT, false).await;
        assert!(refused.unwrap_err().to_string().contains("may not enter"));
        let error = issue(&test, "claude", "ana", false).await.unwrap_err();
        assert!(error.to_string().contains("there is no ana"), "{error}");
    }

    #[test]
    fn a_life_is_between_a_second_and_a_year() {
        assert_eq!(life("1h 30m"), Ok(Duration::from_secs(5_400)));
        for text in ["0s", "500ms", "2y", "90", "soon"] {
            assert!(life(text).is_err(), "{text}");
        }
    }
}
