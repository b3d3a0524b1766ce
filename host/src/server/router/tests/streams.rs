//! Replies that go on: sessions, listeners, progress, and the older transport.

use std::net::Ipv4Addr;

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{modern, request};
use crate::principal::Rights;
use crate::server::EdgeRules;
use crate::server::testing::{Event, Events, Reply, TestServer};

const EVENTS: (&str, &str) = ("accept", "application/json, text/event-stream");
const CHANGED: &str = "notifications/tools/list_changed";

impl TestServer {
    /// Begins a session of that revision; its id.
    async fn begin(&self, headers: &[(&str, &str)], revision: &str) -> String {
        let params = json!({"protocolVersion": revision, "capabilities": {}});
        let reply = self.post(headers, &request("initialize", &params)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.header("mcp-session-id").to_owned()
    }

    async fn listen(&self, session: &str, last: Option<&str>) -> Events {
        let mut headers = vec![EVENTS, ("mcp-session-id", session)];
        headers.extend(last.map(|last| ("last-event-id", last)));
        self.open_stream("GET", "/claude/mcp", &headers, "").await
    }

    async fn end(&self, session: &str) -> Reply {
        let headers = [("mcp-session-id", session)];
        self.send("DELETE", "/claude/mcp", &headers, "").await
    }
}

/// A call of `steps` that wants to know how it goes.
fn steps() -> String {
    let meta = json!({"progressToken": "t"});
    request("tools/call", &json!({"name": "steps", "_meta": meta}))
}

fn progress(message: &Value) -> &Value {
    assert_eq!(message["method"], "notifications/progress", "{message}");
    assert_eq!(message["params"]["progressToken"], "t");
    &message["params"]["progress"]
}

fn assert_done(message: &Value) {
    assert_eq!(message["id"], 7, "{message}");
    assert_eq!(message["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_session_goes_on_until_it_is_deleted() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-06-18").await;
    let named = [("mcp-session-id", &*session)];
    let ping = request("ping", &json!({}));
    assert_eq!(server.post(&named, &ping).await.status, 200);
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(server.post(&named, initialized).await.status, 202);
    assert_eq!(server.end(&session).await.status, 204);
    for body in [&*ping, initialized, "[]"] {
        let reply = server.post(&named, body).await;
        let expected = if body == "[]" { 400 } else { 404 };
        assert_eq!(reply.status, expected, "{body}: {}", reply.text);
    }
    let get = [EVENTS, named[0]];
    assert_eq!(
        server.send("GET", "/claude/mcp", &get, "").await.status,
        404
    );
    assert_eq!(server.end(&session).await.status, 404);
    assert_eq!(server.end("garbage").await.status, 404);
    // A modern request has no session, whatever the header says.
    let headers = [
        named[0],
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/list"),
    ];
    let list = modern("tools/list", json!({}));
    assert_eq!(server.post(&headers, &list).await.status, 200);
}

#[tokio::test]
async fn the_session_settles_the_revision_of_requests_that_name_none() {
    let server = TestServer::open();
    for (revision, titled) in [("2025-03-26", false), ("2025-06-18", true)] {
        let session = server.begin(&[], revision).await;
        let named = [("mcp-session-id", &*session)];
        let list = request("tools/list", &json!({}));
        let reply = server.post(&named, &list).await.json();
        let title = reply["result"]["tools"][0].get("title");
        assert_eq!(title.is_some(), titled, "{revision}");
    }
}

#[tokio::test]
async fn a_session_is_of_no_use_to_another_caller() {
    let server = TestServer::guarded().await;
    let people = server.people.as_ref().unwrap();
    let bob = format!(
        "Bearer {}",
        people.token("claude", "bob", Rights::READ).await
    );
    let ana = ("authorization", &*server.bearer);
    let session = server.begin(&[ana], "2025-11-25").await;
    let named = ("mcp-session-id", &*session);
    let ping = request("ping", &json!({}));
    assert_eq!(server.post(&[ana, named], &ping).await.status, 200);
    let bob = ("authorization", &*bob);
    assert_eq!(server.post(&[bob, named], &ping).await.status, 404);
    let headers = [bob, named];
    let reply = server.send("DELETE", "/claude/mcp", &headers, "").await;
    assert_eq!(reply.status, 404);
    assert_eq!(server.post(&[ana, named], &ping).await.status, 200);
}

#[tokio::test]
async fn every_kind_of_listener_is_told_of_a_change_once() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-11-25").await;
    let mut listener = server.listen(&session, None).await;
    let mut older = server
        .open_stream("GET", "/claude/sse", &[EVENTS], "")
        .await;
    assert_eq!(older.next().await.unwrap().kind, "endpoint");
    let headers = [
        EVENTS,
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let listen = |wanted| modern("subscriptions/listen", json!({"notifications": wanted}));
    let wanted = listen(json!({"toolsListChanged": true, "promptsListChanged": true}));
    let path = "/claude/mcp";
    let mut subscription = server.open_stream("POST", path, &headers, &wanted).await;
    let acknowledged = subscription.json().await;
    let method = "notifications/subscriptions/acknowledged";
    assert_eq!(acknowledged["method"], method);
    let granted = &acknowledged["params"]["notifications"];
    assert_eq!(granted, &json!({"toolsListChanged": true}));
    let of = &acknowledged["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(of, 7);
    let nothing = listen(json!({}));
    let mut deaf = server.open_stream("POST", path, &headers, &nothing).await;
    assert_eq!(deaf.json().await["params"]["notifications"], json!({}));

    for _ in 0..2 {
        server.claude.scope.tools_changed();
        for stream in [&mut listener, &mut older, &mut subscription] {
            assert_eq!(stream.json().await["method"], CHANGED);
            assert!(stream.next().now_or_never().is_none());
        }
        assert!(deaf.next().now_or_never().is_none());
    }

    server.claude.scope.close();
    assert_eq!(listener.next().await, None);
    assert_eq!(older.next().await, None);
    let end = subscription.json().await;
    assert_eq!(
        (&end["id"], &end["result"]["resultType"]),
        (&json!(7), &json!("complete"))
    );
    assert_eq!(subscription.next().await, None);
}

#[tokio::test]
async fn who_comes_back_is_told_what_changed_meanwhile() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-11-25").await;
    // Nobody listens yet.
    server.claude.scope.tools_changed();
    let mut listener = server.listen(&session, None).await;
    let priming = listener.next().await.unwrap();
    assert_eq!((&*priming.data, &*priming.retry), ("", "5000"));
    let (stream, zero) = priming.id.split_once('-').unwrap();
    assert_eq!(zero, "0");
    let first = listener.next().await.unwrap();
    drop(listener);
    let mut again = server.listen(&session, Some(&first.id)).await;
    // Whoever loses this connection too goes on from there.
    assert_eq!(again.next().await.unwrap().id, first.id);
    assert!(again.next().now_or_never().is_none());
    server.claude.scope.tools_changed();
    let second = again.next().await.unwrap();
    let ids = [format!("{stream}-1"), format!("{stream}-2")];
    assert_eq!([&first.id, &second.id], [&ids[0], &ids[1]]);
    assert_eq!(first.data, second.data);
    // Of two listeners one is told.
    let mut other = server.listen(&session, None).await;
    server.claude.scope.tools_changed();
    assert_eq!(other.json().await["method"], CHANGED);
    assert!(again.next().now_or_never().is_none());
}

#[tokio::test]
async fn progress_turns_the_reply_into_a_stream_that_ends_with_it() {
    let server = TestServer::open();
    let headers = [
        EVENTS,
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "steps"),
    ];
    let mut call: Value =
        serde_json::from_str(&modern("tools/call", json!({"name": "steps"}))).unwrap();
    call["params"]["_meta"]["progressToken"] = json!("t");
    let call = call.to_string();
    let path = "/claude/mcp";
    let mut stream = server.open_stream("POST", path, &headers, &call).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first.id, "", "nobody can come back to it");
    let first: Value = serde_json::from_str(&first.data).unwrap();
    assert_eq!(progress(&first), 1);
    assert_eq!(first["params"]["message"], "one");
    assert!(stream.next().now_or_never().is_none());
    server.claude.go.notify_one();
    assert_eq!(progress(&stream.json().await), 2);
    assert_done(&stream.json().await);
    assert_eq!(stream.next().await, None);
    // Who reads no events, or asks for no progress, gets one body.
    server.claude.go.notify_one();
    let one_body = server.post(&headers[1..], &call).await;
    assert_done(&one_body.json());
    server.claude.go.notify_one();
    let call = modern("tools/call", json!({"name": "steps"}));
    assert_done(&server.post(&headers, &call).await.json());
}

