//! Who is asked: the person who has signed in, or whoever is at this machine.

use std::collections::{BTreeMap, BTreeSet};

use super::{Browser, LOCAL_SUBJECT};
use crate::oauth::{OAuth, SignInMethod};
use crate::state::StoreError;

/// A person, as far as decisions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oauth) struct Visitor {
    pub(in crate::oauth) subject: String,
    /// Groups, without `group:`.
    pub(in crate::oauth) groups: BTreeSet<String>,
    /// Claims that the provider knew at the sign-in.
    pub(in crate::oauth) claims: BTreeMap<String, String>,
    /// Whether the person has signed in and can sign out.
    pub(in crate::oauth) has_signed_in: bool,
}

impl Visitor {
    /// Who is at `browser`; none who has yet to sign in.
    pub(in crate::oauth) async fn of(
        oauth: &OAuth,
        browser: &Browser,
    ) -> Result<Option<Self>, StoreError> {
        if matches!(oauth.shared.sign_in, SignInMethod::Consent) {
            return Ok(Some(Self {
                subject: LOCAL_SUBJECT.to_owned(),
                groups: BTreeSet::new(),
                claims: BTreeMap::new(),
                has_signed_in: false,
            }));
        }
        let signed_in = browser.signed_in(oauth).await?;
        Ok(signed_in.map(|(_, person)| Self {
            subject: person.subject,
            groups: person.groups,
            claims: person.claims,
            has_signed_in: true,
        }))
    }
}
