//! Attacks on access tokens and refresh tokens.

use std::time::Duration;

use integration_tests::{Browser, OAuthClient};
use serde_json::Value;

use super::{ANA, BOB, REDIRECT, client, product, status, within_a_second};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_at_all_addresses_of_its_scope_and_at_no_other() {
    let product = product().await;
    let tokens = client(&product, "claude")
        .await
        .tokens(&Browser::new(), Some(ANA))
        .await;
    let access = tokens["access_token"].as_str().unwrap();
    let base = format!("http://{}", product.address);
    for path in ["/claude/sse", "/claude/mcp", "/sse", "/mcp"] {
        assert_eq!(
            status(&format!("{base}{path}"), access).await,
            200,
            "{path}"
        );
    }
    for path in [
        "/chatgpt/mcp",
        "/chatgpt/sse",
        "/writer/mcp",
        "/hostile/mcp",
    ] {
        assert_eq!(
            status(&format!("{base}{path}"), access).await,
            401,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_or_revoked_token_is_refused() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let url = format!("{}/mcp", client.issuer);
    let browser = Browser::new();
    let first = client.tokens(&browser, Some(ANA)).await;
    let access = first["access_token"].as_str().unwrap();
    assert_eq!(status(&url, access).await, 200);
    product.advance(Duration::from_secs(first["expires_in"].as_u64().unwrap()));
    assert_eq!(status(&url, access).await, 401);

    let (ok, second) = client
        .refresh(first["refresh_token"].as_str().unwrap(), &[])
        .await;
    assert_eq!(ok, 200, "{second}");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(status(&url, access).await, 200);
    assert_eq!(client.revoke(access).await, 200);
    within_a_second(async || status(&url, access).await == 401).await;

    // A refresh token takes the whole grant with it.
    let (_, third) = client
        .refresh(second["refresh_token"].as_str().unwrap(), &[])
        .await;
    let access = third["access_token"].as_str().unwrap();
    assert_eq!(status(&url, access).await, 200);
    let refresh = third["refresh_token"].as_str().unwrap();
    assert_eq!(client.revoke(refresh).await, 200);
    within_a_second(async || status(&url, access).await == 401).await;
    assert_eq!(client.refresh(refresh, &[]).await.0, 400);
    assert_eq!(client.revoke("garbage").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_authorization_header_counts() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let tokens = client.tokens(&Browser::new(), Some(ANA)).await;
    let access = tokens["access_token"].as_str().unwrap();
    let url = format!("{}/mcp", client.issuer);
    let http = reqwest::Client::new();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let in_query = http.post(format!("{url}?access_token={access}")).body(call);
    let both = http
        .post(format!("{url}?access_token={access}"))
        .bearer_auth(access)
        .body(call);
    let basic = http.post(&url).basic_auth("x", Some(access)).body(call);
    let cookie = http
        .post(&url)
        .header("Cookie", format!("access_token={access}"))
        .body(call);
    let twice = http
        .post(&url)
        .header("Authorization", format!("Bearer {access}"))
        .header("Authorization", format!("Bearer {access}"))
        .body(call);
    for request in [in_query, both, basic, cookie, twice] {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 401);
        let challenge = reply.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_comes_back_ends_its_family() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let url = format!("{}/mcp", client.issuer);
    let first = client.tokens(&Browser::new(), Some(ANA)).await;
    let stolen = first["refresh_token"].as_str().unwrap();
    let (ok, second) = client.refresh(stolen, &[]).await;
    assert_eq!(ok, 200, "{second}");
    // A retry of a lost reply gets the same successor.
    let (ok, again) = client.refresh(stolen, &[]).await;
    assert_eq!(ok, 200, "{again}");
    assert_eq!(second["refresh_token"], again["refresh_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    product.advance(Duration::from_secs(61));
    let (refused, error) = client.refresh(stolen, &[]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let access = second["access_token"].as_str().unwrap();
    within_a_second(async || status(&url, access).await == 401).await;
    let successor = second["refresh_token"].as_str().unwrap();
    assert_eq!(client.refresh(successor, &[]).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_worth_nothing_to_another_client_and_gives_no_more_rights() {
    let product = product().await;
    let client = client(&product, "claude").await;
    let tokens = client.tokens(&Browser::new(), Some(ANA)).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let thief = OAuthClient::register(&client.issuer, "Thief", "http://127.0.0.1/x").await;
    let (refused, error) = thief.refresh(refresh, &[]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let (refused, error) = client.refresh(refresh, &[("scope", "mcp:write")]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_scope"))
    );
    let (ok, _) = client.refresh(refresh, &[]).await;
    assert_eq!(ok, 200, "the failed tries took nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_one_customer_is_refused_at_the_other_before_and_after_consent() {
    let product = product().await;
    let chatgpt = client(&product, "chatgpt").await;
    let browser = Browser::new();
    let url = chatgpt.authorize_url(&[]);
    let page = browser.get(&url).await;
    let page = integration_tests::sign_in(&browser, &page, ANA.0, ANA.1).await;
    let page = if page.status == 303 {
        browser.get(&url).await
    } else {
        page
    };
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(!page.body.contains("value=\"allow\""), "{}", page.body);
    // She posts the form that she was not given.
    let (_, hidden) = page.form(("action", "sign-out"));
    assert!(hidden.iter().any(|(name, _)| name == "csrf"), "{hidden:?}");
    let mut fields: Vec<(&str, &str)> = vec![("action", "allow")];
    fields.extend(
        hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let page = browser.post(&url, &fields).await;
    assert_eq!((page.status, page.location()), (403, None));
    assert!(page.body.contains("ana@example.com"), "{}", page.body);

    // After consent: who is taken off the list loses what was given.
    let tokens = chatgpt.tokens(&Browser::new(), Some(BOB)).await;
    let access = tokens["access_token"].as_str().unwrap();
    let url = format!("{}/mcp", chatgpt.issuer);
    assert_eq!(status(&url, access).await, 200);
    product.store().remove_person(BOB.0).await.unwrap();
    within_a_second(async || status(&url, access).await == 401).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let (refused, error) = chatgpt.refresh(refresh, &[]).await;
    assert_eq!(
        (refused, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_needs_a_token_that_was_given_for_it() {
    let product = product().await;
    let client = OAuthClient::register(&product.issuer("writer"), "W", REDIRECT).await;
    let browser = Browser::new();
    let reading = client.tokens(&browser, Some(ANA)).await;
    assert_eq!(reading["scope"], "mcp:read");
    let page = client
        .authorize(&browser, None, &[("scope", "mcp:read mcp:write")])
        .await;
    let (_, writing) = client.exchange(&page.parameter("code").unwrap(), &[]).await;
    assert_eq!(writing["scope"], "mcp:read mcp:write");
    let call = |tokens: &Value| {
        let request = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "execute_sql", "arguments": {"query": "UPDATE dbo.Customers SET Notes = NULL WHERE CustomerID = -1"},
        }});
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let url = format!("{}/mcp", client.issuer);
        async move {
            let request = reqwest::Client::new()
                .post(url)
                .bearer_auth(token)
                .json(&request);
            request.send().await.unwrap()
        }
    };
    let refused = call(&reading).await;
    assert_eq!(refused.status(), 403);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    for part in [
        "Bearer ",
        "error=\"insufficient_scope\"",
        "scope=\"mcp:read mcp:write\"",
        "resource_metadata=\"http://",
    ] {
        assert!(challenge.contains(part), "{challenge}");
    }
    assert_eq!(call(&writing).await.status(), 200);
}
