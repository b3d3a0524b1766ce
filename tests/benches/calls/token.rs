//! What a token costs: to find that it is known, and for a whole call over
//! HTTP.

use criterion::Criterion;
use futures_util::FutureExt;
use integration_tests::Product;
use mssql_mcp::oauth::LOCAL_SUBJECT;
use mssql_mcp::principal::Rights;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::runtime::Runtime;

pub(crate) fn bench(criterion: &mut Criterion, runtime: &Runtime) {
    let guarded = runtime.block_on(Product::builder().oauth().start());
    let open = runtime.block_on(Product::start());
    known(criterion, runtime, &guarded);
    let mut group = criterion.benchmark_group("http_call");
    for (name, product) in [("open", &open), ("token", &guarded)] {
        let client = product.client("claude");
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "execute_sql", "arguments": {"query": "SELECT TOP 1 ProductName FROM Products"},
        }});
        group.bench_function(name, |bencher| {
            bencher.to_async(runtime).iter(|| async {
                let (status, _) = client.post(&call).await;
                assert_eq!(status, 200);
            });
        });
    }
    group.finish();
}

/// A token that was looked up before needs nothing to wait for.
fn known(criterion: &mut Criterion, runtime: &Runtime, product: &Product) {
    let token = runtime.block_on(product.token("claude", LOCAL_SUBJECT, Rights::READ));
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a header");
    headers.insert(AUTHORIZATION, value);
    let oauth = product.oauth();
    let first = runtime.block_on(oauth.authenticate("claude", &headers, None));
    first.expect("a good token");
    criterion.bench_function("authenticate/known_token", |bencher| {
        bencher.iter(|| {
            let known = oauth.authenticate("claude", &headers, None).now_or_never();
            known.expect("no look-up").expect("a good token")
        });
    });
}
