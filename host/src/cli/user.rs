//! `mssql-mcp user`: the people who may sign in.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::exit::UsageError;
use super::site::{Done, Output, Site, SiteArguments, nothing, subject, table, time, timestamp};
use crate::audit::Event;
use crate::config::SignIn;
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
    /// Add a person; the password is asked for, or read from a file or a pipe
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
    List,
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
    let site = arguments.site.open().await?;
    arguments.site.print(&act(&site, arguments.command).await?)
}

async fn act(site: &Site, command: UserCommand) -> anyhow::Result<Output> {
    match command {
        UserCommand::Add {
            name,
            groups,
            password_file,
        } => add(site, &name, group_names(groups)?, password_file.as_deref()).await,
        UserCommand::Invite { name, groups } => invite(site, &name, group_names(groups)?).await,
        UserCommand::List => list(site).await,
        UserCommand::Remove { name } => {
            let name = site.known(&name).await?;
            if !site.store().remove_person(&name).await? {
                return Err(unknown(&name));
            }
            site.note(Event::PersonRemove, Done::to(&name));
            Ok(Output {
                text: format!("{name} is removed, with everything that was allowed"),
                json: json!({ "name": name }),
            })
        }
        UserCommand::Password {
            name,
            password_file,
        } => {
            only_with_passwords(site)?;
            let name = site.known(&name).await?;
            // Nobody is asked for the password of nobody.
            if site.store().person(&name).await?.is_none() {
                return Err(unknown(&name));
            }
            let password = hashed(site, &name, password_file.as_deref()).await?;
            if !site.store().set_password(&name, None, &password).await? {
                return Err(unknown(&name));
            }
            site.note(Event::Password, Done::to(&name));
            Ok(Output {
                text: format!("{name} has a new password, and is signed out everywhere"),
                json: json!({ "name": name }),
            })
        }
        UserCommand::Groups { name, groups, none } => {
            let name = site.known(&name).await?;
            let groups = group_names(groups)?;
            if groups.is_empty() && !none {
                let person = site.store().person(&name).await?;
                let person = person.ok_or_else(|| unknown(&name))?;
                return Ok(Output {
                    text: listed(&person.groups, "\n"),
                    json: json!({ "name": name, "groups": person.groups }),
                });
            }
            if !site.store().set_groups(&name, &groups).await? {
                return Err(unknown(&name));
            }
            site.note(Event::PersonGroups, Done::to(&name));
            let text = match groups.is_empty() {
                true => format!("{name} is in no group"),
                false => format!("{name} is in {}", listed(&groups, ", ")),
            };
            Ok(Output {
                text: text + &hint(site, &name, &groups),
                json: json!({ "name": name, "groups": groups }),
            })
        }
    }
}

async fn add(
    site: &Site,
    name: &str,
    groups: BTreeSet<String>,
    password_file: Option<&Path>,
) -> anyhow::Result<Output> {
    let name = subject(name)?;
    let taken = || {
        nothing(format!(
            "{name} is known already; `user password` and `user groups` change a person"
        ))
    };
    if site.store().person(&name).await?.is_some() {
        return Err(taken());
    }
    // Whoever signs in elsewhere has no password here, but may have groups.
    let password = match site.config.oauth.sign_in {
        SignIn::Oidc if password_file.is_none() => None,
        _ => {
            only_with_passwords(site)?;
            Some(hashed(site, &name, password_file).await?)
        }
    };
    let added = site.store().add_person(&name, password.as_deref(), &groups);
    if !added.await? {
        return Err(taken());
    }
    site.note(Event::PersonAdd, Done::to(&name));
    Ok(Output {
        text: format!("{name} can sign in") + &hint(site, &name, &groups),
        json: json!({ "name": name, "groups": groups }),
    })
}

async fn invite(site: &Site, name: &str, groups: BTreeSet<String>) -> anyhow::Result<Output> {
    only_with_passwords(site)?;
    let name = subject(name)?;
    let known = site.store().person(&name).await?;
    if known.is_some() && !groups.is_empty() {
        return Err(UsageError(format!(
            "--group: {name} is known already; `user groups` sets the groups"
        ))
        .into());
    }
    let groups = known.map_or(groups, |person| person.groups);
    let link = site
        .store()
        .invite_person(&name, &groups, INVITATION_TTL)
        .await?;
    site.note(Event::PersonInvite, Done::to(&name));
    let base = match &site.config.http.public_url {
        Some(url) => PublicUrl::parse(url)?.as_str().to_owned(),
        None => format!("http://{}", site.config.http.listen),
    };
    let url = format!("{base}/invitation?token={}", link.expose());
    let ends = site.store().clock().now().after(INVITATION_TTL);
    Ok(Output {
        text: format!(
            "Give this link to {name}; it sets a password once, and ends in 72 hours:\n{url}{}",
            hint(site, &name, &groups)
        ),
        json: json!({ "name": name, "link": url, "expires_at": timestamp(ends) }),
    })
}

