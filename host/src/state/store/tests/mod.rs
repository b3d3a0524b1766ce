//! Every change of the store, on the backend that keeps nothing, with a clock
//! that moves when it is told.

mod backup;
mod clients;
mod codes;
mod faulty;
mod people;
mod tokens;
mod watch;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use faulty::Faulty;

use super::*;
use crate::clock::ManualClock;
use crate::entropy::Entropy;
use crate::principal::Rights;
use crate::state::backend::Memory;
use crate::state::records::{AuthorizationCode, Consent, Grant};
use crate::state::{
    Client, ClientAuthentication, ClientKind, Event, HostKey, IssuedSecret, SecretHash, SecretKind,
};

/// A store, and the hand of its clock.
struct Scene {
    store: Store,
    hand: ManualClock,
}

impl Scene {
    fn new() -> Self {
        Self::on(Arc::new(Memory::new()))
    }

    fn on(backend: Arc<dyn Backend>) -> Self {
        let (clock, hand) = Clock::manual(Timestamp(1_700_000_000_000));
        let store = Store::new(backend, clock, secrets());
        Self { store, hand }
    }

    fn pass(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    /// A code for `ana` and that client, not yet redeemed.
    async fn code(&self, client_id: &str) -> SecretHash {
        self.code_at("/claude", "ana", client_id).await
    }

    async fn code_at(&self, scope: &str, subject: &str, client_id: &str) -> SecretHash {
        let code = self.some_code(scope, subject, client_id, Rights::ALL);
        self.store.put_code(&code).await.unwrap();
        code.hash
    }

    /// Not kept yet.
    fn some_code(
        &self,
        scope: &str,
        subject: &str,
        client_id: &str,
        rights: Rights,
    ) -> AuthorizationCode {
        let now = self.store.now();
        AuthorizationCode {
            hash: secret(SecretKind::AuthorizationCode).hash,
            scope: scope.to_owned(),
            client_id: client_id.to_owned(),
            client_name: "Claude".to_owned(),
            redirect_uri: "https://claude.ai/callback".to_owned(),
            code_challenge: "challenge".to_owned(),
            resource: None,
            subject: subject.to_owned(),
            rights,
            expires_at: now.after(Duration::from_secs(60)),
            redeemed: None,
            forget_at: now.after(Duration::from_secs(600)),
        }
    }

    /// A grant of `ana` to that client, with an access and a refresh token.
    async fn granted(&self, client_id: &str) -> (Grant, Tokens) {
        let code = self.code(client_id).await;
        let tokens = tokens();
        match self.store.redeem_code(code, tokens).await.unwrap() {
            Redeemed::Granted(grant) => (grant, tokens),
            other => panic!("{other:?}"),
        }
    }

    async fn is_known(&self, access: SecretHash) -> bool {
        self.store.known_token(access).await.unwrap().is_some()
    }

    async fn consent(&self, subject: &str, scope: &str, client_id: &str) {
        let consent = Consent {
            subject: subject.to_owned(),
            scope: scope.to_owned(),
            client_id: client_id.to_owned(),
            client_name: "Claude".to_owned(),
            redirect_uri: "https://claude.ai/callback".to_owned(),
            rights: Rights::READ,
            given_at: self.store.now(),
        };
        self.store.remember_consent(&consent).await.unwrap();
    }

    async fn registered(&self, name: &str) -> Client {
        let (client, secret) = self.store.register_client(&new_client(name)).await.unwrap();
        assert!(secret.is_none());
        client
    }
}

#[tokio::test]
async fn a_change_that_always_comes_too_late_gives_up() {
    let faulty = Faulty::new();
    faulty.always_late.store(true, Ordering::SeqCst);
    let scene = Scene::on(Arc::clone(&faulty) as Arc<dyn Backend>);
    let added = scene.store.add_person("ana", None, &groups(&[])).await;
    assert!(matches!(added, Err(StoreError::Contended)), "{added:?}");
    assert_eq!(faulty.commits.load(Ordering::SeqCst), ATTEMPTS);
}

#[tokio::test]
async fn a_change_that_comes_too_late_is_decided_anew() {
    let (scene, other, faulty) = two_nodes();
    faulty.meanwhile(async move {
        assert!(
            other
                .add_person("ana", None, &groups(&["first"]))
                .await
                .unwrap()
        );
    });
    let added = scene
        .store
        .add_person("ana", None, &groups(&["second"]))
        .await;
    assert!(!added.unwrap());
    assert_eq!(faulty.commits.load(Ordering::SeqCst), 1);
    let people = scene.store.people().await.unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].groups, groups(&["first"]));
}

#[tokio::test]
async fn one_record_that_many_change_at_once_is_changed_by_all_of_them() {
    let scene = Scene::new();
    scene
        .store
        .add_person("ana", None, &groups(&[]))
        .await
        .unwrap();
    let sign_ins = (0..50).map(|_| scene.store.sign_in("ana", provider(None), HOUR));
    for cookie in futures_util::future::join_all(sign_ins).await {
        let cookie = cookie.unwrap().unwrap();
        assert!(scene.store.signed_in(cookie.hash).await.unwrap().is_some());
    }
}

/// Two nodes; the first one's commits go through the third.
fn two_nodes() -> (Scene, Store, Arc<Faulty>) {
    let faulty = Faulty::new();
    let scene = Scene::on(Arc::clone(&faulty) as Arc<dyn Backend>);
    let memory = Arc::clone(&faulty.memory);
    let other = Store::new(memory, scene.store.clock.clone(), secrets());
    (scene, other, faulty)
}

fn tokens() -> Tokens {
    Tokens {
        access: secret(SecretKind::AccessToken).hash,
        access_ttl: HOUR,
        refresh: Some(secret(SecretKind::RefreshToken).hash),
        refresh_ttl: 30 * DAY,
    }
}

fn new_client(name: &str) -> NewClient {
    NewClient {
        scope: "/claude".to_owned(),
        name: name.to_owned(),
        redirect_uris: vec!["https://claude.ai/callback".to_owned()],
        authentication: ClientAuthentication::None,
        kind: ClientKind::Registered,
    }
}

fn secret(kind: SecretKind) -> IssuedSecret {
    secrets().issue(kind).unwrap()
}

fn secrets() -> Secrets {
    Secrets::new(&HostKey::random().unwrap(), Entropy::system())
}

/// Proof of a provider that tells no claims.
fn provider(groups: Option<&BTreeSet<String>>) -> Proof<'_> {
    const NONE: &std::collections::BTreeMap<String, String> = &std::collections::BTreeMap::new();
    Proof::Provider {
        groups,
        claims: NONE,
    }
}

fn groups(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
