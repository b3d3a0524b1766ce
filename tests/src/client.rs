//! An MCP client as plain as can be: one POST, one JSON reply.

use std::time::Duration;

use serde_json::{Value, json};

/// A client of one endpoint.
#[derive(Clone)]
pub struct McpClient {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// The result of a `tools/call`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The whole `CallToolResult`.
    pub result: Value,
}

impl McpClient {
    /// A client of the endpoint at `url`.
    pub fn new(url: String, token: Option<String>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(120))
            .build()
            .expect("a client");
        Self { http, url, token }
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that it shows.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends `body` as it is; gives status and JSON body.
    pub async fn post(&self, body: &Value) -> (u16, Value) {
        let mut request = self.http.post(&self.url).json(body);
        request = request.header("Accept", "application/json, text/event-stream");
        request = request.header("MCP-Protocol-Version", "2025-06-18");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a whole body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// One request; the result or panics with the error.
    pub async fn request(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (status, reply) = self.post(&body).await;
        assert_eq!(status, 200, "{method}: {reply}");
        reply
            .get("result")
            .cloned()
            .unwrap_or_else(|| panic!("{method}: {reply}"))
    }

    /// Names of the tools, in the order of the list.
    pub async fn tools(&self) -> Vec<String> {
        let result = self.request("tools/list", json!({})).await;
        let tools = result["tools"].as_array().expect("tools").iter();
        tools
            .map(|tool| tool["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        let params = json!({"name": tool, "arguments": arguments});
        Reply {
            result: self.request("tools/call", params).await,
        }
    }

    /// Calls a tool and counts the bytes of the reply without keeping them.
    pub async fn discard(&self, tool: &str, arguments: Value) -> usize {
        let params = json!({"name": tool, "arguments": arguments});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let mut response = self
            .http
            .post(&self.url)
            .json(&body)
            .send()
            .await
            .expect("the server answers");
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.expect("a chunk") {
            bytes += chunk.len();
        }
        bytes
    }

    /// Calls `execute_sql`.
    pub async fn sql(&self, query: &str) -> Reply {
        self.call("execute_sql", json!({"query": query})).await
    }
}

impl Reply {
    /// `structuredContent` of a call that succeeded and said the same twice.
    pub fn structured(&self) -> &Value {
        assert_ne!(self.result["isError"], json!(true), "{}", self.result);
        let structured = &self.result["structuredContent"];
        let text: Value = serde_json::from_str(self.text()).expect("the text is JSON");
        assert_eq!(&text, structured, "text and structuredContent differ");
        structured
    }

    /// The text of the only content item.
    pub fn text(&self) -> &str {
        let content = self.result["content"].as_array().expect("content");
        assert_eq!(content.len(), 1, "{}", self.result);
        content[0]["text"].as_str().expect("a text item")
    }

    /// The error object of a call that failed.
    pub fn error(&self) -> Value {
        assert_eq!(self.result["isError"], json!(true), "{}", self.result);
        assert_eq!(
            self.result.get("structuredContent"),
            None,
            "{}",
            self.result
        );
        serde_json::from_str(self.text()).expect("an error is a JSON object")
    }

    /// Its code.
    pub fn code(&self) -> String {
        self.error()["code"].as_str().expect("a code").to_owned()
    }
}