async fn list(site: &Site) -> anyhow::Result<Output> {
    let people = site.store().people().await?;
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|person| {
            let password = if person.password.is_some() {
                "yes"
            } else {
                "no"
            };
            vec![
                person.subject.clone(),
                listed(&person.groups, ", "),
                site.scopes_of(&person.subject, &person.groups).join(", "),
                password.to_owned(),
                person.signed_in_at.map_or_else(|| "never".to_owned(), time),
            ]
        })
        .collect();
    let json = people.iter().map(|person| {
        json!({
            "name": person.subject,
            "groups": person.groups,
            "scopes": site.scopes_of(&person.subject, &person.groups),
            "password": person.password.is_some(),
            "created_at": timestamp(person.created_at),
            "signed_in_at": person.signed_in_at.map(timestamp),
        })
    });
    Ok(Output {
        json: json.collect(),
        text: table(
            &["NAME", "GROUPS", "MAY ENTER", "PASSWORD", "SIGNED IN"],
            &rows,
        ),
    })
}

/// Passwords of people who sign in elsewhere would never be asked for.
fn only_with_passwords(site: &Site) -> anyhow::Result<()> {
    let elsewhere = match site.config.oauth.sign_in {
        SignIn::Password => return Ok(()),
        SignIn::Oidc => "people sign in at their provider, and have no password here",
        SignIn::Consent => "nobody signs in, so there are no people",
    };
    Err(UsageError(format!("oauth.sign_in: {elsewhere}")).into())
}

/// The password's hash. It is read from `file`, asked for twice on a terminal,
/// or the first line of a pipe.
async fn hashed(site: &Site, name: &str, file: Option<&Path>) -> anyhow::Result<String> {
    let password = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?
            .into(),
        None if io::stdin().is_terminal() => asked()?,
        None => {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            SecretString::from(line)
        }
    };
    let password = password.expose_secret().trim_end_matches(['\r', '\n']);
    let password = SecretString::from(password);
    Passwords::check(name, &password).map_err(|error| UsageError(error.to_string()))?;
    let passwords = Passwords::new(site.store().secrets().entropy().clone());
    Ok(passwords.hash(password).await?)
}

fn asked() -> anyhow::Result<SecretString> {
    let first = SecretString::from(rpassword::prompt_password("Password: ")?);
    let second = SecretString::from(rpassword::prompt_password("Once more: ")?);
    if first.expose_secret() != second.expose_secret() {
        return Err(UsageError("the two are not the same; nothing was changed".to_owned()).into());
    }
    Ok(first)
}

fn group_names(groups: Vec<String>) -> anyhow::Result<BTreeSet<String>> {
    groups
        .into_iter()
        .map(|group| {
            let name = group.strip_prefix("group:").unwrap_or(&group).trim();
            if name.is_empty() || name.contains(char::is_control) {
                return Err(UsageError(format!("\"{group}\" is not the name of a group")).into());
            }
            Ok(name.to_owned())
        })
        .collect()
}

/// What is still missing for somebody whom no scope lets in.
fn hint(site: &Site, name: &str, groups: &BTreeSet<String>) -> String {
    if site.scopes_of(name, groups).is_empty() {
        format!(
            "\nNo scope lets {name} in yet: add \"{name}\" or one of the groups to a scope's people."
        )
    } else {
        String::new()
    }
}

fn listed(groups: &BTreeSet<String>, between: &str) -> String {
    groups
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(between)
}

fn unknown(name: &str) -> anyhow::Error {
    nothing(format!(
        "there is no {name}; `user list` shows who there is"
    ))
}

const INVITATION_TTL: Duration = Duration::from_secs(72 * 3_600);

#[cfg(test)]
mod tests {
    use super::super::exit::ExitCode;
    use super::super::site::testing::{TestSite, site};
    use super::*;
    use crate::state::SecretKind;

    async fn answer(test: &TestSite, command: UserCommand) -> anyhow::Result<Output> {
        act(&test.site, command).await
    }

