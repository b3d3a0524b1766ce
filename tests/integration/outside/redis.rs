//! A Redis server of a test's own.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::INSTALL;
use super::binary::free_address;

/// A server; killed when dropped.
pub(super) struct Redis {
    address: SocketAddr,
    _folder: TempDir,
    _child: Child,
}

impl Redis {
    /// Starts one that keeps nothing on disk, and waits until it serves.
    pub(super) async fn start() -> Self {
        let address = free_address().await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &address.port().to_string()])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server: {error}; {INSTALL}"));
        let mut log = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = async {
            while let Some(line) = log.next_line().await.expect("its log") {
                if line.contains("Ready to accept connections") {
                    return;
                }
                println!("redis-server: {line}");
            }
            panic!("redis-server ended before it was ready");
        };
        timeout(PATIENCE, ready).await.expect("it is ready in time");
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            address,
            _folder: folder,
            _child: child,
        }
    }

    /// What a configuration calls it.
    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
