//! What reaches a host, and what clients are told when no host is there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use integration_tests::Product;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::super::binary::free_address;
use super::{Nginx, Settings};

/// A host that answers everything with nothing, and remembers the heads.
struct Mirror {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Mirror {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&seen)));
            }
        });
        Self {
            address,
            heads,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// The only head since the last time.
    fn head(&self) -> String {
        let mut heads = std::mem::take(&mut *self.heads.lock().expect("heads"));
        assert_eq!(heads.len(), 1, "{heads:?}");
        heads.remove(0)
    }
}

async fn answer(stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut head = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            heads.lock().expect("heads").push(std::mem::take(&mut head));
            let empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            if writer.write_all(empty).await.is_err() {
                return;
            }
        } else {
            head += &line.to_ascii_lowercase();
            head.push('\n');
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_passed_or_stripped_and_what_clients_claim_is_not_believed() {
    let mirror = Mirror::start().await;
    let settings = Settings::new()
        .await
        .with("NGINX_STRIP", "/chatgpt /customer-a");
    let nginx = settings.start(&[mirror.address]).await;
    let http = nginx.client(7);
    for (path, passed, stripped) in [
        ("/claude/mcp", "/claude/mcp", None),
        (
            "/claude/records/dbo.a/b%2Fc%20d?x=%2F",
            "/claude/records/dbo.a/b%2fc%20d?x=%2f",
            None,
        ),
        ("/chatgpt/sse", "/sse", Some("/chatgpt")),
        (
            "/chatgpt/records/dbo.a/b%2Fc?x=1",
            "/records/dbo.a/b%2fc?x=1",
            Some("/chatgpt"),
        ),
        (
            "/customer-a/authorize?a=b",
            "/authorize?a=b",
            Some("/customer-a"),
        ),
        ("/chatgpt-2/mcp", "/chatgpt-2/mcp", None),
        (
            "/.well-known/oauth-protected-resource/chatgpt/mcp",
            "/.well-known/oauth-protected-resource/chatgpt/mcp",
            None,
        ),
    ] {
        let request = http
            .get(nginx.url(path))
            .header("X-Environment-Path", "/admin")
            .header("X-Forwarded-For", "6.6.6.6")
            .header("X-Real-IP", "6.6.6.6");
        assert_eq!(
            request.send().await.expect("a reply").status(),
            200,
            "{path}"
        );
        let head = mirror.head();
        assert!(
            head.starts_with(&format!("get {passed} http/1.1\n")),
            "{path}: {head}"
        );
        let told = head
            .lines()
            .find_map(|line| line.strip_prefix("x-environment-path: "));
        assert_eq!(told, stripped, "{path}: {head}");
        for (header, value) in [
            ("x-forwarded-for", "127.0.0.7"),
            ("x-real-ip", "127.0.0.7"),
            ("x-forwarded-proto", "https"),
        ] {
            assert!(
                head.contains(&format!("\n{header}: {value}\n")),
                "{path}: {head}"
            );
        }
        assert!(
            !head.contains("6.6.6.6") && !head.contains("connection:"),
            "{path}: {head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_balancer_in_front_names_is_believed_where_it_is_trusted() {
    let mirror = Mirror::start().await;
    let settings = Settings::new().await.with("NGINX_TRUSTED", "127.0.0.8/32");
    let nginx = settings.start(&[mirror.address]).await;
    for (from, client) in [(8, "198.51.100.4"), (9, "127.0.0.9")] {
        let request = nginx.client(from).get(nginx.url("/claude/mcp"));
        let request = request.header("X-Forwarded-For", "6.6.6.6, 198.51.100.4");
        assert_eq!(request.send().await.expect("a reply").status(), 200);
        let head = mirror.head();
        assert!(
            head.contains(&format!("\nx-forwarded-for: {client}\n")),
            "{head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_host_the_answer_is_json_and_with_one_of_two_it_is_that_ones() {
    let nobody = free_address().await;
    let nginx = Nginx::before(&[nobody]).await;
    let reply = nginx.client(1).get(nginx.url("/claude/mcp")).send().await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert_eq!(reply.headers()["retry-after"], "5");
    let body: Value = reply.json().await.expect("JSON");
    assert_eq!(body["error"], "unavailable");
    // Who opens a stream loses the connection, and comes back.
    let stream = nginx.client(1).get(nginx.url("/claude/sse"));
    let stream = stream.header("Accept", "text/event-stream").send().await;
    assert!(stream.is_err_and(|error| error.is_request()), "a reply");

    let product = Product::start().await;
    let nginx = Nginx::before(&[nobody, product.address]).await;
    let http = nginx.client(1);
    // Tokens spread callers over both.
    for caller in 0..20 {
        let request = http.post(nginx.url("/claude/mcp"));
        let request = request.bearer_auth(caller).json(&ping());
        assert_eq!(request.send().await.expect("a reply").status(), 200);
    }
    let asked_first = |line: &Value| {
        let hosts = line["host"].as_str().unwrap_or_default();
        hosts.starts_with(&nobody.to_string())
    };
    assert!(
        nginx.log().iter().any(asked_first),
        "nobody was asked first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_finds_the_host_that_has_its_stream() {
    let (a, b) = (Product::start().await, Product::start().await);
    let nginx = Nginx::before(&[a.address, b.address]).await;
    let http = nginx.client(1);
    let url = nginx.url("/everything/sse");
    let stream = http.get(&url).header("Accept", "text/event-stream");
    let mut stream = stream.send().await.expect("a stream");
    let mut events = String::new();
    while !events.contains("sessionId=") || !events.ends_with("\n\n") {
        let part = stream.chunk().await.expect("a chunk").expect("no end");
        events += std::str::from_utf8(&part).expect("text");
    }
    let data = events.lines().find_map(|line| line.strip_prefix("data: "));
    let endpoint = nginx.url(data.expect("an address"));
    // Each time as somebody whom the balancing sends elsewhere.
    for caller in 0..20 {
        let message = http.post(&endpoint).bearer_auth(caller).json(&ping());
        let reply = message.send().await.expect("a reply");
        assert_eq!(reply.status(), 202, "{caller}");
    }
    let asked_both = |line: &Value| line["host_status"] == json!("404, 202");
    assert!(
        nginx.log().iter().any(asked_both),
        "each went to the right one at once"
    );
    // A stream that no host has.
    let nowhere = format!("{}?sessionId=other", nginx.url("/everything/sse"));
    let reply = http.post(nowhere).json(&ping()).send().await;
    assert_eq!(reply.expect("a reply").status(), 404);
}

fn ping() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})
}
