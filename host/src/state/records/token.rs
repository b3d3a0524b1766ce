//! Tokens (RFC 6749 §1.4, §1.5), by their hashes.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::principal::Rights;
use crate::state::SecretHash;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// Good until it expires, as long as its grant is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// Hash of the token.
    pub hash: SecretHash,
    /// The grant it is of.
    pub grant: String,
    /// What it may do: at most what the grant may.
    pub rights: Rights,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl AccessToken {
    pub(crate) fn all() -> Index {
        Index::new("access-tokens", "all")
    }

    pub(crate) fn of_grant(grant: &str) -> Index {
        Index::new("access-tokens-of", grant)
    }
}

impl Record for AccessToken {
    const KIND: &'static str = "access-token";

    fn id(&self) -> String {
        self.hash.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::all(), Self::of_grant(&self.grant)]
    }
}

/// Good for one use, and inside the grace window for its repetition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Hash of the token.
    pub hash: SecretHash,
    /// The grant it is of.
    pub grant: String,
    /// When it was exchanged, and the hash of what came in its place.
    pub rotated: Option<(Timestamp, SecretHash)>,
    /// When it ends; a rotated one is kept as long, to notice its reuse.
    pub expires_at: Timestamp,
}

impl RefreshToken {
    pub(crate) fn of_grant(grant: &str) -> Index {
        Index::new("refresh-tokens-of", grant)
    }
}

impl Record for RefreshToken {
    const KIND: &'static str = "refresh-token";

    fn id(&self) -> String {
        self.hash.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::of_grant(&self.grant)]
    }
}
