//! The operator page over the whole product: what it shows is what happens, and what
//! it does takes effect.

use integration_tests::{Browser, Product};
use mssql_mcp::principal::Rights;
use serde_json::{Value, json};

use crate::reload::{CLAUDE, patched, serves};

const OLGA: (&str, &str) = ("olga@example.com", "correct horse battery");
const ANA: (&str, &str) = ("ana@example.com", "staple correct horse");

/// A browser in which Olga has signed in, and the page's address.
pub(crate) async fn signed_in(product: &Product) -> (Browser, String) {
    let page = product.operator_page.expect("a page");
    let url = format!("http://{page}");
    let browser = Browser::new();
    let form = browser.get(&format!("{url}/")).await;
    let fields = [("username", OLGA.0), ("password", OLGA.1)];
    let reply = browser.submit(&form, ("action", "sign-in"), &fields).await;
    assert_eq!((reply.status, reply.location()), (303, Some("/")));
    (browser, url)
}

async fn act(browser: &Browser, url: &str, action: &str, target: &str) -> (u16, String) {
    let page = browser
        .get(&format!("{url}/confirm?action={action}&target={target}"))
        .await;
    let reply = browser.submit(&page, ("action", action), &[]).await;
    let told = reply.location().map_or(reply.body.clone(), str::to_owned);
    (reply.status, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_refusals_are_seen_and_a_revocation_ends_a_token() {
    let product = Product::builder()
        .people(&[ANA])
        .operator_page(&[OLGA])
        .start()
        .await;
    let token = product.token("claude", ANA.0, Rights::READ).await;
    let ana = product.client_with("claude", Some(token));
    for _ in 0..3 {
        ana.sql("SELECT TOP 1 ProductName FROM Products")
            .await
            .structured();
    }
    let refused = ana
        .call("execute_sql", json!({"query": "DELETE FROM Products"}))
        .await;
    assert_eq!(refused.code(), "write-not-allowed");

    let (browser, url) = signed_in(&product).await;
    let page = browser.get(&format!("{url}/")).await;
    assert_eq!(page.status, 200);
    for said in ["claude-tools", "write-not-allowed", ANA.0, OLGA.0] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    // Samples are taken every two seconds: the calls are in one of the first.
    let calls = async {
        loop {
            let live = browser.get(&format!("{url}/live")).await;
            let live: Value = serde_json::from_str(&live.body).expect("JSON");
            let samples = live["samples"].as_array().expect("samples");
            let of_claude = |sample: &Value| sample["scopes"]["claude"][0].as_u64();
            let calls: u64 = samples.iter().filter_map(of_claude).sum();
            let errors = |sample: &Value| sample["scopes"]["claude"][1].as_u64();
            if calls >= 4 {
                return (calls, samples.iter().filter_map(errors).sum::<u64>());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let seen = tokio::time::timeout(std::time::Duration::from_secs(30), calls).await;
    assert_eq!(seen.expect("a sample"), (4, 1));

    let done = act(&browser, &url, "revoke_person", ANA.0).await;
    assert_eq!(done.0, 303, "{}", done.1);
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let ended = async { while ana.post(&ping).await.0 != 401 {} };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended).await;
    ended.expect("the revocation takes effect");
    // The main listener has nothing of it, whoever asks.
    for path in ["/confirm", "/act", "/operator.js", "/operator.css"] {
        let main = browser
            .get(&format!("http://{}{path}", product.address))
            .await;
        assert_eq!(main.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_waits_is_looked_at_and_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = folder.path().join("tool-sets.lock");
    let product = Product::builder()
        .operator_page(&[OLGA])
        .tool_set_settings(&format!("lock = '{}'", lock.display()))
        .start()
        .await;
    let before = product
        .tool_set("claude-tools", |status| status.serving.is_some())
        .await;
    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    product.replace("claude-tools", &changed);
    let waits = |status: &mssql_mcp::app::FileStatus| {
        status
            .problem
            .as_ref()
            .is_some_and(|problem| problem.parked)
    };
    let parked = product.tool_set("claude-tools", waits).await;
    assert_eq!(parked.serving, before.serving);
    let digest = parked
        .problem
        .and_then(|problem| problem.digest)
        .expect("a digest");

    let (browser, url) = signed_in(&product).await;
    let page = browser.get(&format!("{url}/")).await.body;
    assert!(page.contains("accept_version"), "{page}");
    let (status, told) = act(&browser, &url, "accept_version", "claude-tools").await;
    assert_eq!((status, &*told), (303, "/?done=accept_version"));
    product.tool_set("claude-tools", serves(&digest)).await;
    // A file that is no component is refused in so many words, and changes nothing.
    product.replace("claude-tools", b"no component");
    let (status, told) = act(&browser, &url, "reload_tool_set", "claude-tools").await;
    assert_eq!(status, 409);
    assert!(told.contains("claude-tools"), "{told}");
    let still = product
        .tool_set("claude-tools", |status| status.problem.is_some())
        .await;
    assert_eq!(still.serving.as_deref(), Some(&*digest));
}
