//! What every endpoint shares.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::access::ScopeAccess;
use super::bearer::KnownTokens;
use super::clients::document::DocumentFetcher;
use super::clients::limit::RegistrationLimit;
use super::issuer::{Issuer, PublicUrl, loopback_base};
use super::people::{OidcSettings, Passwords, Provider, Throttle};
use crate::audit::{Audit, Entry};
use crate::state::Store;

/// What the authorization servers are made of.
pub struct OAuthConfig {
    /// Where people, clients and tokens are.
    pub store: Store,
    /// The scopes, each an issuer.
    pub scopes: Vec<ScopeAccess>,
    /// The scope that is an issuer at the root as well.
    pub default_scope: String,
    /// The scope that the root's well-known addresses describe.
    pub root_discovery: String,
    /// The address that clients use; without it the loopback name of each
    /// request.
    pub public_url: Option<PublicUrl>,
    /// How people prove who they are.
    pub sign_in: SignInMethod,
    /// Life of an access token.
    pub access_token_ttl: Duration,
    /// Life of a refresh token that is not used.
    pub refresh_token_ttl: Duration,
    /// How metadata documents of clients are fetched.
    pub documents: DocumentFetcher,
}

/// How people prove who they are.
pub enum SignInMethod {
    /// With a password that this server keeps.
    Password,
    /// At an OpenID Connect provider.
    Oidc(OidcSettings),
    /// Not at all: whoever is at this machine. For loopback only.
    Consent,
}

impl SignInMethod {
    /// Where a sign-in may lead, as sources of CSP: the provider's issuer, and
    /// since its endpoints may be elsewhere, https.
    pub(super) fn places(&self) -> Option<[String; 2]> {
        let Self::Oidc(settings) = self else {
            return None;
        };
        let issuer = Url::parse(settings.issuer.as_str()).ok()?;
        Some([issuer.origin().ascii_serialization(), "https:".to_owned()])
    }
}

fn by_name(scopes: Vec<ScopeAccess>) -> HashMap<String, Arc<ScopeAccess>> {
    let scopes = scopes.into_iter();
    scopes
        .map(|scope| (scope.name.clone(), Arc::new(scope)))
        .collect()
}

/// The authorization servers of all scopes. Cheap to clone.
#[derive(Clone)]
pub struct OAuth {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) store: Store,
    /// Swapped whole when the configuration changes.
    scopes: ArcSwap<HashMap<String, Arc<ScopeAccess>>>,
    pub(super) default_scope: String,
    pub(super) root_discovery: String,
    public_url: Option<PublicUrl>,
    pub(super) sign_in: SignInMethod,
    pub(super) passwords: Passwords,
    pub(super) throttle: Throttle,
    /// Where people sign in, if not here.
    pub(super) provider: Option<Provider>,
    pub(super) access_token_ttl: Duration,
    pub(super) refresh_token_ttl: Duration,
    pub(super) documents: DocumentFetcher,
    pub(super) registrations: RegistrationLimit,
    /// Metadata documents that an address may have fetched.
    pub(super) fetches: RegistrationLimit,
    pub(super) known: KnownTokens,
    pub(super) active_tokens: AtomicU64,
    audit: OnceLock<Audit>,
}

impl OAuth {
    /// Prepares what the endpoints share.
    pub fn new(config: OAuthConfig) -> Self {
        let provider = match &config.sign_in {
            SignInMethod::Oidc(settings) => {
                let clock = config.store.clock().clone();
                Some(Provider::new(settings.clone(), clock))
            }
            SignInMethod::Password | SignInMethod::Consent => None,
        };
        Self {
            shared: Arc::new(Shared {
                passwords: Passwords::new(config.store.secrets().entropy().clone()),
                throttle: Throttle::new(),
                provider,
                registrations: RegistrationLimit::new(config.store.clock().clone()),
                fetches: RegistrationLimit::new(config.store.clock().clone()),
                store: config.store,
                scopes: ArcSwap::from_pointee(by_name(config.scopes)),
                default_scope: config.default_scope,
                root_discovery: config.root_discovery,
                public_url: config.public_url,
                sign_in: config.sign_in,
                access_token_ttl: config.access_token_ttl,
                refresh_token_ttl: config.refresh_token_ttl,
                documents: config.documents,
                known: KnownTokens::default(),
                active_tokens: AtomicU64::new(0),
                audit: OnceLock::new(),
            }),
        }
    }

    /// Where people, clients and tokens are.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// What happens is noted there, and until this is called in the log. Once.
    pub fn set_audit(&self, audit: Audit) {
        // A second one is a mistake without harm.
        let _ = self.shared.audit.set(audit);
    }

    /// Notes what an operator did.
    pub(crate) fn note(&self, entry: Entry) {
        self.audit().record(entry);
    }

    pub(crate) fn audit(&self) -> &Audit {
        let clock = || self.shared.store.clock().clone();
        self.shared.audit.get_or_init(|| Audit::new(clock(), None))
    }

    /// What the scope named `name` goes by.
    pub(crate) fn scope(&self, name: &str) -> Option<Arc<ScopeAccess>> {
        self.shared.scopes.load().get(name).cloned()
    }

    /// Goes by these rules from now on, and so do tokens that are in use: what runs for
    /// somebody whose rights are others now is ended. Tokens of a scope that is gone are
    /// worth nothing until it comes back.
    pub async fn set_scopes(&self, scopes: Vec<ScopeAccess>) {
        self.shared.scopes.store(Arc::new(by_name(scopes)));
        super::bearer::judge_anew(self).await;
    }

    /// Whether any scope lets this person in.
    pub(super) fn admits_anywhere(&self, subject: &str, groups: &BTreeSet<String>) -> bool {
        let scopes = self.shared.scopes.load();
        let mut scopes = scopes.values();
        scopes.any(|scope| !scope.rights_of(subject, groups).is_empty())
    }

    /// The issuer at path `scope`, or at the root, as a request with these
    /// headers calls it.
    pub(crate) fn issuer(&self, scope: Option<&str>, headers: &HeaderMap) -> Option<Issuer> {
        self.issuer_at(scope, headers.get(header::HOST))
    }

    /// As [`OAuth::issuer`], for a request by the name `host`.
    pub(super) fn issuer_at(
        &self,
        scope: Option<&str>,
        host: Option<&HeaderValue>,
    ) -> Option<Issuer> {
        let name = scope.unwrap_or(&self.shared.default_scope);
        let rules = self.scope(name)?;
        let base = self.base_at(host)?;
        Some(Issuer::new(rules, base, scope.is_none()))
    }

    /// Whether people have to say who they are.
    pub(crate) fn signs_in(&self) -> bool {
        !matches!(self.shared.sign_in, SignInMethod::Consent)
    }

    /// Whether this server's address is known, whatever requests call it.
    pub(super) fn has_public_url(&self) -> bool {
        self.shared.public_url.is_some()
    }

    /// This server's own address, as a request with these headers calls it.
    pub(crate) fn base(&self, headers: &HeaderMap) -> Option<PublicUrl> {
        self.base_at(headers.get(header::HOST))
    }

    fn base_at(&self, host: Option<&HeaderValue>) -> Option<PublicUrl> {
        let configured = self.shared.public_url.clone();
        configured.or_else(|| loopback_base(host?))
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth(..)")
    }
}
