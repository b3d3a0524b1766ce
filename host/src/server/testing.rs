//! A server without a socket, and what it replies.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::response::Response;
use chrono::DateTime;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use tower::ServiceExt;

use super::edge::arrive;
use super::{
    Authentication, Check, Edge, Health, HealthReport, HostGuard, ScopeHealth, ServerConfig,
    ServerState, Status, router,
};
use crate::mcp::testing::{Fixture, fixture};
use crate::oauth::bearer::testing as people;
pub(crate) use crate::oauth::testing::Reply;
use crate::principal::Rights;

/// The scopes `claude` (also at the root) and `chatgpt`, behind the real
/// router.
pub(crate) struct TestServer {
    pub(crate) router: Router,
    pub(crate) state: ServerState,
    pub(crate) claude: Fixture,
    /// Whose requests these are.
    pub(crate) peer: IpAddr,
    /// Who may enter; none without authentication.
    pub(crate) people: Option<people::Fixture>,
    /// `Authorization` of who may.
    pub(crate) bearer: String,
}

impl TestServer {
    /// Without authentication.
    pub(crate) fn open() -> Self {
        Self::new(Authentication::Off, Status::Healthy)
    }

    /// For people with access tokens; `ana` has one that reads.
    pub(crate) async fn guarded() -> Self {
        let people = people::Fixture::new().await;
        let token = people.token("claude", "ana", Rights::READ).await;
        people.oauth.watch(people.watching.clone()).await;
        let authentication = Authentication::OAuth(people.oauth.clone());
        Self {
            bearer: format!("Bearer {token}"),
            people: Some(people),
            ..Self::new(authentication, Status::Healthy)
        }
    }

    /// Without authentication and without a public address.
    pub(crate) fn local() -> Self {
        Self::at(Authentication::Off, Status::Healthy, None)
    }

    pub(crate) fn new(authentication: Authentication, status: Status) -> Self {
        Self::at(authentication, status, Some("https://data.example.com"))
    }

    fn at(authentication: Authentication, status: Status, public: Option<&str>) -> Self {
        let claude = fixture("claude");
        let state = ServerState::new(ServerConfig {
            scopes: vec![Arc::clone(&claude.scope), fixture("chatgpt").scope],
            default_scope: "claude".into(),
            authentication,
            guard: HostGuard::new(([127, 0, 0, 1], 8008).into(), public).unwrap(),
            edge: Edge::default(),
            health: Arc::new(Fixed(status)),
            metrics: Some(Arc::new(|| "calls_total 1\n".to_owned())),
            max_body_bytes: 4096,
        })
        .unwrap();
        Self {
            router: router(state.clone()),
            state,
            claude,
            peer: Ipv4Addr::LOCALHOST.into(),
            people: None,
            bearer: String::new(),
        }
    }

    /// Sends one request; `Host` is a good one unless `headers` has another.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        Reply::of(self.respond(method, path, headers, body).await).await
    }

    /// Sends one request whose reply goes on.
    pub(crate) async fn open_stream(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Events {
        let response = self.respond(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        assert_eq!(parts.status, 200, "{path}");
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        Events {
            body: body.into_data_stream(),
            text: String::new(),
            last_id: String::new(),
        }
    }

    pub(crate) async fn respond(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8008");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        arrive(&self.state.shared, self.peer, &mut request);
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Posts to `/claude/sse`.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send("POST", "/claude/sse", headers, body).await
    }
}

/// A stream of server-sent events as it comes.
pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
    last_id: String,
}

/// One event; what it does not have is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: String,
    pub(crate) retry: String,
}

impl Events {
    /// What a client sends as `Last-Event-ID`.
    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The next event, comments left out; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut read = Event::default();
                for line in event.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => read.id = id.to_owned(),
                        Some(("event", kind)) => read.kind = kind.to_owned(),
                        Some(("data", data)) => read.data = data.to_owned(),
                        Some(("retry", retry)) => read.retry = retry.to_owned(),
                        _ => assert!(line.starts_with(':'), "{line}"),
                    }
                }
                self.text = rest.to_owned();
                if read == Event::default() {
                    continue;
                }
                self.last_id.clone_from(&read.id);
                return Some(read);
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The message of the next event that has one.
    pub(crate) async fn json(&mut self) -> Value {
        let mut event = self.next().await.expect("an event");
        if event.data.is_empty() {
            event = self.next().await.expect("an event");
        }
        assert_eq!(event.kind, "message");
        serde_json::from_str(&event.data).unwrap()
    }
}

pub(crate) struct Fixed(pub(crate) Status);

impl Health for Fixed {
    fn report(&self) -> BoxFuture<'_, HealthReport> {
        let claude = ScopeHealth {
            status: self.0,
            read_only: true,
            database: self.0,
            tools: 5,
        };
        let report = HealthReport {
            status: self.0,
            uptime: Duration::from_secs(90),
            timestamp: DateTime::UNIX_EPOCH,
            checks: [("database", Check::of(self.0))].into(),
            scopes: [("claude".to_owned(), claude)].into(),
        };
        async { report }.boxed()
    }
}
