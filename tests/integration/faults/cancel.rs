//! A statement of a minute, given up in every way there is: the database server
//! hears of it at once, and its connection is not used again.

use std::time::{Duration, Instant};

use demo_sqlserver::Event;
use integration_tests::Product;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinHandle;

/// Runs for minutes where nothing stops it.
const SLOW: &str = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 90) \
                    SELECT COUNT_BIG(*) AS c FROM n a, n b, n c, n d, n e";

/// How soon the server has to hear of it.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Tries for [`AT_ONCE`]: other tests run beside this one.
const TRIES: usize = 5;

struct Stage {
    product: Product,
    http: reqwest::Client,
    events: Receiver<Event>,
}

impl Stage {
    async fn start(settings: &str) -> Self {
        let product = Product::builder().scope_settings(settings).start().await;
        let events = product.server.events();
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        Self {
            product,
            http,
            events,
        }
    }

    /// The next event that `wanted` takes something from.
    async fn event<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv().await.expect("a server that runs");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    /// Waits until every connection of the scope is idle.
    async fn idle(&self) {
        let patience = Instant::now() + Duration::from_secs(30);
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        loop {
            let pool = self.product.pool("claude");
            if pool.waiting == 0 && pool.idle == pool.connections {
                return;
            }
            assert!(Instant::now() < patience, "{pool:?}");
            looks.tick().await;
        }
    }

    /// Starts the slow statement as `call` does; gives its connection.
    async fn begin<T: Send + 'static>(
        &mut self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> (u64, JoinHandle<T>) {
        let claude = self.product.client("claude");
        claude.sql("SELECT 1 AS warm").await.structured();
        self.idle().await;
        while self.events.try_recv().is_ok() {}
        let call = tokio::spawn(call);
        let session = self
            .event(|event| match event {
                Event::RequestStarted { session } => Some(*session),
                _ => None,
            })
            .await;
        (session, call)
    }

    /// How long after `since` the server heard that `session` is to stop; then sees
    /// that its connection is closed and the pool right.
    async fn stopped(&mut self, session: u64, since: Instant) -> Duration {
        self.event(|event| (*event == Event::Attention { session }).then_some(()))
            .await;
        let heard = since.elapsed();
        self.event(|event| (*event == Event::Closed { session }).then_some(()))
            .await;
        let claude = self.product.client("claude");
        let reply = claude.sql("SELECT 1 AS one").await;
        assert_eq!(reply.structured()["results"][0]["one"], 1);
        self.idle().await;
        let pool = self.product.pool("claude");
        assert_eq!((pool.connections, pool.idle, pool.waiting), (1, 1, 0));
        heard
    }

