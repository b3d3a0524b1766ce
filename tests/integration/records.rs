//! The page of one record, as whoever follows a citation sees it.

use integration_tests::{Browser, Page, Product, sign_in};
use serde_json::json;

const ANA: (&str, &str) = ("ana@example.com", "correct horse battery");
const BOB: (&str, &str) = ("bob@example.com", "staple of another horse");

/// The path of the page that `fetch` gives for a record.
async fn cited(product: &Product, scope: &str, id: &str) -> String {
    let fetched = product
        .client(scope)
        .call("fetch", json!({ "id": id }))
        .await;
    let url = fetched.structured()["url"].as_str().unwrap().to_owned();
    let at = url
        .find(&format!("/{scope}/records/"))
        .expect("our own page");
    format!("http://{}{}", product.address, &url[at..])
}

fn assert_is_a_page_of_ours(page: &Page) {
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    assert!(header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("cache-control"), "no-store");
    assert!(!page.body.contains("<script"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_leads_through_the_sign_in_to_the_record() {
    let product = Product::builder()
        .people(&[ANA, BOB])
        .scope_people("chatgpt", &[ANA.0])
        .start()
        .await;
    let url = cited(&product, "chatgpt", "dbo.Orders/10248").await;
    let browser = Browser::new();
    let page = browser.get(&url).await;
    assert_is_a_page_of_ours(&page);
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert!(!page.body.contains("10249") && !page.body.contains("ShipCity"));
    let page = sign_in(&browser, &page, ANA.0, ANA.1).await;
    assert_eq!(
        (page.status, page.location()),
        (
            303,
            url.strip_prefix(&format!("http://{}", product.address))
        )
    );
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_is_a_page_of_ours(&page);
    for part in ["dbo.Orders", "ShipCity", "Freight", "money", ANA.0] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    // To the customer, by the foreign key.
    let link = page.body.split("href=\"").find_map(|rest| {
        let href = rest.split('"').next()?;
        href.starts_with("/chatgpt/records/dbo.Customers/")
            .then_some(href)
    });
    let link = link.unwrap_or_else(|| panic!("no link: {}", page.body));
    let customer = browser
        .get(&format!("http://{}{link}", product.address))
        .await;
    assert_eq!(customer.status, 200);
    assert!(customer.body.contains("CompanyName"), "{}", customer.body);
    // Nobody else's page, and no way in for a form from elsewhere.
    let forged = browser.post(&url, &[("action", "sign-out")]).await;
    assert_eq!(forged.status, 403);
    let other = Browser::new();
    let page = other.get(&url).await;
    let page = sign_in(&other, &page, BOB.0, BOB.1).await;
    assert_eq!(page.status, 303);
    let page = other.get(&url).await;
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains(BOB.0) && !page.body.contains("ShipCity"),
        "{}",
        page.body
    );
    let page = other.submit(&page, ("action", "sign-out"), &[]).await;
    assert_eq!(page.status, 303);
    assert!(other.get(&url).await.body.contains("name=\"password\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found_and_values_are_no_markup() {
    let product = Product::start().await;
    let at = |path: &str| format!("http://{}{path}", product.address);
    let browser = Browser::new();
    for path in [
        "/claude/records/dbo.Orders/1",
        "/claude/records/dbo.Orders/x",
        "/claude/records/dbo.Orders/10248,1",
        "/claude/records/dbo.Nothing/1",
        "/claude/records/sys.objects/1",
        "/claude/records/%ff.%ff/%ff",
        "/claude/records/Orders",
        "/claude/records/@hr/dbo.Orders/10248",
        "/nowhere/records/dbo.Orders/10248",
    ] {
        let page = browser.get(&at(path)).await;
        assert_eq!(page.status, 404, "{path}: {}", page.body);
    }
    // At the root the default scope answers.
    for path in [
        "/records/dbo.Orders/10248",
        "/claude/records/dbo.Orders/10248",
        "/claude/records/DBO.orders/10248",
        "/claude/records/@demo/dbo.Orders/10248",
    ] {
        let page = browser.get(&at(path)).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.body.contains("10248"), "{path}");
    }
    let line = product
        .client("claude")
        .sql("SELECT TOP 1 ProductID FROM dbo.[Order Details] WHERE OrderID = 10248")
        .await;
    let product_id = &line.structured()["results"][0]["ProductID"];
    let path = format!("/claude/records/dbo.Order%20Details/10248,{product_id}");
    let line = browser.get(&at(&path)).await;
    assert_eq!(line.status, 200, "{}", line.body);
    assert!(
        line.body
            .contains("href=\"/claude/records/dbo.Orders/10248\"")
    );
    let typed = browser.get(&at("/claude/records/dbo.AllTypes/1")).await;
    assert_eq!(typed.status, 200, "{}", typed.body);
    for part in [
        "9007199254740993",
        "decimal(38,10)",
        "&#60;city name=",
        "POINT (",
        "/1/2/",
    ] {
        assert!(typed.body.contains(part), "{part}: {}", typed.body);
    }
    assert!(!typed.body.contains("<city"), "{}", typed.body);
    let style = browser.get(&at("/style.css")).await;
    assert_eq!(style.status, 200);
    let posted = browser.post(&at("/records/dbo.Orders/10248"), &[]).await;
    assert_eq!(posted.status, 405);
    let spanish = reqwest::Client::new()
        .get(at("/claude/records/dbo.Orders/10248"))
        .header("Accept-Language", "es-MX")
        .send()
        .await
        .unwrap();
    assert_eq!(spanish.headers()["content-language"], "es");
    assert!(
        spanish
            .text()
            .await
            .unwrap()
            .contains("Saltar al contenido")
    );
}