#[tokio::test]
async fn a_stream_of_a_session_outlives_its_connection() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-06-18").await;
    let headers = [EVENTS, ("mcp-session-id", &*session)];
    let path = "/claude/mcp";
    let mut stream = server.open_stream("POST", path, &headers, &steps()).await;
    let Event { id, data, .. } = stream.next().await.unwrap();
    assert_eq!(progress(&serde_json::from_str(&data).unwrap()), 1);
    drop(stream);
    server.claude.go.notify_one();
    let mut rest = server.listen(&session, Some(&id)).await;
    assert_eq!(progress(&rest.json().await), 2);
    assert_done(&rest.json().await);
    assert_eq!(rest.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_let_go_after_a_while_and_comes_back_for_the_rest() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-11-25").await;
    let headers = [EVENTS, ("mcp-session-id", &*session)];
    let path = "/claude/mcp";
    let mut stream = server.open_stream("POST", path, &headers, &steps()).await;
    let first = stream.next().await.unwrap();
    assert_eq!(
        (&*first.data, &*first.kind, &*first.retry),
        ("", "", "1000")
    );
    assert_eq!(progress(&stream.json().await), 1);
    assert_eq!(stream.next().await, None);
    let mut again = server.listen(&session, Some(&first.id)).await;
    assert_eq!(progress(&again.json().await), 1);
    server.claude.go.notify_one();
    assert_eq!(progress(&again.json().await), 2);
    assert_done(&again.json().await);
    assert_eq!(again.next().await, None);
}

