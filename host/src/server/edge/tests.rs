use std::net::IpAddr;

use serde_json::json;

use super::EdgeRules;
use crate::server::testing::TestServer;

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
const PROXY: &str = "10.0.0.1";

impl TestServer {
    /// Behind a proxy of 10.0.0.0/8, which takes requests from everywhere but there.
    fn behind_proxy(mut self, deny: &[&str]) -> Self {
        self.peer = PROXY.parse().unwrap();
        let networks = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
        self.state.edge().set(EdgeRules {
            trusted_proxies: networks(&["10.0.0.0/8"]),
            deny: networks(deny),
        });
        self
    }

    fn called_from(mut self, peer: &str) -> Self {
        self.peer = peer.parse::<IpAddr>().unwrap();
        self
    }
}

#[tokio::test]
async fn a_proxy_that_takes_the_path_off_gets_the_scope_at_root_addresses() {
    let server = TestServer::guarded().await.behind_proxy(&[]);
    let base = "http://localhost:8008";
    for said in ["/chatgpt", "chatgpt"] {
        let path = [("x-environment-path", said)];
        let reply = server.send("POST", "/sse", &path, PING).await;
        assert_eq!(reply.status, 401);
        let named = format!("{base}/.well-known/oauth-protected-resource/chatgpt/sse");
        assert!(
            reply.header("www-authenticate").contains(&named),
            "{reply:?}"
        );
        for address in [
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/chatgpt",
            "/sse/.well-known/openid-configuration",
        ] {
            let document = server.send("GET", address, &path, "").await.json();
            assert_eq!(document["issuer"], format!("{base}/chatgpt"), "{address}");
            assert_eq!(document["token_endpoint"], format!("{base}/chatgpt/token"));
        }
        let document = server
            .send(
                "GET",
                "/.well-known/oauth-protected-resource/mcp",
                &path,
                "",
            )
            .await
            .json();
        assert_eq!(document["resource"], format!("{base}/chatgpt/mcp"));
        assert_eq!(
            document["authorization_servers"],
            json!([format!("{base}/chatgpt")])
        );
        // Of the two scopes `claude` alone is in the report.
        let health = server.send("GET", "/health", &path, "").await;
        assert_eq!(health.status, 404);
        for (method, address) in [
            ("GET", "/authorize"),
            ("POST", "/token"),
            ("POST", "/register"),
            ("POST", "/revoke"),
            ("GET", "/style.css"),
            ("GET", "/live"),
        ] {
            let reply = server.send(method, address, &path, "").await;
            assert!(![404, 405].contains(&reply.status.as_u16()), "{address}");
        }
    }
}

#[tokio::test]
async fn a_client_registers_below_the_path_that_it_called() {
    let server = TestServer::guarded().await.behind_proxy(&[]);
    let path = [
        ("x-environment-path", "/chatgpt"),
        ("content-type", "application/json"),
    ];
    let client = r#"{"client_name":"C","redirect_uris":["http://127.0.0.1/cb"]}"#;
    let registered = server.send("POST", "/register", &path, client).await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let id = registered.json()["client_id"].as_str().unwrap().to_owned();
    let query = format!(
        "/authorize?response_type=code&client_id={id}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &state=x"
    );
    let page = server.send("GET", &query, &path, "").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("action=\"/chatgpt/authorize"),
        "{}",
        page.text
    );
    // The client is not one of the scope at the root.
    let elsewhere = server.send("GET", &query, &[], "").await;
    assert_eq!(elsewhere.status, 400, "{}", elsewhere.text);
}

#[tokio::test]
async fn a_path_counts_from_trusted_proxies_alone_and_names_a_scope_or_nothing() {
    let challenge = |name: &str| format!("oauth-protected-resource{name}\"");
    let stranger = TestServer::guarded()
        .await
        .behind_proxy(&[])
        .called_from("203.0.113.9");
    let path = [("x-environment-path", "/chatgpt")];
    let reply = stranger.send("POST", "/sse", &path, PING).await;
    assert!(
        reply
            .header("www-authenticate")
            .contains(&challenge("/sse")),
        "{reply:?}"
    );
    let server = TestServer::guarded().await.behind_proxy(&[]);
    for (address, said, status) in [
        ("/sse", "/nobody", 404),
        ("/sse", "/a/b", 404),
        ("/token", "/nobody", 404),
        ("/.well-known/oauth-protected-resource", "/nobody", 404),
        (
            "/.well-known/oauth-protected-resource/claude/sse",
            "/chatgpt",
            404,
        ),
        ("/claude/sse", "/chatgpt", 404),
        ("/chatgpt/sse", "/chatgpt", 401),
        ("/sse", "/", 401),
    ] {
        let headers = [("x-environment-path", said)];
        let method = if address.contains("well-known") {
            "GET"
        } else {
            "POST"
        };
        let reply = server.send(method, address, &headers, PING).await;
        assert_eq!(reply.status, status, "{address} {said}");
    }
}

#[tokio::test]
async fn a_denied_network_gets_a_403_wherever_it_comes_through() {
    let server = TestServer::open().behind_proxy(&["203.0.113.0/24", "2001:db8::/32"]);
    for (forwarded, status) in [
        ("203.0.113.9", 403),
        ("2001:db8::1", 403),
        ("203.0.113.9, 198.51.100.1", 200),
        ("198.51.100.1", 200),
    ] {
        let headers = [("x-forwarded-for", forwarded)];
        for (method, path, body) in [("POST", "/claude/sse", PING), ("GET", "/health", "")] {
            let reply = server.send(method, path, &headers, body).await;
            assert_eq!(reply.status, status, "{forwarded} {path}");
        }
    }
    let direct = server.called_from("203.0.113.9");
    let reply = direct
        .post(&[("x-forwarded-for", "198.51.100.1")], PING)
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["error"], "forbidden");
    assert!(!reply.header("x-request-id").is_empty());
    direct.state.edge().set(EdgeRules::default());
    assert_eq!(direct.post(&[], PING).await.status, 200);
}

#[tokio::test]
async fn metrics_are_shown_inside_and_to_nobody_who_comes_through_something() {
    let public = ("host", "data.example.com");
    let proxied = TestServer::open().behind_proxy(&[]);
    for (headers, status) in [
        (&[][..], 200),
        (&[("x-forwarded-for", "10.3.4.5")], 404),
        (&[("x-forwarded-for", "203.0.113.9")], 404),
        (&[("x-real-ip", "203.0.113.9")], 404),
        (&[public], 404),
    ] {
        let reply = proxied.send("GET", "/metrics", headers, "").await;
        assert_eq!(reply.status, status, "{headers:?}");
    }
    let local = TestServer::local();
    for (headers, status) in [
        (&[][..], 200),
        (&[("x-forwarded-for", "127.0.0.1")], 404),
        (&[("cf-connecting-ip", "203.0.113.9")], 404),
    ] {
        let reply = local.send("GET", "/metrics", headers, "").await;
        assert_eq!(reply.status, status, "{headers:?}");
    }
    let stranger = TestServer::local().called_from("203.0.113.9");
    assert_eq!(stranger.send("GET", "/metrics", &[], "").await.status, 404);
}
