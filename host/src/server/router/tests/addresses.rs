//! Addresses, methods and who is let in, through the real router.

use serde_json::json;

use crate::server::testing::TestServer;
use crate::server::{Authentication, Status};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

#[tokio::test]
async fn each_scope_answers_at_its_paths_and_the_default_one_at_the_root() {
    let server = TestServer::open();
    for (path, status) in [
        ("/sse", 200),
        ("/mcp", 200),
        ("/sse/", 200),
        ("/mcp/", 200),
        ("/claude/sse", 200),
        ("/claude/mcp/", 200),
        ("/chatgpt/mcp", 200),
        ("/chatgpt/sse/", 200),
        ("/chatgpt/sse?x=y", 200),
        ("/nobody/sse", 404),
        ("/%ff/sse", 404),
        ("/Claude/sse", 404),
        ("/claude/sse/x", 404),
        ("/claude", 404),
        ("//sse", 404),
    ] {
        let reply = server.send("POST", path, &[], PING).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.header("content-type"), "application/json", "{path}");
        if status == 404 {
            assert_eq!(reply.json()["error"], "not_found", "{path}");
        }
    }
}

#[tokio::test]
async fn unknown_addresses_are_json_404s_without_a_token_too() {
    let server = TestServer::guarded().await;
    for path in ["/x", "/.well-known", "/nobody/sse", "/favicon.ico"] {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let reply = server.send(method, path, &[], "").await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["error"]),
                (404, &json!("not_found")),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_addresses_of_the_authorization_servers_are_there_when_tokens_are_asked_for() {
    let (open, guarded) = (TestServer::open(), TestServer::guarded().await);
    for (method, path) in [
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/.well-known/oauth-protected-resource/claude/sse"),
        ("GET", "/claude/.well-known/openid-configuration"),
        ("GET", "/claude/authorize"),
        ("POST", "/token"),
        ("POST", "/claude/register"),
    ] {
        let reply = open.send(method, path, &[], "").await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["error"], "not_found", "{path}");
        let reply = guarded.send(method, path, &[], "").await;
        assert_ne!(reply.status, 404, "{path}");
    }
}

#[tokio::test]
async fn programs_in_browsers_may_come_from_anywhere_and_forms_may_not() {
    let server = TestServer::guarded().await;
    let foreign = [("origin", "https://inspector.example.com")];
    for (method, path) in [
        ("GET", "/.well-known/oauth-authorization-server/claude"),
        ("POST", "/claude/token"),
        ("OPTIONS", "/claude/register"),
    ] {
        let reply = server.send(method, path, &foreign, "").await;
        assert_ne!(reply.status, 403, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
    }
    for path in ["/claude/authorize", "/claude/sse"] {
        let reply = server.send("POST", path, &foreign, "").await;
        assert_eq!(reply.status, 403, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn every_other_method_is_405_with_those_allowed() {
    let server = TestServer::open();
    for method in ["DELETE", "PUT", "PATCH", "TRACE", "MADEUP"] {
        let reply = server
            .send(
                method,
                "/claude/sse",
                &[("accept", "text/event-stream")],
                "",
            )
            .await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), "GET, POST, DELETE, HEAD, OPTIONS");
        assert_eq!(reply.json()["error"], "method_not_allowed");
    }
    let reply = server.send("POST", "/health", &[], "").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["error"]),
        (405, &json!("method_not_allowed"))
    );
    assert!(reply.header("allow").contains("GET"), "{:?}", reply.headers);
}

