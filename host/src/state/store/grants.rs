//! Grants and consents: given, listed, withdrawn.

use super::{Store, Tokens, codes};
use crate::principal::Rights;
use crate::state::records::{AccessToken, AuthorizationCode, Consent, Grant, RefreshToken};
use crate::state::transaction::Transaction;
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

    /// Revokes every grant that fits, and the codes that would become one; how
    /// many grants. Each is revoked whole, but not all in one moment: with
    /// thousands of clients at work, there is none.
    pub async fn revoke_grants(&self, filter: &GrantFilter) -> Result<usize, StoreError> {
        // Codes first: one that is redeemed before its turn is a grant by then.
        let codes = codes::matching(&mut self.reading(), filter).await?;
        for part in codes.chunks(PART) {
            change!(self, |transaction| {
                for code in part {
                    let code: Option<AuthorizationCode> = transaction.get(code.hash).await?;
                    if let Some(code) = code.filter(|code| code.redeemed.is_none()) {
                        transaction.delete(&code);
                    }
                }
                Ok(())
            })?;
        }
        let grants = matching(&mut self.reading(), filter).await?;
        let mut revoked = 0;
        for part in grants.chunks(PART) {
            revoked += change!(self, |transaction| {
                let mut revoked = 0;
                for grant in part {
                    revoked += usize::from(revoke(transaction, &grant.id).await?);
                }
                Ok(revoked)
            })?;
        }
        Ok(revoked)
    }

    /// Remembers what a person allowed.
    pub async fn remember_consent(&self, consent: &Consent) -> Result<(), StoreError> {
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
        change!(self, |transaction| {
            let consents: Vec<Consent> = transaction.list(&Consent::of_person(subject)).await?;
            let own = |consent: &&Consent| consent.client_id == client_id && consent.scope == scope;
            let mut found = false;
            for consent in consents.iter().filter(own) {
                transaction.delete(consent);
                found = true;
            }
            found |= end_matching(transaction, &filter).await?;
            Ok(found)
        })
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

/// Ends, in one change, every grant that fits and the codes that would become
/// one; whether there was any.
pub(super) async fn end_matching(
    transaction: &mut Transaction<'_>,
    filter: &GrantFilter,
) -> Result<bool, StoreError> {
    let codes = codes::matching(transaction, filter).await?;
    for code in &codes {
        transaction.delete(code);
    }
    let grants = matching(transaction, filter).await?;
    for grant in &grants {
        end(transaction, grant).await?;
    }
    Ok(!codes.is_empty() || !grants.is_empty())
}

async fn end(transaction: &mut Transaction<'_>, grant: &Grant) -> Result<(), StoreError> {
    transaction.delete(grant);
    transaction
        .delete_all(&AccessToken::of_grant(&grant.id))
        .await?;
    transaction
        .delete_all(&RefreshToken::of_grant(&grant.id))
        .await?;
    transaction.emit(Event::GrantRevoked(grant.id.clone()));
    Ok(())
}

/// Grants that end in one change: few enough to be read and ended before one of
/// them is refreshed.
const PART: usize = 20;
