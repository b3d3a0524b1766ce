//! `mssql-mcp client`: registered OAuth clients, and those that are blocked.

use clap::Subcommand;
use serde_json::json;

use super::exit::UsageError;
use super::site::{Done, Output, Site, SiteArguments, nothing, table, time, timestamp};
use crate::audit::Event;
use crate::state::{Client, ClientAuthentication, ClientKind, NewClient};

#[derive(Debug, clap::Args)]
pub(super) struct ClientArguments {
    #[command(flatten)]
    site: SiteArguments,
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// Register a client by hand, for programs that take an id and a secret
    Add {
        /// Scope that it is for
        #[arg(long)]
        scope: String,
        /// What people see
        #[arg(long)]
        name: String,
        /// Where codes go; may be repeated
        #[arg(long = "redirect-uri", required = true)]
        redirect_uris: Vec<String>,
        /// Without a secret
        #[arg(long)]
        public: bool,
    },
    /// List registered clients, and the ids that are blocked
    List {
        /// Of one scope
        #[arg(long)]
        scope: Option<String>,
    },
    /// Remove a client and all that was allowed to it
    Remove {
        /// client_id
        id: String,
    },
    /// Bar a client: a client_id, or the address of a metadata document
    Block {
        /// client_id
        id: String,
    },
    /// Let a blocked client in again
    Unblock {
        /// client_id
        id: String,
    },
}

pub(super) async fn run(arguments: ClientArguments) -> anyhow::Result<()> {
    let site = arguments.site.open().await?;
    arguments.site.print(&act(&site, arguments.command).await?)
}

async fn act(site: &Site, command: ClientCommand) -> anyhow::Result<Output> {
    let store = site.store();
    let done = |event, known: &Option<Client>, id: &str, text: &str| {
        let scope = known.as_ref().map_or("", |client| &*client.scope);
        let done = Done {
            scope,
            client_id: id,
            ..Done::default()
        };
        site.note(event, done);
        Ok(Output {
            text: text.to_owned(),
            json: json!({ "client_id": id }),
        })
    };
    match command {
        ClientCommand::Add {
            scope,
            name,
            redirect_uris,
            public,
        } => {
            let authentication = if public {
                ClientAuthentication::None
            } else {
                ClientAuthentication::ClientSecretPost
            };
            let new = NewClient {
                scope,
                name: name.trim().to_owned(),
                redirect_uris,
                authentication,
                kind: ClientKind::Preregistered,
            };
            add(site, new).await
        }
        ClientCommand::List { scope } => list(site, scope.as_deref()).await,
        ClientCommand::Remove { id } => {
            let known = store.client(&id).await?;
            if !store.remove_client(&id).await? {
                return Err(nothing(format!("there is no client {id}")));
            }
            done(
                Event::ClientRemove,
                &known,
                &id,
                "the client is removed, with all that was allowed to it",
            )
        }
        ClientCommand::Block { id } => {
            if store.is_client_blocked(&id).await? {
                return Err(nothing(format!("{id} is blocked already")));
            }
            store.block_client(&id, true).await?;
            let known = store.client(&id).await?;
            done(Event::ClientBlock, &known, &id, "the client is blocked")
        }
        ClientCommand::Unblock { id } => {
            if !store.is_client_blocked(&id).await? {
                return Err(nothing(format!("{id} is not blocked")));
            }
            store.block_client(&id, false).await?;
            let known = store.client(&id).await?;
            let text = "the client may come again";
            done(Event::ClientUnblock, &known, &id, text)
        }
    }
}

async fn add(site: &Site, new: NewClient) -> anyhow::Result<Output> {
    let rules = site.scope(&new.scope)?;
    if new.name.is_empty() || new.name.contains(char::is_control) {
        return Err(
            UsageError("--name: write what people see when they are asked".to_owned()).into(),
        );
    }
    for uri in &new.redirect_uris {
        rules
            .check_redirect(uri)
            .map_err(|error| UsageError(format!("--redirect-uri {uri}: {error}")))?;
    }
    let (client, secret) = site.store().register_client(&new).await?;
    let done = Done {
        scope: &client.scope,
        client_id: &client.id,
        ..Done::default()
    };
    site.note(Event::ClientAdd, done);
    let mut text = format!("client_id      {}", client.id);
    let mut json = json!({
        "client_id": client.id,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "scope": client.scope,
    });
    if let (Some(secret), Some(members)) = (secret, json.as_object_mut()) {
        let secret = secret.expose();
        text.push_str(&format!(
            "\nclient_secret  {secret}\nThe secret is shown this once; only its hash is kept."
        ));
        members.insert("client_secret".to_owned(), json!(secret));
    }
    Ok(Output { text, json })
}

