//! Over a real socket: what a dropped connection and a stop do.

mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Stop, serve_until};
use crate::server::testing::TestServer;

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(server: &TestServer) -> Running {
    let stop = Stop {
        drain: Duration::from_secs(30),
        linger: Duration::ZERO,
    };
    start_with(server, stop).await
}

async fn start_with(server: &TestServer, stop: Stop) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve_until(
        listener,
        server.state.clone(),
        shutdown.clone(),
        stop,
    ));
    Running {
        address,
        shutdown,
        task,
    }
}

async fn send(address: SocketAddr, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /claude/sse HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Everything up to the end, or to the reset of a server that would not read on.
async fn read(mut stream: TcpStream) -> String {
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8(reply).unwrap()
}

const HANG: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_call() {
    let server = TestServer::open();
    let running = start(&server).await;
    let stream = send(running.address, "", HANG).await;
    server.claude.hanging.notified().await;
    drop(stream);
    server.claude.cancelled.notified().await;
}

#[tokio::test]
async fn a_stop_closes_idle_connections_and_ends() {
    let server = TestServer::open();
    let running = start(&server).await;
    let mut stream = send(running.address, "", PING).await;
    let mut first = [0; 15];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    running.shutdown.cancel();
    let rest = read(stream).await;
    assert!(rest.ends_with(r#""result":{}}"#), "{rest}");
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

/// Neither ends by itself within a test.
const PATIENT: Stop = Stop {
    drain: Duration::from_secs(3600),
    linger: Duration::from_secs(3600),
};

#[tokio::test]
async fn behind_a_proxy_an_idle_connection_gets_one_more_reply_which_is_its_last() {
    let server = TestServer::open();
    let running = start_with(&server, PATIENT).await;
    let mut stream = send(running.address, "", PING).await;
    let first = read_reply(&mut stream).await;
    assert!(!first.contains("connection: close"), "{first}");
    running.shutdown.cancel();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let ready = "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(ready.as_bytes()).await.unwrap();
    let last = read(stream).await;
    assert!(last.starts_with("HTTP/1.1 503 "), "{last}");
    assert!(last.contains("connection: close"), "{last}");
    running.task.await.unwrap();
}

#[tokio::test]
async fn who_came_before_the_stop_is_served() {
    let server = TestServer::open();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // In the backlog, with its call already on the way.
    let stream = send(address, "", PING).await;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    serve_until(listener, server.state.clone(), shutdown, PATIENT).await;
    let reply = read(stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert!(reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_call_that_outlives_the_stop_is_cut_off() {
    let server = TestServer::open();
    let stop = Stop {
        drain: Duration::from_millis(1),
        linger: Duration::ZERO,
    };
    let running = start_with(&server, stop).await;
    let stream = send(running.address, "", HANG).await;
    server.claude.hanging.notified().await;
    running.shutdown.cancel();
    running.task.await.unwrap();
    server.claude.cancelled.notified().await;
    assert_eq!(read(stream).await, "");
}

#[tokio::test]
async fn headers_are_bounded() {
    let server = TestServer::open();
    let running = start(&server).await;
    let many = "X-A: b\r\n".repeat(200);
    for head in [
        many,
        format!("Connection: close\r\nX-A: {}\r\n", "b".repeat(200_000)),
    ] {
        let reply = read(send(running.address, &head, "").await).await;
        assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    }
}

#[tokio::test]
async fn a_connection_outlives_a_reply_that_came_before_the_body() {
    let server = TestServer::open();
    let running = start(&server).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for attempt in 0..2 {
        let head = format!(
            "POST /nothing/here HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            PING.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let reply = read_reply(&mut stream).await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{attempt}: {reply}");
        stream.write_all(PING.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_reads_is_not_read_for_ever() {
    let server = TestServer::open();
    let running = start(&server).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let length = 64 << 20;
    let head = format!(
        "POST /nothing/here HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let reply = read_reply(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
    let part = vec![b'x'; 64 << 10];
    let mut sent = 0;
    while sent < length && stream.write_all(&part).await.is_ok() {
        sent += part.len();
    }
    assert!(sent < length, "all of it was read");
}

/// One reply with a `Content-Length`.
async fn read_reply(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&reply);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return text.into_owned();
            }
        }
        let byte = stream.read_u8().await.expect("the connection is open");
        reply.push(byte);
    }
}
