//! A person who may sign in, and the invitation of one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::state::SecretHash;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// Known by a subject that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What configuration and audit call the person: an e-mail address or a
    /// name, in lower case.
    pub subject: String,
    /// argon2id in PHC string format; none for those who sign in elsewhere or
    /// have not yet followed their invitation.
    pub password: Option<String>,
    /// Groups, without `group:`.
    pub groups: BTreeSet<String>,
    /// What the provider of identities says besides, by claim, as far as a scope
    /// wants to know it.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// When the person became known.
    pub created_at: Timestamp,
    /// When the person last signed in.
    pub signed_in_at: Option<Timestamp>,
}

impl Person {
    /// Somebody who has yet to sign in, and has no password.
    pub(crate) fn new(subject: &str, groups: BTreeSet<String>, now: Timestamp) -> Self {
        Self {
            subject: subject.to_owned(),
            password: None,
            groups,
            claims: BTreeMap::new(),
            created_at: now,
            signed_in_at: None,
        }
    }

    pub(crate) fn all() -> Index {
        Index::new("people", "all")
    }
}

impl Record for Person {
    const KIND: &'static str = "person";

    fn id(&self) -> String {
        self.subject.clone()
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::all()]
    }
}

/// A mark on a subject that was removed: providers of identities know it still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedPerson {
    pub(crate) subject: String,
    pub(crate) since: Timestamp,
}

impl Record for RemovedPerson {
    const KIND: &'static str = "removed-person";

    fn id(&self) -> String {
        self.subject.clone()
    }
}

/// A link that lets a person set a password, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Hash of what the link carries.
    pub hash: SecretHash,
    /// For whom.
    pub subject: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Invitation {
    pub(crate) fn of_person(subject: &str) -> Index {
        Index::new("invitations-of", subject)
    }
}

impl Record for Invitation {
    const KIND: &'static str = "invitation";

    fn id(&self) -> String {
        self.hash.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::of_person(&self.subject)]
    }
}
