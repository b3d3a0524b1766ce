//! What a person's consent gave to a client: the family that its tokens are of.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::principal::Rights;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// All tokens of a grant end with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Random, not secret.
    pub id: String,
    /// Scope (path) that its tokens are good at.
    pub scope: String,
    /// The client that has them.
    pub client_id: String,
    /// The client's name, unverified.
    pub client_name: String,
    /// The person they speak for.
    pub subject: String,
    /// The most that any of its tokens may do.
    pub rights: Rights,
    /// When it was given.
    pub created_at: Timestamp,
    /// When a token was last made for it.
    pub used_at: Timestamp,
    /// When it ends by itself; each refresh moves this on.
    pub expires_at: Timestamp,
}

impl Grant {
    pub(crate) fn all() -> Index {
        Index::new("grants", "all")
    }

    pub(crate) fn of_person(subject: &str) -> Index {
        Index::new("grants-of-person", subject)
    }

    pub(crate) fn of_client(client_id: &str) -> Index {
        Index::new("grants-of-client", client_id)
    }

    pub(crate) fn of_scope(scope: &str) -> Index {
        Index::new("grants-of-scope", scope)
    }
}

impl Record for Grant {
    const KIND: &'static str = "grant";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![
            Self::all(),
            Self::of_person(&self.subject),
            Self::of_client(&self.client_id),
            Self::of_scope(&self.scope),
        ]
    }
}
