use std::net::Ipv4Addr;
use std::time::Duration;

use axum::http::{StatusCode, header};

use crate::clock::Timestamp;
use crate::oauth::SignInMethod;
use crate::oauth::endpoints::browsing::Scene;
use crate::principal::Rights;
use crate::state::{Consent, GrantFilter, SecretKind, Tokens};

const ANA: &str = "ana@example.com";
const OLD: &str = "correct horse battery";
const NEW: &str = "staple of another horse";

async fn scene() -> Scene {
    let scene = Scene::new(SignInMethod::Password);
    scene.add(ANA, OLD).await;
    scene
}

async fn allow(scene: &Scene, subject: &str, client_id: &str) {
    let consent = Consent {
        subject: subject.to_owned(),
        scope: "claude".to_owned(),
        client_id: client_id.to_owned(),
        client_name: format!("<b>{client_id}</b>"),
        redirect_uri: "https://claude.ai/cb".to_owned(),
        rights: Rights::READ,
        given_at: Timestamp(1_799_000_000_000),
    };
    scene.store.remember_consent(&consent).await.unwrap();
    let token = scene
        .store
        .secrets()
        .issue(SecretKind::AccessToken)
        .unwrap();
    let tokens = Tokens::access_only(token.hash, Duration::from_secs(60));
    let issued = scene
        .store
        .issue_token("claude", subject, client_id, Rights::READ, tokens);
    issued.await.unwrap();
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to() {
    let scene = scene().await;
    let mut browser = scene.visitor();
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert!(!page.body.contains(ANA));
    let planted = browser.cookies.clone();
    let page = browser.sign_in(" Ana@Example.com ", OLD).await;
    assert_eq!(page.location(), "/account");
    for (name, value) in planted {
        assert_ne!(browser.cookies[&name], value, "{name} outlives the sign-in");
    }
    let page = browser.get("/account").await;
    assert!(page.body.contains(ANA), "{}", page.body);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let scene = scene().await;
    let mut seen = Vec::new();
    for name in [ANA, "nobody@example.com"] {
        let page = scene.visitor().sign_in(name, "a wrong password").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        seen.push(
            page.body
                .replace(name, "NAME")
                .replace(&page.csrf(), "CSRF"),
        );
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn too_many_tries_are_told_to_wait_even_with_the_right_password() {
    let scene = scene().await;
    for number in 1..=10 {
        let mut browser = scene.visitor();
        browser.address = Ipv4Addr::new(10, 0, 0, number).into();
        let page = browser.sign_in(ANA, "a wrong password").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let mut browser = scene.visitor();
    let page = browser.sign_in(ANA, OLD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    let wait = page.headers[header::RETRY_AFTER].to_str().unwrap();
    assert!(wait.parse::<u64>().unwrap() > 0);
    assert!(!browser.get("/account").await.body.contains(ANA));
}

#[tokio::test]
async fn what_was_allowed_is_listed_and_can_be_withdrawn() {
    let scene = scene().await;
    for client in ["one", "two"] {
        allow(&scene, ANA, client).await;
    }
    allow(&scene, "bob", "bobs").await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    let page = browser.get("/account").await;
    for shown in [
        "&#60;b&#62;one",
        "&#60;b&#62;two",
        "claude.ai",
        "2027-01-03",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains("bobs"));

    let fields = [
        ("action", "withdraw"),
        ("scope", "claude"),
        ("client_id", "one"),
    ];
    let answer = browser.submit(&page, "/account", &fields).await;
    assert_eq!(answer.location(), "/account?done=withdrawn");
    let page = browser.get(answer.location()).await;
    assert!(page.body.contains("role=\"status\""), "{}", page.body);
    assert!(!page.body.contains("&#60;b&#62;one") && page.body.contains("&#60;b&#62;two"));
    let filter = GrantFilter {
        subject: Some(ANA.to_owned()),
        ..GrantFilter::default()
    };
    let grants = scene.store.grants(&filter).await.unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].client_id, "two");
}

#[tokio::test]
async fn nobody_withdraws_what_another_allowed() {
    let scene = scene().await;
    allow(&scene, "bob", "bobs").await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    let page = browser.get("/account").await;
    let fields = [
        ("action", "withdraw"),
        ("scope", "claude"),
        ("client_id", "bobs"),
    ];
    browser.submit(&page, "/account", &fields).await;
    assert_eq!(scene.store.consents("bob").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins_and_not_this_one() {
    let scene = scene().await;
    let (mut browser, mut other) = (scene.visitor(), scene.visitor());
    for browser in [&mut browser, &mut other] {
        browser.sign_in(ANA, OLD).await;
    }
    let page = browser.get("/account").await;
    let before = browser.cookies.clone();
    let fields = [
        ("action", "change-password"),
        ("current", OLD),
        ("password", NEW),
        ("again", NEW),
    ];
    let answer = browser.submit(&page, "/account", &fields).await;
    assert_eq!(answer.location(), "/account?done=password");
    assert!(browser.get("/account").await.body.contains(ANA));
    assert!(!other.get("/account").await.body.contains(ANA));
    let mut stale = scene.visitor();
    stale.cookies = before;
    assert!(!stale.get("/account").await.body.contains(ANA));
    assert_eq!(
        scene.visitor().sign_in(ANA, OLD).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        scene.visitor().sign_in(ANA, NEW).await.location(),
        "/account"
    );
}

#[tokio::test]
async fn a_password_is_not_changed_without_the_current_one_or_against_the_rules() {
    let scene = scene().await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    for (current, password, again, status) in [
        ("a wrong password", NEW, NEW, StatusCode::FORBIDDEN),
        (OLD, NEW, "another", StatusCode::BAD_REQUEST),
        (OLD, "short", "short", StatusCode::BAD_REQUEST),
        (OLD, ANA, ANA, StatusCode::BAD_REQUEST),
    ] {
        let page = browser.get("/account").await;
        let fields = [
            ("action", "change-password"),
            ("current", current),
            ("password", password),
            ("again", again),
        ];
        let answer = browser.submit(&page, "/account", &fields).await;
        assert_eq!(answer.status, status, "{password}");
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
        assert!(!answer.body.contains(current), "a page repeats a password");
    }
    assert_eq!(
        scene.visitor().sign_in(ANA, OLD).await.location(),
        "/account"
    );
}

#[tokio::test]
async fn a_form_of_another_browser_does_nothing() {
    let scene = scene().await;
    allow(&scene, ANA, "one").await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    let attackers = scene.visitor().get("/account").await.csrf();
    for csrf in ["", &attackers] {
        for action in ["withdraw", "sign-out", "change-password", "sign-in"] {
            let fields = [
                ("action", action),
                ("csrf", csrf),
                ("scope", "claude"),
                ("client_id", "one"),
            ];
            let page = browser.post("/account", &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{action}");
        }
    }
    assert_eq!(scene.store.consents(ANA).await.unwrap().len(), 1);
    assert!(browser.get("/account").await.body.contains(ANA));
}

#[tokio::test]
async fn signing_out_ends_the_sign_in_itself() {
    let scene = scene().await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    let mut copy = browser.clone();
    let page = browser.get("/account").await;
    let answer = browser
        .submit(&page, "/account", &[("action", "sign-out")])
        .await;
    assert_eq!(answer.location(), "/account");
    for browser in [&mut browser, &mut copy] {
        assert!(!browser.get("/account").await.body.contains(ANA));
    }
}

#[tokio::test]
async fn where_nobody_signs_in_the_page_is_that_of_this_machine() {
    let scene = Scene::new(SignInMethod::Consent);
    allow(&scene, "local", "one").await;
    let mut browser = scene.visitor();
    let page = browser.get("/account").await;
    assert!(page.body.contains("&#60;b&#62;one"), "{}", page.body);
    assert!(!page.body.contains("type=\"password\"") && !page.body.contains("sign-out"));
    let fields = [
        ("action", "withdraw"),
        ("scope", "claude"),
        ("client_id", "one"),
    ];
    browser.submit(&page, "/account", &fields).await;
    assert!(scene.store.consents("local").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_page_speaks_spanish() {
    let scene = scene().await;
    let mut browser = scene.visitor();
    browser.sign_in(ANA, OLD).await;
    let page = browser.get_in("es", "/account").await;
    assert!(page.body.contains("Su cuenta"), "{}", page.body);
}
