//! A client of one scope: one POST a call, and how it ended in a word.

use std::time::{Duration, Instant};

use reqwest::header::ACCEPT;
use serde_json::{Value, json};

/// A client of one scope's endpoint. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    /// `ok`, the code of a failed call, `rpc` with the number of a protocol error,
    /// `http` with the status of a refusal, or [`NO_ANSWER`].
    pub(super) how: String,
    /// The text of the result or of the error, shortened.
    pub(super) text: String,
    pub(super) took: Duration,
}

/// Nothing came in time.
pub(super) const NO_ANSWER: &str = "no answer";

impl Client {
    pub(super) fn new(url: String) -> reqwest::Result<Self> {
        // Nothing here is https; the client wants to know all the same.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, url })
    }

    /// Calls a tool, and leaves after `patience`.
    pub(super) async fn call(&self, tool: &str, arguments: &Value, patience: Duration) -> Ended {
        let started = Instant::now();
        let answered = tokio::time::timeout(patience, self.post(tool, arguments)).await;
        let (how, text) = match answered {
            Err(_) => (
                NO_ANSWER.to_owned(),
                format!("nothing within {patience:.0?}"),
            ),
            Ok(Err(error)) => (NO_ANSWER.to_owned(), error.to_string()),
            Ok(Ok((200, body))) => read(&body),
            Ok(Ok((status, body))) => (format!("http {status}"), excerpt(&body)),
        };
        Ended {
            how,
            text,
            took: started.elapsed(),
        }
    }

    async fn post(&self, tool: &str, arguments: &Value) -> reqwest::Result<(u16, String)> {
        let params = json!({
            "name": tool,
            "arguments": arguments,
            "_meta": {"progressToken": 1},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let request = self.http.post(&self.url).json(&body);
        let request = request.header(ACCEPT, "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2025-06-18");
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }
}

impl Ended {
    pub(super) fn is_ok(&self) -> bool {
        self.how == "ok"
    }
}

/// A JSON-RPC response, alone or as the last event of a stream.
fn read(body: &str) -> (String, String) {
    let last = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let message = last.last().unwrap_or(body);
    let Ok(reply) = serde_json::from_str::<Value>(message) else {
        return (NO_ANSWER.to_owned(), excerpt(body));
    };
    if let Some(error) = reply.get("error") {
        let code = error
            .get("code")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let message = error.get("message").and_then(Value::as_str);
        return (format!("rpc {code}"), excerpt(message.unwrap_or_default()));
    }
    let text = reply.pointer("/result/content/0/text");
    let text = text.and_then(Value::as_str).unwrap_or_default();
    if reply.pointer("/result/isError") != Some(&Value::Bool(true)) {
        return ("ok".to_owned(), excerpt(text));
    }
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let said = |member| error.get(member).and_then(Value::as_str);
    (
        said("code").unwrap_or("error").to_owned(),
        excerpt(said("error").unwrap_or_default()),
    )
}

fn excerpt(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

/// Enough for a sentence, and for the bait.
const TEXT_CHARS: usize = 2_000;
