//! A server to test against, and a driver that trusts it.

use std::sync::Arc;

use demo_sqlserver::{Event, Server, ServerConfig, Tls};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backend::{PASSWORD, Scripted};

pub(crate) type Tiberius = Client<Compat<TcpStream>>;

/// A running server; stops when dropped.
pub(crate) struct Running {
    pub(crate) port: u16,
    certificate: Option<String>,
    events: broadcast::Receiver<Event>,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) shutdown: DropGuard,
}

impl Running {
    pub(crate) async fn start(tls: Tls) -> Self {
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
    pub(crate) fn config(&self, encryption: EncryptionLevel) -> Config {
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

    pub(crate) async fn connect(&self, encryption: EncryptionLevel) -> Tiberius {
        connect(self.config(encryption)).await.unwrap()
    }

    /// Waits until what `wanted` accepts has happened.
    pub(crate) async fn event(&mut self, wanted: impl Fn(&Event) -> bool) {
        while !wanted(&self.events.recv().await.unwrap()) {}
    }
}

pub(crate) async fn connect(config: Config) -> tiberius::Result<Tiberius> {
    let address = config.get_addr().replace("localhost", "127.0.0.1");
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    Box::pin(Client::connect(config, socket.compat_write())).await
}
