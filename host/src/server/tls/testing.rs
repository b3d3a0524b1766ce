//! Certificates for tests, and a client that trusts one of them.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Tls, TlsFiles};
use crate::clock::Clock;

/// A folder with a certificate and its key.
pub(crate) struct Files {
    pub(crate) folder: TempDir,
    pub(crate) files: TlsFiles,
}

/// A certificate that is valid for so many days around now.
pub(crate) fn made(host: &str, before: i64, after: i64) -> CertifiedKey<KeyPair> {
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let now = rcgen::date_time_ymd(2026, 1, 1);
    let day = std::time::Duration::from_secs(24 * 3_600);
    let moved = |days: i64| {
        let distance = day * u32::try_from(days.unsigned_abs()).unwrap();
        if days < 0 {
            now - distance
        } else {
            now + distance
        }
    };
    params.not_before = moved(before);
    params.not_after = moved(after);
    let cert = params.self_signed(&signing_key).unwrap();
    CertifiedKey { cert, signing_key }
}

impl Files {
    pub(crate) fn new(made: &CertifiedKey<KeyPair>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("fullchain.pem"),
            key: folder.path().join("privkey.pem"),
        };
        let new = Self { folder, files };
        new.put(made);
        new
    }

    /// Replaces both files, each as renewals do: whole, and by a rename.
    pub(crate) fn put(&self, made: &CertifiedKey<KeyPair>) {
        self.replace(&self.files.key, &made.signing_key.serialize_pem());
        self.replace(&self.files.certificate, &made.cert.pem());
    }

    pub(crate) fn replace(&self, path: &Path, text: &str) {
        let beside = self.folder.path().join("beside");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, path).unwrap();
    }

    pub(crate) fn open(&self) -> Tls {
        Tls::open(self.files.clone(), Clock::system()).unwrap()
    }
}

/// A client's end of a connection, whose server proved to be `made`.
pub(crate) async fn connect(
    address: std::net::SocketAddr,
    made: &CertifiedKey<KeyPair>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}
