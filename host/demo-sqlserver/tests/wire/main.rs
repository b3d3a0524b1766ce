//! Drivers against the server with a scripted engine behind it.

mod attention;
mod backend;
mod login;
mod raw;
mod requests;
mod types;

use std::sync::Arc;

use demo_sqlserver::{Event, Server, ServerConfig, Tls};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backend::{PASSWORD, Scripted};

type Tiberius = Client<Compat<TcpStream>>;

/// A running server; stops when dropped.
struct Running {
    port: u16,
    certificate: Option<String>,
    events: broadcast::Receiver<Event>,
    serving: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Running {
    async fn start(tls: Tls) -> Self {
        let config = ServerConfig {
            tls,
            ..ServerConfig::default()
        };
        let server = Server::bind(config, Arc::new(Scripted)).await.unwrap();
        let shutdown = CancellationToken::new();
        Self {
            port: server.local_addr().port(),
            certificate: server.certificate_pem().map(str::to_owned),
            events: server.events(),
            serving: tokio::spawn(server.serve(shutdown.clone())),
            shutdown: shutdown.drop_guard(),
        }
    }

    /// How a client that trusts the certificate and nothing else logs in.
    fn config(&self, encryption: EncryptionLevel) -> Config {
        let mut config = Config::new();
        config.host("localhost");
        config.port(self.port);
        config.database("Shop");
        config.authentication(AuthMethod::sql_server("sa", PASSWORD));
        config.encryption(encryption);
        if let Some(certificate) = &self.certificate {
            config.trust_cert_ca_bundle(certificate.as_bytes());
        }
        config
    }

    async fn connect(&self, encryption: EncryptionLevel) -> Tiberius {
        connect(self.config(encryption)).await.unwrap()
    }

    /// Waits until what `wanted` accepts has happened.
    async fn event(&mut self, wanted: impl Fn(&Event) -> bool) {
        while !wanted(&self.events.recv().await.unwrap()) {}
    }
}

async fn connect(config: Config) -> tiberius::Result<Tiberius> {
    let address = config.get_addr().replace("localhost", "127.0.0.1");
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    Client::connect(config, socket.compat_write()).await
}