    fn add(test: &TestSite, name: &str, groups: &[&str], password: &str) -> UserCommand {
        let file = test.folder.path().join("password");
        std::fs::write(&file, password).unwrap();
        UserCommand::Add {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            password_file: Some(file),
        }
    }

    fn groups(name: &str, groups: &[&str], none: bool) -> UserCommand {
        UserCommand::Groups {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            none,
        }
    }

    #[tokio::test]
    async fn whoever_is_added_is_known_with_groups_and_a_hash_that_fits() {
        let test = site("").await;
        let command = add(
            &test,
            "Eva@Example.com",
            &["group:analysts"],
            "a long word\n",
        );
        let said = answer(&test, command).await.unwrap_err().to_string();
        assert!(said.contains("too short"), "{said}");
        let command = add(
            &test,
            "Eva@Example.com",
            &["group:analysts"],
            "a longer word\r\n",
        );
        answer(&test, command).await.unwrap();
        let person = test.site.store().person("eva@example.com").await.unwrap();
        let person = person.unwrap();
        assert_eq!(person.groups, BTreeSet::from(["analysts".to_owned()]));
        let passwords = Passwords::new(test.site.store().secrets().entropy().clone());
        assert!(
            passwords
                .verify("a longer word".into(), person.password)
                .await
        );
        let again = add(&test, "eva@example.com", &[], "another word");
        let error = answer(&test, again).await.unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Found, "{error}");
        let list = answer(&test, UserCommand::List).await.unwrap();
        assert!(
            list.text.contains("eva@example.com  analysts  claude"),
            "{list:?}"
        );
        assert_eq!(list.json[0]["scopes"], json!(["claude"]));
    }

    #[tokio::test]
    async fn groups_are_shown_and_set_exactly() {
        let test = site("").await;
        let command = add(&test, "eva", &["a"], "a longer word");
        let said = answer(&test, command).await.unwrap().text;
        assert!(said.contains("No scope lets eva in yet"), "{said}");
        let shown = answer(&test, groups("eva", &[], false)).await.unwrap();
        assert_eq!(shown.text, "a");
        let said = answer(&test, groups("Eva", &["analysts", "b"], false)).await;
        assert_eq!(said.unwrap().text, "eva is in analysts, b");
        answer(&test, groups("eva", &[], true)).await.unwrap();
        let person = test.site.store().person("eva").await.unwrap().unwrap();
        assert_eq!(person.groups, BTreeSet::new());
        let error = answer(&test, groups("bob", &["x"], false)).await;
        assert_eq!(ExitCode::of(&error.unwrap_err()), ExitCode::Found);
    }

    #[tokio::test]
    async fn an_invitation_is_a_link_that_the_server_recognises() {
        let test = site("").await;
        let invite = |groups: &[&str]| UserCommand::Invite {
            name: "ana".to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        let output = answer(&test, invite(&["b"])).await.unwrap();
        let link = output.json["link"].as_str().unwrap();
        assert!(output.text.contains(link) && output.text.contains("72 hours"));
        let token = link.strip_prefix("http://127.0.0.1:8008/invitation?token=");
        let store = test.site.store();
        let hash = store
            .secrets()
            .recognise(SecretKind::Invitation, token.unwrap());
        let invitation = store.invitation(hash.unwrap()).await.unwrap().unwrap();
        assert_eq!(invitation.subject, "ana");
        let error = answer(&test, invite(&["c"])).await.unwrap_err();
        assert!(error.to_string().contains("`user groups`"), "{error}");
    }

    #[tokio::test]
    async fn whoever_is_removed_is_gone() {
        let test = site("").await;
        let command = add(&test, "eva", &[], "a longer word");
        answer(&test, command).await.unwrap();
        let remove = || UserCommand::Remove {
            name: "eva".to_owned(),
        };
        answer(&test, remove()).await.unwrap();
        assert_eq!(test.site.store().people().await.unwrap(), []);
        assert!(answer(&test, remove()).await.is_err());
    }

    #[tokio::test]
    async fn people_of_a_provider_have_groups_but_no_password() {
        let provider = "sign_in = \"oidc\"\noidc = { issuer = \"https://i\", client_id = \"c\" }";
        let test = site(provider).await;
        let command = add(&test, "eva", &["a"], "a longer word");
        let error = answer(&test, command).await.unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Usage, "{error}");
        let command = UserCommand::Add {
            name: "eva".to_owned(),
            groups: vec!["analysts".to_owned()],
            password_file: None,
        };
        answer(&test, command).await.unwrap();
        let person = test.site.store().person("eva").await.unwrap().unwrap();
        assert_eq!(person.password, None);
    }
}
