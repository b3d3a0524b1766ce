//! TLS over a real socket, with a client that checks what it is shown.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{PING, Running, start};
use crate::clock::Clock;
use crate::server::Tls;
use crate::server::testing::TestServer;
use crate::server::tls::testing::{Files, connect, made};

/// A server that speaks TLS with `made`.
async fn serving(made: &CertifiedKey<KeyPair>) -> (TestServer, Files, Tls, Running) {
    let server = TestServer::open();
    let files = Files::new(made);
    let tls = files.open();
    server.state.set_tls(tls.clone());
    let running = start(&server).await;
    (server, files, tls, running)
}

/// Valid today, whatever day that is.
fn valid() -> CertifiedKey<KeyPair> {
    made("localhost", -1, 36_500)
}

async fn http_1(address: SocketAddr, made: &CertifiedKey<KeyPair>) -> TlsStream<TcpStream> {
    connect(address, made, b"http/1.1").await.unwrap()
}

/// Everything up to the end of what was asked for.
async fn until(stream: &mut TlsStream<TcpStream>, end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(end) {
        let byte = stream.read_u8().await;
        read.push(byte.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&read))));
    }
    String::from_utf8(read).unwrap()
}

fn post(body: &str, head: &str) -> String {
    format!(
        "POST /claude/mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_certificate_is_replaced_while_a_stream_is_open() {
    let (first, second) = (valid(), valid());
    let (server, files, tls, running) = serving(&first).await;
    // A session, and the stream on which its server speaks.
    let mut stream = http_1(running.address, &first).await;
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
    stream
        .write_all(post(initialize, "").as_bytes())
        .await
        .unwrap();
    let reply = until(&mut stream, "\"id\":1").await;
    let session = reply
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .unwrap_or_else(|| panic!("{reply}"))
        .to_owned();
    let mut events = http_1(running.address, &first).await;
    let listen = format!(
        "GET /claude/mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         Mcp-Session-Id: {session}\r\n\r\n"
    );
    events.write_all(listen.as_bytes()).await.unwrap();
    until(&mut events, "text/event-stream").await;

    files.put(&second);
    tls.reload().unwrap();

    // Who comes now is shown the new one, and is served.
    let mut after = http_1(running.address, &second).await;
    after.write_all(post(PING, "").as_bytes()).await.unwrap();
    until(&mut after, r#""result":{}"#).await;
    assert!(connect(running.address, &first, b"http/1.1").await.is_err());
    // The stream of before is open, and carries what is said now.
    server.claude.scope.tools_changed();
    until(&mut events, "notifications/tools/list_changed").await;
}

#[tokio::test]
async fn who_wants_http_2_gets_it_with_the_host_that_it_names() {
    let certificate = valid();
    let (_server, _files, _tls, running) = serving(&certificate).await;
    let stream = connect(running.address, &certificate, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for (host, status) in [("localhost:1", 200), ("evil.example.com", 403)] {
        let request = hyper::Request::post(format!("https://{host}/claude/mcp"));
        let request = request.body(PING.to_owned()).unwrap();
        let reply = sender.send_request(request).await.unwrap();
        assert_eq!(reply.status(), status, "{host}");
        let transport = reply.headers().get("strict-transport-security");
        assert_eq!(transport.unwrap(), "max-age=31536000");
    }
    running.shutdown.cancel();
    running.task.await.unwrap();
}

#[tokio::test]
async fn who_does_not_speak_tls_or_says_nothing_is_let_go() {
    let server = TestServer::open();
    let files = Files::new(&valid());
    let timeout = Duration::from_millis(50);
    let tls = Tls::with_timeout(files.files.clone(), Clock::system(), timeout).unwrap();
    server.state.set_tls(tls);
    let running = start(&server).await;
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain
        .write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    for stream in [&mut plain, &mut silent] {
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await;
        assert!(
            !String::from_utf8_lossy(&read).contains("HTTP/1.1"),
            "{read:?}"
        );
    }
}

#[tokio::test]
async fn health_tells_how_the_certificate_is_and_inside_what_is_wrong() {
    let certificate = valid();
    let server = TestServer::local();
    let files = Files::new(&certificate);
    let tls = files.open();
    server.state.set_tls(tls.clone());
    let health = server.send("GET", "/health", &[], "").await.json();
    assert_eq!(
        (&health["status"], &health["checks"]["tls"]["status"]),
        (&"healthy".into(), &"healthy".into())
    );
    files.replace(&files.files.key, "");
    tls.reload().unwrap_err();
    let reply = server.send("GET", "/health", &[], "").await;
    assert_eq!(reply.status, 200);
    let health = reply.json();
    assert_eq!(
        (&health["status"], &health["checks"]["tls"]["status"]),
        (&"degraded".into(), &"degraded".into())
    );
    let problem = health["checks"]["tls"]["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("http.tls.key: "), "{problem}");
    let outside = server
        .send("GET", "/health", &[("x-forwarded-for", "203.0.113.9")], "")
        .await;
    assert_eq!(
        outside.json()["checks"]["tls"]["problems"],
        serde_json::Value::Null
    );
}

#[tokio::test]
async fn metrics_have_a_listener_that_has_nothing_else() {
    let server = TestServer::open();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(super::super::serve_metrics(
        listener,
        server.state.clone(),
        stop.clone(),
    ));
    for (path, expected) in [("/metrics", "calls_total 1\n"), ("/health", "not_found")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: prometheus\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.contains(expected), "{reply}");
    }
    stop.cancel();
    task.await.unwrap();
}