#[tokio::test]
async fn a_client_cancels_its_own_request() {
    let server = TestServer::open();
    let session = server.begin(&[], "2025-06-18").await;
    let named = [("mcp-session-id", &*session)];
    let hang = request("tools/call", &json!({"name": "hang"}));
    let cancel = |id: &str| {
        let params = json!({"requestId": id.parse::<i64>().unwrap(), "reason": "enough"});
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string()
    };
    let other = server.begin(&[], "2025-06-18").await;
    let call = server.post(&named, &hang);
    tokio::pin!(call);
    let cancelled = server.claude.cancelled.notified();
    let cancelling = async {
        server.claude.hanging.notified().await;
        let others = [("mcp-session-id", &*other)];
        assert_eq!(server.post(&others, &cancel("7")).await.status, 202);
        assert_eq!(server.post(&named, &cancel("8")).await.status, 202);
        // A second request of that id could not be told from the first.
        let twice = server.post(&named, &hang).await.json();
        assert_eq!(twice["error"]["code"], -32600);
        assert_eq!(server.post(&named, &cancel("7")).await.status, 202);
        cancelled.await;
    };
    tokio::select! {
        // The fixture's call goes on for ever, cancelled or not.
        _ = &mut call => panic!("it has no reply"),
        () = cancelling => {}
    }
}

