//! Clients: registered, found, blocked, removed.

use std::time::Duration;

use super::{GrantFilter, Store};
use crate::clock::Timestamp;
use crate::state::records::{
    BlockedClient, Client, ClientAuthentication, ClientKind, Consent, Registration,
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
    /// client it has, and if that one never got a token, time to get one. A
    /// confidential one also gets its secret, this once.
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
        let client = change!(self, |transaction| {
            let reuses = secret.is_none() && matches!(new.kind, ClientKind::Registered);
            let now = transaction.now();
            if reuses && let Some(known) = known(transaction, new).await? {
                if known.used_at.is_some() {
                    return Ok(known);
                }
                let expires_at = Some(now.after(UNUSED_CLIENT));
                let known = Client {
                    expires_at,
                    ..known
                };
                put_registered(transaction, &known)?;
                return Ok(known);
            }
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
            if reuses {
                put_registered(transaction, &client)?;
            } else {
                transaction.put(&client)?;
            }
            Ok(client)
        })?;
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

    /// Removes a client with its consents, codes and grants; whether there was
    /// any of it. A client that is the address of its metadata comes back with
    /// its next request; [`block_client`](Self::block_client) keeps it out.
    pub async fn remove_client(&self, id: &str) -> Result<bool, StoreError> {
        // In several steps: one client may have grants of thousands of people,
        // and after the first it gets no more.
        let registered = change!(self, |transaction| {
            let Some(client) = transaction.get::<Client>(id).await? else {
                return Ok(false);
            };
            transaction.delete(&client);
            if let Some(registration) = registration(transaction, &client).await? {
                transaction.delete(&registration);
            }
            transaction.emit(Event::ClientChanged(id.to_owned()));
            Ok(true)
        })?;
        let consents: Vec<Consent> = self.reading().list(&Consent::of_client(id)).await?;
        self.delete_unread(&consents).await?;
        let granted = GrantFilter {
            client_id: Some(id.to_owned()),
            ..GrantFilter::default()
        };
        let revoked = self.revoke_grants(&granted).await?;
        Ok(registered || !consents.is_empty() || revoked.any())
    }

    /// Bars a client id, registered or the address of a metadata document, or
    /// lets it in again.
    pub async fn block_client(&self, id: &str, blocked: bool) -> Result<(), StoreError> {
        change!(self, |transaction| {
            let mark: Option<BlockedClient> = transaction.get(id).await?;
            match mark {
                None if blocked => transaction.put(&BlockedClient {
                    id: id.to_owned(),
                    since: transaction.now(),
                })?,
                Some(mark) if !blocked => transaction.delete(&mark),
                _ => return Ok(()),
            }
            transaction.emit(Event::ClientChanged(id.to_owned()));
            Ok(())
        })
    }

    /// Whether the client may not be used.
    pub async fn is_client_blocked(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.reading().get::<BlockedClient>(id).await?.is_some())
    }

    /// Ids of all blocked clients with the time of it, earliest first.
    pub async fn blocked_clients(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let marks: Vec<BlockedClient> = self.reading().list(&BlockedClient::all()).await?;
        let marks = marks.into_iter().map(|mark| (mark.id, mark.since));
        let mut blocked: Vec<(String, Timestamp)> = marks.collect();
        blocked.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        Ok(blocked)
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
        let used = Client {
            used_at: Some(transaction.now()),
            expires_at: None,
            ..client
        };
        if registration(transaction, &used).await?.is_some() {
            put_registered(transaction, &used)?;
        } else {
            transaction.put(&used)?;
        }
    }
    Ok(())
}

/// Writes a client, to be found by another registration of the same.
fn put_registered(transaction: &mut Transaction<'_>, client: &Client) -> Result<(), StoreError> {
    transaction.put(client)?;
    transaction.put(&Registration {
        fingerprint: fingerprint(&client.scope, &client.name, &client.redirect_uris),
        client: client.id.clone(),
        expires_at: client.expires_at,
    })
}

/// What leads to that client.
async fn registration(
    transaction: &mut Transaction<'_>,
    client: &Client,
) -> Result<Option<Registration>, StoreError> {
    let fingerprint = fingerprint(&client.scope, &client.name, &client.redirect_uris);
    let registration: Option<Registration> = transaction.get(fingerprint).await?;
    Ok(registration.filter(|registration| registration.client == client.id))
}

async fn known(
    transaction: &mut Transaction<'_>,
    new: &NewClient,
) -> Result<Option<Client>, StoreError> {
    let fingerprint = fingerprint(&new.scope, &new.name, &new.redirect_uris);
    let registration: Option<Registration> = transaction.get(fingerprint).await?;
    match registration {
        Some(registration) => transaction.get(registration.client).await,
        None => Ok(None),
    }
}

fn fingerprint(scope: &str, name: &str, redirect_uris: &[String]) -> SecretHash {
    let parts = serde_json::json!([scope, name, redirect_uris]);
    SecretHash::of(&parts.to_string())
}

/// A client that got no token by then never will. Some register once for a whole
/// workspace, long before the first person signs in.
const UNUSED_CLIENT: Duration = Duration::from_secs(30 * 24 * 3_600);
