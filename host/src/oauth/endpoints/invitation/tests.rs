use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::{StatusCode, header};

use crate::oauth::SignInMethod;
use crate::oauth::endpoints::browsing::{Page, Scene, Visitor};

const ANA: &str = "ana@example.com";
const PASSWORD: &str = "correct horse battery";

async fn invited() -> (Scene, String) {
    let scene = Scene::new(SignInMethod::Password);
    let hour = Duration::from_secs(3_600);
    let secret = scene.store.invite_person(ANA, &BTreeSet::new(), hour).await;
    let token = secret.unwrap().expose().to_owned();
    (scene, token)
}

async fn open(browser: &mut Visitor, token: &str) -> Page {
    browser.get(&format!("/invitation?token={token}")).await
}

async fn choose(browser: &mut Visitor, page: &Page, token: &str, passwords: [&str; 2]) -> Page {
    let [password, again] = passwords;
    let fields = [("token", token), ("password", password), ("again", again)];
    browser.submit(page, "/invitation", &fields).await
}

#[tokio::test]
async fn a_link_may_be_opened_often_and_used_once() {
    let (scene, token) = invited().await;
    for _ in 0..3 {
        let page = open(&mut scene.visitor(), &token).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(ANA), "{}", page.body);
    }
    let mut browser = scene.visitor();
    let page = open(&mut browser, &token).await;
    let answer = choose(&mut browser, &page, &token, [PASSWORD; 2]).await;
    assert_eq!(answer.location(), "/account?done=password");
    assert!(browser.get("/account").await.body.contains(ANA));
    assert_eq!(
        scene.visitor().sign_in(ANA, PASSWORD).await.location(),
        "/account"
    );

    let again = open(&mut scene.visitor(), &token).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let late = choose(&mut browser, &page, &token, ["another password"; 2]).await;
    assert_ne!(late.status, StatusCode::SEE_OTHER);
    assert_eq!(
        scene.visitor().sign_in(ANA, PASSWORD).await.location(),
        "/account"
    );
}

#[tokio::test]
async fn a_bad_password_does_not_use_it_up() {
    let (scene, token) = invited().await;
    let mut browser = scene.visitor();
    let page = open(&mut browser, &token).await;
    for passwords in [["short"; 2], [ANA; 2], [PASSWORD, "another password"]] {
        let answer = choose(&mut browser, &page, &token, passwords).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
    }
    let answer = choose(&mut browser, &page, &token, [PASSWORD; 2]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn links_that_are_over_or_made_up_lead_nowhere() {
    let (scene, token) = invited().await;
    let made_up = format!("mcp_in_{}", "A".repeat(59));
    for token in ["", "x", &made_up] {
        let page = open(&mut scene.visitor(), token).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{token}");
    }
    scene.hand.advance(Duration::from_secs(3_601));
    let page = open(&mut scene.visitor(), &token).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_site_cannot_post_the_form() {
    let (scene, token) = invited().await;
    let page = open(&mut scene.visitor(), &token).await;
    let answer = choose(&mut scene.visitor(), &page, &token, [PASSWORD; 2]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_address_with_its_token_is_told_to_nobody() {
    let (scene, token) = invited().await;
    let page = open(&mut scene.visitor(), &token).await;
    assert_eq!(page.headers[header::REFERRER_POLICY], "strict-origin");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn there_are_no_invitations_where_there_are_no_passwords() {
    let scene = Scene::new(SignInMethod::Consent);
    let hour = Duration::from_secs(3_600);
    let secret = scene.store.invite_person(ANA, &BTreeSet::new(), hour).await;
    let secret = secret.unwrap();
    let page = open(&mut scene.visitor(), secret.expose()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
