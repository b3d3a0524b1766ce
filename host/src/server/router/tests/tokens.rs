//! Who is let in, through the real router: statuses and challenges, to the
//! letter.

use std::time::Duration;

use serde_json::json;

use crate::principal::Rights;
use crate::server::testing::{Reply, TestServer};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
const HANG: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"hang"}}"#;
const WRITE: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"write"}}"#;

/// Every endpoint, and its protected-resource metadata.
const ENDPOINTS: [(&str, &str); 6] = [
    ("/claude/sse", "/claude/sse"),
    ("/claude/mcp", "/claude/mcp"),
    ("/claude/mcp/", "/claude/mcp"),
    ("/chatgpt/sse", "/chatgpt/sse"),
    ("/sse", "/sse"),
    ("/mcp", "/mcp"),
];

fn challenge(resource: &str) -> String {
    format!(
        "Bearer resource_metadata=\"http://localhost:8008/.well-known/oauth-protected-resource{resource}\", \
         scope=\"mcp:read\""
    )
}

/// The challenge to a token that is no good.
fn invalid(resource: &str, description: &str) -> String {
    format!(
        "{}, error=\"invalid_token\", error_description=\"{description}\"",
        challenge(resource)
    )
}

fn refused(reply: &Reply, expected: &str, what: &str) {
    assert_eq!(reply.status, 401, "{what}: {}", reply.text);
    assert_eq!(reply.header("www-authenticate"), expected, "{what}");
    assert!(reply.json()["error_description"].is_string(), "{what}");
}