async fn list(site: &Site, scope: Option<&str>) -> anyhow::Result<Output> {
    if let Some(scope) = scope {
        site.scope(scope)?;
    }
    let clients = site.store().clients(scope).await?;
    let blocked = site.store().blocked_clients().await?;
    let rows: Vec<Vec<String>> = clients
        .iter()
        .map(|client| {
            vec![
                client.id.clone(),
                client.scope.clone(),
                client.name.clone(),
                client.redirect_uris.join(" "),
                client.used_at.map_or_else(|| "never".to_owned(), time),
            ]
        })
        .collect();
    let head = ["CLIENT", "SCOPE", "NAME", "REDIRECTS", "FIRST USED"];
    let mut text = table(&head, &rows);
    for (id, since) in &blocked {
        text.push_str(&format!("\nblocked since {}: {id}", time(*since)));
    }
    let clients = clients.iter().map(|client| {
        json!({
            "client_id": client.id,
            "scope": client.scope,
            "client_name": client.name,
            "redirect_uris": client.redirect_uris,
            "confidential": client.secret.is_some(),
            "preregistered": client.kind == ClientKind::Preregistered,
            "created_at": timestamp(client.created_at),
            "used_at": client.used_at.map(timestamp),
        })
    });
    let blocked = blocked
        .iter()
        .map(|(id, since)| json!({ "client_id": id, "since": timestamp(*since) }));
    let json = json!({
        "clients": clients.collect::<Vec<_>>(),
        "blocked": blocked.collect::<Vec<_>>(),
    });
    Ok(Output { text, json })
}

#[cfg(test)]
mod tests {
    use super::super::exit::ExitCode;
    use super::super::site::testing::site;
    use super::*;
    use crate::state::SecretKind;

    fn add(scope: &str, redirect_uri: &str, public: bool) -> ClientCommand {
        ClientCommand::Add {
            scope: scope.to_owned(),
            name: "Desktop".to_owned(),
            redirect_uris: vec![redirect_uri.to_owned()],
            public,
        }
    }

    #[tokio::test]
    async fn a_client_gets_an_id_and_once_a_secret_of_which_the_hash_is_kept() {
        let test = site("").await;
        let callback = "http://127.0.0.1/callback";
        let made = act(&test.site, add("claude", callback, false)).await;
        let made = made.unwrap();
        let (id, secret) = (&made.json["client_id"], &made.json["client_secret"]);
        let store = test.site.store();
        let client = store.client(id.as_str().unwrap()).await.unwrap().unwrap();
        let hash = store
            .secrets()
            .recognise(SecretKind::ClientSecret, secret.as_str().unwrap());
        assert_eq!(client.secret, hash);
        assert_eq!(client.expires_at, None, "it is never purged");
        assert_eq!(client.kind, ClientKind::Preregistered);
        let public = act(&test.site, add("claude", callback, true)).await;
        assert_eq!(public.unwrap().json.get("client_secret"), None);
        let list = ClientCommand::List { scope: None };
        let list = act(&test.site, list).await.unwrap();
        assert_eq!(list.json["clients"].as_array().unwrap().len(), 2);
        assert!(!list.text.contains(secret.as_str().unwrap()), "{list:?}");
    }

    #[tokio::test]
    async fn a_client_that_could_never_work_is_refused() {
        let test = site("").await;
        for (scope, uri, why) in [
            ("cloud", "http://127.0.0.1/cb", "there is claude, sales"),
            ("claude", "https://evil.example/cb", "--redirect-uri"),
            ("claude", "javascript:alert(1)", "--redirect-uri"),
        ] {
            let error = act(&test.site, add(scope, uri, true)).await.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(ExitCode::of(&error), ExitCode::Usage);
        }
        assert_eq!(test.site.store().clients(None).await.unwrap(), []);
    }

    #[tokio::test]
    async fn the_address_of_a_metadata_document_is_blocked_and_let_in_again() {
        let test = site("").await;
        let id = || "https://chatgpt.com/oauth/client.json".to_owned();
        let block = || ClientCommand::Block { id: id() };
        let unblock = || ClientCommand::Unblock { id: id() };
        act(&test.site, block()).await.unwrap();
        let store = test.site.store();
        assert!(store.is_client_blocked(&id()).await.unwrap());
        let list = ClientCommand::List { scope: None };
        let list = act(&test.site, list).await.unwrap();
        assert_eq!(list.json["blocked"][0]["client_id"], id());
        act(&test.site, unblock()).await.unwrap();
        assert!(!store.is_client_blocked(&id()).await.unwrap());
        let error = act(&test.site, unblock()).await.unwrap_err();
        assert_eq!(ExitCode::of(&error), ExitCode::Found);
    }
}
