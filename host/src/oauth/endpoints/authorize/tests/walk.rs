//! The way from the request to the code.

use super::*;

#[tokio::test]
async fn a_person_signs_in_consents_and_the_client_gets_a_code() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let resource = ("resource", "https://data.example.com/claude/mcp");
    let path = request("/claude", &id, &[resource]);
    let mut ana = Visitor::new(&oauth);
    let page = ana.get(&path).await;
    assert_eq!(page.status, 200);
    assert_is_guarded_page(&page);
    assert!(
        page.text.contains("autocomplete=\"current-password\""),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("<bdi class=\"place\">claude.ai</bdi>"),
        "{}",
        page.text
    );
    let signed_in = ana.sign_in(&path, " Ana ", PASSWORD).await;
    assert_eq!(
        (signed_in.status.as_u16(), signed_in.header("location")),
        (303, &*path)
    );
    let page = ana.get(&path).await;
    assert_is_guarded_page(&page);
    for shown in [
        ">Claude<",
        ">ana<",
        "https://data.example.com/claude<",
        "value=\"deny\"",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains(" https://claude.ai"), "{policy}");
    let reply = ana.press(&page, &path, &[("action", "allow")]).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let location = location(&reply);
    assert!(
        location.as_str().starts_with(&format!("{CALLBACK}?")),
        "{location}"
    );
    assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
    let iss = parameter(&location, "iss");
    assert_eq!(iss.as_deref(), Some("https://data.example.com/claude"));
    let code = parameter(&location, "code").unwrap();
    let store = oauth.store();
    let hash = store
        .secrets()
        .recognise(SecretKind::AuthorizationCode, &code)
        .unwrap();
    let code = store.code(hash).await.unwrap().unwrap();
    assert_eq!(code.scope, "claude");
    assert_eq!(code.client_id, id);
    assert_eq!(code.client_name, "Claude");
    assert_eq!(code.redirect_uri, CALLBACK);
    assert_eq!(code.code_challenge, CHALLENGE);
    assert_eq!(code.resource.as_deref(), Some(resource.1));
    assert_eq!(code.subject, "ana");
    assert_eq!(code.rights, Rights::READ);
    assert_eq!(
        code.expires_at.since(store.clock().now()),
        Duration::from_secs(60)
    );
    assert!(code.forget_at.since(code.expires_at) >= Duration::from_secs(600));
}

#[tokio::test]
async fn at_the_root_the_issuer_is_the_root() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let path = request("", &id, &[]);
    let reply = Visitor::new(&oauth).decide(&path, "ana", "allow").await;
    let iss = parameter(&location(&reply), "iss");
    assert_eq!(iss.as_deref(), Some("https://data.example.com"));
}

#[tokio::test]
async fn a_sign_in_ends_after_half_a_day() {
    let (oauth, clock) = testing::oauth();
    people(&oauth).await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    clock.advance(Duration::from_secs(12 * 3_600 - 1));
    assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    clock.advance(Duration::from_secs(1));
    assert!(ana.get(&path).await.text.contains("name=\"password\""));
}

#[tokio::test]
async fn not_you_leads_back_to_the_sign_in() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let reply = Visitor::new(&oauth).decide(&path, "ana", "sign-out").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("location")),
        (303, &*path)
    );
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let before = ana.clone();
    let page = ana.get(&path).await;
    ana.press(&page, &path, &[("action", "sign-out")]).await;
    for mut browser in [ana, before] {
        assert!(browser.get(&path).await.text.contains("name=\"password\""));
    }
}

#[tokio::test]
async fn what_was_allowed_is_not_asked_again_unless_it_is_more_or_meant_to_be() {
    let oauth = with_people().await;
    let id = client(&oauth, "writer", "Claude", CALLBACK).await;
    let path = request("/writer", &id, &[]);
    let mut ana = Visitor::new(&oauth);
    ana.decide(&path, "ana", "allow").await;
    assert!(parameter(&location(&ana.get(&path).await), "code").is_some());
    let silent = request("/writer", &id, &[("prompt", "none")]);
    assert!(parameter(&location(&ana.get(&silent).await), "code").is_some());
    for more in [("scope", "mcp:read mcp:write"), ("prompt", "consent")] {
        let page = ana.get(&request("/writer", &id, &[more])).await;
        assert!(page.text.contains("value=\"allow\""), "{more:?}");
    }
    let changes = [("scope", "mcp:write"), ("prompt", "none")];
    let reply = ana.get(&request("/writer", &id, &changes)).await;
    let error = parameter(&location(&reply), "error");
    assert_eq!(error.as_deref(), Some("consent_required"));
    // Allowed once, the wider right is remembered, and the narrower with it.
    let writes = request("/writer", &id, &[("scope", "mcp:write")]);
    let page = ana.get(&writes).await;
    ana.press(&page, &writes, &[("action", "allow")]).await;
    for path in [&path, &writes] {
        assert!(parameter(&location(&ana.get(path).await), "code").is_some());
    }
    let consents = oauth.store().consents("ana").await.unwrap();
    assert_eq!((consents.len(), consents[0].rights), (1, Rights::ALL));
    // Another person has allowed nothing.
    let mut bob = Visitor::new(&oauth);
    bob.sign_in(&path, "bob", PASSWORD).await;
    assert!(bob.get(&path).await.text.contains("value=\"allow\""));
}

