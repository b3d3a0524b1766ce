//! Grants and consents: given, listed, withdrawn.

use super::{Store, Tokens, codes};
use crate::principal::Rights;
use crate::state::records::{AccessToken, AuthorizationCode, Consent, Grant, Person, RefreshToken};
use crate::state::transaction::{Record, Transaction};
use crate::state::{Event, StoreError};

/// Which grants are meant; every part that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of this person.
    pub subject: Option<String>,
    /// Of this client.
    pub client_id: Option<String>,
    /// At this scope (path).
    pub scope: Option<String>,
}

impl GrantFilter {
    pub(super) fn fits(&self, subject: &str, client_id: &str, scope: &str) -> bool {
        let fits = |wanted: &Option<String>, has| wanted.as_deref().is_none_or(|w| w == has);
        fits(&self.subject, subject) && fits(&self.client_id, client_id) && fits(&self.scope, scope)
    }
}

/// What was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Codes that had not been redeemed.
    pub codes: usize,
    /// Grants.
    pub grants: usize,
}

impl Revoked {
    /// Whether it was anything.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// A code that a person allows.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// What covers it.
    pub consent: &'a Consent,
    /// The code.
    pub code: &'a AuthorizationCode,
    /// The consent is given now, in addition to what was allowed before;
    /// otherwise it was given before, and must still be there.
    pub given: bool,
    /// The person is one that the store knows.
    pub signed_in: bool,
}

impl Store {
    /// Makes a grant without a code: `mssql-mcp token issue`, the demo.
    pub async fn issue_token(
        &self,
        scope: &str,
        subject: &str,
        client_id: &str,
        rights: Rights,
        tokens: Tokens,
    ) -> Result<Grant, StoreError> {
        let id = self.new_id()?;
        change!(self, |transaction| {
            let now = transaction.now();
            let grant = Grant {
                id: id.clone(),
                scope: scope.to_owned(),
                client_id: client_id.to_owned(),
                client_name: client_id.to_owned(),
                subject: subject.to_owned(),
                rights,
                created_at: now,
                used_at: now,
                expires_at: now.after(tokens.life()),
            };
            transaction.put(&grant)?;
            codes::put_tokens(transaction, &grant.id, rights, tokens)?;
            Ok(grant)
        })
    }

