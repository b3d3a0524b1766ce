use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::{CALLBACK, LEAVE};
use crate::oauth::SignInMethod;
use crate::oauth::endpoints::browsing::{Page, Scene, Visitor};
use crate::oauth::people::provider::fake::{FakeProvider, parameter};

const ANA: &str = "ana@example.com";

/// The way to the provider, from the account.
async fn leave(browser: &mut Visitor) -> Url {
    let page = browser.get("/account").await;
    let answer = browser
        .submit(&page, LEAVE, &[("return_to", "/account")])
        .await;
    answer.elsewhere()
}

/// The way back.
fn back(fake: &FakeProvider, authorization: &Url, claims: &Value) -> String {
    let query = [
        ("code", fake.code(authorization, claims)),
        ("state", parameter(authorization, "state")),
        ("iss", fake.issuer().to_owned()),
    ];
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    format!("{CALLBACK}?{}", form.extend_pairs(query).finish())
}

async fn sign_in(browser: &mut Visitor, fake: &FakeProvider, claims: Value) -> Page {
    let authorization = leave(browser).await;
    let mut all = fake.claims(&authorization);
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    browser.get(&back(fake, &authorization, &all)).await
}

#[tokio::test]
async fn a_person_comes_back_signed_in_with_new_cookies() {
    let (scene, fake) = Scene::with_provider().await;
    let mut browser = scene.visitor();
    let authorization = leave(&mut browser).await;
    assert_eq!(
        parameter(&authorization, "redirect_uri"),
        "https://data.example.com/sign-in/oidc/callback"
    );
    let planted = browser.cookies.clone();
    let claims = fake.claims(&authorization);
    let answer = browser.get(&back(&fake, &authorization, &claims)).await;
    assert_eq!(answer.location(), "/account");
    for (name, value) in planted {
        assert_ne!(browser.cookies[&name], value, "{name} outlives the sign-in");
    }
    let page = browser.get("/account").await;
    assert!(page.body.contains(ANA), "{}", page.body);
    assert!(!page.body.contains("type=\"password\""));
}

#[tokio::test]
async fn groups_are_those_of_the_last_sign_in() {
    let (scene, fake) = Scene::with_provider().await;
    for groups in [json!(["analysts", "staff"]), json!("staff"), json!([])] {
        sign_in(&mut scene.visitor(), &fake, json!({"groups": groups})).await;
        let person = scene.store.person(ANA).await.unwrap().unwrap();
        let expected: BTreeSet<String> = match groups {
            Value::String(group) => BTreeSet::from([group]),
            groups => serde_json::from_value(groups).unwrap(),
        };
        assert_eq!(person.groups, expected);
    }
}

#[tokio::test]
async fn claims_that_are_kept_are_those_of_the_last_sign_in() {
    let (scene, fake) = Scene::with_provider_of(&["department", "email"]).await;
    for (department, kept) in [(json!(7), Some("7")), (json!("8"), Some("8"))] {
        let claims = json!({"department": department, "office": "here"});
        sign_in(&mut scene.visitor(), &fake, claims).await;
        let person = scene.store.person(ANA).await.unwrap().unwrap();
        assert_eq!(person.claims.get("department").map(String::as_str), kept);
        assert_eq!(person.claims["email"], "Ana@Example.com");
        assert_eq!(person.claims.len(), 2);
    }
}

#[tokio::test]
async fn an_id_token_that_is_not_valid_signs_nobody_in() {
    let (scene, fake) = Scene::with_provider().await;
    for claims in [
        json!({"nonce": "another"}),
        json!({"aud": "another"}),
        json!({"exp": 1_800_000_000}),
    ] {
        let mut browser = scene.visitor();
        let page = sign_in(&mut browser, &fake, claims).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("<h1>"), "{}", page.body);
        assert!(!browser.get("/account").await.body.contains(ANA));
    }
}

#[tokio::test]
async fn a_state_is_good_once_for_ten_minutes_in_its_own_browser() {
    let (scene, fake) = Scene::with_provider().await;
    let mut browser = scene.visitor();
    let authorization = leave(&mut browser).await;
    let claims = fake.claims(&authorization);
    // Replayed with a code that was never used.
    let (first, second) = (
        back(&fake, &authorization, &claims),
        back(&fake, &authorization, &claims),
    );
    let mut copy = browser.clone();
    assert_eq!(browser.get(&first).await.location(), "/account");
    assert_eq!(copy.get(&second).await.status, StatusCode::BAD_REQUEST);

    let mut victim = scene.visitor();
    victim.get("/account").await;
    let attackers = leave(&mut scene.visitor()).await;
    let address = back(&fake, &attackers, &fake.claims(&attackers));
    assert_eq!(victim.get(&address).await.status, StatusCode::BAD_REQUEST);
    assert!(!victim.get("/account").await.body.contains(ANA));

    let mut slow = scene.visitor();
    let authorization = leave(&mut slow).await;
    scene.hand.advance(Duration::from_secs(601));
    let address = back(&fake, &authorization, &fake.claims(&authorization));
    assert_eq!(slow.get(&address).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_is_sent_to_another_host() {
    let (scene, _fake) = Scene::with_provider().await;
    let mut browser = scene.visitor();
    let page = browser.get("/account").await;
    for return_to in ["https://evil.com/", "//evil.com", "/\\evil.com", "/another"] {
        let answer = browser
            .submit(&page, LEAVE, &[("return_to", return_to)])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{return_to}");
    }
    let answer = browser.post(LEAVE, &[("return_to", "/account")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_a_page_with_a_way_back() {
    let (scene, fake) = Scene::with_provider().await;
    let mut browser = scene.visitor();
    let state = parameter(&leave(&mut browser).await, "state");
    let address = format!(
        "{CALLBACK}?error=access_denied&state={state}&iss={}",
        fake.issuer()
    );
    let page = browser.get(&address).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("href=\"/account\""), "{}", page.body);
}

#[tokio::test]
async fn a_stranger_to_every_scope_leaves_no_trace() {
    let (scene, fake) = Scene::with_provider().await;
    let stranger = json!({"email": "eve@example.com", "groups": []});
    let page = sign_in(&mut scene.visitor(), &fake, stranger).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("eve@example.com"), "{}", page.body);
    assert!(scene.store.people().await.unwrap().is_empty());
    // Nobody who is known keeps a group by being refused.
    let bob = |groups| json!({"email": "bob@example.com", "groups": groups});
    for groups in [json!(["analysts"]), json!([])] {
        sign_in(&mut scene.visitor(), &fake, bob(groups)).await;
    }
    let bob = scene
        .store
        .person("bob@example.com")
        .await
        .unwrap()
        .unwrap();
    assert!(bob.groups.is_empty());
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_address() {
    let scene = Scene::new(SignInMethod::Password);
    let page = scene.visitor().get(CALLBACK).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = scene.visitor().post(LEAVE, &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
