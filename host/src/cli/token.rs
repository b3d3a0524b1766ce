//! `mssql-mcp token`: what people allowed, and tokens for scripts.

use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use super::exit::{UsageError, print};
use super::site::{Site, SiteArguments, nothing, subject, table, time};
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
        #[arg(long, default_value = "90d", value_parser = humantime)]
        ttl: Duration,
    },
    /// List what is allowed at present
    List {
        #[command(flatten)]
        filter: Filter,
        /// As JSON
        #[arg(long)]
        json: bool,
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

#[derive(Debug, clap::Args)]
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
    let site = Site::open(&arguments.site).await?;
    match arguments.command {
        TokenCommand::Issue {
            scope,
            user,
            write,
            ttl,
        } => {
            let token = issue(&site, &scope, &user, write, ttl).await?;
            print(&token)
        }
        TokenCommand::List { filter, json } => list(&site, &filter.read()?, json).await,
        TokenCommand::Revoke { grant, filter, all } => {
            let filter = filter.read()?;
            let count = match grant {
                Some(id) => usize::from(site.store().revoke_grant(&id).await?),
                None if filter == GrantFilter::default() && !all => {
                    return Err(UsageError(
                        "say what to revoke: a grant's id, --user, --client, --scope, or --all"
                            .to_owned(),
                    )
                    .into());
                }
                None => site.store().revoke_grants(&filter).await?,
            };
            if count == 0 {
                return Err(nothing("there is nothing of that kind to revoke"));
            }
            print(&format!("{count} revoked"))
        }
    }
}

async fn issue(
    site: &Site,
    scope: &str,
    user: &str,
    write: bool,
    ttl: Duration,
) -> anyhow::Result<String> {
    let access = site.scope(scope)?;
    let name = subject(user)?;
    let may = if site.config.oauth.sign_in == SignIn::Consent && name == LOCAL_SUBJECT {
        access.rights_of(&name, &std::collections::BTreeSet::new())
    } else {
        let person = site.store().person(&name).await?;
        let person = person
            .ok_or_else(|| nothing(format!("there is no {name}; `user add` adds a person")))?;
        access.rights_of(&name, &person.groups)
    };
    let wanted = if write { Rights::ALL } else { Rights::READ };
    if !may.has(OAuthScope::Read) {
        return Err(nothing(format!(
            "{name} may not enter {scope}: scopes.{scope}.people"
        )));
    }
    if !wanted.within(may) {
        return Err(nothing(format!(
            "{name} may not write in {scope}: scopes.{scope}.writers"
        )));
    }
    let store = site.store();
    let token = store.secrets().issue(SecretKind::AccessToken)?;
    let tokens = Tokens {
        access: token.hash,
        access_ttl: ttl,
        refresh: None,
        refresh_ttl: ttl,
    };
    store
        .issue_token(scope, &name, "mssql-mcp token", wanted, tokens)
        .await?;
    Ok(token.expose().to_owned())
}

async fn list(site: &Site, filter: &GrantFilter, as_json: bool) -> anyhow::Result<()> {
    let grants = site.store().grants(filter).await?;
    if as_json {
        let grants = grants.iter().map(|grant| {
            json!({
                "id": grant.id,
                "scope": grant.scope,
                "user": grant.subject,
                "client_id": grant.client_id,
                "client_name": grant.client_name,
                "rights": grant.rights,
                "created_at": time(grant.created_at),
                "used_at": time(grant.used_at),
                "expires_at": time(grant.expires_at),
            })
        });
        return print(&serde_json::to_string_pretty(&grants.collect::<Vec<_>>())?);
    }
    let rows: Vec<Vec<String>> = grants
        .into_iter()
        .map(|grant| {
            vec![
                grant.id,
                grant.scope,
                grant.subject,
                grant.client_name,
                grant.rights.to_string(),
                time(grant.used_at),
                time(grant.expires_at),
            ]
        })
        .collect();
    let head = [
        "GRANT", "SCOPE", "PERSON", "CLIENT", "RIGHTS", "USED", "ENDS",
    ];
    print(&table(&head, &rows))
}

impl Filter {
    fn read(self) -> anyhow::Result<GrantFilter> {
        Ok(GrantFilter {
            subject: self.user.as_deref().map(subject).transpose()?,
            client_id: self.client,
            scope: self.scope,
        })
    }
}

/// `90d`, `1h 30m`
fn humantime(text: &str) -> Result<Duration, String> {
    let ttl: Duration = humantime_serde::re::humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 90d or 12h"))?;
    if ttl.is_zero() || ttl > Duration::from_secs(366 * 24 * 3_600) {
        return Err("is between a second and a year".to_owned());
    }
    Ok(ttl)
}