    /// Grants in force, newest first.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        let mut grants = matching(&mut self.reading(), filter).await?;
        grants.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(grants)
    }

    /// Revokes one grant; whether there was one.
    pub async fn revoke_grant(&self, id: &str) -> Result<bool, StoreError> {
        change!(self, |transaction| { revoke(transaction, id).await })
    }

    /// Revokes every grant that fits, and the codes that would become one. Each
    /// is revoked whole, but not all in one moment: with thousands of clients at
    /// work, there is none.
    pub async fn revoke_grants(&self, filter: &GrantFilter) -> Result<Revoked, StoreError> {
        // Nothing here is read by the transactions: what a client does meanwhile
        // with what is to end cannot hold that up. Codes first: one that is
        // redeemed before its turn is a grant by then.
        let codes = codes::matching(&mut self.reading(), filter).await?;
        self.delete_unread(&codes).await?;
        let grants = matching(&mut self.reading(), filter).await?;
        for part in grants.chunks(PART) {
            change!(self, |transaction| {
                for grant in part {
                    end(transaction, grant).await?;
                }
                Ok(())
            })?;
        }
        Ok(Revoked {
            codes: codes.len(),
            grants: grants.len(),
        })
    }

    /// Keeps a code that a person allows, if there is such a person (still), and
    /// the consent covers it; whether both was so.
    pub async fn allow(&self, allowed: Allowed<'_>) -> Result<bool, StoreError> {
        let Allowed {
            consent,
            code,
            given,
            signed_in,
        } = allowed;
        change!(self, |transaction| {
            if signed_in && transaction.get::<Person>(&consent.subject).await?.is_none() {
                return Ok(false);
            }
            let before: Option<Consent> = transaction.get(consent.id()).await?;
            if given {
                transaction.put(&Consent {
                    rights: before
                        .as_ref()
                        .map_or(consent.rights, |before| before.rights.or(consent.rights)),
                    given_at: before.map_or(consent.given_at, |before| before.given_at),
                    ..consent.clone()
                })?;
            } else if !before.is_some_and(|before| code.rights.within(before.rights)) {
                return Ok(false);
            }
            transaction.put(code)?;
            Ok(true)
        })
    }

    /// Remembers a consent without a code.
    #[cfg(test)]
    pub(crate) async fn remember_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        change!(self, |transaction| { transaction.put(consent) })
    }

    /// What that person allowed that client there.
    pub async fn consent(
        &self,
        subject: &str,
        scope: &str,
        client_id: &str,
        redirect_uri: &str,
    ) -> Result<Option<Consent>, StoreError> {
        let id = Consent::id_of(subject, scope, client_id, redirect_uri);
        self.reading().get(id).await
    }

    /// All that a person allowed, newest first.
    pub async fn consents(&self, subject: &str) -> Result<Vec<Consent>, StoreError> {
        let mut consents: Vec<Consent> = self.reading().list(&Consent::of_person(subject)).await?;
        consents.sort_by(|a, b| (b.given_at, &b.client_id).cmp(&(a.given_at, &a.client_id)));
        Ok(consents)
    }

    /// Forgets what a person allowed a client at a scope, and revokes what came
    /// of it, codes included; whether there was anything.
    pub async fn withdraw_consent(
        &self,
        subject: &str,
        scope: &str,
        client_id: &str,
    ) -> Result<bool, StoreError> {
        let filter = GrantFilter {
            subject: Some(subject.to_owned()),
            client_id: Some(client_id.to_owned()),
            scope: Some(scope.to_owned()),
        };
        let mut consents: Vec<Consent> = self.reading().list(&Consent::of_person(subject)).await?;
        consents.retain(|consent| consent.client_id == client_id && consent.scope == scope);
        self.delete_unread(&consents).await?;
        let revoked = self.revoke_grants(&filter).await?;
        Ok(!consents.is_empty() || revoked.any())
    }

    /// Deletes records whatever becomes of them meanwhile.
    pub(super) async fn delete_unread<R: Record>(&self, records: &[R]) -> Result<(), StoreError> {
        for part in records.chunks(PART) {
            change!(self, |transaction| {
                for record in part {
                    transaction.delete(record);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Grants in force that fit.
pub(super) async fn matching(
    transaction: &mut Transaction<'_>,
    filter: &GrantFilter,
) -> Result<Vec<Grant>, StoreError> {
    let index = match filter {
        GrantFilter {
            subject: Some(subject),
            ..
        } => Grant::of_person(subject),
        GrantFilter {
            client_id: Some(client_id),
            ..
        } => Grant::of_client(client_id),
        GrantFilter {
            scope: Some(scope), ..
        } => Grant::of_scope(scope),
        _ => Grant::all(),
    };
    let mut grants: Vec<Grant> = transaction.list(&index).await?;
    grants.retain(|grant| filter.fits(&grant.subject, &grant.client_id, &grant.scope));
    Ok(grants)
}

/// Ends a grant, and with it all its tokens; whether there was one.
pub(super) async fn revoke(
    transaction: &mut Transaction<'_>,
    id: &str,
) -> Result<bool, StoreError> {
    let grant: Option<Grant> = transaction.get(id).await?;
    if let Some(grant) = &grant {
        end(transaction, grant).await?;
    }
    Ok(grant.is_some())
}

/// Its tokens are worth nothing without it, so that one more of them, made at
/// the same time, does no harm.
async fn end(transaction: &mut Transaction<'_>, grant: &Grant) -> Result<(), StoreError> {
    transaction.delete(grant);
    transaction.sweep(&AccessToken::of_grant(&grant.id)).await?;
    transaction
        .sweep(&RefreshToken::of_grant(&grant.id))
        .await?;
    transaction.emit(Event::GrantRevoked(grant.id.clone()));
    Ok(())
}

/// Records that end in one change: others wait no longer than for that.
const PART: usize = 20;
