//! Authorization codes: given once, redeemed once.

use std::time::Duration;

use super::{GrantFilter, Store, clients, grants};
use crate::principal::Rights;
use crate::state::records::{AccessToken, AuthorizationCode, Grant, RefreshToken};
use crate::state::transaction::Transaction;
use crate::state::{SecretHash, StoreError};

/// Hashes and lives of the tokens that a grant is to get.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Of the access token.
    pub access: SecretHash,
    /// Life of the access token.
    pub access_ttl: Duration,
    /// Of the refresh token, where there is one.
    pub refresh: Option<SecretHash>,
    /// Life of the refresh token and of the grant.
    pub refresh_ttl: Duration,
}

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// It was good: the grant that the tokens are of.
    Granted(Grant),
    /// It had been redeemed before: that grant is revoked now
    /// (RFC 6749 §4.1.2).
    Reused,
    /// There is none, or it has expired.
    Unknown,
}

impl Store {
    /// Keeps a new code of nobody in particular.
    #[cfg(test)]
    pub(crate) async fn put_code(&self, code: &AuthorizationCode) -> Result<(), StoreError> {
        change!(self, |transaction| { transaction.put(code) })
    }

    /// The code of that hash, redeemed or not, as long as it is remembered.
    pub async fn code(&self, hash: SecretHash) -> Result<Option<AuthorizationCode>, StoreError> {
        self.reading().get(hash).await
    }

    /// Redeems a code that the caller has found to match the request.
    pub async fn redeem_code(
        &self,
        hash: SecretHash,
        tokens: Tokens,
    ) -> Result<Redeemed, StoreError> {
        let grant_id = self.new_id()?;
        change!(self, |transaction| {
            let now = transaction.now();
            let Some(code) = transaction.get::<AuthorizationCode>(hash).await? else {
                return Ok(Redeemed::Unknown);
            };
            if let Some(grant) = &code.redeemed {
                grants::revoke(transaction, grant).await?;
                return Ok(Redeemed::Reused);
            }
            if code.expires_at <= now {
                return Ok(Redeemed::Unknown);
            }
            let grant = Grant {
                id: grant_id.clone(),
                scope: code.scope.clone(),
                client_id: code.client_id.clone(),
                client_name: code.client_name.clone(),
                subject: code.subject.clone(),
                rights: code.rights,
                created_at: now,
                used_at: now,
                expires_at: now.after(tokens.life()),
            };
            transaction.put(&AuthorizationCode {
                redeemed: Some(grant.id.clone()),
                ..code
            })?;
            clients::used(transaction, &grant.client_id).await?;
            transaction.put(&grant)?;
            put_tokens(transaction, &grant.id, grant.rights, tokens)?;
            Ok(Redeemed::Granted(grant))
        })
    }
}

impl Tokens {
    /// An access token that cannot be refreshed.
    pub fn access_only(access: SecretHash, ttl: Duration) -> Self {
        Self {
            access,
            access_ttl: ttl,
            refresh: None,
            refresh_ttl: ttl,
        }
    }

    pub(super) fn life(&self) -> Duration {
        match self.refresh {
            Some(_) => self.refresh_ttl.max(self.access_ttl),
            None => self.access_ttl,
        }
    }
}

/// Writes new tokens of a grant.
pub(super) fn put_tokens(
    transaction: &mut Transaction<'_>,
    grant: &str,
    rights: Rights,
    tokens: Tokens,
) -> Result<(), StoreError> {
    let now = transaction.now();
    transaction.put(&AccessToken {
        hash: tokens.access,
        grant: grant.to_owned(),
        rights,
        issued_at: now,
        expires_at: now.after(tokens.access_ttl),
    })?;
    if let Some(hash) = tokens.refresh {
        transaction.put(&RefreshToken {
            hash,
            grant: grant.to_owned(),
            rotated: None,
            expires_at: now.after(tokens.refresh_ttl),
        })?;
    }
    Ok(())
}

/// Codes that would still become a grant that fits.
pub(super) async fn matching(
    transaction: &mut Transaction<'_>,
    filter: &GrantFilter,
) -> Result<Vec<AuthorizationCode>, StoreError> {
    let index = match (&filter.subject, &filter.client_id) {
        (Some(subject), _) => AuthorizationCode::of_person(subject),
        (None, Some(client_id)) => AuthorizationCode::of_client(client_id),
        (None, None) => AuthorizationCode::all(),
    };
    let mut codes: Vec<AuthorizationCode> = transaction.list(&index).await?;
    codes.retain(|code| {
        code.redeemed.is_none() && filter.fits(&code.subject, &code.client_id, &code.scope)
    });
    Ok(codes)
}
