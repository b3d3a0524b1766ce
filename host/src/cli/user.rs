//! `mssql-mcp user`: the people who may sign in.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::exit::{UsageError, print};
use super::site::{Site, SiteArguments, nothing, subject, table, time};
use crate::oauth::{Passwords, PublicUrl};

#[derive(Debug, clap::Args)]
pub(super) struct UserArguments {
    #[command(flatten)]
    site: SiteArguments,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a person with a password, which is asked for or read from a file
    Add {
        /// E-mail address or name
        name: String,
        /// A group that the person is in; may be repeated
        #[arg(long = "group")]
        groups: Vec<String>,
        /// File with the password instead of asking for it
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Print a one-time link with which a person sets a password
    Invite {
        /// E-mail address or name
        name: String,
        /// A group that a new person is in; may be repeated
        #[arg(long = "group")]
        groups: Vec<String>,
    },
    /// List everybody
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a person, and end all that the person signed in to or allowed
    Remove {
        /// E-mail address or name
        name: String,
    },
    /// Set a person's password, and end all sign-ins
    Password {
        /// E-mail address or name
        name: String,
        /// File with the password instead of asking for it
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Show a person's groups, or put the person in exactly the given ones
    Groups {
        /// E-mail address or name
        name: String,
        /// The groups from now on
        groups: Vec<String>,
        /// Take the person out of every group
        #[arg(long, conflicts_with = "groups")]
        none: bool,
    },
}

pub(super) async fn run(arguments: UserArguments) -> anyhow::Result<()> {
    let site = Site::open(&arguments.site).await?;
    let store = site.store();
    match arguments.command {
        UserCommand::Add {
            name,
            groups,
            password_file,
        } => {
            let name = subject(&name)?;
            if store.person(&name).await?.is_some() {
                return Err(nothing(format!(
                    "{name} is known already; `user password` sets another password"
                )));
            }
            let password = hashed(&site, &name, password_file).await?;
            store
                .add_person(&name, Some(&password), &group_names(groups)?)
                .await?;
            print(&format!("{name} can sign in"))
        }
        UserCommand::Invite { name, groups } => {
            let name = subject(&name)?;
            let groups = group_names(groups)?;
            let link = store.invite_person(&name, &groups, INVITATION_TTL).await?;
            let base = match &site.config.http.public_url {
                Some(url) => PublicUrl::parse(url)?.as_str().to_owned(),
                None => format!("http://{}", site.config.http.listen),
            };
            print(&format!(
                "Give this link to {name}; it sets a password once, and ends in 72 hours:\n\
                 {base}/invitation?token={}",
                link.expose()
            ))
        }
        UserCommand::List { json } => list(&site, json).await,
        UserCommand::Remove { name } => {
            let name = subject(&name)?;
            if !store.remove_person(&name).await? {
                return Err(nothing(format!("there is no {name}")));
            }
            print(&format!(
                "{name} is removed, with everything that was allowed"
            ))
        }
        UserCommand::Password {
            name,
            password_file,
        } => {
            let name = subject(&name)?;
            if store.person(&name).await?.is_none() {
                return Err(nothing(format!(
                    "there is no {name}; `user add` adds a person"
                )));
            }
            let password = hashed(&site, &name, password_file).await?;
            store.set_password(&name, &password).await?;
            print(&format!(
                "{name} has a new password, and is signed out everywhere"
            ))
        }
        UserCommand::Groups { name, groups, none } => {
            let name = subject(&name)?;
            let missing = || nothing(format!("there is no {name}"));
            if groups.is_empty() && !none {
                let person = store.person(&name).await?.ok_or_else(missing)?;
                return print(&person.groups.into_iter().collect::<Vec<_>>().join("\n"));
            }
            if !store.set_groups(&name, &group_names(groups)?).await? {
                return Err(missing());
            }
            print(&format!("the groups of {name} are set"))
        }
    }
}

async fn list(site: &Site, as_json: bool) -> anyhow::Result<()> {
    let people = site.store().people().await?;
    if as_json {
        let people = people.iter().map(|person| {
            json!({
                "name": person.subject,
                "groups": person.groups,
                "password": person.password.is_some(),
                "created_at": time(person.created_at),
                "signed_in_at": person.signed_in_at.map(time),
            })
        });
        return print(&serde_json::to_string_pretty(&people.collect::<Vec<_>>())?);
    }
    let rows: Vec<Vec<String>> = people
        .into_iter()
        .map(|person| {
            vec![
                person.subject,
                person.groups.into_iter().collect::<Vec<_>>().join(", "),
                if person.password.is_some() {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
                person.signed_in_at.map_or_else(|| "never".to_owned(), time),
            ]
        })
        .collect();
    print(&table(&["NAME", "GROUPS", "PASSWORD", "SIGNED IN"], &rows))
}

/// Asks twice on a terminal; a pipe is read once.
async fn hashed(site: &Site, name: &str, file: Option<PathBuf>) -> anyhow::Result<String> {
    let password = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?,
        None if io::stdin().is_terminal() => {
            let first = SecretString::from(rpassword::prompt_password("Password: ")?);
            let second = SecretString::from(rpassword::prompt_password("Once more: ")?);
            if first.expose_secret() != second.expose_secret() {
                return Err(
                    UsageError("the two are not the same; nothing was done".to_owned()).into(),
                );
            }
            first.expose_secret().to_owned()
        }
        None => {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            line
        }
    };
    let password = SecretString::from(password.trim_end_matches(['\r', '\n']).to_owned());
    Passwords::check(name, &password).map_err(|error| UsageError(error.to_string()))?;
    let passwords = Passwords::new(site.store().secrets().entropy().clone());
    Ok(passwords.hash(password).await?)
}

fn group_names(groups: Vec<String>) -> anyhow::Result<BTreeSet<String>> {
    groups
        .into_iter()
        .map(|group| {
            let name = group
                .strip_prefix("group:")
                .unwrap_or(&group)
                .trim()
                .to_owned();
            if name.is_empty() || name.contains(char::is_control) {
                return Err(UsageError(format!("\"{group}\" is not the name of a group")).into());
            }
            Ok(name)
        })
        .collect()
}

const INVITATION_TTL: Duration = Duration::from_secs(72 * 3_600);
