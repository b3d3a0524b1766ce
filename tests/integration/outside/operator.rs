//! The operator page in a real browser, while calls run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use integration_tests::{McpClient, Product};
use mssql_mcp::principal::Rights;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{finish, node};

const OLGA: (&str, &str) = ("olga@example.com", "correct horse battery");
const ANA: (&str, &str) = ("ana@example.com", "staple correct horse");

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_page_is_alive_and_does_what_it_says_under_load() {
    under_load("use").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_for_operators_and_newcomers_is_fit_for_everybody() {
    under_load("look").await;
}

/// Runs that part of the script while calls run.
async fn under_load(part: &str) {
    let product = Product::builder()
        .people(&[ANA])
        .operator_page(&[OLGA])
        .start()
        .await;
    let page = product.operator_page.expect("a page");
    let token = product.token("demo", ANA.0, Rights::READ).await;
    product.token("claude", ANA.0, Rights::READ).await;
    let calls = AtomicUsize::new(0);
    let stop = CancellationToken::new();
    let clients = [
        product.client("claude"),
        product.client("chatgpt"),
        product.client_with("demo", Some(token)),
    ];
    let load = clients.iter().map(|client| call(client, &stop, &calls));
    let job = json!({
        "part": part, "user": OLGA.0, "password": OLGA.1, "revoke": ANA.0,
        "guide": format!("http://{}", product.address),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = std::env::var_os("SCREENSHOTS").map(PathBuf::from);
    let pictures = pictures.as_deref().unwrap_or(folder.path());
    let mut look = node("operator.mjs");
    look.arg(format!("http://{page}")).arg(pictures);
    let look = async {
        let said = finish(&mut look, &job.to_string()).await;
        stop.cancel();
        said
    };
    let (said, _) = tokio::join!(look, futures_util::future::join_all(load));
    println!("{said}; {} calls meanwhile", calls.load(Ordering::Relaxed));
    assert!(calls.load(Ordering::Relaxed) > 100);
}

/// Calls without end, one in eight of them refused.
async fn call(client: &McpClient, stop: &CancellationToken, calls: &AtomicUsize) {
    while !stop.is_cancelled() {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        let query = match number % 8 {
            0 => "DELETE FROM Products",
            1 => "SELECT * FROM Orders",
            _ => "SELECT TOP 5 ProductName FROM Products",
        };
        let (name, arguments) = match client.url().contains("chatgpt") {
            true => ("search", json!({ "query": query })),
            false => ("execute_sql", json!({ "query": query })),
        };
        let params = json!({"name": name, "arguments": arguments});
        // A token may be revoked meanwhile: what comes does not matter.
        client
            .post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
            .await;
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    }
}
