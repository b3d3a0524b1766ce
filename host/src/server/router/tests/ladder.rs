//! Every rule of the modern ladder: what is sent, the status, the code.

use serde_json::{Value, json};

use super::{code, modern};
use crate::server::testing::TestServer;

type Headers = &'static [(&'static str, &'static str)];

const LIST: Headers = &[
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/list"),
];

#[tokio::test]
async fn each_rule_has_its_status_and_code() {
    let list = modern("tools/list", json!({}));
    let array = format!("[{list}]");
    let call = modern("tools/call", json!({"name": "echo", "arguments": {"a": 1}}));
    let claims = |claims: Value| {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": claims}})
            .to_string()
    };
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let no_claims = claims(json!({"progressToken": 1}));
    let no_capabilities = claims(json!({version: "2026-07-28"}));
    let bad_capabilities = claims(json!({version: "2026-07-28", capabilities: []}));
    let bad_version = claims(json!({version: 1, capabilities: {}}));
    let future = claims(json!({version: "2099-01-01", capabilities: {}}));
    let legacy_claim = claims(json!({version: "2025-11-25", capabilities: {}}));
    let handshake = modern("initialize", json!({"protocolVersion": "2026-07-28"}));
    let bare_handshake = super::request("initialize", &json!({"protocolVersion": "2026-07-28"}));

    let call_headers: Headers = &[
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
    ];
    let rows: Vec<(&str, Headers, &str, u16, i64)> = vec![
        ("all is well", LIST, &list, 200, 0),
        ("a call", call_headers, &call, 200, 0),
        ("not JSON", LIST, "{\"jsonrpc\":", 400, -32700),
        ("not a message", LIST, "{\"id\":1}", 400, -32600),
        ("an array", LIST, &array, 400, -32600),
        (
            "a response",
            LIST,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            400,
            -32600,
        ),
        ("no claims, modern header", LIST, &no_claims, 400, -32602),
        (
            "no params, modern header",
            LIST,
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
            400,
            -32602,
        ),
        ("no capabilities", LIST, &no_capabilities, 400, -32602),
        (
            "malformed capabilities",
            LIST,
            &bad_capabilities,
            400,
            -32602,
        ),
        ("malformed version", LIST, &bad_version, 400, -32602),
        (
            "malformed before mismatched",
            &[("mcp-protocol-version", "2025-11-25")],
            &no_capabilities,
            400,
            -32602,
        ),
        (
            "no version header",
            &[("mcp-method", "tools/list")],
            &list,
            400,
            -32020,
        ),
        (
            "another version in the header",
            &[("mcp-protocol-version", "2025-11-25")],
            &list,
            400,
            -32020,
        ),
        ("mismatched before unsupported", LIST, &future, 400, -32020),
        (
            "an unreadable version header",
            &[("mcp-protocol-version", "banana")],
            &list,
            400,
            -32020,
        ),
        (
            "two version headers",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-protocol-version", "2026-07-28"),
            ],
            &list,
            400,
            -32020,
        ),
        (
            "unsupported before Mcp-Method",
            &[("mcp-protocol-version", "2099-01-01")],
            &future,
            400,
            -32022,
        ),
        (
            "a legacy version claimed",
            &[("mcp-protocol-version", "2025-11-25")],
            &legacy_claim,
            400,
            -32022,
        ),
        (
            "no Mcp-Method",
            &[("mcp-protocol-version", "2026-07-28")],
            &list,
            400,
            -32020,
        ),
        (
            "another method",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "Tools/List"),
            ],
            &list,
            400,
            -32020,
        ),
        (
            "no Mcp-Name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "another name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "fail"),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "white space around values",
            &[
                ("mcp-protocol-version", " 2026-07-28 "),
                ("mcp-method", "\ttools/list "),
            ],
            &list,
            200,
            0,
        ),
        (
            "names in any case",
            &[
                ("MCP-PROTOCOL-VERSION", "2026-07-28"),
                ("Mcp-Method", "tools/list"),
            ],
            &list,
            200,
            0,
        ),
        (
            "an encoded name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?ZWNobw==?="),
            ],
            &call,
            200,
            0,
        ),
        (
            "a badly padded name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?ZWNobw?="),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "a badly encoded name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?ZW*obw==?="),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "half a sentinel is literal",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?ZWNobw=="),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "an upper-case sentinel is literal",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?BASE64?ZWNobw==?="),
            ],
            &call,
            400,
            -32020,
        ),
        (
            "unknown Mcp-Param headers",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/list"),
                ("mcp-param-x", "y"),
            ],
            &list,
            200,
            0,
        ),
        (
            "a session id is ignored",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/list"),
                ("mcp-session-id", "x"),
            ],
            &list,
            200,
            0,
        ),
        (
            "a handshake with claims",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "initialize"),
            ],
            &handshake,
            404,
            -32601,
        ),
        (
            "a handshake with a modern header",
            &[("mcp-protocol-version", "2026-07-28")],
            &bare_handshake,
            400,
            -32020,
        ),
    ];
    let server = TestServer::open();
    for (what, headers, body, status, expected) in rows {
        let reply = server.post(headers, body).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (status, expected),
            "{what}: {}",
            reply.text
        );
        if status == 400 && body.contains("\"id\":7") && !body.starts_with('[') {
            assert_eq!(reply.json()["id"], 7, "{what}");
        }
        assert_eq!(reply.header("content-type"), "application/json", "{what}");
        assert_eq!(reply.header("mcp-session-id"), "", "{what}");
    }
}

