//! The official SDKs as clients: each lists and calls all six tools.

use integration_tests::Product;
use mssql_mcp::oauth::LOCAL_SUBJECT;
use mssql_mcp::principal::Rights;

use super::binary::binary;
use super::{finish, newer_node, node, python};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_calls_every_tool_in_both_eras() {
    let product = Product::start().await;
    for era in ["legacy", "modern"] {
        finish(
            python("mcp_tools.py").args([era, product.client("demo").url()]),
            "",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdks_call_every_tool_in_both_eras() {
    let product = Product::start().await;
    for client in TYPESCRIPT {
        finish(
            node("mcp_tools.mjs").args([client, product.client("demo").url()]),
            "",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_are_let_in_with_the_token_alone() {
    let product = Product::builder().oauth().start().await;
    let good = product.token("demo", LOCAL_SUBJECT, Rights::READ).await;
    let client = product.client("demo");
    let clients = || {
        let python = ["legacy", "modern"].map(|era| (python("mcp_tools.py"), era));
        let typescript = TYPESCRIPT.map(|client| (node("mcp_tools.mjs"), client));
        python.into_iter().chain(typescript)
    };
    for (mut script, which) in clients() {
        finish(
            script.args([which, client.url()]).env("MCP_TOKEN", &good),
            "",
        )
        .await;
    }
    for token in ["", "mcp_demo_other"] {
        for (mut script, which) in clients() {
            let script = script.args([which, client.url()]).env("MCP_TOKEN", token);
            finish(script.env("EXPECT_REFUSAL", "1"), "").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_calls_every_tool_over_stdio() {
    let product = binary().await;
    for era in ["legacy", "modern"] {
        let mut script = python("mcp_tools.py");
        script
            .args([era, "stdio"])
            .arg(product)
            .args(["stdio", "--demo", "--scope", "demo"]);
        finish(&mut script, "").await;
    }
}

/// In every revision, and once more with a token that a proxy adds.
#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_passes_but_for_what_is_listed() {
    let open = Product::start().await;
    let guarded = Product::builder().oauth().start().await;
    let token = guarded
        .token("everything", LOCAL_SUBJECT, Rights::READ)
        .await;
    for revision in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        for (product, token) in [(&open, None), (&guarded, Some(&token))] {
            let mut suite = newer_node("conformance_server.mjs");
            suite.args([product.client("everything").url(), revision]);
            if let Some(token) = token {
                suite.env("MCP_TOKEN", token);
            }
            finish(&mut suite, "").await;
        }
    }
}

/// Version 1 of the SDK, and both eras of version 2.
pub(super) const TYPESCRIPT: [&str; 3] = ["sdk", "client-legacy", "client-modern"];
