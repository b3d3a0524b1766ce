//! Attacks on people and their browsers.

use integration_tests::{Browser, Page, Product, sign_in};

use super::{ANA, client, product};

fn assert_framed_by_nobody(page: &Page) {
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-frame-options"), "DENY");
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert!(!page.body.contains("<script"), "{}", page.body);
}

/// The consent page, seen by Ana in `browser`.
async fn consent(product: &Product, browser: &Browser) -> (String, Page) {
    let url = client(product, "claude").await.authorize_url(&[]);
    let page = browser.get(&url).await;
    assert_framed_by_nobody(&page);
    let page = sign_in(browser, &page, ANA.0, ANA.1).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let page = browser.get(&url).await;
    assert_framed_by_nobody(&page);
    (url, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_cannot_be_given_by_another_site() {
    let product = product().await;
    let browser = Browser::new();
    let (url, page) = consent(&product, &browser).await;
    let (_, good) = page.form(("action", "allow"));
    let other = Browser::new();
    let (_, foreign) = consent(&product, &other).await.1.form(("action", "allow"));
    assert_ne!(good, foreign);
    let none = Vec::new();
    for hidden in [&none, &foreign] {
        let mut fields = vec![("action", "allow")];
        fields.extend(
            hidden
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let page = browser.post(&url, &fields).await;
        assert_eq!((page.status, page.location()), (403, None));
        assert_framed_by_nobody(&page);
    }
    // The same form for another request.
    let mut fields = vec![("action", "allow")];
    fields.extend(
        good.iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let page = browser
        .post(&format!("{url}&scope=mcp%3Aread+mcp%3Awrite"), &fields)
        .await;
    assert_eq!((page.status, page.location()), (403, None));
    // And from another origin, even with everything else right.
    let cookies = browser.cookies();
    let cookies: Vec<String> = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let reply = reqwest::Client::new()
        .post(&url)
        .header("Origin", "https://evil.com")
        .header("Cookie", cookies.join("; "))
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_from_before_the_sign_in_is_not_signed_in_after_it() {
    let product = product().await;
    let victim = Browser::new();
    let url = client(&product, "claude").await.authorize_url(&[]);
    let page = victim.get(&url).await;
    let before = victim.cookies();
    assert_eq!(sign_in(&victim, &page, ANA.0, ANA.1).await.status, 303);
    let after = victim.cookies();
    for (name, value) in &before {
        assert_ne!(after.get(name), Some(value), "{name} is the same as before");
    }
    let attacker = Browser::new();
    for (name, value) in &before {
        attacker.set_cookie(name, value);
    }
    assert!(attacker.get(&url).await.body.contains("name=\"password\""));
    // A value that the attacker made up is no cookie of ours.
    let planted = Browser::new();
    for name in after.keys() {
        planted.set_cookie(
            name,
            "mcp_si_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        );
    }
    assert!(planted.get(&url).await.body.contains("name=\"password\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_throttled_and_tells_nothing_of_accounts() {
    let product = product().await;
    let url = client(&product, "claude").await.authorize_url(&[]);
    let mut seen = Vec::new();
    for name in [ANA.0, "nobody@example.com"] {
        let browser = Browser::new();
        let mut statuses = Vec::new();
        let mut wrong = String::new();
        for attempt in 0..12 {
            let page = browser.get(&url).await;
            let reply = sign_in(&browser, &page, name, &format!("guess number {attempt}")).await;
            if attempt == 0 {
                wrong = reply.body.replace(name, "NAME");
            }
            statuses.push(reply.status);
        }
        assert!(statuses.contains(&429), "{name}: {statuses:?}");
        assert!(!statuses.contains(&303), "{name}: {statuses:?}");
        seen.push((statuses, without_token(&wrong)));
    }
    assert_eq!(seen[0], seen[1], "the pages tell an account from none");
    // The right password does not help while the account is throttled.
    let browser = Browser::new();
    let page = browser.get(&url).await;
    assert_eq!(sign_in(&browser, &page, ANA.0, ANA.1).await.status, 429);
}

/// The page without the value of its hidden field.
fn without_token(page: &str) -> String {
    let parts = page.split("name=\"csrf\" value=\"").enumerate();
    parts
        .map(|(place, part)| match part.split_once('"') {
            Some((_, rest)) if place > 0 => rest,
            _ => part,
        })
        .collect()
}
