//! The self-made certificate and the TLS settings around it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

/// A certificate made at start; its key never leaves the process.
pub(crate) struct Certificate {
    pem: String,
    acceptors: Acceptors,
}

/// TLS as MS-TDS has it.
#[derive(Clone)]
pub(crate) struct Acceptors {
    /// Inside TDS 7.4, which ends at TLS 1.2: the tickets of 1.3 would follow
    /// the handshake and have no packet to travel in.
    pub(crate) wrapped: TlsAcceptor,
    /// Around TDS 8.0.
    pub(crate) strict: TlsAcceptor,
}

impl Certificate {
    /// For `localhost` and `address`.
    pub(crate) fn make(address: IpAddr) -> io::Result<Self> {
        let names = vec!["localhost".to_owned(), address.to_string()];
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let certificate = made.cert.der().clone();
        let key = made.signing_key.serialize_der();
        let config = |versions, protocols| -> io::Result<TlsAcceptor> {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            config(versions, certificate.clone(), key, protocols).map_err(io::Error::other)
        };
        Ok(Self {
            pem: made.cert.pem(),
            acceptors: Acceptors {
                wrapped: config(&[&TLS12], Vec::new())?,
                strict: config(&[&TLS13, &TLS12], vec![b"tds/8.0".to_vec()])?,
            },
        })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn acceptor(&self) -> Acceptors {
        self.acceptors.clone()
    }
}

fn config(
    versions: &[&'static rustls::SupportedProtocolVersion],
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    protocols: Vec<Vec<u8>>,
) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = protocols;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
