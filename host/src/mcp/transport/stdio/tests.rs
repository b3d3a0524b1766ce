//! A client at the other end of two pipes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, duplex};
use tokio::task::JoinHandle;

use super::{MAX_LINE_BYTES, serve_until};
use crate::mcp::testing::{Fixture, fixture};

struct Client {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    server: JoinHandle<std::io::Result<()>>,
    fixture: Fixture,
}

impl Client {
    fn start() -> Self {
        Self::start_with(Duration::from_secs(30))
    }

    fn start_with(drain: Duration) -> Self {
        let fixture = fixture("claude");
        let (input, reader) = duplex(64 << 10);
        let (writer, output) = duplex(64 << 10);
        let scope = Arc::clone(&fixture.scope);
        let server = tokio::spawn(async move {
            serve_until(&scope, BufReader::new(reader), writer, drain).await
        });
        Self {
            input,
            output: BufReader::new(output).lines(),
            server,
            fixture,
        }
    }

    async fn send(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.output.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.send(
            &json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params}).to_string(),
        )
        .await;
        self.receive().await
    }

    /// Ends the input; gives what still comes.
    async fn end(mut self) -> Vec<String> {
        drop(self.input);
        let mut rest = Vec::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            rest.push(line);
        }
        self.server.await.unwrap().unwrap();
        rest
    }
}

const HANG: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;

#[tokio::test]
async fn the_handshake_settles_the_revision_of_what_follows() {
    for (version, structured) in [
        ("2024-11-05", false),
        ("2025-03-26", false),
        ("2025-11-25", true),
    ] {
        let mut client = Client::start();
        let reply = client
            .ask("initialize", &json!({"protocolVersion": version}))
            .await;
        assert_eq!(reply["result"]["protocolVersion"], version);
        client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        let reply = client
            .ask("tools/call", &json!({"name": "echo", "arguments": {}}))
            .await;
        assert_eq!(
            reply["result"].get("structuredContent").is_some(),
            structured,
            "{version}"
        );
        let batch = format!("[{PING}]");
        client.send(&batch).await;
        let reply = client.receive().await;
        assert_eq!(reply.is_array(), version == "2025-03-26", "{reply}");
        assert_eq!(client.end().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn modern_requests_need_no_handshake() {
    let mut client = Client::start();
    let claims = |version: &str| {
        json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        }})
    };
    let reply = client.ask("server/discover", &claims("2026-07-28")).await;
    assert_eq!(reply["result"]["supportedVersions"], json!(["2026-07-28"]));
    let reply = client.ask("ping", &claims("2026-07-28")).await;
    assert_eq!(reply["error"]["code"], -32601);
    let reply = client.ask("tools/list", &claims("2099-01-01")).await;
    assert_eq!(reply["error"]["code"], -32022);
}

#[tokio::test]
async fn calls_run_side_by_side_and_a_cancelled_one_gets_no_reply() {
    let mut client = Client::start();
    client.send(HANG).await;
    client.fixture.hanging.notified().await;
    client.send(PING).await;
    assert_eq!(client.receive().await["id"], 2);
    client
        .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}"#)
        .await;
    client.fixture.cancelled.notified().await;
    // The id is free again.
    client.send(&PING.replace("\"id\":2", "\"id\":1")).await;
    assert_eq!(client.receive().await["id"], 1);
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_id_cannot_be_used_twice_at_a_time_nor_an_unknown_one_cancelled() {
    let mut client = Client::start();
    client.send(HANG).await;
    client.fixture.hanging.notified().await;
    client.send(HANG).await;
    let reply = client.receive().await;
    assert_eq!(
        (&reply["id"], &reply["error"]["code"]),
        (&json!(1), &json!(-32600))
    );
    client
        .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}"#)
        .await;
    client.send(PING).await;
    assert_eq!(client.receive().await["id"], 2);
}

