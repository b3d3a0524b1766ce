//! Calls that ask the client something, in every era.

use serde_json::{Value, json};

use super::{code, request};
use crate::principal::Rights;
use crate::server::testing::{Events, Reply, TestServer};

const EVENTS: (&str, &str) = ("accept", "application/json, text/event-stream");

impl TestServer {
    /// A modern call of a client with those capabilities.
    async fn call_asking(
        &self,
        headers: &[(&str, &str)],
        capabilities: &Value,
        method: &str,
        mut params: Value,
    ) -> Reply {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let name = params["name"].as_str().unwrap().to_owned();
        let mut all = headers.to_vec();
        all.extend([
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", &name),
        ]);
        self.post(&all, &request(method, &params)).await
    }

    /// The same of `params` whose arguments are spelled so.
    async fn call_spelled(&self, capabilities: &Value, mut params: Value, so: &str) -> Reply {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let headers = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "ask"),
        ];
        let body = request("tools/call", &params).replace("\"ARGUMENTS\"", so);
        self.post(&headers, &body).await
    }

    /// A session of a client with those capabilities; its id.
    async fn begin_asking(&self, capabilities: &Value) -> String {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
        let reply = self.post(&[], &request("initialize", &params)).await;
        reply.header("mcp-session-id").to_owned()
    }

    /// Calls `ask` in that session.
    async fn ask_in(&self, session: &str) -> Events {
        let headers = [EVENTS, ("mcp-session-id", session)];
        let call = request("tools/call", &json!({"name": "ask"}));
        self.open_stream("POST", "/claude/mcp", &headers, &call)
            .await
    }

    /// Posts the answer to a request of the server's.
    async fn answer(&self, session: &str, request: &Value, outcome: Value) {
        let mut response = outcome;
        response["jsonrpc"] = "2.0".into();
        response["id"] = request["id"].clone();
        let named = [("mcp-session-id", session)];
        let reply = self.post(&named, &response.to_string()).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    }
}

fn ask() -> Value {
    json!({"name": "ask", "arguments": {"a": 1, "b": 2}})
}

fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{message}"))
}

