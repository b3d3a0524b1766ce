//! Clients: registered once, purged unused, blocked, removed.

use super::*;

#[tokio::test]
async fn the_same_registration_gives_the_same_client() {
    let scene = Scene::new();
    let first = scene.registered("Claude").await;
    assert_eq!(scene.registered("Claude").await.id, first.id);
    assert_ne!(scene.registered("Other").await.id, first.id);
    let elsewhere = NewClient {
        scope: "/chatgpt".to_owned(),
        ..new_client("Claude")
    };
    let (elsewhere, _) = scene.store.register_client(&elsewhere).await.unwrap();
    assert_ne!(elsewhere.id, first.id);
    assert_eq!(scene.store.client(&first.id).await.unwrap(), Some(first));
    assert_eq!(scene.store.clients(None).await.unwrap().len(), 3);
    assert_eq!(
        scene.store.clients(Some("/chatgpt")).await.unwrap(),
        [elsewhere]
    );
}

#[tokio::test]
async fn a_confidential_client_has_a_secret_and_is_never_another_ones() {
    let scene = Scene::new();
    let confidential = NewClient {
        authentication: ClientAuthentication::ClientSecretBasic,
        ..new_client("Claude")
    };
    let (first, secret) = scene.store.register_client(&confidential).await.unwrap();
    assert_eq!(first.secret, Some(secret.unwrap().hash));
    let (second, _) = scene.store.register_client(&confidential).await.unwrap();
    assert_ne!(first.id, second.id);
    let public = scene.registered("Claude").await;
    assert_ne!(public.id, first.id);
    assert_eq!(public.secret, None);
}

#[tokio::test]
async fn a_client_that_never_got_a_token_ends_after_a_day() {
    let scene = Scene::new();
    let unused = scene.registered("Unused").await;
    let used = scene.registered("Used").await;
    scene.granted(&used.id).await;
    let (preregistered, _) = scene
        .store
        .register_client(&NewClient {
            kind: ClientKind::Preregistered,
            ..new_client("Desktop")
        })
        .await
        .unwrap();
    scene.hand.advance(30 * DAY);
    scene.store.purge().await.unwrap();
    assert_eq!(scene.store.client(&unused.id).await.unwrap(), None);
    let kept = scene.store.client(&used.id).await.unwrap().unwrap();
    assert_eq!(kept.used_at, Some(used.created_at));
    assert!(
        scene
            .store
            .client(&preregistered.id)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(scene.store.clients(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_used_client_is_found_by_its_registration_for_ever() {
    let scene = Scene::new();
    let client = scene.registered("Claude").await;
    scene.granted(&client.id).await;
    scene.hand.advance(400 * DAY);
    scene.store.purge().await.unwrap();
    assert_eq!(scene.registered("Claude").await.id, client.id);
}

#[tokio::test]
async fn a_client_that_registers_again_has_another_day_to_get_a_token() {
    let scene = Scene::new();
    let client = scene.registered("Claude").await;
    scene.hand.advance(30 * DAY - Duration::from_secs(1));
    assert_eq!(scene.registered("Claude").await.id, client.id);
    scene.hand.advance(30 * DAY - Duration::from_secs(1));
    scene.store.purge().await.unwrap();
    assert!(scene.store.client(&client.id).await.unwrap().is_some());
    scene.pass(1);
    assert_ne!(scene.registered("Claude").await.id, client.id);
}

#[tokio::test]
async fn removing_a_client_ends_all_it_was_granted() {
    let scene = Scene::new();
    let client = scene.registered("Claude").await;
    let other = scene.registered("Other").await;
    scene.consent("ana", "/claude", &client.id).await;
    scene.consent("ana", "/claude", &other.id).await;
    let mut granted = Vec::new();
    // More than end in one change.
    for _ in 0..45 {
        granted.push(scene.granted(&client.id).await.1);
    }
    let pending = scene.code(&client.id).await;
    let (_, others) = scene.granted(&other.id).await;
    assert!(scene.store.remove_client(&client.id).await.unwrap());
    assert!(!scene.store.remove_client(&client.id).await.unwrap());
    assert_eq!(scene.store.client(&client.id).await.unwrap(), None);
    for tokens in granted {
        assert!(!scene.is_known(tokens.access).await);
    }
    let redeemed = scene.store.redeem_code(pending, tokens()).await.unwrap();
    assert_eq!(redeemed, Redeemed::Unknown);
    assert!(scene.is_known(others.access).await);
    let consents = scene.store.consents("ana").await.unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(consents[0].client_id, other.id);
    assert_eq!(scene.store.active_tokens().await.unwrap(), 1);
    // Whoever registers the same again is another.
    assert_ne!(scene.registered("Claude").await.id, client.id);
}

#[tokio::test]
async fn removing_the_address_of_a_metadata_document_ends_what_it_was_granted() {
    let scene = Scene::new();
    let address = "https://claude.ai/oauth/client";
    scene.consent("ana", "/claude", address).await;
    let (_, tokens) = scene.granted(address).await;
    assert!(scene.store.remove_client(address).await.unwrap());
    assert!(!scene.is_known(tokens.access).await);
    assert_eq!(scene.store.consents("ana").await.unwrap(), []);
    assert!(!scene.store.remove_client(address).await.unwrap());
}

#[tokio::test]
async fn tokens_of_a_blocked_client_are_worth_nothing_until_it_is_let_in_again() {
    let scene = Scene::new();
    let (_, tokens) = scene.granted("https://a.example/client").await;
    let block = async |id, blocked| scene.store.block_client(id, blocked).await.unwrap();
    let since = scene.store.now();
    block("https://a.example/client", true).await;
    scene.pass(5);
    block("https://a.example/client", true).await;
    block("b", true).await;
    assert!(!scene.is_known(tokens.access).await);
    assert!(scene.store.is_client_blocked("b").await.unwrap());
    assert!(!scene.store.is_client_blocked("c").await.unwrap());
    let blocked = scene.store.blocked_clients().await.unwrap();
    let expected = [
        ("https://a.example/client".to_owned(), since),
        ("b".to_owned(), scene.store.now()),
    ];
    assert_eq!(blocked, expected);
    block("https://a.example/client", false).await;
    assert!(scene.is_known(tokens.access).await);
    assert_eq!(scene.store.blocked_clients().await.unwrap().len(), 1);
}
