//! Resources and prompts, and how often a caller may call.

use serde_json::{Value, json};

use super::{code, modern, request};
use crate::mcp::testing::CALLS_PER_MINUTE;
use crate::principal::Rights;
use crate::server::testing::{Reply, TestServer};

impl TestServer {
    async fn legacy(&self, method: &str, params: &Value) -> Reply {
        let version = [("mcp-protocol-version", "2025-06-18")];
        self.post(&version, &request(method, params)).await
    }

    async fn modern(&self, method: &str, params: &Value) -> Reply {
        let name = ["name", "uri"].iter().find_map(|key| params[key].as_str());
        let mut headers = vec![
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        headers.extend(name.map(|name| ("mcp-name", name)));
        self.post(&headers, &modern(method, params.clone())).await
    }
}

#[tokio::test]
async fn resources_are_listed_page_by_page() {
    let server = TestServer::open();
    let first = server.legacy("resources/list", &json!({})).await.json();
    let first = &first["result"];
    let expected = json!({
        "uri": "db://1", "name": "\"1\"", "description": "The first", "mimeType": "text/plain",
    });
    assert_eq!(first["resources"][0], expected);
    assert_eq!(first["resources"][1].get("description"), None);
    assert_eq!(first["resources"].as_array().unwrap().len(), 500);
    let next = json!({"cursor": first["nextCursor"]});
    let second = server.legacy("resources/list", &next).await.json();
    let second = &second["result"];
    assert_eq!(second["resources"].as_array().unwrap().len(), 2);
    let extra = json!({"uri": "extra://1", "name": "extra", "title": "Extra", "size": 3});
    assert_eq!(second["resources"][1], extra);
    assert_eq!(second.get("nextCursor"), None);
    for cursor in [
        json!("x"),
        json!("-1"),
        json!("502"),
        json!("999999"),
        json!(5),
    ] {
        let reply = server
            .legacy("resources/list", &json!({"cursor": cursor}))
            .await;
        assert_eq!(code(&reply), -32602, "{cursor}");
    }
    let modern = server.modern("resources/list", &json!({})).await.json();
    assert_eq!(modern["result"]["cacheScope"], "private");
    assert_eq!(modern["result"]["resultType"], "complete");
    let templates = server.modern("resources/templates/list", &json!({})).await;
    let templates = &templates.json()["result"]["resourceTemplates"];
    assert_eq!(templates[0]["uriTemplate"], "db://{number}");
}

#[tokio::test]
async fn a_resource_is_read_and_one_that_is_not_there_is_named() {
    let server = TestServer::open();
    let reply = server
        .legacy("resources/read", &json!({"uri": "db://1"}))
        .await;
    let contents = json!([{"uri": "db://1", "mimeType": "text/plain", "text": "one \"1\""}]);
    assert_eq!(reply.json()["result"]["contents"], contents);
    let extra = json!({"uri": "extra://1"});
    let extra = server.legacy("resources/read", &extra).await.json();
    let contents = json!([{"uri": "extra://1", "blob": "+/8A"}]);
    assert_eq!(extra["result"]["contents"], contents);
    let missing = json!({"uri": "db://2"});
    for (reply, expected) in [
        (server.legacy("resources/read", &missing).await, -32002),
        (server.modern("resources/read", &missing).await, -32602),
    ] {
        assert_eq!((reply.status.as_u16(), code(&reply)), (200, expected));
        assert_eq!(reply.json()["error"]["data"], missing);
    }
    let down = server
        .legacy("resources/read", &json!({"uri": "db://0"}))
        .await;
    let error = &down.json()["error"];
    assert_eq!(error["code"], -32603);
    assert_eq!(error["message"], "The database is down.");
    assert_eq!(
        code(&server.legacy("resources/read", &json!({})).await),
        -32602
    );
}

#[tokio::test]
async fn a_prompt_is_filled_in_with_its_arguments() {
    let server = TestServer::open();
    let listed = server.legacy("prompts/list", &json!({})).await.json();
    let listed = &listed["result"]["prompts"];
    assert_eq!(listed[1]["name"], "answer_question");
    assert_eq!(listed[1]["arguments"][0]["required"], true);
    let tone = json!({"name": "tone", "title": "Tone", "required": true});
    let greet = json!({"name": "greet", "title": "Greet", "arguments": [tone]});
    assert_eq!(listed[2], greet);
    let get = |arguments: Value| json!({"name": "answer_question", "arguments": arguments});
    let good = get(json!({"question": "How many \"orders\"?"}));
    for reply in [
        server.legacy("prompts/get", &good).await,
        server.modern("prompts/get", &good).await,
    ] {
        let message = &reply.json()["result"]["messages"][0];
        assert_eq!(message["role"], "user");
        let text = message["content"]["text"].as_str().unwrap();
        assert!(text.contains("How many \"orders\"?\n\nFind"), "{text}");
    }
    for bad in [
        get(json!({})),
        get(json!({"question": " "})),
        get(json!({"question": 5})),
        json!({"name": "nobody"}),
        json!({}),
    ] {
        let reply = server.legacy("prompts/get", &bad).await;
        assert_eq!(code(&reply), -32602, "{bad}");
    }
    let simple = server
        .legacy("prompts/get", &json!({"name": "explore_database"}))
        .await;
    assert_eq!(code(&simple), 0);
    let page = server.legacy("prompts/list", &json!({"cursor": "2"})).await;
    assert_eq!(code(&page), -32602);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_go_on() {
    let server = TestServer::guarded().await;
    let ana = ("authorization", &*server.bearer);
    let call = request("tools/call", &json!({"name": "echo"}));
    for _ in 0..CALLS_PER_MINUTE {
        assert_eq!(server.post(&[ana], &call).await.status, 200);
    }
    let refused = server.post(&[ana], &call).await;
    assert_eq!((refused.status.as_u16(), code(&refused)), (429, 429));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!(
        (1..=60 / u64::from(CALLS_PER_MINUTE) + 1).contains(&wait),
        "{wait}"
    );
    // What costs nothing goes on, and so does everybody else.
    let list = request("tools/list", &json!({}));
    assert_eq!(server.post(&[ana], &list).await.status, 200);
    let people = server.people.as_ref().unwrap();
    let bob = format!(
        "Bearer {}",
        people.token("claude", "bob", Rights::READ).await
    );
    let bob = ("authorization", &*bob);
    assert_eq!(server.post(&[bob], &call).await.status, 200);
    // A batch has no status of its own for each.
    let batch = server.post(&[ana], &format!("[{call}]")).await;
    assert_eq!(batch.json()[0]["error"]["code"], 429);
}

#[tokio::test]
async fn one_caller_has_so_many_calls_under_way_and_others_go_on() {
    let server = TestServer::guarded().await;
    let ana = ("authorization", &*server.bearer);
    let hang = request("tools/call", &json!({"name": "hang"}));
    let mut calls: Vec<_> = (0..16)
        .map(|_| Box::pin(server.post(std::slice::from_ref(&ana), &hang)))
        .collect();
    for call in &mut calls {
        assert!(futures_util::poll!(call).is_pending());
    }
    let echo = request("tools/call", &json!({"name": "echo"}));
    let refused = server.post(&[ana], &echo).await;
    assert_eq!((refused.status.as_u16(), code(&refused)), (429, 429));
    assert_eq!(refused.header("retry-after"), "2");
    let people = server.people.as_ref().unwrap();
    let bob = format!(
        "Bearer {}",
        people.token("claude", "bob", Rights::READ).await
    );
    let bob = [("authorization", &*bob)];
    assert_eq!(server.post(&bob, &echo).await.status, 200);
    calls.pop();
    assert_eq!(server.post(&[ana], &echo).await.status, 200);
}

#[tokio::test]
async fn tools_say_what_they_ask_of_their_callers_where_they_ask() {
    let server = TestServer::guarded().await;
    let version = ("mcp-protocol-version", "2025-06-18");
    let list = request("tools/list", &json!({}));
    let reply = server
        .post(&[version, ("authorization", &*server.bearer)], &list)
        .await;
    let echo = reply.json()["result"]["tools"][0].clone();
    let schemes = json!([{"type": "oauth2", "scopes": ["mcp:read"]}]);
    assert_eq!(echo["securitySchemes"], schemes);
    let meta = json!({"example.com/set": "fake", "securitySchemes": schemes});
    assert_eq!(echo["_meta"], meta);
    let open = TestServer::open().post(&[version], &list).await.json();
    assert_eq!(open["result"]["tools"][0].get("securitySchemes"), None);
}
