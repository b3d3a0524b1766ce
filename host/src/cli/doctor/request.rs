//! Requests as a client makes them: redirects are looked at, not followed.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::Value;
use url::Url;

use crate::oauth::{client_tls, native_roots};

/// Asks the server under examination.
#[derive(Debug)]
pub(super) struct Asker {
    http: Client,
    /// The MCP endpoint, as typed.
    pub(super) typed: String,
    /// The same, read.
    pub(super) url: Url,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The body, where it was JSON.
    pub(super) json: Option<Value>,
}

/// The server cannot be reached at all. Exit code 69.
pub(super) fn unreachable(error: &reqwest::Error) -> std::io::Error {
    let cause = std::error::Error::source(error).map_or_else(String::new, |e| format!(": {e}"));
    std::io::Error::other(format!("the server does not answer: {error}{cause}"))
}

impl Asker {
    /// For the endpoint at `typed`; the error is a sentence.
    pub(super) fn new(typed: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{typed}\" is not the address of an MCP endpoint; write it as in the client, \
                 such as https://data.example.com/claude/mcp"
            )
        };
        let url = Url::parse(typed).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(BUDGET)
            .user_agent("Claude-User (mssql-mcp doctor)")
            .use_preconfigured_tls(client_tls(native_roots()).map_err(|error| error.to_string())?)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            typed: typed.to_owned(),
            url,
        })
    }

    /// Address of `path` at the server's root.
    pub(super) fn at_root(&self, path: &str) -> String {
        format!("{}{path}", self.url.origin().ascii_serialization())
    }

    /// The first request of a client: no token, any `Accept`.
    pub(super) async fn first_contact(&self) -> std::io::Result<Answer> {
        let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doctor","version":"1"}}}"#;
        let request = self.http.post(&self.typed).header(ACCEPT, "*/*");
        let request = request.header(CONTENT_TYPE, "application/json");
        self.send(
            request
                .header("MCP-Protocol-Version", "2025-11-25")
                .body(body),
        )
        .await
    }

    pub(super) async fn get(&self, url: &str) -> std::io::Result<Answer> {
        self.send(self.http.get(url)).await
    }

    pub(super) async fn head(&self, url: &str) -> std::io::Result<Answer> {
        self.send(self.http.request(Method::HEAD, url)).await
    }

    pub(super) async fn post_json(&self, url: &str, body: &Value) -> std::io::Result<Answer> {
        self.send(self.http.post(url).json(body)).await
    }

    pub(super) async fn post_form(&self, url: &str, body: &'static str) -> std::io::Result<Answer> {
        let request = self.http.post(url).body(body);
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> std::io::Result<Answer> {
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // A stream never ends: its first bytes are enough.
        while body.len() < LARGEST && is_document(&headers) {
            match response
                .chunk()
                .await
                .map_err(|error| unreachable(&error))?
            {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        Ok(Answer {
            status,
            json: serde_json::from_slice(&body).ok(),
            headers,
        })
    }
}

impl Answer {
    /// Whether the server sends the client elsewhere.
    pub(super) fn redirects(&self) -> Option<&str> {
        (300..400).contains(&self.status).then(|| {
            let location = self.headers.get(LOCATION);
            location
                .and_then(|value| value.to_str().ok())
                .unwrap_or("?")
        })
    }

    /// A member of the body that is a string.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.json.as_ref()?.get(member)?.as_str()
    }

    /// Whether a member of the body is a list with `value` in it.
    pub(super) fn lists(&self, member: &str, value: &str) -> bool {
        let list = self
            .json
            .as_ref()
            .and_then(|json| json.get(member)?.as_array());
        list.is_some_and(|list| list.iter().any(|entry| entry == value))
    }

    /// Whether a member of the body is `true`.
    pub(super) fn says(&self, member: &str) -> bool {
        let json = self.json.as_ref();
        json.and_then(|json| json.get(member)) == Some(&Value::Bool(true))
    }
}

fn is_document(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    !media_type.is_some_and(|media_type| media_type.starts_with("text/event-stream"))
}

/// What Claude gives discovery, registration and the token endpoint.
const BUDGET: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;