#[tokio::test]
async fn a_program_on_the_machine_is_asked_for_each_time() {
    let oauth = with_people().await;
    let id = client(&oauth, "claude", "Code", LOOPBACK).await;
    let mut ana = Visitor::new(&oauth);
    for port in ["33418", "50000"] {
        let redirect = format!("http://127.0.0.1:{port}/");
        let path = request("/claude", &id, &[("redirect_uri", &redirect)]);
        if ana.cookies.is_empty() {
            ana.sign_in(&path, "ana", PASSWORD).await;
        }
        let page = ana.get(&path).await;
        assert!(page.text.contains("class=\"warning\""), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains(&format!(" http://127.0.0.1:{port}")),
            "{policy}"
        );
        let location = location(&ana.press(&page, &path, &[("action", "allow")]).await);
        assert!(location.as_str().starts_with(&redirect), "{location}");
        assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    }
    let consents = oauth.store().consents("ana").await.unwrap();
    assert_eq!(consents.len(), 1, "a port is no other decision");
    assert_eq!(consents[0].redirect_uri, LOOPBACK);
}

#[tokio::test]
async fn only_who_may_write_can_give_it_away() {
    let oauth = with_people().await;
    let id = client(&oauth, "writer", "Claude", CALLBACK).await;
    let path = request("/writer", &id, &[("scope", "mcp:read mcp:write")]);
    for (person, rights) in [("ana", Rights::ALL), ("bob", Rights::READ)] {
        let mut visitor = Visitor::new(&oauth);
        visitor.sign_in(&path, person, PASSWORD).await;
        let page = visitor.get(&path).await;
        assert_eq!(page.text.contains("class=\"write\""), rights == Rights::ALL);
        let reply = visitor.press(&page, &path, &[("action", "allow")]).await;
        let code = parameter(&location(&reply), "code").unwrap();
        let store = oauth.store();
        let hash = store
            .secrets()
            .recognise(SecretKind::AuthorizationCode, &code);
        assert_eq!(
            store.code(hash.unwrap()).await.unwrap().unwrap().rights,
            rights
        );
    }
}

#[tokio::test]
async fn a_denial_goes_to_the_client_and_is_not_remembered() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    let location = location(&ana.decide(&path, "ana", "deny").await);
    assert_eq!(
        parameter(&location, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
    assert_eq!(parameter(&location, "code"), None);
    assert!(ana.get(&path).await.text.contains("value=\"allow\""));
    assert!(oauth.store().consents("ana").await.unwrap().is_empty());
}

#[tokio::test]
async fn where_nobody_signs_in_whoever_is_there_is_asked() {
    let (mut config, _) = testing::config();
    config.sign_in = SignInMethod::Consent;
    config.public_url = None;
    let oauth = OAuth::new(config);
    let id = client(&oauth, "claude", "Claude", CALLBACK).await;
    let path = request("/claude", &id, &[]);
    let mut visitor = Visitor::new(&oauth);
    let local = |builder: axum::http::request::Builder| builder.header("host", "localhost:8008");
    let page = visitor
        .send(local(Request::get(&path)), Body::empty())
        .await;
    assert_is_guarded_page(&page);
    assert!(page.text.contains("value=\"allow\"") && !page.text.contains("value=\"sign-out\""));
    assert!(page.header("set-cookie").starts_with("mssql-mcp-browser="));
    assert!(!page.header("set-cookie").contains("Secure"));
    let form = format!("csrf={}&action=allow", token_of(&page));
    let reply = visitor
        .send(local(Request::post(&path)), Body::from(form))
        .await;
    let location = location(&reply);
    assert_eq!(
        parameter(&location, "iss").as_deref(),
        Some("http://localhost:8008/claude")
    );
    assert_eq!(oauth.store().consents(LOCAL_SUBJECT).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_describes_itself_is_shown_with_its_address() {
    let asked = Asked {
        client: crate::state::Client {
            id: "https://claude.ai/oauth/metadata".to_owned(),
            scope: "claude".to_owned(),
            name: "Claude".to_owned(),
            redirect_uris: vec![CALLBACK.to_owned()],
            authentication: ClientAuthentication::None,
            secret: None,
            kind: ClientKind::MetadataDocument,
            created_at: crate::clock::Timestamp(0),
            used_at: None,
            expires_at: None,
        },
        registered: CALLBACK.to_owned(),
        request: Unverified::parse(request("", "c", &[]).split_once('?').unwrap().1)
            .unwrap()
            .judge(
                &testing::oauth().0.issuer(None, &HeaderMap::new()).unwrap(),
                "claude",
            )
            .unwrap(),
    };
    let asking = asked.asking();
    assert_eq!(
        asking.document.as_deref(),
        Some("https://claude.ai/oauth/metadata")
    );
    assert!(!asking.destination.is_local());
}