    fn post(&self, headers: &[(&str, &str)], body: &Value) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .post(format!("{}/mcp", self.product.issuer("claude")))
            .header("Accept", "application/json, text/event-stream")
            .json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    /// A session of `revision`; gives its id.
    async fn session(&self, revision: &str) -> String {
        let params = json!({
            "protocolVersion": revision,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let reply = self.post(&[], &body).send().await.expect("an answer");
        let id = reply.headers().get("mcp-session-id").expect("a session");
        id.to_str().expect("text").to_owned()
    }
}

fn call(id: i32) -> Value {
    let params = json!({"name": "execute_sql", "arguments": {"query": SLOW}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

fn judge(way: &str, mut heard: Vec<Duration>) {
    heard.sort_unstable();
    println!("{way}: Attention after {heard:?}");
    assert!(heard[0] < AT_ONCE, "{way}: {heard:?}");
}

const MINUTES: &str = "query_timeout = \"60s\"\nlimits = { wall = \"70s\", cpu = \"30s\" }";

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_cancels() {
    let mut stage = Stage::start(MINUTES).await;
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let id = stage.session(revision).await;
        let headers = [("mcp-session-id", &*id), ("mcp-protocol-version", revision)];
        let mut heard = Vec::new();
        for number in 0..TRIES {
            let number = i32::try_from(number).expect("few") + 10;
            let request = stage.post(&headers, &call(number));
            let (session, reply) = stage.begin(request.send()).await;
            let params = json!({"requestId": number, "reason": "enough"});
            let cancel =
                json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
            let since = Instant::now();
            let told = stage
                .post(&headers, &cancel)
                .send()
                .await
                .expect("an answer");
            assert_eq!(told.status(), 202);
            heard.push(stage.stopped(session, since).await);
            let reply = reply.await.expect("a task").expect("a reply");
            let reply: Value = reply.json().await.expect("JSON");
            let said = reply.to_string();
            assert!(said.contains("cancelled"), "{said}");
        }
        judge(&format!("notifications/cancelled, {revision}"), heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_cancels() {
    let mut stage = Stage::start(MINUTES).await;
    let old = stage.session("2025-06-18").await;
    let modern = {
        let mut body = call(1);
        body["params"]["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        body
    };
    let ways = [
        (
            "a closed connection, 2025-06-18",
            vec![
                ("mcp-session-id", &*old),
                ("mcp-protocol-version", "2025-06-18"),
            ],
            call(1),
        ),
        (
            "a closed connection, 2026-07-28",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "execute_sql"),
            ],
            modern,
        ),
    ];
    for (way, headers, body) in ways {
        let mut heard = Vec::new();
        for _ in 0..TRIES {
            let request = stage.post(&headers, &body);
            let (session, reply) = stage.begin(request.send()).await;
            let since = Instant::now();
            reply.abort();
            heard.push(stage.stopped(session, since).await);
        }
        judge(way, heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_deleted_and_a_stream_that_is_closed_cancel() {
    let mut stage = Stage::start(MINUTES).await;
    let mut heard = Vec::new();
    for _ in 0..TRIES {
        let id = stage.session("2025-06-18").await;
        let headers = [
            ("mcp-session-id", &*id),
            ("mcp-protocol-version", "2025-06-18"),
        ];
        let request = stage.post(&headers, &call(1));
        let (session, reply) = stage.begin(request.send()).await;
        let since = Instant::now();
        let address = format!("{}/mcp", stage.product.issuer("claude"));
        let ended = stage
            .http
            .delete(address)
            .header("mcp-session-id", &id)
            .send();
        assert!(ended.await.expect("an answer").status().is_success());
        heard.push(stage.stopped(session, since).await);
        reply.abort();
    }
    judge("DELETE of the session", heard);

    // HTTP+SSE of 2024-11-05: everything ends with the stream.
    let mut heard = Vec::new();
    for _ in 0..TRIES {
        let address = format!("{}/sse", stage.product.issuer("claude"));
        let stream = stage
            .http
            .get(&address)
            .header("Accept", "text/event-stream");
        let mut stream = stream.send().await.expect("a stream");
        let mut text = String::new();
        let endpoint = loop {
            let part = stream.chunk().await.expect("a part").expect("more");
            text += &String::from_utf8_lossy(&part);
            let found = text.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(endpoint) = found.filter(|_| text.contains("\n\n")) {
                break endpoint.trim().to_owned();
            }
        };
        let address = format!("http://{}{endpoint}", stage.product.address);
        let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }});
        for body in [&initialize] {
            let accepted = stage.http.post(&address).json(body).send().await;
            assert_eq!(accepted.expect("an answer").status(), 202);
        }
        let request = stage.http.post(&address).json(&call(2));
        let (session, accepted) = stage.begin(request.send()).await;
        assert_eq!(
            accepted.await.expect("a task").expect("an answer").status(),
            202
        );
        let since = Instant::now();
        drop(stream);
        heard.push(stage.stopped(session, since).await);
    }
    judge("the stream closed, 2024-11-05", heard);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_limit_stops_the_statement_at_the_server() {
    let limit = Duration::from_millis(500);
    let mut stage = Stage::start("query_timeout = \"500ms\"").await;
    let mut heard = Vec::new();
    for _ in 0..TRIES {
        let since = Instant::now();
        let request = stage.post(&[("mcp-protocol-version", "2025-06-18")], &call(1));
        let (session, reply) = stage.begin(request.send()).await;
        // The call in front that warms the connection counts against it.
        let after = stage.stopped(session, since).await;
        heard.push(after.saturating_sub(limit));
        let reply: Value = reply
            .await
            .expect("a task")
            .expect("a reply")
            .json()
            .await
            .expect("JSON");
        let said = reply["result"]["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned();
        assert!(said.contains("\"timeout\""), "{said}");
    }
    heard.sort_unstable();
    println!("the time limit of {limit:?}: Attention {heard:?} later");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_set_that_is_stopped_takes_its_statement_with_it() {
    // The guest's wall time ends before the statement's.
    let mut stage = Stage::start("query_timeout = \"60s\"\nlimits = { wall = \"500ms\" }").await;
    let request = stage.post(&[("mcp-protocol-version", "2025-06-18")], &call(1));
    let (session, reply) = stage.begin(request.send()).await;
    stage.stopped(session, Instant::now()).await;
    let reply: Value = reply
        .await
        .expect("a task")
        .expect("a reply")
        .json()
        .await
        .expect("JSON");
    assert!(reply.to_string().contains("timeout"), "{reply}");
}
