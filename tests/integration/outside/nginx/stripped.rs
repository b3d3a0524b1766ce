//! A scope whose path nginx takes off and tells in `X-Environment-Path`: clients, who
//! know nothing of it, find every address as they typed it.

use integration_tests::Product;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::super::{finish, node, python};
use super::Settings;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_refusal_to_the_tools_every_address_is_the_public_one() {
    let settings = Settings::new().await.with("NGINX_STRIP", "/chatgpt");
    let product = Product::builder()
        .oauth()
        .behind(&settings.url())
        .start()
        .await;
    let nginx = settings.start(&[product.address]).await;
    let http = nginx.client(1);
    let issuer = nginx.url("/chatgpt");
    let token = product.client("chatgpt");
    let token = token.token().expect("a token");
    for endpoint in ["mcp", "sse"] {
        let url = nginx.url(&format!("/chatgpt/{endpoint}"));

        // A stranger is told where to look, and finds there what was typed.
        let refused = post(&http, &url, &[], &initialize()).await;
        assert_eq!(refused.status(), 401);
        let challenge = refused.headers()["www-authenticate"].to_str();
        let challenge = challenge.expect("ASCII");
        let document = nginx.url(&format!(
            "/.well-known/oauth-protected-resource/chatgpt/{endpoint}"
        ));
        assert!(
            challenge.contains(&format!("resource_metadata=\"{document}\"")),
            "{challenge}"
        );
        // Clients that do not read it guess; the last of these has its path taken off.
        for address in [
            document,
            format!("{url}/.well-known/oauth-protected-resource"),
        ] {
            let resource = get(&http, &address).await;
            assert_eq!(resource["resource"], url.as_str(), "{address}");
            let servers = json!([issuer]);
            assert_eq!(resource["authorization_servers"], servers, "{address}");
        }

        // With a token there are a session and the tools of the scope.
        let bearer = format!("Bearer {token}");
        let begun = post(
            &http,
            &url,
            &[("Authorization", bearer.as_str())],
            &initialize(),
        )
        .await;
        assert_eq!(begun.status(), 200);
        let session = begun.headers()["mcp-session-id"].to_str().expect("ASCII");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Mcp-Session-Id", session),
        ];
        let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
        let listed = post(&http, &url, &headers, &list).await;
        assert_eq!(listed.status(), 200);
        let listed: Value = listed.json().await.expect("JSON");
        let tools = listed["result"]["tools"].as_array();
        let tools = tools.unwrap_or_else(|| panic!("{listed}")).iter();
        let mut names: Vec<&str> = tools.filter_map(|tool| tool["name"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["fetch", "search"]);
    }
    for address in [
        nginx.url("/.well-known/oauth-authorization-server/chatgpt"),
        format!("{issuer}/.well-known/oauth-authorization-server"),
        format!("{issuer}/.well-known/openid-configuration"),
    ] {
        let metadata = get(&http, &address).await;
        assert_eq!(metadata["issuer"], issuer.as_str(), "{address}");
        let endpoint = format!("{issuer}/token");
        assert_eq!(metadata["token_endpoint"], endpoint, "{address}");
    }
    // A scope whose path stays on is served as ever, and the token is none of its.
    let other = nginx.url("/claude/mcp");
    let bearer = format!("Bearer {token}");
    let refused = post(
        &http,
        &other,
        &[("Authorization", bearer.as_str())],
        &initialize(),
    )
    .await;
    assert_eq!(refused.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_walk_from_a_stranger_to_a_call_there_too() {
    let settings = Settings::new().await.with("NGINX_STRIP", "/claude");
    let (_product, nginx, job) = settings.start_with_a_person().await;
    let url = nginx.url("/claude/mcp");
    let mut script = python("oauth_flow.py");
    finish(nginx.trusted_by(script.args(["modern", &url])), &job).await;
    let mut script = node("oauth_flow.mjs");
    finish(nginx.trusted_by(script.args(["sdk", &url])), &job).await;
}

async fn post(http: &Client, url: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let request = http.post(url).json(body);
    let request = request
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2025-11-25");
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.expect("a reply")
}

async fn get(http: &Client, url: &str) -> Value {
    let reply = http.get(url).send().await.expect("a reply");
    assert_eq!(reply.status(), 200, "{url}");
    reply.json().await.expect("JSON")
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "stripped", "version": "1"}}})
}
