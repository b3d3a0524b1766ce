//! A client's metadata document (draft-ietf-oauth-client-id-metadata-document)
//! on a site of its own, over TLS.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mssql_mcp::oauth::{DocumentRules, Resolver};
use rcgen::CertifiedKey;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_util::task::AbortOnDropHandle;

/// Serves until dropped.
pub(super) struct Document {
    /// `client_id`, the address of the document.
    pub(super) url: String,
    certificate: CertificateDer<'static>,
    fetched: Arc<AtomicUsize>,
    _site: AbortOnDropHandle<()>,
}

impl Document {
    /// Of a client with a redirect URI at every port of loopback.
    pub(super) async fn publish() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|tls| {
                let tls = tls.with_no_client_auth();
                tls.with_single_cert(vec![cert.der().clone()], key)
            });
        let acceptor = TlsAcceptor::from(Arc::new(tls.expect("a TLS server")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("https://{HOST}:{port}{PATH}");
        let body = json!({
            "client_id": url,
            "client_name": "Outside",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let body: Arc<str> = body.to_string().into();
        let fetched = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&fetched);
        let site = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let served = serve(acceptor.clone(), connection, Arc::clone(&body));
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    if served.await.is_ok_and(|found| found) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self {
            url,
            certificate: cert.der().clone(),
            fetched,
            _site: AbortOnDropHandle::new(site),
        }
    }

    /// The rules of production for a network in which the only site is this one.
    pub(super) fn rules(&self) -> DocumentRules {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a certificate");
        DocumentRules {
            resolver: Arc::new(OnlyHost),
            allows: |address| address.is_loopback(),
            any_port: true,
            roots,
            timeout: Duration::from_secs(5),
        }
    }

    /// How often it was read.
    pub(super) fn fetched(&self) -> usize {
        self.fetched.load(Ordering::Relaxed)
    }
}

/// Knows one name.
struct OnlyHost;

#[async_trait]
impl Resolver for OnlyHost {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if host == HOST {
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

/// Answers one request; whether it was for the document.
async fn serve(acceptor: TlsAcceptor, connection: TcpStream, body: Arc<str>) -> io::Result<bool> {
    let mut connection = BufReader::new(acceptor.accept(connection).await?);
    let mut request = String::new();
    connection.read_line(&mut request).await?;
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let found = request.split(' ').nth(1) == Some(PATH);
    let status = if found { "200 OK" } else { "404 Not Found" };
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    );
    connection.write_all(reply.as_bytes()).await?;
    connection.shutdown().await?;
    Ok(found)
}

const HOST: &str = "client.example.com";
const PATH: &str = "/outside/client.json";
