//! Requests of every kind against the router: none may end in a panic, a status of
//! 5xx, or a reply that is not what it says it is.
//!
//! An input is some requests, divided by lines of `====`. Each has a line with method
//! and path, headers, an empty line, and a body. `$SESSION`, `$ADDRESS`, `$EVENT`,
//! `$STATE` and `$ASKED` stand for what the server gave last: the id of a session, the
//! address of a stream, the id of an event, a `requestState`, and the id of a request.

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use std::cell::RefCell;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// One input.
pub fn run(data: &[u8]) {
    SERVER.with_borrow_mut(|server| server.run(data));
}

thread_local! {
    static SERVER: RefCell<Server> = RefCell::new(Server::new());
}

struct Server {
    runtime: Runtime,
    router: Router,
    runs: u32,
}

impl Server {
    fn new() -> Self {
        Self {
            runtime: Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime"),
            router: super::fixture::router(),
            runs: 0,
        }
    }

    fn run(&mut self, data: &[u8]) {
        self.runs += 1;
        if self.runs.is_multiple_of(RUNS_OF_A_SERVER) {
            // Sessions are kept for half an hour.
            self.router = super::fixture::router();
        }
        self.runtime.block_on(exchange(&self.router, data));
    }
}

async fn exchange(router: &Router, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut given = Given {
        address: "/fuzz/sse".to_owned(),
        ..Given::default()
    };
    // Streams are open for as long as the client is there.
    let mut open = Vec::new();
    for part in text.split("\n====\n").take(MAX_REQUESTS) {
        let part = given.fill_in(part);
        let Some(request) = read(&part) else {
            continue;
        };
        let has_body = request.method() != Method::HEAD;
        let response = router.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        assert!(!status.is_server_error(), "{status} for {part}");
        if let Some(id) = response.headers().get("mcp-session-id") {
            given.session = id.to_str().expect("visible ASCII").to_owned();
        }
        let kind = response.headers().get(CONTENT_TYPE).cloned();
        let mut body = response.into_body().into_data_stream();
        match kind.as_ref().and_then(|kind| kind.to_str().ok()) {
            Some("application/json") if has_body => {
                let mut bytes = Vec::new();
                while let Some(chunk) = body.next().await {
                    bytes.extend_from_slice(&chunk.expect("a whole body"));
                }
                match serde_json::from_slice::<Value>(&bytes) {
                    Ok(json) => given.note(&json),
                    Err(error) => panic!("{error} in {status} {bytes:?} for {part}"),
                }
            }
            Some("text/event-stream") => {
                while let Some(Some(chunk)) = body.next().now_or_never() {
                    let chunk = chunk.expect("a whole body");
                    given.event(std::str::from_utf8(&chunk).expect("UTF-8"));
                }
                open.push(body);
            }
            _ => {}
        }
    }
}

/// What the server gave last.
#[derive(Default)]
struct Given {
    session: String,
    address: String,
    event: String,
    state: String,
    asked: String,
}

impl Given {
    fn fill_in(&self, text: &str) -> String {
        text.replace("$SESSION", &self.session)
            .replace("$ADDRESS", &self.address)
            .replace("$EVENT", &self.event)
            .replace("$STATE", &self.state)
            .replace("$ASKED", &self.asked)
    }

    fn note(&mut self, message: &Value) {
        let text = |path| message.pointer(path).and_then(Value::as_str);
        if let Some(state) = text("/result/requestState") {
            state.clone_into(&mut self.state);
        }
        if let (Some(_), Some(id)) = (text("/method"), text("/id")) {
            id.clone_into(&mut self.asked);
        }
    }

    fn event(&mut self, event: &str) {
        for line in event.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut self.event),
                Some(("data", address)) if address.starts_with('/') => {
                    address.clone_into(&mut self.address);
                }
                Some(("data", data)) if !data.is_empty() => {
                    self.note(&serde_json::from_str(data).expect("JSON"));
                }
                _ => {}
            }
        }
    }
}

fn read(text: &str) -> Option<Request<Body>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    // What was not UTF-8 is not to become so.
    let body = body
        .split('\u{fffd}')
        .map(str::as_bytes)
        .collect::<Vec<_>>();
    let mut request = Request::new(Body::from(body.join(&0xff)));
    *request.method_mut() = method.parse().ok()?;
    *request.uri_mut() = path
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.path().starts_with('/'))?;
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("localhost:8008"));
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(request)
}

const RUNS_OF_A_SERVER: u32 = 5_000;
const MAX_REQUESTS: usize = 6;
