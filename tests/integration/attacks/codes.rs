//! Attacks on authorization codes.

use std::time::Duration;

use integration_tests::{Browser, OAuthClient, VERIFIER};

use super::{REDIRECT, client, code, product, status, within_a_second};

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_code_is_refused_and_ends_what_came_of_it() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let code = code(&client).await;
    let (ok, tokens) = client.exchange(&code, &[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    let url = format!("{}/mcp", client.issuer);
    assert_eq!((ok, status(&url, access).await), (200, 200));
    // Whoever has the code may not have the verifier.
    let (refused, error) = client.exchange(&code, &[("code_verifier", "")]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    within_a_second(async || status(&url, access).await == 401).await;
    let (refused, error) = client
        .refresh(tokens["refresh_token"].as_str().unwrap(), &[])
        .await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_worth_nothing_to_another_client_or_scope() {
    let product = product().await;
    let claude = client(&product, "claude").await;
    let code = code(&claude).await;
    let thief = OAuthClient::register(
        &product.issuer("claude"),
        "Another",
        "http://127.0.0.1:4711/other",
    )
    .await;
    let (refused, error) = thief.exchange(&code, &[("redirect_uri", REDIRECT)]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let elsewhere = claude.at(&product.issuer("writer"));
    let (refused, error) = elsewhere.exchange(&code, &[]).await;
    assert!(refused == 400 || refused == 401, "{error}");
    let (ok, _) = claude.exchange(&code, &[]).await;
    assert_eq!(ok, 200, "whoever it was for still gets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_needs_its_verifier_and_its_redirect_uri() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let wrong = "a".repeat(43);
    let elsewhere = format!("{}/mcp", product.issuer("chatgpt"));
    for changes in [
        [("code_verifier", "")],
        [("code_verifier", wrong.as_str())],
        [("code_verifier", "short")],
        [("redirect_uri", "http://127.0.0.1:4711/elsewhere")],
        [("grant_type", "")],
        [("resource", elsewhere.as_str())],
    ] {
        let code = code(&client).await;
        let (status, error) = client.exchange(&code, &changes).await;
        assert_eq!(status, 400, "{changes:?}: {error}");
        assert!(error["error_description"].is_string(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_challenges_are_refused() {
    let product = product().await;
    let client = client(&product, "claude").await;
    for changes in [
        &[("code_challenge_method", "plain")][..],
        &[("code_challenge_method", "")],
        &[("code_challenge", "")],
        &[("code_challenge", "too-short")],
    ] {
        let page = Browser::new().get(&client.authorize_url(changes)).await;
        assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"));
        assert_eq!(page.parameter("state").as_deref(), Some("the-state"));
        assert_eq!(page.parameter("iss"), Some(client.issuer.clone()));
        assert_eq!(page.parameter("code"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_code_is_refused() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let code = code(&client).await;
    product.advance(Duration::from_secs(61));
    let (refused, error) = client.exchange(&code, &[]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_parameters_are_refused_everywhere() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let url = client.authorize_url(&[]);
    let page = Browser::new().get(&format!("{url}&state=another")).await;
    assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"));
    for repeated in ["client_id=x", "redirect_uri=https%3A%2F%2Fevil.com"] {
        let page = Browser::new().get(&format!("{url}&{repeated}")).await;
        assert_eq!((page.status, page.location()), (400, None), "{repeated}");
    }
    let code = code(&client).await;
    let form = format!(
        "grant_type=authorization_code&client_id={}&code_verifier={VERIFIER}&code={code}",
        client.id
    );
    let twice = format!("{form}&code={code}");
    let post = async |form: &str| {
        let request = reqwest::Client::new().post(format!("{}/token", client.issuer));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let reply = request.body(form.to_owned()).send().await.unwrap();
        let status = reply.status().as_u16();
        (status, reply.json::<serde_json::Value>().await.unwrap())
    };
    let (status, error) = post(&twice).await;
    assert_eq!((status, &error["error"]), (400, &"invalid_request".into()));
    assert_eq!(post(&form).await.0, 200, "but for that it was good");
}
