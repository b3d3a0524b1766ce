//! A relay in front of the database server that sees what clients send.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Relays until dropped.
pub(super) struct Tap {
    pub(super) address: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
    _relay: AbortOnDropHandle<()>,
}

impl Tap {
    /// On a port of its own, in front of `server`.
    pub(super) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&sent);
        let relay = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server)
                    .await
                    .expect("the server listens");
                let ((mut from_server, to_server), (from_client, mut to_client)) =
                    (server.into_split(), client.into_split());
                tokio::spawn(relay(from_client, to_server, Arc::clone(&record)));
                tokio::spawn(async move { io::copy(&mut from_server, &mut to_client).await });
            }
        });
        Self {
            address,
            sent,
            _relay: AbortOnDropHandle::new(relay),
        }
    }

    /// Whether a client sent `text` in clear, as TDS writes text.
    pub(super) fn saw(&self, text: &str) -> bool {
        let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.sent
            .lock()
            .expect("the record")
            .windows(text.len())
            .any(|part| part == text)
    }
}

async fn relay(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, record: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut buffer).await {
        record
            .lock()
            .expect("the record")
            .extend_from_slice(&buffer[..length]);
        if server.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
