//! Everything that clients do, over HTTPS.

use integration_tests::Product;

use super::super::clients::lives_through_at;
use super::super::{finish, newer_node, node, python};
use super::{Nginx, Settings};

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_walk_from_a_stranger_to_a_call_over_https() {
    let (_product, nginx, job) = Settings::new().await.start_with_a_person().await;
    // At its path and at the root.
    for path in ["/claude/mcp", "/mcp"] {
        let url = nginx.url(path);
        for era in ["legacy", "modern"] {
            let mut script = python("oauth_flow.py");
            finish(nginx.trusted_by(script.args([era, &url])), &job).await;
        }
        for client in ["sdk", "client-legacy", "client-modern"] {
            let mut script = node("oauth_flow.mjs");
            finish(nginx.trusted_by(script.args([client, &url])), &job).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_transport_live_through_a_restart_behind_it() {
    for client in ["legacy", "modern", "sse", "fastmcp"] {
        lives_through(python("mcp_client.py"), client).await;
    }
    for client in ["sdk", "sdk-sse", "client-legacy", "client-modern"] {
        lives_through(newer_node("mcp_client.mjs"), client).await;
    }
}

async fn lives_through(mut script: tokio::process::Command, client: &str) {
    let product = Product::start().await;
    let nginx = Nginx::before(&[product.address]).await;
    nginx.trusted_by(&mut script);
    let url = nginx.url("/everything/mcp");
    lives_through_at(script, client, product, url).await;
}

/// A stream over HTTP/2: its first byte is there at once, and it stays up as long as
/// `IDLE_SECONDS` says, which is not long unless somebody asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_http_2_begins_at_once_and_stays() {
    let product = Product::start().await;
    let nginx = Nginx::before(&[product.address]).await;
    let mut script = newer_node("proxied_stream.mjs");
    let script = script.arg(nginx.url("/everything/mcp"));
    finish(nginx.trusted_by(script), "").await;
}