#[tokio::test]
async fn without_a_token_every_method_is_401_before_anything_else() {
    let server = TestServer::guarded().await;
    for (path, resource) in ENDPOINTS {
        for method in ["POST", "GET", "DELETE", "PUT", "MADEUP"] {
            for headers in [
                &[][..],
                &[("authorization", "Basic c2VjcmV0")],
                &[("authorization", "Bearer ")],
                &[("authorization", "secret")],
                &[
                    ("authorization", &*server.bearer),
                    ("authorization", &*server.bearer),
                ],
            ] {
                // Neither the type nor the size of the body is looked at.
                let mut headers = headers.to_vec();
                headers.extend([("content-type", "text/plain"), ("accept", "image/png")]);
                let body = "x".repeat(5000);
                let reply = server.send(method, path, &headers, &body).await;
                refused(
                    &reply,
                    &challenge(resource),
                    &format!("{method} {path} {headers:?}"),
                );
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_no_good_is_401_with_the_reason() {
    let server = TestServer::guarded().await;
    let people = server.people.as_ref().unwrap();
    let elsewhere = people.token("chatgpt", "ana", Rights::READ).await;
    let rows = [
        ("wrong", "The access token is not valid."),
        (&elsewhere, "The access token is for another address."),
    ];
    for (token, description) in rows {
        let bearer = format!("Bearer {token}");
        for (path, resource) in ENDPOINTS {
            if path.starts_with("/chatgpt") {
                continue;
            }
            let reply = server
                .send("POST", path, &[("authorization", &bearer)], PING)
                .await;
            refused(&reply, &invalid(resource, description), path);
            assert_eq!(reply.json()["error"], "invalid_token");
        }
    }
    people.time.advance(Duration::from_secs(3600));
    let reply = server
        .post(&[("authorization", &server.bearer)], PING)
        .await;
    let ended = "The access token has expired or was revoked.";
    refused(&reply, &invalid("/claude/sse", ended), "expired");
}

#[tokio::test]
async fn a_token_in_the_address_is_refused_even_beside_a_good_one() {
    let server = TestServer::guarded().await;
    let path = format!("/claude/sse?access_token={}", &server.bearer[7..]);
    let description = "Access tokens count in the Authorization header alone, not in the address.";
    for headers in [&[][..], &[("authorization", &*server.bearer)]] {
        let reply = server.send("POST", &path, headers, PING).await;
        refused(&reply, &invalid("/claude/sse", description), "query");
    }
}

#[tokio::test]
async fn the_token_opens_every_address_of_its_scope() {
    let server = TestServer::guarded().await;
    for path in ["/claude/sse", "/claude/mcp/", "/sse", "/mcp", "/mcp?x=y"] {
        let reply = server
            .send("POST", path, &[("authorization", &server.bearer)], PING)
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("www-authenticate")),
            (200, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn head_is_200_and_tells_whether_get_wants_a_token() {
    let server = TestServer::guarded().await;
    for (path, resource) in ENDPOINTS {
        let reply = server.send("HEAD", path, &[], "").await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
        assert_eq!(reply.header("www-authenticate"), challenge(resource));
    }
    let good = ("authorization", &*server.bearer);
    let reply = server.send("HEAD", "/claude/sse", &[good], "").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("www-authenticate")),
        (200, "")
    );
    assert_eq!(
        server.send("HEAD", "/nobody/sse", &[], "").await.status,
        404
    );
}

#[tokio::test]
async fn the_metadata_is_named_as_the_client_named_this_server() {
    let server = TestServer::guarded().await;
    let reply = server.post(&[("host", "[::1]:8008")], PING).await;
    let expected = challenge("/claude/sse").replace("localhost", "[::1]");
    assert_eq!(reply.header("www-authenticate"), expected);
}

#[tokio::test]
async fn a_missing_right_is_a_403_that_names_every_right() {
    let server = TestServer::guarded().await;
    let good = ("authorization", &*server.bearer);
    for (path, resource) in ENDPOINTS {
        if path.starts_with("/chatgpt") {
            continue;
        }
        let reply = server.send("POST", path, &[good], WRITE).await;
        assert_eq!(reply.status, 403);
        assert_eq!(
            reply.header("www-authenticate"),
            format!(
                "Bearer error=\"insufficient_scope\", scope=\"mcp:read mcp:write\", \
                 resource_metadata=\"http://localhost:8008/.well-known/oauth-protected-resource{resource}\", \
                 error_description=\"This call needs an access token with the scope mcp:read mcp:write.\""
            )
        );
        assert_eq!(reply.json()["error"], "insufficient_scope");
    }
    // A batch has no status of its own for each.
    let reply = server.post(&[good], &format!("[{WRITE}]")).await;
    assert_eq!(reply.status, 200);
    let text = reply.json()[0]["result"]["content"][0]["text"].to_string();
    assert!(text.contains("insufficient-scope"), "{text}");
    let people = server.people.as_ref().unwrap();
    let writer = people.token("claude", "ana", Rights::ALL).await;
    let bearer = format!("Bearer {writer}");
    assert_eq!(
        server
            .post(&[("authorization", &bearer)], WRITE)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_call_is_cut_off_when_its_token_ends() {
    let server = TestServer::guarded().await;
    let good = [("authorization", &*server.bearer)];
    let call = server.post(&good, HANG);
    let revoke = async {
        server.claude.hanging.notified().await;
        let people = server.people.as_ref().unwrap();
        people.revoke(&server.bearer[7..]).await;
        server.claude.cancelled.notified().await;
    };
    let both = async { futures_util::join!(call, revoke) };
    let (reply, ()) = tokio::time::timeout(Duration::from_secs(1), both)
        .await
        .expect("within a second");
    refused(
        &reply,
        &invalid("/claude/sse", "The access token was revoked."),
        "cut off",
    );
}

#[tokio::test]
async fn without_its_store_the_server_says_so_and_lets_nobody_in() {
    let server = TestServer::guarded().await;
    let people = server.people.as_ref().unwrap();
    let good = [("authorization", &*server.bearer)];
    assert_eq!(server.post(&good, PING).await.status, 200);
    people.faults.set_broken(true);
    tokio::time::timeout(Duration::from_secs(1), async {
        while server.post(&good, PING).await.status == 200 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("within a second");
    let reply = server.post(&good, PING).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    assert_eq!(reply.header("retry-after"), "10");
    assert_eq!(reply.header("www-authenticate"), "");
    let garbage = server.post(&[("authorization", "Bearer x")], PING).await;
    assert_eq!(garbage.status, 401);
    let health = server.send("GET", "/health", &[], "").await;
    assert_eq!(health.status, 503);
    assert_eq!(
        health.json()["checks"]["oauth"]["status"],
        json!("unhealthy")
    );
    people.faults.set_broken(false);
    assert_eq!(server.post(&good, PING).await.status, 200);
}

#[tokio::test]
async fn every_reply_keeps_browsers_from_guessing() {
    let server = TestServer::guarded().await;
    for (path, headers) in [
        ("/", &[][..]),
        ("/claude/sse", &[]),
        ("/nowhere", &[]),
        ("/health", &[("host", "evil.example.com")]),
    ] {
        let reply = server.send("GET", path, headers, "").await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
    }
}
