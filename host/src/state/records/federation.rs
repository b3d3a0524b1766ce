//! A sign-in that is under way at an OpenID Connect provider.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::state::SecretHash;
use crate::state::transaction::Record;

/// What must be known again when the browser comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Federation {
    /// Hash of `state`.
    pub hash: SecretHash,
    /// Hash of the cookie of the browser that left.
    pub browser: SecretHash,
    /// `nonce` that the ID token must carry (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// PKCE `code_verifier` (RFC 7636).
    pub code_verifier: String,
    /// Path and query on this host to go on with.
    pub return_to: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Record for Federation {
    const KIND: &'static str = "federation";

    fn id(&self) -> String {
        self.hash.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
