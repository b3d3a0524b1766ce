//! Codes, and sign-ins under way elsewhere: good once.

use super::*;
use crate::state::Federation;

#[tokio::test]
async fn a_code_is_redeemed_once_for_what_it_was_given_for() {
    let scene = Scene::new();
    let (grant, tokens) = scene.granted("client").await;
    assert_eq!(grant.scope, "/claude");
    assert_eq!(grant.client_id, "client");
    assert_eq!(grant.subject, "ana");
    assert_eq!(grant.rights, Rights::ALL);
    assert_eq!(
        grant.expires_at,
        scene.store.now().after(tokens.refresh_ttl)
    );
    let known = scene
        .store
        .known_token(tokens.access)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.grant, grant);
    assert_eq!(known.token.rights, Rights::ALL);
    assert_eq!(known.person, None);
}

#[tokio::test]
async fn a_code_that_comes_back_revokes_what_came_of_it() {
    let scene = Scene::new();
    let code = scene.code("client").await;
    let first = tokens();
    scene.store.redeem_code(code, first).await.unwrap();
    assert!(scene.is_known(first.access).await);
    for _ in 0..2 {
        let second = tokens();
        let again = scene.store.redeem_code(code, second).await.unwrap();
        assert_eq!(again, Redeemed::Reused);
        assert!(!scene.is_known(first.access).await);
        assert!(!scene.is_known(second.access).await);
    }
    assert_eq!(scene.store.active_tokens().await.unwrap(), 0);
    assert_eq!(
        scene.store.grants(&GrantFilter::default()).await.unwrap(),
        []
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_redeem_one_code_at_once_one_is_granted_it() {
    let scene = Scene::new();
    let code = scene.code("client").await;
    let redeemed = (0..50).map(|_| {
        let store = scene.store.clone();
        tokio::spawn(async move { store.redeem_code(code, tokens()).await })
    });
    let mut granted = 0;
    for redeemed in redeemed.collect::<Vec<_>>() {
        match redeemed.await.unwrap().unwrap() {
            Redeemed::Granted(_) => granted += 1,
            other => assert_eq!(other, Redeemed::Reused),
        }
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn a_code_ends_after_its_time_and_is_forgotten_later() {
    let scene = Scene::new();
    let code = scene.code("client").await;
    scene.pass(60);
    let late = scene.store.redeem_code(code, tokens()).await.unwrap();
    assert_eq!(late, Redeemed::Unknown);
    assert!(scene.store.code(code).await.unwrap().is_some());
    scene.pass(540);
    assert_eq!(scene.store.code(code).await.unwrap(), None);
    let none = secret(SecretKind::AuthorizationCode).hash;
    let unknown = scene.store.redeem_code(none, tokens()).await.unwrap();
    assert_eq!(unknown, Redeemed::Unknown);
}

#[tokio::test]
async fn a_grant_without_a_refresh_token_ends_with_its_access_token() {
    let scene = Scene::new();
    let code = scene.code("client").await;
    let only_access = Tokens {
        refresh: None,
        ..tokens()
    };
    scene.store.redeem_code(code, only_access).await.unwrap();
    scene.pass(3_599);
    assert!(scene.is_known(only_access.access).await);
    scene.pass(1);
    assert!(!scene.is_known(only_access.access).await);
    assert_eq!(
        scene.store.grants(&GrantFilter::default()).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_sign_in_elsewhere_comes_back_once() {
    let scene = Scene::new();
    let begun = |seconds| Federation {
        hash: secret(SecretKind::FederationState).hash,
        browser: SecretHash::of("cookie"),
        nonce: "nonce".to_owned(),
        code_verifier: "verifier".to_owned(),
        return_to: "/claude/authorize?x".to_owned(),
        expires_at: scene.store.now().after(Duration::from_secs(seconds)),
    };
    let federation = begun(600);
    scene.store.begin_federation(&federation).await.unwrap();
    let taken = async |hash| scene.store.take_federation(hash).await.unwrap();
    assert_eq!(taken(federation.hash).await, Some(federation.clone()));
    assert_eq!(taken(federation.hash).await, None);
    let late = begun(600);
    scene.store.begin_federation(&late).await.unwrap();
    scene.pass(600);
    assert_eq!(taken(late.hash).await, None);
}
