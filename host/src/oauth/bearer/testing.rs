//! A resource server over a store that tests can break, and tokens for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use tokio_util::sync::CancellationToken;

use super::{Authenticated, Refusal};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::entropy::Entropy;
use crate::oauth::{DocumentFetcher, DocumentRules, OAuth, OAuthConfig, ScopeAccess, SignInMethod};
use crate::principal::{Principal, Rights};
use crate::state::testing::Faults;
use crate::state::{HostKey, SecretHash, SecretKind, Secrets, Store, Tokens};

/// The scopes `claude`, where `ana` may write and analysts may read, and
/// `chatgpt`, where everybody may read.
pub(crate) struct Fixture {
    pub(crate) oauth: OAuth,
    /// The store, as another node has it.
    pub(crate) other_node: Store,
    pub(crate) faults: Faults,
    pub(crate) time: ManualClock,
    pub(crate) watching: CancellationToken,
}

impl Fixture {
    /// Not yet listening; people sign in with passwords, and `ana` and `bob`,
    /// an analyst, are known.
    pub(crate) async fn new() -> Self {
        let fixture = Self::with(SignInMethod::Password);
        let store = fixture.store();
        let groups = BTreeSet::from(["analysts".to_owned()]);
        assert!(
            store
                .add_person("ana", None, &BTreeSet::new())
                .await
                .unwrap()
        );
        assert!(store.add_person("bob", None, &groups).await.unwrap());
        fixture
    }

    pub(crate) fn with(sign_in: SignInMethod) -> Self {
        let (clock, time) = Clock::manual(Timestamp(1_750_000_000_000));
        let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        let (store, other_node, faults) = Faults::stores(clock, secrets);
        let oauth = OAuth::new(OAuthConfig {
            store,
            scopes: vec![
                scope("claude", &["ana", "group:analysts", "local"], true),
                scope("chatgpt", &["*"], false),
            ],
            default_scope: "claude".to_owned(),
            root_discovery: "claude".to_owned(),
            public_url: None,
            sign_in,
            access_token_ttl: HOUR,
            refresh_token_ttl: HOUR,
            documents: DocumentFetcher::new(DocumentRules::public_internet(
                rustls::RootCertStore::empty(),
            ))
            .unwrap(),
        });
        Self {
            oauth,
            other_node,
            faults,
            time,
            watching: CancellationToken::new(),
        }
    }

    /// Listening.
    pub(crate) async fn watching() -> Self {
        let fixture = Self::new().await;
        fixture.oauth.watch(fixture.watching.clone()).await;
        fixture
    }

    pub(crate) fn store(&self) -> &Store {
        self.oauth.store()
    }

    /// A token of the client `program`, good for an hour.
    pub(crate) async fn token(&self, scope: &str, subject: &str, rights: Rights) -> String {
        let secret = self
            .store()
            .secrets()
            .issue(SecretKind::AccessToken)
            .unwrap();
        let tokens = Tokens::access_only(secret.hash, HOUR);
        let issued = self
            .store()
            .issue_token(scope, subject, "program", rights, tokens);
        issued.await.unwrap();
        secret.expose().to_owned()
    }

    /// Revokes a token, as another node does.
    pub(crate) async fn revoke(&self, token: &str) {
        let hash = SecretHash::of(token);
        let revoked = self.other_node.revoke_token(hash, "program").await;
        assert!(revoked.unwrap(), "there was no such token");
    }

    pub(crate) async fn authenticate(
        &self,
        scope: &str,
        token: &str,
    ) -> Result<Authenticated, Refusal> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        headers.insert(header::AUTHORIZATION, value);
        self.oauth.authenticate(scope, &headers, None).await
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.watching.cancel();
    }
}

/// A caller, and what revokes its token.
pub(crate) fn authenticated() -> (Authenticated, CancellationToken) {
    let alive = CancellationToken::new();
    let principal = Principal {
        subject: "ana".to_owned(),
        client: "program".to_owned(),
        rights: Rights::READ,
        claims: std::collections::BTreeMap::new(),
    };
    let caller = Authenticated {
        client_name: None,
        expires_in: Duration::from_secs(3_600),
        principal: Arc::new(principal),
        alive: Arc::new(alive.clone()),
    };
    (caller, alive)
}

pub(crate) fn scope(name: &str, people: &[&str], writable: bool) -> ScopeAccess {
    ScopeAccess {
        name: name.to_owned(),
        people: people.iter().map(|entry| entry.parse().unwrap()).collect(),
        writers: vec!["ana".parse().unwrap(), "group:writers".parse().unwrap()],
        writable,
        redirects: Vec::new(),
        claims: std::collections::BTreeSet::new(),
    }
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
