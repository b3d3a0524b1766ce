//! What must not work.

use super::*;

#[tokio::test]
async fn a_form_without_the_right_token_changes_nothing() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.sign_in(&path, "ana", PASSWORD).await;
    let own = ana.get(&path).await;
    let mut other = Visitor::new(&oauth);
    other.sign_in(&path, "bob", PASSWORD).await;
    let foreign = token_of(&other.get(&path).await);
    let elsewhere = format!("{path}&scope=mcp%3Aread");
    let good = token_of(&own);
    let allow = ("action", "allow");
    for (path, fields) in [
        (&path, vec![allow]),
        (&path, vec![allow, ("csrf", "")]),
        (&path, vec![allow, ("csrf", "AAAA")]),
        (&path, vec![allow, ("csrf", &foreign)]),
        (&path, vec![allow, ("csrf", &good), ("csrf", &good)]),
        (&elsewhere, vec![allow, ("csrf", &good)]),
    ] {
        let reply = ana.post(path, &fields).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (403, ""),
            "{fields:?}"
        );
        assert_is_guarded_page(&reply);
    }
    let mut without_cookies = Visitor::new(&oauth);
    let reply = without_cookies.post(&path, &[allow, ("csrf", &good)]).await;
    assert_eq!(reply.status, 403);
    assert!(oauth.store().consents("ana").await.unwrap().is_empty());
    // The form itself was good.
    assert_eq!(ana.press(&own, &path, &[allow]).await.status, 303);
}

#[tokio::test]
async fn a_sign_in_is_a_form_of_this_browser_too() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let fields = [
        ("action", "sign-in"),
        ("username", "ana"),
        ("password", PASSWORD),
    ];
    let reply = Visitor::new(&oauth).post(&path, &fields).await;
    assert_eq!(reply.status, 403);
    assert!(!reply.header("set-cookie").contains("sign-in"));
}

#[tokio::test]
async fn cookies_from_before_the_sign_in_are_worth_nothing_after_it() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut ana = Visitor::new(&oauth);
    ana.get(&path).await;
    let mut planted = ana.clone();
    let reply = ana.sign_in(&path, "ana", PASSWORD).await;
    let set: Vec<&str> = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    assert_eq!(set.len(), 2, "{set:?}");
    for cookie in set {
        assert!(cookie.starts_with("__Host-mssql-mcp-"), "{cookie}");
        for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(flag), "{cookie}");
        }
    }
    for (name, value) in &planted.cookies {
        assert_ne!(ana.cookies.get(name), Some(value), "{name}");
    }
    assert!(planted.get(&path).await.text.contains("name=\"password\""));
    // A second sign-in ends the first.
    let mut first = ana.clone();
    let page = ana.get(&path).await;
    let fields = [
        ("action", "sign-in"),
        ("username", "bob"),
        ("password", PASSWORD),
    ];
    assert_eq!(ana.press(&page, &path, &fields).await.status, 303);
    assert!(first.get(&path).await.text.contains("name=\"password\""));
    assert!(ana.get(&path).await.text.contains(">bob<"));
}

#[tokio::test]
async fn cookies_that_this_server_did_not_make_are_ignored() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut visitor = Visitor::new(&oauth);
    for name in ["__Host-mssql-mcp-browser", "__Host-mssql-mcp-sign-in"] {
        visitor
            .cookies
            .insert(name.to_owned(), "mcp_br_AAAA".to_owned());
    }
    let page = visitor.get(&path).await;
    assert!(page.text.contains("name=\"password\""));
    assert!(
        page.header("set-cookie")
            .starts_with("__Host-mssql-mcp-browser=mcp_br_")
    );
}

#[tokio::test]
async fn nothing_leaves_for_an_address_that_is_not_the_clients() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    let elsewhere = client(&oauth, "chatgpt", "Other", CALLBACK).await;
    for (id, uri) in [
        (&id, "https://evil.com/"),
        (&id, "https://claude.ai.evil.com/api/mcp/auth_callback"),
        (&id, "https://claude.ai/api/mcp/auth_callback/../x"),
        (&id, "https://claude.ai@evil.com/api/mcp/auth_callback"),
        (&id, "http://claude.ai/api/mcp/auth_callback"),
        (&id, "https://claude.ai:444/api/mcp/auth_callback"),
        (&id, "//evil.com"),
        (&id, "javascript:alert(1)"),
        (&id, "<script>alert(1)</script>"),
        (&id, ""),
        (&"nobody".to_owned(), CALLBACK),
        (&String::new(), CALLBACK),
        (&elsewhere, CALLBACK),
    ] {
        // What else is wrong must not open a way out.
        for also in [
            ("response_type", "code"),
            ("response_type", "token"),
            ("prompt", "none"),
        ] {
            let changes = [("redirect_uri", uri), ("client_id", id), also];
            let path = request("/claude", id, &changes);
            let mut visitor = Visitor::new(&oauth);
            let page = visitor.get(&path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("location")),
                (400, ""),
                "{id} {uri}"
            );
            assert!(!page.text.contains("<script") && !page.text.contains("href=\"javascript"));
        }
    }
    let twice = request("/claude", &id, &[]);
    for again in ["client_id=x", "redirect_uri=https%3A%2F%2Fevil.com"] {
        let page = Visitor::new(&oauth).get(&format!("{twice}&{again}")).await;
        assert_eq!(
            (page.status.as_u16(), page.header("location")),
            (400, ""),
            "{again}"
        );
        assert_is_guarded_page(&page);
    }
}

