//! Authorization codes: given once, redeemed once.

use std::time::Duration;

use super::{Store, clients};
use crate::principal::Rights;
use crate::state::records::{AccessToken, AuthorizationCode, Grant, RefreshToken};
use crate::state::transaction::Transaction;
use crate::state::{Event, SecretHash, StoreError};

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
    /// Keeps a new code.
    pub async fn put_code(&self, code: &AuthorizationCode) -> Result<(), StoreError> {
        self.change(async |transaction| transaction.put(code)).await
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
        self.change(async |transaction| {
            let now = transaction.now();
            let Some(code) = transaction.get::<AuthorizationCode>(hash).await? else {
                return Ok(Redeemed::Unknown);
            };
            if let Some(grant) = &code.redeemed {
                revoke(transaction, grant).await?;
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
            put_tokens(transaction, &grant, grant.rights, tokens)?;
            Ok(Redeemed::Granted(grant))
        })
        .await
    }
}

impl Tokens {
    pub(super) fn life(&self) -> Duration {
        match self.refresh {
            Some(_) => self.refresh_ttl.max(self.access_ttl),
            None => self.access_ttl,
        }
    }
}

/// Writes the grant as it is from now on, with its new tokens.
pub(super) fn put_tokens(
    transaction: &mut Transaction<'_>,
    grant: &Grant,
    rights: Rights,
    tokens: Tokens,
) -> Result<(), StoreError> {
    let now = transaction.now();
    transaction.put(grant)?;
    transaction.put(&AccessToken {
        hash: tokens.access,
        grant: grant.id.clone(),
        rights,
        issued_at: now,
        expires_at: now.after(tokens.access_ttl),
    })?;
    if let Some(hash) = tokens.refresh {
        transaction.put(&RefreshToken {
            hash,
            grant: grant.id.clone(),
            rotated: None,
            expires_at: now.after(tokens.refresh_ttl),
        })?;
    }
    Ok(())
}

/// Ends a grant, and with it all its tokens.
pub(super) async fn revoke(
    transaction: &mut Transaction<'_>,
    grant: &str,
) -> Result<bool, StoreError> {
    let Some(grant) = transaction.get::<Grant>(grant).await? else {
        return Ok(false);
    };
    transaction.delete(&grant);
    transaction.emit(Event::GrantRevoked(grant.id));
    Ok(true)
}
