//! Bodies that are not what they should be.

use super::code;
use crate::server::testing::TestServer;

#[tokio::test]
async fn malformed_bodies_have_their_codes() {
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let in_string = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{{"a":"{}\"["}}}}}}"#,
        "[".repeat(200)
    );
    let rows: Vec<(&str, u16, i64)> = vec![
        ("", 400, -32700),
        ("{", 400, -32700),
        ("nonsense", 400, -32700),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping"} x"#, 400, -32700),
        ("null", 400, -32600),
        ("5", 400, -32600),
        ("\"ping\"", 400, -32600),
        ("{}", 400, -32600),
        (r#"{"id":7,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":2.0,"id":7,"method":"ping"}"#, 400, -32600),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            400,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, 400, -32600),
        (
            r#"{"jsonrpc":"2.0","id":"\ud83d","method":"ping"}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
            400,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":7}"#, 400, -32600),
        (
            r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":"x"}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":-1.5}"#,
            400,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","name":"fail"}}"#,
            400,
            -32600,
        ),
        (&deep, 400, -32600),
        (&in_string, 200, 0),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":null}"#,
            200,
            0,
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","unknown":[1],"params":{"x":{}}}"#,
            200,
            0,
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools\/list"}"#, 200, 0),
        (
            "\u{feff} {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\r\n",
            200,
            0,
        ),
    ];
    let server = TestServer::open();
    for (body, status, expected) in rows {
        let reply = server.post(&[], body).await;
        assert_eq!(
            (reply.status.as_u16(), code(&reply)),
            (status, expected),
            "{body}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn errors_echo_the_id_as_it_was_spelled() {
    let server = TestServer::open();
    for id in ["0", "-3", "\"a\\u0062\"", "\"\"", "12345678901234567890"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":[]}}"#);
        let reply = server.post(&[], &body).await;
        assert!(
            reply.text.contains(&format!("\"id\":{id},")),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn long_names_are_cut_in_errors() {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"{}"}}"#,
        "ä".repeat(500)
    );
    let reply = TestServer::open().post(&[], &body).await;
    assert_eq!(code(&reply), -32601);
    assert!(reply.text.len() < 512, "{}", reply.text.len());
}

#[tokio::test]
async fn any_accept_and_any_json_type_will_do() {
    let server = TestServer::open();
    let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
    for (name, value, status) in [
        ("accept", "*/*", 200),
        ("accept", "text/event-stream", 200),
        ("accept", "text/html", 200),
        ("content-type", "application/json", 200),
        ("content-type", "Application/JSON; charset=utf-8", 200),
        ("content-type", "application/vnd.mcp+json", 200),
        ("content-type", "text/plain", 415),
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "json", 415),
    ] {
        assert_eq!(
            server.post(&[(name, value)], ping).await.status,
            status,
            "{name}: {value}"
        );
    }
    assert_eq!(server.post(&[], ping).await.status, 200);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413() {
    let server = TestServer::open();
    let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
    let padded = |size: usize| format!("{ping}{}", " ".repeat(size - ping.len()));
    assert_eq!(server.post(&[], &padded(4096)).await.status, 200);
    let reply = server.post(&[], &padded(4097)).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["error"], "payload_too_large");
}