#[tokio::test]
async fn the_older_transport_carries_every_reply_on_its_stream() {
    let server = TestServer::open();
    let mut stream = server
        .open_stream("GET", "/claude/sse", &[("accept", "*/*")], "")
        .await;
    let endpoint = stream.next().await.unwrap();
    assert_eq!(endpoint.kind, "endpoint");
    let address = endpoint.data;
    assert!(address.starts_with("/claude/sse?sessionId="), "{address}");
    let post = async |body: &str| {
        let reply = server.send("POST", &address, &[], body).await;
        (reply.status.as_u16(), reply.text)
    };
    let accepted = || (202, "Accepted".to_owned());
    let params = json!({"protocolVersion": "2025-03-26", "capabilities": {}});
    let initialize = request("initialize", &params);
    assert_eq!(post(&initialize).await, accepted());
    let reply = stream.json().await;
    assert_eq!(reply["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(post(&steps()).await, accepted());
    assert_eq!(progress(&stream.json().await), 1);
    let ping = request("ping", &json!({})).replace('7', "8");
    assert_eq!(post(&format!("[{ping}]")).await, accepted());
    assert_eq!(stream.json().await[0]["id"], 8);
    server.claude.go.notify_one();
    assert_eq!(progress(&stream.json().await), 2);
    assert_done(&stream.json().await);

    let (status, text) = post("{").await;
    assert_eq!(status, 400);
    assert!(text.contains("-32700"), "{text}");
    let nobody = server
        .send("POST", "/claude/sse?sessionId=x", &[], &ping)
        .await;
    assert_eq!(nobody.status, 404);

    // With the stream everything of it ends.
    let hang = request("tools/call", &json!({"name": "hang"}));
    server.claude.hanging.notified().await;
    assert_eq!(post(&hang).await, accepted());
    server.claude.hanging.notified().await;
    drop(stream);
    server.claude.cancelled.notified().await;
    assert_eq!(post(&ping).await.0, 404);
}

#[tokio::test]
async fn a_get_that_reads_no_events_is_405() {
    let server = TestServer::open();
    for headers in [
        [("accept", "text/html"), ("x", "y")],
        [EVENTS, ("mcp-protocol-version", "2026-07-28")],
    ] {
        let reply = server.send("GET", "/claude/mcp", &headers, "").await;
        assert_eq!(reply.status, 405, "{headers:?}");
    }
}

#[tokio::test]
async fn streams_of_one_caller_are_limited_and_end_with_the_token() {
    let server = TestServer::guarded().await;
    let ana = ("authorization", &*server.bearer);
    let session = server.begin(&[ana], "2025-06-18").await;
    let headers = [EVENTS, ana, ("mcp-session-id", &*session)];
    let mut streams = Vec::new();
    let refused = loop {
        let get = server.respond("GET", "/claude/mcp", &headers, "").await;
        if get.status() != 200 {
            break get;
        }
        streams.push(get);
        assert!(streams.len() <= 64, "{}", streams.len());
    };
    assert_eq!((refused.status().as_u16(), streams.len()), (429, 64));
    streams.pop();
    let mut last = server.open_stream("GET", "/claude/mcp", &headers, "").await;
    let people = server.people.as_ref().unwrap();
    people.revoke(&server.bearer[7..]).await;
    assert_eq!(last.next().await, None);
}

#[tokio::test]
async fn what_an_address_has_open_ends_when_it_is_denied() {
    let mut server = TestServer::open();
    let mut stays = server
        .open_stream("GET", "/claude/sse", &[EVENTS], "")
        .await;
    let address = stays.next().await.unwrap().data;
    server.peer = [203, 0, 113, 9].into();
    let session = server.begin(&[], "2025-06-18").await;
    let mut listener = server.listen(&session, None).await;
    let headers = [EVENTS, ("mcp-session-id", &*session)];
    let path = "/claude/mcp";
    let mut reply = server.open_stream("POST", path, &headers, &steps()).await;
    let Event { id, data, .. } = reply.next().await.unwrap();
    assert_eq!(progress(&serde_json::from_str(&data).unwrap()), 1);
    server.claude.hanging.notified().await;
    // The reply to this one would go to the other address.
    let hang = request("tools/call", &json!({"name": "hang"}));
    let posted = server.send("POST", &address, &[], &hang).await;
    assert_eq!(posted.status, 202);
    server.claude.hanging.notified().await;
    assert!(listener.next().now_or_never().is_none());
    let call = server.post(&[], &hang);
    let deny = async {
        server.claude.hanging.notified().await;
        server.state.edge().set(EdgeRules {
            deny: vec!["203.0.113.0/24".parse().unwrap()],
            ..EdgeRules::default()
        });
        server.claude.cancelled.notified().await;
    };
    let (cut_off, ()) = futures_util::join!(call, deny);
    assert_eq!(cut_off.status, 403, "{}", cut_off.text);
    assert_eq!(listener.next().await, None);
    assert_eq!(reply.next().await, None);

    server.peer = Ipv4Addr::LOCALHOST.into();
    assert!(stays.next().now_or_never().is_none());
    // What was posted there is no longer under way, or its id could not be used again.
    let ping = request("ping", &json!({}));
    assert_eq!(server.send("POST", &address, &[], &ping).await.status, 202);
    assert_eq!(stays.json().await["id"], 7);
    // Nor is what goes on without its connection.
    let mut rest = server.listen(&session, Some(&id)).await;
    assert_eq!(rest.next().await, None);
}
