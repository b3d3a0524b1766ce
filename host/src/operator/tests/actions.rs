//! Each action does what it says, once it was confirmed, and the audit tells who did it.

use super::*;

/// Three grants, of two people, two clients and two scopes.
async fn three(scene: &Scene) -> [String; 3] {
    [
        scene.grant("claude", "ana", "c-1").await,
        scene.grant("claude", "bob", "c-2").await,
        scene.grant("chatgpt", "ana", "c-2").await,
    ]
}

#[tokio::test]
async fn what_is_revoked_is_what_was_named() {
    for (action, target, left) in [
        ("revoke_person", "ana", 1),
        ("revoke_person", "Ana", 1),
        ("revoke_client", "c-2", 1),
        ("revoke_scope", "chatgpt", 2),
        ("revoke_all", "", 0),
    ] {
        let scene = Scene::new().await;
        three(&scene).await;
        let mut olga = scene.operator().await;
        let reply = olga.act(action, target).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        assert_eq!(scene.grants().await, left, "{action} {target}");
        let gone = 3 - left;
        let location = format!("/?done={action}&count={gone}");
        assert_eq!(reply.header("location"), location);
        let page = olga.get(&location).await.text;
        assert!(
            page.contains(&format!("Revoked. Grants that ended: {gone}")),
            "{page}"
        );
        let audited = scene.audited();
        assert_eq!(audited.len(), 1);
        let noted = &audited[0];
        assert_eq!(
            (&*noted.subject, &*noted.code, noted.outcome),
            ("olga", action, "done")
        );
        assert!(
            noted.reason.ends_with(&format!("{gone} grants")),
            "{noted:?}"
        );
    }
}

#[tokio::test]
async fn a_single_grant_can_be_ended() {
    let scene = Scene::new().await;
    let [first, ..] = three(&scene).await;
    let mut olga = scene.operator().await;
    assert_eq!(olga.act("revoke_grant", &first).await.status, 303);
    assert_eq!(scene.grants().await, 2);
    assert!(scene.audited()[0].reason.starts_with(&first));
}

#[tokio::test]
async fn a_client_is_blocked_and_let_in_again() {
    let scene = Scene::new().await;
    let id = "https://example.com/client.json";
    let mut olga = scene.operator().await;
    assert_eq!(olga.act("block_client", id).await.status, 303);
    assert!(scene.store.is_client_blocked(id).await.unwrap());
    let page = olga.get("/").await.text;
    assert!(
        page.contains("unblock_client&amp;target=https%3A%2F%2Fexample"),
        "{page}"
    );
    assert_eq!(olga.act("unblock_client", id).await.status, 303);
    assert!(!scene.store.is_client_blocked(id).await.unwrap());
    let done: Vec<_> = scene
        .audited()
        .iter()
        .map(|noted| noted.code.clone())
        .collect();
    assert_eq!(done, ["block_client", "unblock_client"]);
    assert!(scene.audited().iter().all(|noted| noted.client == id));
}

#[tokio::test]
async fn tool_sets_and_the_configuration_are_loaded_again() {
    let scene = Scene::new().await;
    let mut olga = scene.operator().await;
    assert_eq!(
        olga.act("reload_tool_set", "claude-tools").await.status,
        303
    );
    assert_eq!(olga.act("reload_configuration", "").await.status, 303);
    // What is accepted is the version that was shown.
    let page = olga
        .get("/confirm?action=accept_version&target=waiting")
        .await
        .text;
    assert!(
        page.contains("new tool: drop_table") && page.contains("sha256:feed"),
        "{page}"
    );
    assert_eq!(olga.act("accept_version", "waiting").await.status, 303);
    let failed = olga.act("reload_tool_set", "broken").await;
    assert_eq!(failed.status, 409);
    assert!(
        failed.text.contains("the file is no component"),
        "{}",
        failed.text
    );
    let asked = scene.site.asked.lock().unwrap().clone();
    let wanted = [
        "reload claude-tools",
        "reconfigure",
        "accept waiting feed",
        "reload broken",
    ];
    assert_eq!(asked, wanted);
    let audited = scene.audited();
    let outcomes: Vec<_> = audited.iter().map(|noted| noted.outcome).collect();
    assert_eq!(outcomes, ["done", "done", "done", "failed"]);
    assert!(audited[3].reason.contains("no component"), "{audited:?}");
}

#[tokio::test]
async fn nothing_is_done_without_the_form_of_this_browser() {
    let scene = Scene::new().await;
    three(&scene).await;
    let mut olga = scene.operator().await;
    let mut other = scene.operator().await;
    let main = csrf(&olga.get("/").await);
    let others = csrf(&other.get("/confirm?action=revoke_all").await);
    for token in ["", "x", &main, &others] {
        let fields = [("action", "revoke_all"), ("csrf", token)];
        let reply = olga.post("/act", &fields).await;
        assert_eq!(reply.status, 403, "{token}");
    }
    // Nor by a link.
    assert_eq!(olga.get("/act?action=revoke_all").await.status, 405);
    assert_eq!(olga.get("/confirm?action=revoke_all").await.status, 200);
    assert_eq!(scene.grants().await, 3);
    assert!(scene.audited().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_said_before_anything_is_done() {
    let scene = Scene::new().await;
    let mut olga = scene.operator().await;
    for (query, status, said) in [
        (
            "action=revoke_person&target=nobody",
            200,
            "nothing of that kind",
        ),
        ("action=revoke_all", 200, "nothing of that kind"),
        ("action=revoke_person", 400, "missing"),
        ("action=format_disk&target=c", 400, "missing"),
        (
            "action=unblock_client&target=c-9",
            200,
            "nothing of that kind",
        ),
        (
            "action=reload_tool_set&target=..%2Fetc",
            200,
            "nothing of that kind",
        ),
        (
            "action=accept_version&target=claude-tools",
            409,
            "nothing of that kind",
        ),
    ] {
        let page = olga.get(&format!("/confirm?{query}")).await;
        assert_eq!(page.status, status, "{query}");
        assert!(page.text.contains(said), "{query}: {}", page.text);
        assert!(!page.text.contains("action=\"/act\""), "{query}");
    }
}
