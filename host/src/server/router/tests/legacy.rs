//! The revisions with a handshake, and the batches of one of them.

use serde_json::{Value, json};

use super::{code, request};
use crate::server::testing::TestServer;

#[tokio::test]
async fn the_handshake_settles_on_a_legacy_revision() {
    let server = TestServer::open();
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2024-10-07", "2025-11-25"),
        ("banana", "2025-11-25"),
    ] {
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
        // Some clients send the header of the modern ladder with it.
        let reply = server
            .post(
                &[("mcp-method", "initialize")],
                &request("initialize", &params),
            )
            .await;
        assert_eq!(reply.status, 200);
        let result = &reply.json()["result"];
        assert_eq!(result["protocolVersion"], answered, "{asked}");
        assert_eq!(
            result["capabilities"],
            json!({"tools": {"listChanged": true}, "resources": {}, "prompts": {}})
        );
        assert_eq!(result["instructions"], "Ask \"echo\".");
        assert_eq!(result["serverInfo"]["name"], "mssql-mcp");
        assert_eq!(
            result["serverInfo"].get("title").is_some(),
            answered >= "2025-06-18",
            "{asked}"
        );
        assert_eq!(result.get("resultType"), None);
    }
    let reply = server.post(&[], &request("initialize", &json!({}))).await;
    assert_eq!((reply.status.as_u16(), code(&reply)), (200, -32602));
}

#[tokio::test]
async fn legacy_requests_are_answered_with_200_whatever_the_error() {
    let server = TestServer::open();
    for (version, method, params, expected) in [
        ("2025-11-25", "ping", json!({}), 0),
        ("2025-03-26", "ping", json!({}), 0),
        ("2025-11-25", "tools/list", json!({}), 0),
        ("2025-06-18", "tools/list", json!({"cursor": ""}), 0),
        ("2025-06-18", "tools/list", json!({"cursor": 5}), -32602),
        ("2025-11-25", "tools/call", json!({"name": "echo"}), 0),
        ("2025-11-25", "tools/call", json!({"arguments": {}}), -32602),
        (
            "2025-11-25",
            "tools/call",
            json!({"name": "nobody"}),
            -32602,
        ),
        ("2025-11-25", "server/discover", json!({}), -32601),
        ("2025-11-25", "prompts/list", json!({}), 0),
        (
            "2025-11-25",
            "logging/setLevel",
            json!({"level": "info"}),
            -32601,
        ),
    ] {
        let reply = server
            .post(
                &[("mcp-protocol-version", version)],
                &request(method, &params),
            )
            .await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (200, expected),
            "{version} {method}: {}",
            reply.text
        );
        assert_eq!(reply.json()["id"], 7);
    }
}

#[tokio::test]
async fn a_version_that_is_not_served_is_400_but_none_is_2025_03_26() {
    let server = TestServer::open();
    for version in ["2025-01-01", "banana", ""] {
        let reply = server
            .post(
                &[("mcp-protocol-version", version)],
                &request("ping", &json!({})),
            )
            .await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (400, -32600),
            "{version}"
        );
    }
    let reply = server
        .post(&[], &request("tools/call", &json!({"name": "echo"})))
        .await;
    assert_eq!(reply.json()["result"].get("structuredContent"), None);
}

#[tokio::test]
async fn notifications_and_responses_are_accepted_without_a_body() {
    let server = TestServer::open();
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        r#"[{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":1,"result":{}}]"#,
    ] {
        let reply = server.post(&[], body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text.as_str()),
            (202, ""),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_an_error_for_each_bad_element() {
    let body = format!(
        "[{},{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}},5,{},{}]",
        request("ping", &json!({})),
        request("initialize", &json!({"protocolVersion": "2025-03-26"})),
        request("tools/call", &json!({"name": "fail"})).replace("\"id\":7", "\"id\":\"last\""),
    );
    let reply = TestServer::open().post(&[], &body).await;
    assert_eq!(reply.status, 200);
    let Value::Array(replies) = reply.json() else {
        panic!("{}", reply.text)
    };
    assert_eq!(replies.len(), 4);
    assert_eq!(replies[0]["result"], json!({}));
    assert_eq!(
        (&replies[1]["id"], &replies[1]["error"]["code"]),
        (&Value::Null, &json!(-32600))
    );
    assert_eq!(
        (&replies[2]["id"], &replies[2]["error"]["code"]),
        (&json!(7), &json!(-32600))
    );
    assert_eq!(
        (&replies[3]["id"], &replies[3]["result"]["isError"]),
        (&json!("last"), &json!(true))
    );
}

#[tokio::test]
async fn arrays_are_refused_where_they_are_not_batches() {
    let server = TestServer::open();
    let ping = request("ping", &json!({}));
    let modern = super::modern("tools/list", json!({}));
    let fifty_one = format!("[{}]", vec![ping.as_str(); 51].join(","));
    let fifty = format!("[{}]", vec![ping.as_str(); 50].join(","));
    for (version, body, status, expected) in [
        (None, "[]".to_owned(), 400, -32600),
        (None, "[1,".to_owned(), 400, -32700),
        (None, fifty, 200, 0),
        (None, fifty_one, 400, -32600),
        (None, format!("[{ping},{modern}]"), 400, -32600),
        (Some("2025-03-26"), format!("[{ping}]"), 200, 0),
        (Some("2024-11-05"), format!("[{ping}]"), 400, -32600),
        (Some("2025-06-18"), format!("[{ping}]"), 400, -32600),
        (Some("2025-11-25"), format!("[{ping}]"), 400, -32600),
        (Some("2026-07-28"), format!("[{ping}]"), 400, -32600),
    ] {
        let headers: Vec<_> = version
            .iter()
            .map(|version| ("mcp-protocol-version", *version))
            .collect();
        let reply = server.post(&headers, &body).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (status, expected),
            "{version:?}: {}",
            reply.text
        );
    }
}
