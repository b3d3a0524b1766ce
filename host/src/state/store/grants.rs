//! Grants and consents: given, listed, withdrawn.

use super::{Store, Tokens, codes};
use crate::principal::Rights;
use crate::state::records::{Consent, Grant};
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
        self.change(async |transaction| {
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
            codes::put_tokens(transaction, &grant, rights, tokens)?;
            Ok(grant)
        })
        .await
    }

    /// Grants in force, newest first.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        let mut grants = matching(&mut self.reading(), filter).await?;
        grants.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(grants)
    }

    /// Revokes one grant; whether there was one.
    pub async fn revoke_grant(&self, id: &str) -> Result<bool, StoreError> {
        self.change(async |transaction| codes::revoke(transaction, id).await)
            .await
    }

    /// Revokes every grant that fits; how many.
    pub async fn revoke_grants(&self, filter: &GrantFilter) -> Result<usize, StoreError> {
        self.change(async |transaction| {
            let grants = matching(transaction, filter).await?;
            for grant in &grants {
                transaction.delete(grant);
                transaction.emit(Event::GrantRevoked(grant.id.clone()));
            }
            Ok(grants.len())
        })
        .await
    }

    /// Remembers what a person allowed.
    pub async fn remember_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        self.change(async |transaction| transaction.put(consent))
            .await
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
    /// of it; whether there was anything.
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
        self.change(async |transaction| {
            let consents: Vec<Consent> = transaction.list(&Consent::of_person(subject)).await?;
            let own = |consent: &&Consent| consent.client_id == client_id && consent.scope == scope;
            let mut found = false;
            for consent in consents.iter().filter(own) {
                transaction.delete(consent);
                found = true;
            }
            for grant in matching(transaction, &filter).await? {
                transaction.delete(&grant);
                transaction.emit(Event::GrantRevoked(grant.id));
                found = true;
            }
            Ok(found)
        })
        .await
    }
}

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
    let fits = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|w| w == has);
    grants.retain(|grant| {
        fits(&filter.subject, &grant.subject)
            && fits(&filter.client_id, &grant.client_id)
            && fits(&filter.scope, &grant.scope)
    });
    Ok(grants)
}
