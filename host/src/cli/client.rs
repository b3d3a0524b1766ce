//! `mssql-mcp client`: registered OAuth clients, and those that are blocked.

use clap::Subcommand;
use serde_json::json;

use super::exit::{UsageError, print};
use super::site::{Site, SiteArguments, nothing, table, time};
use crate::state::{ClientAuthentication, ClientKind, NewClient};

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
        /// As JSON
        #[arg(long)]
        json: bool,
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
    let site = Site::open(&arguments.site).await?;
    let store = site.store();
    match arguments.command {
        ClientCommand::Add {
            scope,
            name,
            redirect_uris,
            public,
        } => {
            let rules = site.scope(&scope)?;
            for uri in &redirect_uris {
                rules
                    .check_redirect(uri)
                    .map_err(|error| UsageError(format!("--redirect-uri {uri}: {error}")))?;
            }
            let new = NewClient {
                scope,
                name,
                redirect_uris,
                authentication: if public {
                    ClientAuthentication::None
                } else {
                    ClientAuthentication::ClientSecretPost
                },
                kind: ClientKind::Preregistered,
            };
            let (client, secret) = store.register_client(&new).await?;
            print(&format!("client_id      {}", client.id))?;
            match secret {
                Some(secret) => print(&format!(
                    "client_secret  {}\nThe secret is shown this once; only its hash is kept.",
                    secret.expose()
                )),
                None => Ok(()),
            }
        }
        ClientCommand::List { scope, json } => list(&site, scope.as_deref(), json).await,
        ClientCommand::Remove { id } => {
            if !store.remove_client(&id).await? {
                return Err(nothing(format!("there is no client {id}")));
            }
            print("the client is removed, with all that was allowed to it")
        }
        ClientCommand::Block { id } => {
            store.block_client(&id, true).await?;
            print("the client is blocked")
        }
        ClientCommand::Unblock { id } => {
            store.block_client(&id, false).await?;
            print("the client may come again")
        }
    }
}

async fn list(site: &Site, scope: Option<&str>, as_json: bool) -> anyhow::Result<()> {
    let clients = site.store().clients(scope).await?;
    let blocked = site.store().blocked_clients().await?;
    if as_json {
        let clients = clients.iter().map(|client| {
            json!({
                "client_id": client.id,
                "scope": client.scope,
                "client_name": client.name,
                "redirect_uris": client.redirect_uris,
                "confidential": client.secret.is_some(),
                "preregistered": matches!(client.kind, ClientKind::Preregistered),
                "created_at": time(client.created_at),
                "used_at": client.used_at.map(time),
            })
        });
        let blocked = blocked
            .iter()
            .map(|(id, since)| json!({"client_id": id, "since": time(*since)}));
        let all = json!({
            "clients": clients.collect::<Vec<_>>(),
            "blocked": blocked.collect::<Vec<_>>(),
        });
        return print(&serde_json::to_string_pretty(&all)?);
    }
    let rows: Vec<Vec<String>> = clients
        .into_iter()
        .map(|client| {
            vec![
                client.id,
                client.scope,
                client.name,
                client.redirect_uris.join(" "),
                client.used_at.map_or_else(|| "never".to_owned(), time),
            ]
        })
        .collect();
    print(&table(
        &["CLIENT", "SCOPE", "NAME", "REDIRECTS", "FIRST USED"],
        &rows,
    ))?;
    for (id, since) in blocked {
        print(&format!("blocked since {}: {id}", time(since)))?;
    }
    Ok(())
}
