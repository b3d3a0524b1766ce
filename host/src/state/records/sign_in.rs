//! A browser in which a person has signed in.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::state::SecretHash;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// Begun anew at each sign-in: a cookie that was there before is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Hash of the cookie.
    pub hash: SecretHash,
    /// Who signed in.
    pub subject: String,
    /// When.
    pub signed_in_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl SignIn {
    pub(crate) fn of_person(subject: &str) -> Index {
        Index::new("sign-ins-of", subject)
    }
}

impl Record for SignIn {
    const KIND: &'static str = "sign-in";

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
