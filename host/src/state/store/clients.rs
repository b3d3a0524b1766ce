//! Clients: registered, found, blocked, removed.

use std::time::Duration;

use super::Store;
use crate::clock::Timestamp;
use crate::state::records::{
    BlockedClient, Client, ClientAuthentication, ClientKind, Grant, Registration,
};
use crate::state::transaction::Transaction;
use crate::state::{Event, IssuedSecret, SecretHash, SecretKind, StoreError};

/// What a registration asks for, already judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// The scope (path) that it registers at.
    pub scope: String,
    /// `client_name`; may be empty.
    pub name: String,
    /// `redirect_uris`
    pub redirect_uris: Vec<String>,
    /// `token_endpoint_auth_method`
    pub authentication: ClientAuthentication,
    /// Registered by itself or by the operator.
    pub kind: ClientKind,
}

impl Store {
    /// Registers a client; a public one that registers the same again gets the
    /// client it has. A confidential one also gets its secret, this once.
    pub async fn register_client(
        &self,
        new: &NewClient,
    ) -> Result<(Client, Option<IssuedSecret>), StoreError> {
        let secret = match new.authentication {
            ClientAuthentication::None => None,
            ClientAuthentication::ClientSecretPost | ClientAuthentication::ClientSecretBasic => {
                Some(self.secrets.issue(SecretKind::ClientSecret)?)
            }
        };
        let id = self.new_id()?;
        let client = self
            .change(async |transaction| {
                let reuses = secret.is_none() && matches!(new.kind, ClientKind::Registered);
                if reuses && let Some(known) = known(transaction, new).await? {
                    return Ok(known);
                }
                let now = transaction.now();
                let registered = matches!(new.kind, ClientKind::Registered);
                let client = Client {
                    id: id.clone(),
                    scope: new.scope.clone(),
                    name: new.name.clone(),
                    redirect_uris: new.redirect_uris.clone(),
                    authentication: new.authentication,
                    secret: secret.as_ref().map(|secret| secret.hash),
                    kind: new.kind,
                    created_at: now,
                    used_at: None,
                    expires_at: registered.then(|| now.after(UNUSED_CLIENT)),
                };
                transaction.put(&client)?;
                if reuses {
                    transaction.put(&Registration {
                        fingerprint: fingerprint(new),
                        client: client.id.clone(),
                        expires_at: client.expires_at,
                    })?;
                }
                Ok(client)
            })
            .await?;
        Ok((client, secret))
    }

    /// The client of that id, wherever it is registered.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, StoreError> {
        self.reading().get(id).await
    }

    /// Clients of one scope, or of all, oldest first.
    pub async fn clients(&self, scope: Option<&str>) -> Result<Vec<Client>, StoreError> {
        let index = scope.map_or_else(Client::all, Client::of_scope);
        let mut clients: Vec<Client> = self.reading().list(&index).await?;
        clients.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(clients)
    }

    /// Removes a client and all it was granted; whether there was one.
    pub async fn remove_client(&self, id: &str) -> Result<bool, StoreError> {
        self.change(async |transaction| {
            let client: Option<Client> = transaction.get(id).await?;
            if let Some(client) = &client {
                transaction.delete(client);
            }
            let grants = transaction.list::<Grant>(&Grant::of_client(id)).await?;
            for grant in &grants {
                transaction.delete(grant);
            }
            let found = client.is_some() || !grants.is_empty();
            if found {
                transaction.emit(Event::ClientChanged(id.to_owned()));
            }
            Ok(found)
        })
        .await
    }

    /// Bars a client id, registered or the address of a metadata document, or
    /// lets it in again.
    pub async fn block_client(&self, id: &str, blocked: bool) -> Result<(), StoreError> {
        self.change(async |transaction| {
            let mark = BlockedClient {
                id: id.to_owned(),
                since: transaction.now(),
            };
            if blocked {
                transaction.put(&mark)?;
            } else {
                transaction.delete(&mark);
            }
            transaction.emit(Event::ClientChanged(id.to_owned()));
            Ok(())
        })
        .await
    }

    /// Whether the client may not be used.
    pub async fn is_client_blocked(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.reading().get::<BlockedClient>(id).await?.is_some())
    }

    /// Ids of all blocked clients with the time of it.
    pub async fn blocked_clients(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let marks: Vec<BlockedClient> = self.reading().list(&BlockedClient::all()).await?;
        Ok(marks
            .into_iter()
            .map(|mark| (mark.id, mark.since))
            .collect())
    }
}

/// Marks the client as one that is used: it is not purged any more.
pub(super) async fn used(
    transaction: &mut Transaction<'_>,
    client_id: &str,
) -> Result<(), StoreError> {
    let client: Option<Client> = transaction.get(client_id).await?;
    if let Some(client) = client
        && client.used_at.is_none()
    {
        let now = transaction.now();
        transaction.put(&Client {
            used_at: Some(now),
            expires_at: None,
            ..client
        })?;
    }
    Ok(())
}

async fn known(
    transaction: &mut Transaction<'_>,
    new: &NewClient,
) -> Result<Option<Client>, StoreError> {
    let registration: Option<Registration> = transaction.get(fingerprint(new)).await?;
    match registration {
        Some(registration) => transaction.get(registration.client).await,
        None => Ok(None),
    }
}

fn fingerprint(new: &NewClient) -> SecretHash {
    let parts = serde_json::json!([new.scope, new.name, new.redirect_uris]);
    SecretHash::of(&parts.to_string())
}

/// A client that got no token by then never will.
const UNUSED_CLIENT: Duration = Duration::from_secs(24 * 3_600);