#[tokio::test]
async fn other_errors_go_back_to_the_client() {
    let oauth = with_people().await;
    let (id, _) = asked(&oauth).await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (
            ("resource", "https://data.example.com/chatgpt/sse"),
            "invalid_target",
        ),
        (("prompt", "none"), "login_required"),
    ] {
        let reply = Visitor::new(&oauth)
            .get(&request("/claude", &id, &[change]))
            .await;
        let location = location(&reply);
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        assert_eq!(parameter(&location, "error").as_deref(), Some(error));
        assert!(parameter(&location, "error_description").is_some());
        assert_eq!(parameter(&location, "state").as_deref(), Some("a state"));
        let iss = parameter(&location, "iss");
        assert_eq!(iss.as_deref(), Some("https://data.example.com/claude"));
    }
}

#[tokio::test]
async fn who_may_not_enter_is_refused_before_and_after_consent() {
    let oauth = with_people().await;
    let id = client(&oauth, "chatgpt", "ChatGPT", CALLBACK).await;
    let path = request("/chatgpt", &id, &[]);
    let mut bob = Visitor::new(&oauth);
    bob.sign_in(&path, "bob", PASSWORD).await;
    let page = bob.get(&path).await;
    assert_eq!(page.status, 403);
    assert_is_guarded_page(&page);
    assert!(
        page.text.contains(">bob<") && !page.text.contains("ana"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("value=\"allow\""));
    let forced = bob.press(&page, &path, &[("action", "allow")]).await;
    assert_eq!(
        (forced.status.as_u16(), forced.header("location")),
        (403, "")
    );
    // Let in by a group, asked, allowed; then put out again.
    let store = oauth.store();
    let analysts = BTreeSet::from(["analysts".to_owned()]);
    store.set_groups("bob", &analysts).await.unwrap();
    let page = bob.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(
        parameter(
            &location(&bob.press(&page, &path, &[("action", "allow")]).await),
            "code"
        )
        .is_some()
    );
    store.set_groups("bob", &BTreeSet::new()).await.unwrap();
    for reply in [
        bob.get(&path).await,
        bob.press(&page, &path, &[("action", "allow")]).await,
    ] {
        assert_eq!((reply.status.as_u16(), reply.header("location")), (403, ""));
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut seen = BTreeSet::new();
    for (name, password) in [
        ("ana", "a wrong password"),
        ("carl", PASSWORD),
        ("zoe", PASSWORD),
        ("ana", ""),
    ] {
        let mut visitor = Visitor::new(&oauth);
        let page = visitor.sign_in(&path, name, password).await;
        assert_eq!(page.status, 403);
        assert_is_guarded_page(&page);
        assert!(page.text.contains("role=\"alert\""), "{}", page.text);
        assert_eq!(visitor.cookies.len(), 1, "signed in as {name}");
        let text = page.text.replace(&token_of(&page), "");
        seen.insert(text.replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn too_many_attempts_are_told_to_wait_whether_the_account_exists_or_not() {
    let oauth = with_people().await;
    let (_, path) = asked(&oauth).await;
    let mut seen = BTreeSet::new();
    for name in ["ana", "nobody"] {
        let mut visitor = Visitor::new(&oauth);
        let mut page = visitor.sign_in(&path, name, "a wrong password").await;
        for _ in 0..20 {
            if page.status == 429 {
                break;
            }
            page = visitor.sign_in(&path, name, "a wrong password").await;
        }
        assert_eq!(page.status, 429);
        assert_is_guarded_page(&page);
        assert!(page.header("retry-after").parse::<u64>().unwrap() > 0);
        assert!(page.text.contains("minute"), "{}", page.text);
        let right = visitor.sign_in(&path, name, PASSWORD).await;
        assert_eq!(right.status, 429);
        let text = page.text.replace(&token_of(&page), "");
        seen.insert(text.replace(&format!("value=\"{name}\""), ""));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}
