//! What a node hears of the others.

use futures_util::FutureExt;

use super::*;

impl Scene {
    /// Runs `change` and gives what a watching node saw of it.
    async fn seen(&self, change: impl AsyncFnOnce()) -> Vec<Event> {
        let mut watch = self.store.watch().await.unwrap();
        change().await;
        match watch.next(Duration::ZERO).await.unwrap() {
            Watched::Events(events) => events,
            Watched::Gap => panic!("a gap"),
        }
    }
}

#[tokio::test]
async fn every_change_that_ends_a_token_is_seen() {
    let scene = Scene::new();
    let store = &scene.store;
    let (first, _) = scene.granted("client").await;
    let revoked = |grant: &Grant| Event::GrantRevoked(grant.id.clone());
    let seen = scene.seen(async || {
        store.revoke_grant(&first.id).await.unwrap();
        // Nothing happens the second time.
        store.revoke_grant(&first.id).await.unwrap();
    });
    assert_eq!(seen.await, [revoked(&first)]);

    let (second, tokens) = scene.granted("client").await;
    let seen = scene.seen(async || {
        store.revoke_token(tokens.access, "client").await.unwrap();
    });
    assert_eq!(seen.await, [Event::TokenRevoked(tokens.access.to_string())]);
    let seen = scene.seen(async || {
        store
            .withdraw_consent("ana", "/claude", "client")
            .await
            .unwrap();
    });
    assert_eq!(seen.await, [revoked(&second)]);

    let (third, _) = scene.granted("client").await;
    let seen = scene.seen(async || {
        store.remove_person("ana").await.unwrap();
        store.remove_person("ana").await.unwrap();
    });
    assert_eq!(seen.await, [revoked(&third)]);
}

#[tokio::test]
async fn changes_of_people_and_clients_are_seen() {
    let scene = Scene::new();
    let store = &scene.store;
    let ana = || Event::PersonChanged("ana".to_owned());
    let seen = scene.seen(async || {
        store.add_person("ana", None, &groups(&[])).await.unwrap();
        store.set_groups("ana", &groups(&["a"])).await.unwrap();
        store.set_groups("ana", &groups(&["a"])).await.unwrap();
        store
            .sign_in("ana", provider(Some(&groups(&["a"]))), HOUR)
            .await
            .unwrap();
        store
            .sign_in("ana", provider(Some(&groups(&["b"]))), HOUR)
            .await
            .unwrap();
    });
    assert_eq!(seen.await, [ana(), ana(), ana()]);

    let client = scene.registered("Claude").await;
    let changed = || Event::ClientChanged(client.id.clone());
    let seen = scene.seen(async || {
        store.block_client(&client.id, true).await.unwrap();
        store.block_client(&client.id, true).await.unwrap();
        store.block_client(&client.id, false).await.unwrap();
        store.block_client(&client.id, false).await.unwrap();
        store.remove_client(&client.id).await.unwrap();
    });
    assert_eq!(seen.await, [changed(), changed(), changed()]);
}

#[tokio::test]
async fn a_watch_goes_on_where_it_was() {
    let scene = Scene::new();
    let mut watch = scene.store.watch().await.unwrap();
    let nothing = Watched::Events(Vec::new());
    assert_eq!(watch.next(Duration::ZERO).await.unwrap(), nothing);
    let waiting = tokio::spawn(async move {
        let seen = watch.next(Duration::from_secs(30)).await.unwrap();
        (seen, watch)
    });
    scene
        .store
        .add_person("ana", None, &groups(&[]))
        .await
        .unwrap();
    let (seen, mut watch) = waiting.await.unwrap();
    let ana = Event::PersonChanged("ana".to_owned());
    assert_eq!(seen, Watched::Events(vec![ana]));
    assert_eq!(watch.next(Duration::ZERO).await.unwrap(), nothing);
}

#[tokio::test]
async fn after_an_answer_that_nobody_waited_for_nothing_is_sure() {
    let scene = Scene::new();
    let mut watch = scene.store.watch().await.unwrap();
    let answer = watch.next(Duration::from_secs(30)).now_or_never();
    assert!(answer.is_none());
    assert_eq!(watch.next(Duration::ZERO).await.unwrap(), Watched::Gap);
    let nothing = Watched::Events(Vec::new());
    assert_eq!(watch.next(Duration::ZERO).await.unwrap(), nothing);
}

#[tokio::test]
async fn after_a_failure_nothing_is_sure() {
    let faulty = Faulty::new();
    let scene = Scene::on(Arc::clone(&faulty) as Arc<dyn Backend>);
    let mut watch = scene.store.watch().await.unwrap();
    faulty.is_deaf.store(true, Ordering::SeqCst);
    assert!(watch.next(Duration::from_secs(30)).await.is_err());
    faulty.is_deaf.store(false, Ordering::SeqCst);
    // Without a wait, though there is nothing new.
    let seen = watch.next(Duration::from_secs(30)).await.unwrap();
    assert_eq!(seen, Watched::Gap);
    let nothing = Watched::Events(Vec::new());
    assert_eq!(watch.next(Duration::ZERO).await.unwrap(), nothing);
}
