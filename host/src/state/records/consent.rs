//! What a person allowed a client, remembered.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::principal::Rights;
use crate::state::backend::Index;
use crate::state::secret::SecretHash;
use crate::state::transaction::Record;

/// One person, one scope, one client, one redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who allowed it.
    pub subject: String,
    /// Scope (path) that it is for.
    pub scope: String,
    /// To whom.
    pub client_id: String,
    /// The client's name at that time, unverified.
    pub client_name: String,
    /// Where codes go, as registered.
    pub redirect_uri: String,
    /// What was allowed.
    pub rights: Rights,
    /// When.
    pub given_at: Timestamp,
}

impl Consent {
    pub(crate) fn of_person(subject: &str) -> Index {
        Index::new("consents-of", subject)
    }

    pub(crate) fn of_client(client_id: &str) -> Index {
        Index::new("consents-of-client", client_id)
    }

    /// The record's id: the parts may hold any character.
    pub(crate) fn id_of(subject: &str, scope: &str, client_id: &str, redirect_uri: &str) -> String {
        let parts = serde_json::json!([subject, scope, client_id, redirect_uri]);
        SecretHash::of(&parts.to_string()).to_string()
    }
}

impl Record for Consent {
    const KIND: &'static str = "consent";

    fn id(&self) -> String {
        Self::id_of(
            &self.subject,
            &self.scope,
            &self.client_id,
            &self.redirect_uri,
        )
    }

    fn indexes(&self) -> Vec<Index> {
        vec![
            Self::of_person(&self.subject),
            Self::of_client(&self.client_id),
        ]
    }
}
