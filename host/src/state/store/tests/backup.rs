use std::collections::BTreeSet;

use super::*;
use crate::state::Task;

#[tokio::test]
async fn what_is_exported_is_the_same_state_elsewhere() {
    let scene = Scene::new();
    let groups = BTreeSet::from(["analysts".to_owned()]);
    assert!(
        scene
            .store
            .add_person("ana", Some("h"), &groups)
            .await
            .unwrap()
    );
    scene.code("client").await;
    let order = scene.store.order(Task::CacheStats, None).await.unwrap();
    scene
        .store
        .report(&order, "a", true, serde_json::json!(1))
        .await
        .unwrap();
    let exported = scene.store.export().await.unwrap();
    assert_eq!(scene.store.size().await.unwrap(), exported.len());
    let text = serde_json::to_string(&exported).unwrap();
    assert!(!text.contains(&order), "{text}");

    let other = Scene::new();
    let nobody = BTreeSet::new();
    assert!(other.store.add_person("zoe", None, &nobody).await.unwrap());
    let mut watch = other.store.watch().await.unwrap();
    let read = serde_json::from_str(&text).unwrap();
    assert_eq!(other.store.import(read).await.unwrap(), exported.len());
    let people = other.store.people().await.unwrap();
    assert_eq!(people, scene.store.people().await.unwrap());
    let again = serde_json::to_string(&other.store.export().await.unwrap()).unwrap();
    assert_eq!(again, text);
    let told = watch.next(Duration::ZERO).await.unwrap();
    assert_eq!(told, Watched::Events(vec![Event::EverythingChanged]));
}

#[tokio::test]
async fn what_has_expired_since_does_not_come_back() {
    let scene = Scene::new();
    scene.code("client").await;
    let exported = scene.store.export().await.unwrap();
    assert!(!exported.is_empty());
    scene.pass(30 * 24 * 3_600);
    assert_eq!(scene.store.import(exported).await.unwrap(), 0);
    assert_eq!(scene.store.size().await.unwrap(), 0);
}

#[tokio::test]
async fn an_order_reaches_who_watches_and_reports_come_back() {
    let scene = Scene::new();
    let mut watch = scene.store.watch().await.unwrap();
    let id = scene
        .store
        .order(Task::CacheClear, Some("claude"))
        .await
        .unwrap();
    let told = watch.next(Duration::ZERO).await.unwrap();
    assert_eq!(told, Watched::Events(vec![Event::Ordered(id.clone())]));
    let order = scene.store.ordered(&id).await.unwrap().unwrap();
    assert_eq!(
        (order.task, order.scope.as_deref()),
        (Task::CacheClear, Some("claude"))
    );
    for (node, done) in [("b", true), ("a", false), ("a", true)] {
        let said = serde_json::json!({ "node": node });
        scene.store.report(&id, node, done, said).await.unwrap();
    }
    let reports = scene.store.reports(&id).await.unwrap();
    let nodes: Vec<_> = reports
        .iter()
        .map(|report| (&*report.node, report.done))
        .collect();
    assert_eq!(nodes, [("a", true), ("b", true)]);
    assert_eq!(scene.store.ordered("another").await.unwrap(), None);
}