#[tokio::test]
async fn removed_and_unserved_methods_are_404_once_their_headers_are_right() {
    let server = TestServer::open();
    for (method, params, name) in [
        ("ping", json!({}), None),
        ("notifications/initialized", json!({}), None),
        ("logging/setLevel", json!({"level": "info"}), None),
        ("resources/subscribe", json!({"uri": "db://t"}), None),
        ("no/such", json!({}), None),
    ] {
        let body = modern(method, params);
        let mut headers = vec![
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        if let Some(name) = name {
            let reply = server.post(&headers, &body).await;
            assert_eq!(
                (reply.status.as_u16(), code(&reply)),
                (400, -32020),
                "{method} without Mcp-Name"
            );
            headers.push(("mcp-name", name));
        }
        let reply = server.post(&headers, &body).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (404, -32601),
            "{method}"
        );
    }
}

#[tokio::test]
async fn an_unsupported_version_is_told_what_is_supported() {
    let body = modern("tools/list", json!({})).replace("2026-07-28", "2099-01-01");
    let reply = TestServer::open()
        .post(&[("mcp-protocol-version", "2099-01-01")], &body)
        .await;
    assert_eq!(
        reply.json()["error"]["data"],
        json!({"supported": ["2026-07-28"], "requested": "2099-01-01"})
    );
}

#[tokio::test]
async fn the_missing_claim_is_named() {
    let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    let reply = TestServer::open().post(LIST, body).await;
    let message = reply.json()["error"]["message"].to_string();
    assert!(
        message.contains("io.modelcontextprotocol/protocolVersion"),
        "{message}"
    );
}

#[tokio::test]
async fn errors_found_while_dispatching_come_with_200() {
    let server = TestServer::open();
    for (params, name) in [
        (json!({"name": "nobody", "arguments": {}}), "nobody"),
        (json!({"name": "echo", "arguments": [1]}), "echo"),
    ] {
        let headers = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", name),
        ];
        let reply = server.post(&headers, &modern("tools/call", params)).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (200, -32602),
            "{name}"
        );
    }
    let reply = server
        .post(LIST, &modern("tools/list", json!({"cursor": "x"})))
        .await;
    assert_eq!((reply.status.as_u16(), code(&reply)), (200, -32602));
}

#[tokio::test]
async fn notifications_are_accepted_unless_their_headers_contradict_them() {
    let body = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"_meta":{
        "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let server = TestServer::open();
    let rows: [(Headers, u16, i64); 5] = [
        (&[], 202, 0),
        (
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "notifications/x"),
            ],
            202,
            0,
        ),
        (&[("mcp-protocol-version", "2025-11-25")], 400, -32020),
        (&[("mcp-method", "notifications/y")], 400, -32020),
        (&[("mcp-protocol-version", "2099-01-01")], 400, -32020),
    ];
    for (headers, status, expected) in rows {
        let reply = server.post(headers, body).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (status, expected),
            "{headers:?}"
        );
        assert_eq!(reply.text.is_empty(), status == 202);
    }
}

#[tokio::test]
async fn discovery_says_what_is_served_and_for_how_long() {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "server/discover"),
    ];
    let reply = TestServer::open()
        .post(&headers, &modern("server/discover", json!({})))
        .await;
    assert_eq!(
        reply.json(),
        json!({"jsonrpc": "2.0", "id": 7, "result": {
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {"listChanged": true}, "resources": {}, "prompts": {}},
            "instructions": "Ask \"echo\".",
            "ttlMs": 30000,
            "cacheScope": "private",
            "resultType": "complete",
            "_meta": {"io.modelcontextprotocol/serverInfo": {
                "name": "mssql-mcp", "version": env!("CARGO_PKG_VERSION"), "title": "Sales \"2026\"",
            }},
        }})
    );
}