#[tokio::test]
async fn preflights_need_no_token_and_replies_can_be_read() {
    let server = TestServer::guarded().await;
    let origin = ("origin", "http://localhost:6274");
    let reply = server.send("OPTIONS", "/claude/sse", &[origin], "").await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_eq!(
        reply.header("access-control-allow-origin"),
        "http://localhost:6274"
    );
    assert_eq!(
        reply.header("access-control-allow-methods"),
        "GET, POST, DELETE, HEAD, OPTIONS"
    );
    for name in [
        "Authorization",
        "MCP-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
        "Last-Event-ID",
    ] {
        assert!(
            reply.header("access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    let reply = server.post(&[origin], PING).await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        "http://localhost:6274"
    );
    assert!(
        reply
            .header("access-control-expose-headers")
            .contains("WWW-Authenticate")
    );
    let reply = server
        .post(&[("authorization", &server.bearer)], PING)
        .await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.header("access-control-allow-origin")
        ),
        (200, "")
    );
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_403_before_the_token_is_looked_at() {
    let server = TestServer::guarded().await;
    let rows: [(&[(&str, &str)], u16); 7] = [
        (&[("host", "evil.example.com")], 403),
        (
            &[
                ("host", "localhost:8008"),
                ("origin", "https://evil.example.com"),
            ],
            403,
        ),
        (&[("host", "localhost:8008"), ("origin", "null")], 403),
        (
            &[("host", "localhost:8008"), ("host", "localhost:8008")],
            403,
        ),
        (&[("host", "[::1]:8008")], 401),
        (&[("host", "data.example.com")], 401),
        (
            &[
                ("host", "localhost"),
                ("origin", "https://data.example.com"),
            ],
            401,
        ),
    ];
    for (headers, status) in rows {
        let reply = server.post(headers, PING).await;
        assert_eq!(reply.status, status, "{headers:?}");
        assert!(reply.json()["error"].is_string());
    }
    let reply = server
        .send("GET", "/health", &[("host", "evil.example.com")], "")
        .await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn health_has_the_shape_that_monitors_read() {
    let server = TestServer::guarded().await;
    let reply = server.send("GET", "/health", &[], "").await;
    assert_eq!(reply.status, 200);
    let claude = json!({"status": "healthy", "read_only": true, "database": "healthy", "tools": 5});
    let mut expected = json!({
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": 90,
        "timestamp": "1970-01-01T00:00:00.000Z",
        "mcp_version": "2026-07-28",
        "transport": "sse",
        "oauth": "enabled",
        "read_only": true,
        "database": "healthy",
        "checks": {
            "database": {"status": "healthy"},
            "oauth": {"status": "healthy", "active_tokens": 1},
        },
        "scopes": {"claude": claude},
    });
    assert_eq!(reply.json(), expected);
    let members = expected.as_object_mut().unwrap();
    members.remove("checks");
    members.remove("scopes");
    assert_eq!(
        server.send("GET", "/claude/health", &[], "").await.json(),
        expected
    );
    assert_eq!(
        server.send("GET", "/nobody/health", &[], "").await.status,
        404
    );
}

#[tokio::test]
async fn ready_and_health_are_503_when_nothing_works_but_live_is_not() {
    for (state, health, ready) in [
        (Status::Healthy, 200, 200),
        (Status::Degraded, 200, 200),
        (Status::Unhealthy, 503, 503),
    ] {
        let server = TestServer::new(Authentication::Off, state);
        assert_eq!(
            server.send("GET", "/health", &[], "").await.status,
            health,
            "{state:?}"
        );
        assert_eq!(
            server.send("GET", "/claude/health", &[], "").await.status,
            health,
            "{state:?}"
        );
        assert_eq!(
            server.send("GET", "/ready", &[], "").await.status,
            ready,
            "{state:?}"
        );
        assert_eq!(
            server.send("GET", "/live", &[], "").await.status,
            200,
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn metrics_are_shown_to_this_machine_alone() {
    // Something passes requests on to a server with a public address.
    let reply = TestServer::open().send("GET", "/metrics", &[], "").await;
    assert_eq!(reply.status, 404);
    let reply = TestServer::local().send("GET", "/metrics", &[], "").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text, "calls_total 1\n");
    assert!(
        reply
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
}

#[tokio::test]
async fn the_page_at_the_root_names_no_scope() {
    let reply = TestServer::guarded().await.send("GET", "/", &[], "").await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/plain"));
    assert!(reply.text.contains("MCP server"));
    assert!(!reply.text.contains("claude") && !reply.text.contains("echo"));
}

#[tokio::test]
async fn people_get_pages_at_the_root_and_programs_what_they_ask_for() {
    let server = TestServer::guarded().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in ["/", "/docs"] {
        let page = server.send("GET", path, &browser, "").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(
            page.text.contains("http://localhost:8008/claude/mcp"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("echo"), "{}", page.text);
    }
    let json = [("accept", "application/json")];
    let reply = server.send("GET", "/", &json, "").await;
    assert_eq!(reply.json()["name"], "mssql-mcp");
    let script = server.send("GET", "/copy.js", &[], "").await;
    assert!(script.header("content-type").starts_with("text/javascript"));
    // A server that nobody signs in to has the pages as well.
    let page = TestServer::local().send("GET", "/docs", &browser, "").await;
    assert!(
        page.text.contains("http://localhost:8008/chatgpt/mcp"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn each_request_has_an_id_of_its_own() {
    let server = TestServer::open();
    let first = server.post(&[("x-request-id", "forged")], PING).await;
    let second = server.post(&[], PING).await;
    let ids = [first.header("x-request-id"), second.header("x-request-id")];
    assert!(ids.iter().all(|id| id.len() > 16), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
}
