//! Clients: how they become known, what is believed of them, and how they
//! prove who they are.

pub(crate) mod authentication;
pub(crate) mod document;
pub(crate) mod limit;
mod name;
pub(crate) mod redirect;
pub(crate) mod registration;

use document::DocumentError;

use super::access::ScopeAccess;
use super::context::OAuth;
use crate::state::{Client, ClientAuthentication, ClientKind, StoreError};

/// Why a `client_id` stands for no client that may come here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Never registered here, or purged since.
    #[error("no client of this id is registered at this scope")]
    Unknown,
    /// The operator barred it.
    #[error("the client is blocked")]
    Blocked,
    /// The id is the address of metadata that cannot be used; the sentence may
    /// be shown.
    #[error("the client's metadata document cannot be used: {0}")]
    Document(#[from] DocumentError),
    /// Nothing is known about the client.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OAuth {
    /// The client that `client_id` stands for at `scope`: one that is
    /// registered there, or one whose metadata is at that address. It has only
    /// the redirect URIs that the scope allows today.
    pub(crate) async fn find_client(
        &self,
        scope: &ScopeAccess,
        client_id: &str,
    ) -> Result<Client, ClientError> {
        if client_id.len() > MAX_CLIENT_ID {
            return Err(ClientError::Unknown);
        }
        let store = self.store();
        if store.is_client_blocked(client_id).await? {
            return Err(ClientError::Blocked);
        }
        let mut client = if is_document(client_id) {
            let document = self.shared.documents.get(client_id, store.clock()).await?;
            Client {
                id: client_id.to_owned(),
                scope: scope.name.clone(),
                name: document.client_name.clone(),
                redirect_uris: document.redirect_uris.clone(),
                authentication: ClientAuthentication::None,
                secret: None,
                kind: ClientKind::MetadataDocument,
                created_at: store.clock().now(),
                used_at: None,
                expires_at: None,
            }
        } else {
            let client = store.client(client_id).await?;
            client
                .filter(|client| client.scope == scope.name)
                .ok_or(ClientError::Unknown)?
        };
        // What the operator registered is the operator's own rule.
        if client.kind != ClientKind::Preregistered {
            let allowed = |uri: &String| redirect::check(uri, &scope.redirects).is_ok();
            client.redirect_uris.retain(allowed);
        }
        if client.kind == ClientKind::MetadataDocument && client.redirect_uris.is_empty() {
            return Err(DocumentError::NoAllowedRedirect.into());
        }
        Ok(client)
    }
}

/// Whether the id is the address of a Client ID Metadata Document; ids that
/// are made here never look like one.
pub(crate) fn is_document(client_id: &str) -> bool {
    client_id.starts_with("https://")
}

/// No address of a document is longer.
const MAX_CLIENT_ID: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::oauth;
    use crate::state::NewClient;

    fn new(kind: ClientKind, redirect_uris: &[&str]) -> NewClient {
        NewClient {
            scope: "claude".to_owned(),
            name: "Client".to_owned(),
            redirect_uris: redirect_uris.iter().copied().map(str::to_owned).collect(),
            authentication: ClientAuthentication::None,
            kind,
        }
    }

    #[tokio::test]
    async fn a_client_is_found_at_its_scope_alone_and_not_when_blocked() {
        let (oauth, _) = oauth();
        let store = oauth.store();
        let new = new(ClientKind::Registered, &["https://claude.ai/cb"]);
        let id = store.register_client(&new).await.unwrap().0.id;
        let find = async |scope: &str| {
            let scope = oauth.scope(scope).unwrap();
            oauth.find_client(&scope, &id).await
        };
        assert_eq!(find("claude").await.unwrap().id, id);
        assert!(matches!(find("chatgpt").await, Err(ClientError::Unknown)));
        store.block_client(&id, true).await.unwrap();
        assert!(matches!(find("claude").await, Err(ClientError::Blocked)));
        let scope = oauth.scope("claude").unwrap();
        for id in ["", "nobody", &"x".repeat(100_000)] {
            let outcome = oauth.find_client(&scope, id).await;
            assert!(matches!(outcome, Err(ClientError::Unknown)));
        }
        let outcome = oauth.find_client(&scope, "https://127.0.0.1/x").await;
        assert!(matches!(outcome, Err(ClientError::Document(_))));
    }

    #[tokio::test]
    async fn redirects_that_the_rules_no_longer_allow_are_gone_but_for_the_operators_own() {
        let (oauth, _) = oauth();
        let uris = ["https://claude.ai/cb", "https://tools.example.com/cb"];
        for (kind, left) in [(ClientKind::Registered, 1), (ClientKind::Preregistered, 2)] {
            let registered = oauth.store().register_client(&new(kind, &uris)).await;
            let id = registered.unwrap().0.id;
            let scope = oauth.scope("claude").unwrap();
            let client = oauth.find_client(&scope, &id).await.unwrap();
            assert_eq!(client.redirect_uris.len(), left, "{kind:?}");
        }
    }
}
