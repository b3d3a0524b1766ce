//! Who is let in, by which name, and what everybody else sees.

use super::*;

#[tokio::test]
async fn without_a_sign_in_there_is_a_form_and_nothing_else() {
    let scene = Scene::new().await;
    scene.grant("claude", "ana", "c-1").await;
    let mut stranger = scene.visitor();
    for address in ["/", "/confirm?action=revoke_all"] {
        let page = stranger.get(address).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("name=\"password\""), "{}", page.text);
        assert!(!page.text.contains("claude"), "{}", page.text);
    }
    assert_eq!(stranger.get("/live").await.status, 401);
    let page = stranger.get("/").await;
    let fields = [("csrf", &*csrf(&page)), ("action", "revoke_all")];
    let reply = stranger.post("/act", &fields).await;
    assert!(reply.text.contains("name=\"password\""), "{}", reply.text);
    assert_eq!(scene.grants().await, 1);
    assert!(scene.audited().is_empty());
}

#[tokio::test]
async fn a_person_who_is_no_operator_is_told_so_and_does_nothing() {
    let scene = Scene::new().await;
    scene.grant("claude", "ana", "c-1").await;
    let mut ana = scene.visitor();
    assert_eq!(ana.sign_in("ana").await.status, 303);
    let page = ana.get("/").await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("not in the group") && page.text.contains("ana"));
    assert!(!page.text.contains("claude-tools"), "{}", page.text);
    for address in [
        "/confirm?action=revoke_all",
        "/confirm?action=reload_configuration",
    ] {
        assert_eq!(ana.get(address).await.status, 403);
    }
    assert_eq!(ana.get("/live").await.status, 401);
    let fields = [("csrf", &*csrf(&page)), ("action", "revoke_all")];
    assert_eq!(ana.post("/act", &fields).await.status, 403);
    assert_eq!(scene.grants().await, 1);
    let audited = scene.audited();
    assert!(
        audited
            .iter()
            .all(|noted| noted.outcome == "refused" && noted.subject == "ana")
    );
    assert!(!audited.is_empty());
    // There is a way out.
    let fields = [("csrf", &*csrf(&page)), ("action", "sign-out")];
    assert_eq!(ana.post("/", &fields).await.status, 303);
    assert!(ana.get("/").await.text.contains("name=\"password\""));
}

#[tokio::test]
async fn an_operator_sees_the_page_and_its_parts() {
    let scene = Scene::new().await;
    scene.grant("claude", "ana", "c-1").await;
    scene.recorder.sample(&scene.site.scopes());
    let mut olga = scene.operator().await;
    let page = olga.get("/").await;
    assert_eq!(page.status, 200);
    for said in [
        "claude-tools",
        "sales",
        "0123456789ab",
        "c-1",
        "olga",
        "&#60;b&#62;a problem",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("style=\"") && !page.text.contains("onclick"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    let live = olga.get("/live").await.json();
    assert_eq!(live["samples"][0]["scopes"]["claude"][5], 1);
    assert_eq!(live["last"], 1);
    assert!(live["parts"]["scopes"].as_str().unwrap().contains("claude"));
    let later = olga.get("/live?after=1").await.json();
    assert_eq!(later["samples"], serde_json::json!([]));
    for file in ["/operator.css", "/operator.js", "/style.css"] {
        assert_eq!(scene.visitor().get(file).await.status, 200, "{file}");
    }
    assert_eq!(olga.get("/metrics").await.status, 404);
    let spanish = olga.get("/?lang=es").await;
    assert!(spanish.text.contains("Página del operador"));
    assert!(
        olga.get("/").await.text.contains("lang=\"es\""),
        "the choice is kept"
    );
}

#[tokio::test]
async fn plain_http_is_for_loopback_names_and_https_for_trusted_proxies() {
    let scene = Scene::new().await;
    let ask = async |host, proto: Option<&'static str>, peer: &str| {
        let mut visitor = scene.visitor();
        visitor.headers = vec![("host", host)];
        visitor
            .headers
            .extend(proto.map(|proto| ("x-forwarded-proto", proto)));
        visitor.peer = peer.parse().unwrap();
        let reply = visitor.get("/").await;
        (
            reply.status.as_u16(),
            reply.header("set-cookie").contains("Secure"),
        )
    };
    for (host, proto, peer, answer) in [
        ("localhost:9000", None, "127.0.0.1", (200, false)),
        ("[::1]:8009", None, "::1", (200, false)),
        // A published port of a container.
        ("127.0.0.1:8009", None, "172.17.0.1", (200, false)),
        ("ops.example.com", None, "127.0.0.1", (403, false)),
        ("ops.example.com", None, "10.0.0.1", (403, false)),
        ("ops.example.com", Some("https"), "127.0.0.1", (403, false)),
        ("ops.example.com", Some("https"), "10.0.0.1", (200, true)),
        ("ops.example.com", Some("http"), "10.0.0.1", (403, false)),
        ("localhost.evil.com", None, "127.0.0.1", (403, false)),
        ("", None, "127.0.0.1", (403, false)),
    ] {
        assert_eq!(
            ask(host, proto, peer).await,
            answer,
            "{host} {proto:?} {peer}"
        );
    }
}

#[tokio::test]
async fn who_is_denied_sees_nothing_also_behind_a_proxy() {
    let scene = Scene::new().await;
    let ask = async |peer: &str, forwarded: Option<&'static str>| {
        let mut visitor = scene.visitor();
        let forwarded = forwarded.map(|address| ("x-forwarded-for", address));
        visitor.headers.extend(forwarded);
        visitor.peer = peer.parse().unwrap();
        visitor.get("/").await
    };
    for (peer, forwarded) in [("10.6.1.1", None), ("10.0.0.1", Some("10.6.1.1"))] {
        let reply = ask(peer, forwarded).await;
        assert_eq!(reply.status, 403, "{peer}");
        assert!(reply.text.contains("does not answer to this address"));
    }
    assert_eq!(ask("10.0.0.1", Some("10.7.1.1")).await.status, 200);
    assert_eq!(ask("192.0.2.1", Some("10.6.1.1")).await.status, 200);
}

#[tokio::test]
async fn forms_of_other_pages_are_refused_by_their_origin() {
    let scene = Scene::new().await;
    let mut olga = scene.operator().await;
    for (origin, status) in [
        ("http://127.0.0.1:8009", 200),
        ("http://127.0.0.1:8008", 403),
        ("https://evil.com", 403),
        ("null", 403),
    ] {
        olga.headers = vec![("host", "127.0.0.1:8009"), ("origin", origin)];
        assert_eq!(olga.get("/").await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn where_nobody_signs_in_whoever_is_at_this_machine_is_an_operator() {
    let scene = Scene::with(SignInMethod::Consent);
    scene.grant("claude", "local", "c-1").await;
    let mut local = scene.visitor();
    let page = local.get("/").await;
    assert!(page.text.contains("Nobody signs in"), "{}", page.text);
    assert_eq!(local.act("revoke_all", "").await.status, 303);
    assert_eq!(scene.grants().await, 0);
    assert_eq!(scene.audited()[0].subject, "local");
    // Through a proxy the whole world could be at this machine.
    let mut visitor = scene.visitor();
    visitor.headers = vec![("host", "ops.example.com"), ("x-forwarded-proto", "https")];
    visitor.peer = "10.0.0.1".parse().unwrap();
    assert_eq!(visitor.get("/").await.status, 403);
}
