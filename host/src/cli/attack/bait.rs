//! What a tool set must not reach: a file with a secret, and sockets that count
//! who comes.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::NamedTempFile;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::task::AbortOnDropHandle;

use crate::entropy::Entropy;

/// The file and the sockets.
pub(super) struct Bait {
    file: NamedTempFile,
    secret: String,
    /// Of both sockets.
    pub(super) address: SocketAddr,
    came: Arc<AtomicUsize>,
    _listening: [AbortOnDropHandle<()>; 2],
}

impl Bait {
    pub(super) async fn lay() -> anyhow::Result<Self> {
        let random: [u8; 16] = Entropy::system().bytes()?;
        let secret = format!("bait-{:032x}", u128::from_be_bytes(random));
        let mut file = NamedTempFile::new()?;
        file.write_all(secret.as_bytes())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let socket = UdpSocket::bind(address).await?;
        let came = Arc::new(AtomicUsize::new(0));
        let (connected, sent) = (Arc::clone(&came), Arc::clone(&came));
        let listening = [
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    connected.fetch_add(1, Ordering::Relaxed);
                }
            }),
            tokio::spawn(async move {
                while socket.recv(&mut [0; 16]).await.is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            }),
        ];
        Ok(Self {
            file,
            secret,
            address,
            came,
            _listening: listening.map(AbortOnDropHandle::new),
        })
    }

    /// The file with the secret.
    pub(super) fn path(&self) -> PathBuf {
        Path::new(self.file.path()).to_owned()
    }

    /// Whether a text has the secret.
    pub(super) fn is_told(&self, text: &str) -> bool {
        text.contains(&self.secret)
    }

    /// Connections and datagrams so far.
    pub(super) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}
