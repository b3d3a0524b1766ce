//! The resource server: what an access token of a request is worth (RFC 6750).
//!
//! A token that was looked up once is [known]: it then costs one SHA-256 and
//! one read of a lock-free map. What ends it elsewhere is [heard](watch) within
//! a second, and ends what runs under it.

mod challenge;
mod known;
mod presented;
mod refusal;
#[cfg(test)]
pub(crate) mod testing;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio_util::sync::CancellationToken;

pub use challenge::Resource;
pub(super) use known::KnownTokens;
pub use refusal::Refusal;
pub(super) use watch::judge_anew;

use self::known::{Known, Slot};
use super::context::{OAuth, Shared, SignInMethod};
use crate::audit::Origin;
use crate::oauth::people::LOCAL_SUBJECT;
use crate::principal::Principal;
use crate::state::{KnownToken, SecretHash, SecretKind};

/// The caller of one request. To be kept for as long as anything is done for
/// it: what is in use is not forgotten, so that a revocation finds it.
#[derive(Clone, Debug)]
pub struct Authenticated {
    principal: Arc<Principal>,
    client_name: Option<Arc<str>>,
    alive: Arc<CancellationToken>,
    expires_in: Duration,
}

impl Authenticated {
    /// Who calls, and what it may do.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The request with the name of the caller's client, for the audit.
    pub fn named(&self, origin: &Origin) -> Arc<Origin> {
        Arc::new(Origin {
            client_name: self.client_name.clone(),
            ..origin.clone()
        })
    }

    /// Time until the token expires, from when it was looked at.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// Cancelled when the token, its grant, its client or its person is no
    /// longer good: whatever runs under it is to stop.
    pub fn alive(&self) -> &Arc<CancellationToken> {
        &self.alive
    }
}

impl OAuth {
    /// Who calls the scope named `scope` with these headers and this query.
    ///
    /// # Errors
    /// There is no token, or it is worth nothing there, or that cannot be found
    /// out.
    pub async fn authenticate(
        &self,
        scope: &str,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Result<Authenticated, Refusal> {
        let token = presented::token(headers, query)?;
        let hash = SecretHash::of(token);
        let slot = match self.shared.known.find(&hash) {
            Some(slot) => slot,
            None => self.look_up(token, hash).await?,
        };
        let known = slot.known()?;
        let now = self.shared.store.clock().now();
        if known.expires_at <= now {
            return Err(Refusal::Expired);
        }
        if known.scope != scope {
            return Err(Refusal::Elsewhere);
        }
        Ok(Authenticated {
            principal: Arc::clone(&known.principal),
            client_name: known.client_name.clone(),
            alive: Arc::clone(&slot.alive),
            expires_in: known.expires_at.since(now),
        })
    }

    /// Asks the store about a token, together with all who ask for it at the
    /// same time.
    async fn look_up(&self, token: &str, hash: SecretHash) -> Result<Arc<Slot>, Refusal> {
        let Shared { known, store, .. } = &*self.shared;
        if store
            .secrets()
            .recognise(SecretKind::AccessToken, token)
            .is_none()
        {
            return Err(Refusal::Unknown);
        }
        for _ in 0..ATTEMPTS {
            let slot = known.slot(hash, store.clock().now());
            let judged = slot.judged.get_or_init(|| self.judge(hash)).await;
            // Something ended while the store was asked: its answer may be older.
            if slot.alive.is_cancelled() {
                known.forget(&hash, &slot);
                continue;
            }
            match judged {
                Ok(known) if slot.before.as_ref().is_none_or(|before| before == known) => {
                    return Ok(slot);
                }
                Ok(_) => known.end(&hash, &slot),
                Err(Refusal::Unavailable) => {
                    // Not an end: what runs is judged when the store is back.
                    known.restore(&hash, &slot);
                    return Err(Refusal::Unavailable);
                }
                Err(refusal) => {
                    known.end(&hash, &slot);
                    return Err(*refusal);
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn judge(&self, hash: SecretHash) -> Result<Known, Refusal> {
        let asked = self.shared.store.known_token(hash);
        match tokio::time::timeout(LOOK_UP_TIMEOUT, asked).await {
            Ok(Ok(Some(token))) => Ok(self.with_client_name(self.admit(token)?).await),
            Ok(Ok(None)) => Err(Refusal::Ended),
            Ok(Err(error)) => {
                tracing::error!(%error, "a token could not be looked up");
                Err(Refusal::Unavailable)
            }
            Err(_) => {
                tracing::error!("a token could not be looked up in time");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// For the audit alone: a token is as good without.
    async fn with_client_name(&self, known: Known) -> Known {
        let asked = self.shared.store.client(&known.principal.client);
        let client = tokio::time::timeout(LOOK_UP_TIMEOUT, asked).await;
        let name = client.ok().and_then(Result::ok).flatten();
        let name = name
            .map(|client| client.name)
            .filter(|name| !name.is_empty());
        Known {
            client_name: name.map(Into::into),
            ..known
        }
    }

    /// Token ∩ grant ∩ what the scope gives that person today.
    fn admit(&self, known: KnownToken) -> Result<Known, Refusal> {
        let KnownToken {
            token,
            grant,
            person,
        } = known;
        let scope = self.scope(&grant.scope).ok_or(Refusal::Elsewhere)?;
        let (groups, known) = match (&self.shared.sign_in, person) {
            (SignInMethod::Consent, _) if grant.subject == LOCAL_SUBJECT => {
                (BTreeSet::new(), BTreeMap::new())
            }
            (SignInMethod::Consent, _) | (_, None) => return Err(Refusal::NotAdmitted),
            (_, Some(person)) => (person.groups, person.claims),
        };
        let given = token.rights.and(grant.rights);
        let rights = given.and(scope.rights_of(&grant.subject, &groups));
        if rights.is_empty() {
            return Err(Refusal::NotAdmitted);
        }
        let claims = claims(&scope.claims, &grant.subject, &groups, known);
        Ok(Known {
            principal: Arc::new(Principal {
                claims,
                subject: grant.subject,
                client: grant.client_id,
                rights,
            }),
            client_name: None,
            scope: grant.scope,
            grant: grant.id,
            expires_at: token.expires_at,
        })
    }
}

/// Those of `wanted` that are known of a person.
pub(super) fn claims(
    wanted: &BTreeSet<String>,
    subject: &str,
    groups: &BTreeSet<String>,
    mut known: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let claim = |name: &String| {
        let value = match name.as_str() {
            "groups" => serde_json::to_string(groups).ok(),
            name => known.remove(name).or_else(|| match name {
                "sub" => Some(subject.to_owned()),
                "email" => Some(subject.to_owned()).filter(|subject| subject.contains('@')),
                _ => None,
            }),
        };
        Some((name.clone(), value?))
    };
    wanted.iter().filter_map(claim).collect()
}

/// A look-up is repeated when something ends while it is under way.
const ATTEMPTS: usize = 5;
/// Past this, the client is better told to come again.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
