//! An authorization code (RFC 6749 §4.1.2), and what it was given for.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::principal::Rights;
use crate::state::SecretHash;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// Bound to everything that its redemption has to match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// Hash of the code.
    pub hash: SecretHash,
    /// Scope (path) whose authorization server gave it.
    pub scope: String,
    /// `client_id` it was given to.
    pub client_id: String,
    /// What the person saw as the client's name.
    pub client_name: String,
    /// `redirect_uri` of the request, exactly.
    pub redirect_uri: String,
    /// `code_challenge` of the request; the method is S256.
    pub code_challenge: String,
    /// `resource` of the request (RFC 8707), if it had one.
    pub resource: Option<String>,
    /// Who allowed it.
    pub subject: String,
    /// What was allowed.
    pub rights: Rights,
    /// When it ends unused.
    pub expires_at: Timestamp,
    /// Set when it was redeemed: the grant that came of it.
    pub redeemed: Option<String>,
    /// When the record itself goes: a code that comes back must be noticed.
    pub forget_at: Timestamp,
}

impl AuthorizationCode {
    pub(crate) fn all() -> Index {
        Index::new("codes", "all")
    }

    pub(crate) fn of_person(subject: &str) -> Index {
        Index::new("codes-of-person", subject)
    }

    pub(crate) fn of_client(client_id: &str) -> Index {
        Index::new("codes-of-client", client_id)
    }
}

impl Record for AuthorizationCode {
    const KIND: &'static str = "code";

    fn id(&self) -> String {
        self.hash.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.forget_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![
            Self::all(),
            Self::of_person(&self.subject),
            Self::of_client(&self.client_id),
        ]
    }
}