#[tokio::test]
async fn what_is_not_a_message_is_answered_and_the_next_line_is_read() {
    let mut client = Client::start();
    for (line, code) in [("nonsense", -32700), ("{}", -32600), ("[]", -32600)] {
        client.send(line).await;
        assert_eq!(client.receive().await["error"]["code"], code, "{line}");
    }
    client.send("").await;
    client.send(&format!("{PING}\r")).await;
    assert_eq!(client.receive().await["result"], json!({}));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_whole() {
    let mut client = Client::start();
    for length in [MAX_LINE_BYTES as usize + 1, MAX_LINE_BYTES as usize * 2] {
        client.send(&"[".repeat(length)).await;
        assert_eq!(client.receive().await["error"]["code"], -32600);
        client.send(PING).await;
        assert_eq!(client.receive().await["id"], 2);
    }
}

#[tokio::test]
async fn replies_are_one_line_whatever_a_tool_made() {
    let mut client = Client::start();
    client
        .ask("initialize", &json!({"protocolVersion": "2025-11-25"}))
        .await;
    let pretty = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list"}}"#;
    client.send(pretty).await;
    let reply = client.receive().await;
    assert_eq!(reply["result"]["content"][0]["text"], "[1,\n2]");
}

#[tokio::test]
async fn the_last_line_needs_no_line_break_and_is_answered_after_the_end() {
    let mut client = Client::start();
    client.input.write_all(PING.as_bytes()).await.unwrap();
    assert_eq!(
        client.end().await,
        [r#"{"jsonrpc":"2.0","id":2,"result":{}}"#]
    );
}

#[tokio::test]
async fn the_end_of_input_does_not_wait_for_ever() {
    let mut client = Client::start_with(Duration::from_millis(1));
    client.send(HANG).await;
    client.fixture.hanging.notified().await;
    let cancelled = Arc::clone(&client.fixture.cancelled);
    assert_eq!(client.end().await, Vec::<String>::new());
    cancelled.notified().await;
}

#[tokio::test]
async fn a_call_tells_how_it_goes_before_its_reply() {
    let mut client = Client::start();
    let revision = json!({"protocolVersion": "2025-11-25"});
    client.ask("initialize", &revision).await;
    let steps = json!({"name": "steps", "_meta": {"progressToken": 5}});
    let told = client.ask("tools/call", &steps).await;
    let first = json!({"progressToken": 5, "progress": 1, "total": 2, "message": "one"});
    assert_eq!(told["params"], first);
    client.fixture.go.notify_one();
    assert_eq!(client.receive().await["params"]["progress"], 2);
    assert_eq!(client.receive().await["id"], "a");
}

#[tokio::test]
async fn changes_of_the_tools_are_told_to_who_has_met_the_server() {
    let mut client = Client::start();
    client.fixture.scope.tools_changed();
    let revision = json!({"protocolVersion": "2025-11-25"});
    let reply = client.ask("initialize", &revision).await;
    assert_eq!(reply["id"], "a", "nothing was told before: {reply}");
    client.fixture.scope.tools_changed();
    let told = client.receive().await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(client.end().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_modern_client_is_told_what_it_listens_to_until_the_end() {
    let mut client = Client::start();
    let listen = json!({
        "notifications": {"toolsListChanged": true, "promptsListChanged": true},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    let told = client.ask("subscriptions/listen", &listen).await;
    assert_eq!(told["method"], "notifications/subscriptions/acknowledged");
    let granted = json!({"toolsListChanged": true});
    assert_eq!(told["params"]["notifications"], granted);
    client.fixture.scope.tools_changed();
    let told = client.receive().await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    let subscription = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(subscription, "a");
    let rest = client.end().await;
    let [last] = &rest[..] else {
        panic!("{rest:?}");
    };
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&last["id"], &last["result"]["resultType"]),
        (&json!("a"), &json!("complete"))
    );
}

#[tokio::test]
async fn a_call_asks_and_goes_on_with_the_answer() {
    let mut client = Client::start();
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}});
    client.ask("initialize", &hello).await;
    let form = client.ask("tools/call", &json!({"name": "ask"})).await;
    assert_eq!(form["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": form["id"], "result": {"action": "decline"}});
    client.send(&answer.to_string()).await;
    let done = client.receive().await;
    let said = &done["result"]["content"][0]["text"];
    assert_eq!(said, r#"{"name":{"action":"decline"}} step 1"#);
}

#[tokio::test]
async fn what_is_heard_beside_is_read_however_much_is_running() {
    let mut client = Client::start();
    for id in 0..super::MAX_RUNNING {
        let hang = HANG.replace("\"id\":1", &format!("\"id\":{id}"));
        client.send(&hang).await;
    }
    client
        .send(&PING.replace("\"id\":2", "\"id\":\"more\""))
        .await;
    let refused = client.receive().await;
    let refused = (&refused["id"], &refused["error"]["code"]);
    assert_eq!(refused, (&json!("more"), &json!(429)));
    client
        .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#)
        .await;
    client
        .send(&PING.replace("\"id\":2", "\"id\":\"again\""))
        .await;
    assert_eq!(client.receive().await["result"], json!({}));
}