#[tokio::test]
async fn a_modern_call_is_answered_with_what_it_wants_to_know() {
    let server = TestServer::open();
    let able = json!({"elicitation": {}, "roots": {}});
    let asked = server.call_asking(&[], &able, "tools/call", ask()).await;
    let asked = &asked.json()["result"];
    assert_eq!(asked["resultType"], "input_required");
    let form = json!({"method": "elicitation/create",
        "params": {"message": "Who?", "requestedSchema": {"type": "object"}}});
    let roots = json!({"method": "roots/list", "params": {}});
    assert_eq!(
        asked["inputRequests"],
        json!({"name": form, "roots": roots})
    );
    let server_info = &asked["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(server_info["name"], "mssql-mcp");
    assert_eq!(asked.get("ttlMs"), None);
    let state = &asked["requestState"];
    assert!(!state.as_str().unwrap().contains("step"));

    let answers = json!({"name": {"action": "accept", "content": {"name": "Ana"}}, "other": {}});
    let mut again = ask();
    again["inputResponses"] = answers.clone();
    again["requestState"] = state.clone();
    // However it is spelled: `json!` would sort them.
    again["arguments"] = json!("ARGUMENTS");
    let done = server
        .call_spelled(&able, again, r#"{ "b":2, "a":1 }"#)
        .await;
    assert_eq!(done.json()["result"]["resultType"], "complete");
    let said = text(&done.json()).to_owned();
    let said = said.strip_suffix(" step 1").unwrap();
    assert_eq!(serde_json::from_str::<Value>(said).unwrap(), answers);
}

#[tokio::test]
async fn what_a_modern_client_cannot_be_asked_is_an_error_that_says_so() {
    let server = TestServer::open();
    for capabilities in [
        json!({}),
        json!({"sampling": {}}),
        json!({"elicitation": {"url": {}}}),
    ] {
        let refused = server
            .call_asking(&[], &capabilities, "tools/call", ask())
            .await;
        assert_eq!(refused.status, 400);
        assert_eq!(code(&refused), -32021);
        let data = &refused.json()["error"]["data"];
        let form = json!({"elicitation": {"form": {}}});
        assert_eq!(data["requiredCapabilities"], form);
    }
}

#[tokio::test]
async fn a_state_is_good_for_its_call_and_its_caller_alone() {
    let server = TestServer::guarded().await;
    let ana = ("authorization", &*server.bearer.clone());
    let people = server.people.as_ref().unwrap();
    let bob = people.token("claude", "bob", Rights::READ).await;
    people.oauth.watch(people.watching.clone()).await;
    let bob = format!("Bearer {bob}");
    let able = json!({"elicitation": {}});
    let asked = server.call_asking(&[ana], &able, "tools/call", ask()).await;
    let state = asked.json()["result"]["requestState"].clone();
    let own = json!({"name": "ask", "arguments": {"a": 1, "b": 2}, "requestState": state,
                     "inputResponses": {"name": {"action": "decline"}}});
    let good = server
        .call_asking(&[ana], &able, "tools/call", own.clone())
        .await;
    assert!(text(&good.json()).ends_with("step 1"));

    let others = [("authorization", &*bob)];
    let others = server
        .call_asking(&others, &able, "tools/call", own.clone())
        .await;
    assert_eq!(code(&others), -32602);
    for change in [
        json!({"arguments": {"a": 1}}),
        json!({"requestState": format!("{}-TAMPERED", state.as_str().unwrap())}),
        json!({"requestState": 7}),
        json!({"inputResponses": {"name": 12345}}),
        json!({"inputResponses": []}),
        json!({"arguments": {"a": 1, "b": 3}}),
    ] {
        let mut changed = own.clone();
        for (member, value) in change.as_object().unwrap() {
            changed[member] = value.clone();
        }
        let refused = server
            .call_asking(&[ana], &able, "tools/call", changed)
            .await;
        assert_eq!(
            (refused.status.as_u16(), code(&refused)),
            (200, -32602),
            "{change}"
        );
    }
    let prompt = json!({"name": "greet", "arguments": {"tone": "warm"}, "requestState": state});
    let refused = server
        .call_asking(&[ana], &able, "prompts/get", prompt)
        .await;
    assert_eq!(code(&refused), -32602);
}

#[tokio::test]
async fn a_prompt_can_ask_too() {
    let server = TestServer::open();
    let able = json!({"elicitation": {}});
    let prompt = json!({"name": "greet", "arguments": {"tone": "warm", "other": "x"}});
    let asked = server
        .call_asking(&[], &able, "prompts/get", prompt.clone())
        .await;
    assert_eq!(asked.json()["result"]["resultType"], "input_required");
    let mut again = prompt;
    again["inputResponses"] = json!({"name": {"action": "cancel"}});
    again["requestState"] = asked.json()["result"]["requestState"].clone();
    let done = server
        .call_asking(&[], &able, "prompts/get", again)
        .await
        .json();
    let message = &done["result"]["messages"][0];
    assert_eq!(message["role"], "assistant");
    let said = message["content"]["text"].as_str().unwrap();
    assert_eq!(said, r#"[("tone", "warm")] {"name":{"action":"cancel"}}"#);
    let lacking = json!({"name": "greet"});
    let lacking = server.call_asking(&[], &able, "prompts/get", lacking).await;
    assert_eq!(code(&lacking), -32602);
    assert!(
        lacking.text.contains("\\\"tone\\\" is missing"),
        "{}",
        lacking.text
    );
}

#[tokio::test]
async fn the_client_of_a_session_is_asked_on_the_stream_of_its_call() {
    let server = TestServer::open();
    let session = server
        .begin_asking(&json!({"elicitation": {}, "roots": {}}))
        .await;
    let mut call = server.ask_in(&session).await;
    let form = call.json().await;
    assert_eq!(form["method"], "elicitation/create");
    assert_eq!(form["params"]["message"], "Who?");
    let accepted = json!({"action": "accept", "content": {"name": "Ana"}});
    server
        .answer(&session, &form, json!({"result": accepted}))
        .await;
    let roots = call.json().await;
    assert_eq!(roots["method"], "roots/list");
    assert_ne!(roots["id"], form["id"]);
    // What is answered twice, or was never asked, does nothing.
    server.answer(&session, &form, json!({"result": {}})).await;
    server
        .answer(&session, &json!({"id": "x"}), json!({"result": {}}))
        .await;
    server
        .answer(&session, &roots, json!({"result": {"roots": []}}))
        .await;
    let done = call.json().await;
    assert_eq!(
        text(&done),
        r#"{"name":{"action":"accept","content":{"name":"Ana"}},"roots":{"roots":[]}} step 1"#
    );
    assert_eq!(done["id"], 7);
    assert_eq!(call.next().await, None);
}

#[tokio::test]
async fn a_question_that_is_not_answered_is_the_end_of_its_call() {
    let server = TestServer::open();
    let session = server.begin_asking(&json!({"elicitation": {}})).await;
    for (outcome, said) in [
        (
            json!({"error": {"code": -1, "message": "Not now"}}),
            "(Not now)",
        ),
        (json!({"error": 7}), "(no reason given)"),
        (json!({"result": 7}), "not an object"),
    ] {
        let mut call = server.ask_in(&session).await;
        let form = call.json().await;
        server.answer(&session, &form, outcome).await;
        let done = call.json().await;
        assert_eq!(done["result"]["isError"], true);
        assert!(text(&done).contains(said), "{done}");
    }
    let mut call = server.ask_in(&session).await;
    let form = call.json().await;
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    server
        .post(&[("mcp-session-id", &session)], &cancel.to_string())
        .await;
    // The form need not be shown any longer.
    let withdrawn = call.json().await;
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], form["id"]);
    let done = call.json().await;
    assert!(text(&done).contains("cancelled"), "{done}");
}

#[tokio::test]
async fn a_client_that_cannot_be_asked_is_told_what_it_lacks() {
    let server = TestServer::open();
    let able = server.begin_asking(&json!({"elicitation": {}})).await;
    let unable = server.begin_asking(&json!({})).await;
    let call = request("tools/call", &json!({"name": "ask"}));
    for headers in [
        // It cannot; it reads no events; it has no session to answer in.
        vec![EVENTS, ("mcp-session-id", &*unable)],
        vec![("accept", "application/json"), ("mcp-session-id", &*able)],
        vec![EVENTS],
    ] {
        let reply = server.post(&headers, &call).await;
        assert_eq!(reply.header("content-type"), "application/json");
        let reply = reply.json();
        assert_eq!(reply["result"]["isError"], true, "{reply}");
        assert!(text(&reply).contains("\"unsupported\""), "{reply}");
    }
}

#[tokio::test]
async fn the_client_of_the_older_transport_is_asked_on_its_stream() {
    let server = TestServer::open();
    let mut stream = server
        .open_stream("GET", "/claude/sse", &[("accept", "text/event-stream")], "")
        .await;
    let address = stream.next().await.unwrap().data;
    let post = async |body: String| {
        let reply = server.send("POST", &address, &[], &body).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    };
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}});
    post(request("initialize", &params)).await;
    stream.json().await;
    post(request("tools/call", &json!({"name": "ask"}))).await;
    let form = stream.json().await;
    assert_eq!(form["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": form["id"], "result": {"action": "decline"}});
    post(answer.to_string()).await;
    let done = stream.json().await;
    assert_eq!(text(&done), r#"{"name":{"action":"decline"}} step 1"#);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_an_answer() {
    let server = TestServer::open();
    let session = server.begin_asking(&json!({"elicitation": {}})).await;
    let mut call = server.ask_in(&session).await;
    let form = call.json().await;
    // The client is let go now and then, and comes back.
    let withdrawn = loop {
        match call.next().await {
            Some(event) if event.data.is_empty() => {}
            Some(event) => break serde_json::from_str::<Value>(&event.data).unwrap(),
            None => {
                let last = call.last_id().to_owned();
                let headers = [
                    EVENTS,
                    ("mcp-session-id", &*session),
                    ("last-event-id", &last),
                ];
                call = server.open_stream("GET", "/claude/mcp", &headers, "").await;
            }
        }
    };
    assert_eq!(withdrawn["params"]["requestId"], form["id"]);
    let done = call.json().await;
    assert!(text(&done).contains("nobody answered"), "{done}");
}

