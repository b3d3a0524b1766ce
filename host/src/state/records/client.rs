//! A registered OAuth client (RFC 7591), and the mark of one that is blocked.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::state::SecretHash;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// A client that one scope knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`
    pub id: String,
    /// The scope (path) that it is registered at.
    pub scope: String,
    /// `client_name`, unverified; empty if it gave none.
    pub name: String,
    /// `redirect_uris`, exactly as registered.
    pub redirect_uris: Vec<String>,
    /// `token_endpoint_auth_method`
    pub authentication: ClientAuthentication,
    /// Hash of its secret, where it has one.
    pub secret: Option<SecretHash>,
    /// How it came to be here.
    pub kind: ClientKind,
    /// `client_id_issued_at`
    pub created_at: Timestamp,
    /// When it first got a token; one that never did is purged.
    pub used_at: Option<Timestamp>,
    /// When it is purged.
    pub expires_at: Option<Timestamp>,
}

/// How a client authenticates at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `none`: a public client.
    None,
    /// `client_secret_post`
    ClientSecretPost,
    /// `client_secret_basic`
    ClientSecretBasic,
}

/// How a client became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// It registered itself (RFC 7591).
    Registered,
    /// `mssql-mcp client add`; never purged.
    Preregistered,
    /// Its id is the address of its metadata; never stored.
    MetadataDocument,
}

impl Client {
    pub(crate) fn of_scope(scope: &str) -> Index {
        Index::new("clients-of", scope)
    }

    pub(crate) fn all() -> Index {
        Index::new("clients", "all")
    }
}

impl Record for Client {
    const KIND: &'static str = "client";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::of_scope(&self.scope), Self::all()]
    }
}

/// Where the client of an earlier identical registration is found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// Hash of scope and metadata.
    pub(crate) fingerprint: SecretHash,
    pub(crate) client: String,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Record for Registration {
    const KIND: &'static str = "registration";

    fn id(&self) -> String {
        self.fingerprint.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// A client that may not be used, registered or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BlockedClient {
    pub(crate) id: String,
    pub(crate) since: Timestamp,
}

impl BlockedClient {
    pub(crate) fn all() -> Index {
        Index::new("blocked-clients", "all")
    }
}

impl Record for BlockedClient {
    const KIND: &'static str = "blocked-client";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::all()]
    }
}
