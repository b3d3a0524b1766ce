//! Requests as a client makes them: redirects are looked at, not followed.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Request, RequestBuilder, redirect};
use serde_json::Value;
use url::Url;

use crate::oauth::{client_tls, native_roots};

/// Asks the server under examination.
#[derive(Debug)]
pub(super) struct Asker {
    http: Client,
    /// Reads headers folded over several lines, to tell what is wrong with them.
    lenient: Client,
    budget: Duration,
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

/// Why nothing came that a client can use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There is nobody.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("nothing within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// A header on several lines.
    #[error("a header that goes on in the next line")]
    Folded,
    /// Not HTTP.
    #[error("no HTTP: {0}")]
    Malformed(String),
}

impl Asker {
    /// For the endpoint at `typed`, which has `budget` for each answer; the error
    /// is a sentence.
    pub(super) fn new(typed: &str, budget: Duration) -> Result<Self, String> {
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
        let tls = client_tls(native_roots()).map_err(|error| error.to_string())?;
        let client = |folded| {
            Client::builder()
                .redirect(redirect::Policy::none())
                .timeout(budget)
                .user_agent("Claude-User (mssql-mcp doctor)")
                .http1_allow_obsolete_multiline_headers_in_responses(folded)
                .use_preconfigured_tls(tls.clone())
                .build()
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            http: client(false)?,
            lenient: client(true)?,
            budget,
            typed: typed.to_owned(),
            url,
        })
    }

    /// Address of `path` at the server's root.
    pub(super) fn at_root(&self, path: &str) -> String {
        format!("{}{path}", self.url.origin().ascii_serialization())
    }

    /// The first request of a client: no token, any `Accept`.
    pub(super) async fn first_contact(&self) -> Result<Answer, Failure> {
        let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doctor","version":"1"}}}"#;
        let request = self.http.post(&self.typed).header(ACCEPT, "*/*");
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.header("MCP-Protocol-Version", "2025-11-25");
        self.send(request.body(body)).await
    }

    pub(super) async fn get(&self, url: &str) -> Result<Answer, Failure> {
        self.send(self.http.get(url)).await
    }

    pub(super) async fn head(&self, url: &str) -> Result<Answer, Failure> {
        self.send(self.http.head(url)).await
    }

    pub(super) async fn post_json(&self, url: &str, body: &Value) -> Result<Answer, Failure> {
        self.send(self.http.post(url).json(body)).await
    }

    pub(super) async fn post_form(&self, url: &str, body: &'static str) -> Result<Answer, Failure> {
        let request = self.http.post(url).body(body);
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let request = request.build().map_err(|error| self.failure(&error))?;
        let again = request.try_clone();
        let mut response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => return Err(self.diagnose(&error, again).await),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // A stream never ends: its first bytes are enough.
        while body.len() < LARGEST && is_document(&headers) {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(self.failure(&error)),
            }
        }
        Ok(Answer {
            status,
            json: serde_json::from_slice(&body).ok(),
            headers,
        })
    }

    /// An answer that cannot be read is asked for again, and read leniently.
    async fn diagnose(&self, error: &reqwest::Error, again: Option<Request>) -> Failure {
        let failure = self.failure(error);
        match (&failure, again) {
            (Failure::Malformed(_), Some(request)) => match self.lenient.execute(request).await {
                Ok(_) => Failure::Folded,
                Err(_) => failure,
            },
            _ => failure,
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() {
            Failure::Unreachable(cause(error))
        } else if error.is_timeout() {
            Failure::Silent(self.budget)
        } else {
            Failure::Malformed(cause(error))
        }
    }
}

impl Answer {
    /// Where the server sends the client, if it does.
    pub(super) fn redirects(&self) -> Option<&str> {
        (300..400).contains(&self.status).then(|| {
            let location = self.headers.get(LOCATION);
            location
                .and_then(|value| value.to_str().ok())
                .unwrap_or("nowhere")
        })
    }

    /// A member of the body.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.json.as_ref()?.get(name)
    }

    /// A member of the body that is a string.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.member(member)?.as_str()
    }

    /// Whether a member of the body is a list with `value` in it.
    pub(super) fn lists(&self, member: &str, value: &str) -> bool {
        let list = self.member(member).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|entry| entry == value))
    }

    /// Whether a member of the body is `true`.
    pub(super) fn says(&self, member: &str) -> bool {
        self.member(member) == Some(&Value::Bool(true))
    }
}

/// The innermost reason: the outer ones say what was tried.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn is_document(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    !media_type.is_some_and(|media_type| media_type.starts_with("text/event-stream"))
}

/// What Claude gives discovery, registration and the token endpoint.
pub(super) const BUDGET: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;