#[tokio::test]
async fn a_tool_that_keeps_asking_is_stopped() {
    let server = TestServer::open();
    let session = server.begin_asking(&json!({"elicitation": {}})).await;
    let mut call = server.ask_in(&session).await;
    for _ in 0..8 {
        let form = call.json().await;
        let again = json!({"result": {"action": "accept", "content": {"again": true}}});
        server.answer(&session, &form, again).await;
    }
    let done = call.json().await;
    assert!(text(&done).contains("8 rounds"), "{done}");
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_answer() {
    let server = TestServer::open();
    let session = server.begin_asking(&json!({"elicitation": {}})).await;
    let mut call = server.ask_in(&session).await;
    call.json().await;
    server.claude.scope.close();
    assert_eq!(call.json().await["method"], "notifications/cancelled");
    let done = call.json().await;
    assert!(text(&done).contains("about to stop"), "{done}");
}

#[tokio::test]
async fn who_comes_back_for_a_reply_that_is_lost_is_told() {
    let server = TestServer::open();
    let session = server.begin_asking(&json!({"elicitation": {}})).await;
    let mut call = server.ask_in(&session).await;
    call.json().await;
    let (_, rest) = call.last_id().split_once('-').unwrap();
    let elsewhere = format!("1-{rest}");
    let headers = [
        EVENTS,
        ("mcp-session-id", &*session),
        ("last-event-id", &elsewhere),
    ];
    let mut back = server.open_stream("GET", "/claude/mcp", &headers, "").await;
    let lost = back.json().await;
    assert_eq!(
        (&lost["id"], &lost["error"]["code"]),
        (&json!(7), &json!(-32603))
    );
    assert_eq!(back.next().await, None);
}
