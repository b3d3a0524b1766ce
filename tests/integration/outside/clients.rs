//! Every kind of client that people have: each lists, calls, cancels, hears that
//! the tools changed, and goes on after the server was started anew.

use std::process::Stdio;

use integration_tests::Product;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::{INSTALL, PATIENCE, newer_node, older_python, python};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_clients_live_through_it() {
    for client in ["legacy", "modern", "sse", "fastmcp", "fastmcp-sse"] {
        lives_through(python("mcp_client.py"), client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_python_clients_live_through_it() {
    for client in ["streamable", "sse"] {
        lives_through(older_python("mcp_client_1.py"), client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_clients_live_through_it() {
    for client in ["sdk", "sdk-sse", "client-legacy", "client-modern"] {
        lives_through(newer_node("mcp_client.mjs"), client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_mcp_remote_live_through_it() {
    lives_through(newer_node("mcp_client.mjs"), "mcp-remote").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inspectors_command_line_lives_through_it() {
    for client in ["inspector-http", "inspector-sse"] {
        lives_through(newer_node("mcp_client.mjs"), client).await;
    }
}

/// Runs a script with the address of a product, which is started anew whenever the
/// script prints `restart`.
async fn lives_through(command: Command, client: &str) {
    let product = Product::start().await;
    let url = product.client("everything").url().to_owned();
    lives_through_at(command, client, product, url).await;
}

/// The same, with another address that leads to `product`.
pub(super) async fn lives_through_at(
    mut command: Command,
    client: &str,
    mut product: Product,
    url: String,
) {
    let url = match client.ends_with("sse") {
        true => url.replace("/mcp", "/sse"),
        false => url,
    };
    let name = format!("{:?} {client}", command.as_std());
    let mut child = command
        .args([client, &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; {INSTALL}"));
    let mut input = child.stdin.take().expect("a pipe");
    let output = child.stdout.take().expect("a pipe");
    let mut restarts = 0;
    let talk = async {
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            println!("{line}");
            if line == "restart" {
                product = product.restart().await;
                restarts += 1;
                input.write_all(b"restarted\n").await.expect("a reader");
            }
        }
        child.wait().await.expect("its end")
    };
    let status = timeout(PATIENCE, talk).await;
    let status = status.unwrap_or_else(|_| panic!("{name}: still running after {PATIENCE:?}"));
    assert!(
        status.success(),
        "{name}: {status}; if a package is missing, {INSTALL}"
    );
    assert_eq!(restarts, 1, "{name}");
}
