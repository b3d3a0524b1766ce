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
            Ok(Ok((200, Some(message)))) => read(&message),
            // No error is that long.
            Ok(Ok((200, None))) => ("ok".to_owned(), String::new()),
            Ok(Ok((status, body))) => {
                (format!("http {status}"), excerpt(&body.unwrap_or_default()))
            }
        };
        Ended {
            how,
            text,
            took: started.elapsed(),
        }
    }

    /// Status and message, which is the last of a stream; none where it is too long to
    /// keep: this process is measured, client and all.
    async fn post(&self, tool: &str, arguments: &Value) -> reqwest::Result<(u16, Option<String>)> {
        let params = json!({
            "name": tool,
            "arguments": arguments,
            "_meta": {"progressToken": 1},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let request = self.http.post(&self.url).json(&body);
        let request = request.header(ACCEPT, "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2025-06-18");
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        let mut lines = Lines::default();
        while let Some(chunk) = response.chunk().await? {
            lines.push(&chunk);
        }
        Ok((status, lines.message()))
    }
}

impl Ended {
    pub(super) fn is_ok(&self) -> bool {
        self.how == "ok"
    }
}

/// The line of a body that is being read, and the last one with a message.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    message: Vec<u8>,
    /// Bytes of the line, kept or not.
    length: usize,
}

impl Lines {
    fn push(&mut self, chunk: &[u8]) {
        for part in chunk.split_inclusive(|&byte| byte == b'\n') {
            self.length += part.len();
            if self.length <= KEPT {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        if self.length > KEPT {
            self.message.clear();
        } else if self.line.starts_with(b"data:") || self.line.starts_with(b"{") {
            std::mem::swap(&mut self.message, &mut self.line);
        }
        self.line.clear();
        self.length = 0;
    }

    fn message(mut self) -> Option<String> {
        self.end();
        let message = String::from_utf8_lossy(&self.message);
        let message = message.strip_prefix("data:").unwrap_or(&message);
        (!message.is_empty()).then(|| message.to_owned())
    }
}

/// A JSON-RPC response.
fn read(message: &str) -> (String, String) {
    let Ok(reply) = serde_json::from_str::<Value>(message) else {
        return (NO_ANSWER.to_owned(), excerpt(message));
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

/// Bytes of a message: errors are shorter, and results are not looked at.
const KEPT: usize = 64 << 10;
/// Enough for a sentence, and for the bait.
const TEXT_CHARS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(chunks: &[&str]) -> Option<String> {
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.push(chunk.as_bytes());
        }
        lines.message()
    }

    #[test]
    fn the_last_message_of_a_body_is_the_reply() {
        assert_eq!(message(&["{\"a\"", ":1}"]).as_deref(), Some("{\"a\":1}"));
        let events = ["id: 1\ndata: {\"n\":1}\n\nda", "ta: {\"n\":2}\n\n"];
        assert_eq!(message(&events).unwrap().trim(), "{\"n\":2}");
        assert_eq!(message(&["{", &"x".repeat(KEPT), "}"]), None);
        assert_eq!(message(&[]), None);
    }

    #[test]
    fn an_end_is_a_word_and_a_text() {
        let failed = r#"{"result":{"isError":true,"content":[{"text":"{\"code\":\"busy\",\"error\":\"Later.\"}"}]}}"#;
        assert_eq!(read(failed), ("busy".to_owned(), "Later.".to_owned()));
        let good = r#"{"result":{"isError":false,"content":[{"text":"echo"}]}}"#;
        assert_eq!(read(good), ("ok".to_owned(), "echo".to_owned()));
        let wrong = r#"{"error":{"code":-32602,"message":"What?"}}"#;
        assert_eq!(read(wrong), ("rpc -32602".to_owned(), "What?".to_owned()));
        assert_eq!(read("").0, NO_ANSWER);
    }
}
