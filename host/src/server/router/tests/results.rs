//! What tools and their results look like in each revision.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{modern, request};
use crate::mcp::testing::one_tool;
use crate::server::testing::{Reply, TestServer};

const REVISIONS: [&str; 5] = [
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    "2025-11-25",
    "2026-07-28",
];

async fn ask(server: &TestServer, version: &str, method: &str, params: Value) -> Reply {
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let headers = [
        ("mcp-protocol-version", version),
        ("mcp-method", method),
        ("mcp-name", name.as_str()),
    ];
    let body = if version == "2026-07-28" {
        modern(method, params)
    } else {
        request(method, &params)
    };
    server.post(&headers, &body).await
}

#[tokio::test]
async fn tools_have_the_members_that_the_revision_knows() {
    let server = TestServer::open();
    for version in REVISIONS {
        let reply = ask(&server, version, "tools/list", json!({})).await.json();
        let tools = reply["result"]["tools"].as_array().unwrap();
        let names: Vec<&str> = tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["echo", "list", "fail", "media", "hang", "steps", "ask"],
            "{version}"
        );
        let mut expected =
            json!({"name": "echo", "description": "Does echo.", "inputSchema": {"type": "object"}});
        let hints = json!({
            "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
        });
        if version >= "2025-03-26" {
            expected["annotations"] = hints;
        }
        if version == "2025-03-26" {
            expected["annotations"]["title"] = json!("The echo");
        }
        if version >= "2025-06-18" {
            expected["title"] = json!("The echo");
            expected["outputSchema"] = json!({"type": "object"});
            expected["_meta"] = json!({"example.com/set": "fake"});
        }
        assert_eq!(tools[0], expected, "{version}");
        // Only modern results may be something else than objects.
        assert_eq!(
            tools[1].get("outputSchema").is_some(),
            version == "2026-07-28",
            "{version}"
        );
        let caching = (&reply["result"]["ttlMs"], &reply["result"]["cacheScope"]);
        if version == "2026-07-28" {
            assert_eq!(caching, (&json!(30000), &json!("private")));
            assert_eq!(reply["result"]["resultType"], "complete");
        } else {
            assert_eq!(caching, (&Value::Null, &Value::Null));
        }
    }
}

#[tokio::test]
async fn a_new_registry_is_listed_at_once() {
    let server = TestServer::open();
    ask(&server, "2025-06-18", "tools/list", json!({})).await;
    server.claude.tools.store(Arc::new(one_tool("fresh")));
    let reply = ask(&server, "2025-06-18", "tools/list", json!({}))
        .await
        .json();
    assert_eq!(reply["result"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(reply["result"]["tools"][0]["name"], "fresh");
}

#[tokio::test]
async fn structured_results_are_also_text_and_for_old_revisions_only_text() {
    let server = TestServer::open();
    let arguments = json!({"a": "quote \" and \\ and ü"});
    for version in REVISIONS {
        let reply = ask(
            &server,
            version,
            "tools/call",
            json!({"name": "echo", "arguments": arguments}),
        )
        .await
        .json();
        let result = &reply["result"];
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(text).unwrap(),
            arguments,
            "{version}"
        );
        assert_eq!(result["content"].as_array().unwrap().len(), 1);
        assert_eq!(result["isError"], false);
        let structured = if version >= "2025-06-18" {
            Some(&arguments)
        } else {
            None
        };
        assert_eq!(result.get("structuredContent"), structured, "{version}");
        assert_eq!(result["_meta"]["example.com/took"], 3);
        let modern = version == "2026-07-28";
        assert_eq!(result.get("resultType").is_some(), modern);
        assert_eq!(
            result["_meta"]
                .get("io.modelcontextprotocol/serverInfo")
                .is_some(),
            modern
        );

        let reply = ask(&server, version, "tools/call", json!({"name": "list"}))
            .await
            .json();
        assert_eq!(reply["result"]["content"][0]["text"], "[1,\n2]");
        assert_eq!(
            reply["result"].get("structuredContent").is_some(),
            modern,
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_failed_tool_is_a_result_with_one_json_text() {
    let server = TestServer::open();
    for version in REVISIONS {
        let reply = ask(&server, version, "tools/call", json!({"name": "fail"})).await;
        assert_eq!(reply.status, 200);
        let result = &reply.json()["result"];
        assert_eq!(result["isError"], true);
        assert_eq!(result.get("structuredContent"), None);
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(
            text,
            json!({"error": "There is no table \"X\".", "code": "unknown-table", "hint": "Call list_tables."})
        );
    }
}

#[tokio::test]
async fn content_that_a_revision_lacks_becomes_text() {
    let server = TestServer::open();
    let image = json!({"type": "image", "mimeType": "image/png", "data": "+/8="});
    let audio = json!({"type": "audio", "mimeType": "audio/wav", "data": "+/8="});
    let link = json!({"type": "resource_link", "uri": "db://t", "name": "t"});
    let text = |text: &str| json!({"type": "text", "text": text});
    for version in REVISIONS {
        let reply = ask(&server, version, "tools/call", json!({"name": "media"}))
            .await
            .json();
        let expected = json!([
            text("a \"b\""),
            image,
            if version >= "2025-03-26" {
                audio.clone()
            } else {
                text("[2 bytes of audio/wav]")
            },
            if version >= "2025-06-18" {
                link.clone()
            } else {
                text("t: db://t")
            },
            text("raw"),
        ]);
        assert_eq!(reply["result"]["content"], expected, "{version}");
    }
}
