//! Tokens: refreshed, looked up, revoked.

use std::time::Duration;

use super::{Store, Tokens, codes, grants};
use crate::principal::Rights;
use crate::state::backend::Key;
use crate::state::records::{AccessToken, BlockedClient, Grant, Person, RefreshToken};
use crate::state::transaction::Record;
use crate::state::{Event, SecretHash, StoreError};

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It was good, or repeated within the grace window: new tokens are in
    /// force, of this grant and with these rights.
    Granted(Grant, Rights),
    /// It had been used, and longer ago than the grace window, or what followed
    /// it has been used since: the grant is revoked now.
    Reused,
    /// More was asked than the grant has; nothing changed.
    TooMuch(Rights),
    /// It is of another client; nothing changed.
    OtherClient,
    /// There is none, or it or its grant has ended.
    Unknown,
}

/// A good access token, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// The token.
    pub token: AccessToken,
    /// What it came of.
    pub grant: Grant,
    /// Who it speaks for; `None` when the store does not know that person.
    pub person: Option<Person>,
}

impl Store {
    /// Exchanges a refresh token. `tokens.refresh` is its successor, which is
    /// always the same; `asked` narrows what the access token may do.
    pub async fn rotate_refresh(
        &self,
        presented: SecretHash,
        client_id: &str,
        asked: Option<Rights>,
        tokens: Tokens,
        grace: Duration,
    ) -> Result<Rotated, StoreError> {
        change!(self, |transaction| {
            let now = transaction.now();
            let Some(token) = transaction.get::<RefreshToken>(presented).await? else {
                return Ok(Rotated::Unknown);
            };
            let Some(grant) = transaction.get::<Grant>(&token.grant).await? else {
                return Ok(Rotated::Unknown);
            };
            if grant.client_id != client_id {
                return Ok(Rotated::OtherClient);
            }
            if let Some((at, successor)) = &token.rotated {
                let next: Option<RefreshToken> = transaction.get(successor).await?;
                let unused = next.is_some_and(|next| next.rotated.is_none());
                if now.since(*at) > grace || !unused {
                    grants::revoke(transaction, &grant.id).await?;
                    return Ok(Rotated::Reused);
                }
            }
            let rights = asked.unwrap_or(grant.rights);
            if !rights.within(grant.rights) {
                return Ok(Rotated::TooMuch(grant.rights));
            }
            if token.rotated.is_some() {
                // The successor is there already and the grant has moved on:
                // repetitions change nothing that they would have to wait for.
                let tokens = Tokens {
                    refresh: None,
                    ..tokens
                };
                codes::put_tokens(transaction, &grant.id, rights, tokens)?;
                return Ok(Rotated::Granted(grant, rights));
            }
            let grant = Grant {
                used_at: now,
                expires_at: now.after(tokens.life()).max(grant.expires_at),
                ..grant
            };
            transaction.put(&grant)?;
            if let Some(successor) = tokens.refresh {
                transaction.put(&RefreshToken {
                    rotated: Some((now, successor)),
                    ..token
                })?;
            }
            codes::put_tokens(transaction, &grant.id, rights, tokens)?;
            Ok(Rotated::Granted(grant, rights))
        })
    }

    /// The grant that the refresh token of that hash is of, used or not.
    pub async fn refresh_grant(&self, hash: SecretHash) -> Result<Option<Grant>, StoreError> {
        let mut reading = self.reading();
        match reading.get::<RefreshToken>(hash).await? {
            Some(token) => reading.get(token.grant).await,
            None => Ok(None),
        }
    }

    /// The access token of that hash with its grant and person; `None` unless
    /// token and grant are good and the client is not blocked.
    pub async fn known_token(&self, hash: SecretHash) -> Result<Option<KnownToken>, StoreError> {
        let mut reading = self.reading();
        let Some(token) = reading.get::<AccessToken>(hash).await? else {
            return Ok(None);
        };
        let Some(grant) = reading.get::<Grant>(&token.grant).await? else {
            return Ok(None);
        };
        let blocked = Key::new(BlockedClient::KIND, &grant.client_id);
        let person = Key::new(Person::KIND, &grant.subject);
        reading.fetch(&[blocked, person]).await?;
        let blocked: Option<BlockedClient> = reading.get(&grant.client_id).await?;
        if blocked.is_some() {
            return Ok(None);
        }
        let person = reading.get(&grant.subject).await?;
        Ok(Some(KnownToken {
            token,
            grant,
            person,
        }))
    }

    /// Revokes an access token alone, or a refresh token with its whole grant
    /// (RFC 7009 §2.1), if it is of that client; whether there was one.
    pub async fn revoke_token(
        &self,
        hash: SecretHash,
        client_id: &str,
    ) -> Result<bool, StoreError> {
        change!(self, |transaction| {
            if let Some(token) = transaction.get::<RefreshToken>(hash).await? {
                let grant: Option<Grant> = transaction.get(&token.grant).await?;
                let own = grant.is_some_and(|grant| grant.client_id == client_id);
                return Ok(own && grants::revoke(transaction, &token.grant).await?);
            }
            let Some(token) = transaction.get::<AccessToken>(hash).await? else {
                return Ok(false);
            };
            let grant: Option<Grant> = transaction.get(&token.grant).await?;
            if grant.is_none_or(|grant| grant.client_id != client_id) {
                return Ok(false);
            }
            transaction.delete(&token);
            transaction.emit(Event::TokenRevoked(hash.to_string()));
            Ok(true)
        })
    }

    /// How many access tokens have neither expired nor been revoked, those of
    /// blocked clients included.
    pub async fn active_tokens(&self) -> Result<u64, StoreError> {
        self.backend.count(&AccessToken::all(), self.now()).await
    }
}
