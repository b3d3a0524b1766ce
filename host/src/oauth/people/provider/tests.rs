use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{FakeProvider, parameter};
use super::*;
use crate::clock::{ManualClock, Timestamp};

/// A provider and this server's view of it.
struct Scene {
    fake: FakeProvider,
    provider: Provider,
    hand: ManualClock,
}

const EXCHANGE: Exchange<'_> = Exchange {
    redirect_uri: "http://localhost:8008/sign-in/oidc/callback",
    nonce: "a nonce",
    code_verifier: "a-verifier-of-forty-three-characters-0123456789",
};

impl Scene {
    async fn new() -> Self {
        let (clock, hand) = Clock::manual(Timestamp(1_800_000_000_000));
        let fake = FakeProvider::start(clock.clone()).await;
        Self {
            provider: Provider::new(fake.settings(), clock),
            fake,
            hand,
        }
    }

    async fn leave(&self) -> Url {
        let state = SecretString::from("a state");
        let url = self.provider.authorization_url(EXCHANGE, &state).await;
        url.unwrap()
    }

    async fn return_with(&self, code: &str) -> Result<Identity, ProviderError> {
        let iss = self.fake.issuer().to_owned();
        self.provider.identify(EXCHANGE, code, Some(&iss)).await
    }

    /// A sign-in whose ID token has one claim changed; null takes it away.
    async fn sign_in_with(&self, claim: &str, value: Value) -> Result<Identity, ProviderError> {
        let authorization = self.leave().await;
        let mut claims = self.fake.claims(&authorization);
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        let code = self.fake.code(&authorization, &claims);
        self.return_with(&code).await
    }
}

fn ana() -> Identity {
    Identity {
        subject: "ana@example.com".to_owned(),
        groups: Some(BTreeSet::from(["analysts".to_owned()])),
        claims: std::collections::BTreeMap::new(),
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_all_that_protects_the_answer() {
    let scene = Scene::new().await;
    let url = scene.leave().await;
    assert!(
        url.as_str()
            .starts_with(&format!("{}/authorize?", scene.fake.issuer()))
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", FakeProvider::CLIENT),
        ("redirect_uri", EXCHANGE.redirect_uri),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge_method", "S256"),
        ("scope", "openid email profile groups"),
    ] {
        assert_eq!(parameter(&url, name), value, "{name}");
    }
}

#[tokio::test]
async fn a_verified_person_comes_back_with_groups() {
    let scene = Scene::new().await;
    let identity = scene.sign_in_with("name", json!("Ana")).await;
    assert_eq!(identity, Ok(ana()));
    assert_eq!(scene.fake.discoveries(), 1);
}

#[tokio::test]
async fn an_id_token_for_another_time_place_or_client_is_refused() {
    let scene = Scene::new().await;
    for (claim, value) in [
        ("nonce", json!("another nonce")),
        ("nonce", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([FakeProvider::CLIENT, "another-client"])),
        ("azp", json!("another-client")),
        ("iss", json!("http://127.0.0.1:1")),
        ("exp", json!(1_800_000_000)),
    ] {
        let answer = scene.sign_in_with(claim, value.clone()).await;
        let refused = matches!(answer, Err(ProviderError::Invalid(_)));
        assert!(refused, "{claim} {value}: {answer:?}");
    }
}

#[tokio::test]
async fn a_signature_must_be_there_and_the_providers_own() {
    let scene = Scene::new().await;
    for make in [FakeProvider::unsigned_code, FakeProvider::forged_code] {
        let authorization = scene.leave().await;
        let claims = scene.fake.claims(&authorization);
        let code = make(&scene.fake, &authorization, &claims);
        let answer = scene.return_with(&code).await;
        assert!(
            matches!(answer, Err(ProviderError::Invalid(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn new_keys_are_fetched_when_a_token_names_one() {
    let scene = Scene::new().await;
    scene.sign_in_with("name", json!("Ana")).await.unwrap();
    scene.fake.change_key();
    let answer = scene.sign_in_with("name", json!("Ana")).await;
    assert_eq!(answer, Ok(ana()));
    assert_eq!(scene.fake.discoveries(), 2);
}

#[tokio::test]
async fn userinfo_adds_what_the_id_token_lacks_for_the_same_person_only() {
    let scene = Scene::new().await;
    let userinfo = |sub: &str| json!({"sub": sub, "email": "bob@example.com", "email_verified": true, "groups": "interns"});
    scene.fake.set_user_info(userinfo("1001"));
    let with_email = scene.sign_in_with("groups", Value::Null).await.unwrap();
    assert_eq!(with_email.subject, "ana@example.com");
    assert_eq!(
        with_email.groups,
        Some(BTreeSet::from(["interns".to_owned()]))
    );
    let without = scene.sign_in_with("email", Value::Null).await.unwrap();
    assert_eq!(without.subject, "bob@example.com");
    assert_eq!(without.groups, ana().groups);
    scene.fake.set_user_info(userinfo("1002"));
    scene.sign_in_with("email", Value::Null).await.unwrap_err();
}

#[tokio::test]
async fn the_answer_must_be_of_this_provider() {
    let scene = Scene::new().await;
    for iss in [None, Some("http://127.0.0.1:1")] {
        let authorization = scene.leave().await;
        let claims = scene.fake.claims(&authorization);
        let code = scene.fake.code(&authorization, &claims);
        let answer = scene.provider.identify(EXCHANGE, &code, iss).await;
        assert!(
            matches!(answer, Err(ProviderError::Invalid(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_code_is_of_no_use_without_its_verifier() {
    let scene = Scene::new().await;
    let authorization = scene.leave().await;
    let claims = scene.fake.claims(&authorization);
    let code = scene.fake.code(&authorization, &claims);
    let other = Exchange {
        code_verifier: "another-verifier-of-forty-three-characters-01234",
        ..EXCHANGE
    };
    let iss = scene.fake.issuer();
    let answer = scene.provider.identify(other, &code, Some(iss)).await;
    assert!(
        matches!(answer, Err(ProviderError::Refused(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_provider_that_was_down_is_asked_again_but_not_by_everybody_at_once() {
    let scene = Scene::new().await;
    scene.fake.set_up(false);
    let state = SecretString::from("a state");
    for _ in 0..5 {
        let answer = scene.provider.authorization_url(EXCHANGE, &state).await;
        assert!(
            matches!(answer, Err(ProviderError::Unusable(_))),
            "{answer:?}"
        );
    }
    assert_eq!(scene.fake.discoveries(), 1);
    scene.fake.set_up(true);
    scene.hand.advance(Duration::from_secs(2));
    scene.leave().await;
    // A day later it is asked again, and missed for no longer than it is down.
    scene.fake.set_up(false);
    scene.hand.advance(Duration::from_secs(24 * 3_600));
    scene.leave().await;
    assert_eq!(scene.fake.discoveries(), 3);
}
