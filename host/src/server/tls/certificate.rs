//! A certificate and its key, from two PEM files to what a handshake needs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem};
use rustls::server::ParsedCertificate;
use rustls::{InconsistentKeys, ServerConfig};
use x509_cert::der::Decode as _;

use crate::clock::Timestamp;

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those up to the authority behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Files that nothing can be served with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("http.tls.{key}: {} cannot be read: {source}; give this user the file", path.display())]
    Read {
        /// `certificate` or `key`.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("http.tls.{key}: {} {why}", path.display())]
    Content {
        /// `certificate` or `key`.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong, and what it should be.
        why: String,
    },
    /// The key is another certificate's.
    #[error(
        "http.tls.key: {} is not the key of the certificate in {}; name the two that were made \
         together",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The cryptography offers no protocol version; a bug of the build.
    #[error("TLS is not to be had: {0}")]
    Unsupported(rustls::Error),
}

/// What handshakes are made with.
pub(super) struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    chain: Vec<CertificateDer<'static>>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads both files. A certificate that is no longer valid is none the less served:
    /// what is there is better than nothing.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let chain = chain(&files.certificate)?;
        let key = key(&files.key)?;
        let (not_before, not_after) = validity(&chain).map_err(|why| TlsError::Content {
            key: CERTIFICATE,
            path: files.certificate.clone(),
            why,
        })?;
        let config = config(&chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            },
            error => TlsError::Content {
                key: KEY,
                path: files.key.clone(),
                why: format!("cannot be used: {error}; write an RSA, ECDSA or Ed25519 key"),
            },
        })?;
        Ok(Self {
            config: Arc::new(config),
            chain,
            not_before,
            not_after,
        })
    }

    /// Whether both are the same certificate.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.chain == other.chain
    }

    pub(super) fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// What browsers and clients will soon say of it, or do.
    pub(super) fn aging(&self, now: Timestamp) -> Option<String> {
        let day = day(self.not_after);
        if now >= self.not_after {
            return Some(format!("the certificate expired on {day}; renew it"));
        }
        if now < self.not_before {
            let day = self::day(self.not_before);
            return Some(format!(
                "the certificate is valid from {day} on, which is later than now"
            ));
        }
        let left = self.not_after.since(now);
        // Whoever renews in time does so with a third of its life left.
        let near = (self.not_after.since(self.not_before) / 3).min(NEAR);
        let days = left.as_secs() / DAY;
        (left < near).then(|| {
            format!("the certificate expires in {days} days, on {day}; see why it is not renewed")
        })
    }

    /// Whether clients that come by that name accept it.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let name = ServerName::try_from(host.trim_matches(['[', ']']));
        let leaf = self.chain.first().map(ParsedCertificate::try_from);
        match (name, leaf) {
            (Ok(name), Some(Ok(leaf))) => rustls::client::verify_server_name(&leaf, &name).is_ok(),
            _ => false,
        }
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        key,
        path: path.to_owned(),
        source,
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(CERTIFICATE, path)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    let wrong = |why: String| TlsError::Content {
        key: CERTIFICATE,
        path: path.to_owned(),
        why,
    };
    match chain {
        Ok(chain) if chain.is_empty() => Err(wrong(
            "holds no certificate; write one in PEM, which begins with -----BEGIN CERTIFICATE-----"
                .to_owned(),
        )),
        Ok(chain) => Ok(chain),
        Err(error) => Err(wrong(format!("is no PEM: {error}"))),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(KEY, path)?;
    // The parser's message could quote the file.
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| TlsError::Content {
        key: KEY,
        path: path.to_owned(),
        why: "holds no private key; write one in PEM without a password, which begins with \
              -----BEGIN PRIVATE KEY-----"
            .to_owned(),
    })
}

fn config(
    chain: &[CertificateDer<'static>],
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.to_vec(), key)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    // A client that comes back spares both sides a signature.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// The time from and the time to which the first certificate is valid.
fn validity(chain: &[CertificateDer<'static>]) -> Result<(Timestamp, Timestamp), String> {
    let leaf = chain
        .first()
        .map(|leaf| x509_cert::Certificate::from_der(leaf));
    let leaf = match leaf {
        Some(Ok(leaf)) => leaf,
        Some(Err(error)) => return Err(format!("holds no X.509 certificate: {error}")),
        None => return Err("holds no certificate".to_owned()),
    };
    let validity = leaf.tbs_certificate.validity;
    let at = |time: x509_cert::time::Time| Timestamp::default().after(time.to_unix_duration());
    Ok((at(validity.not_before), at(validity.not_after)))
}

fn day(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.0)
        .map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// What ALPN calls HTTP/2.
pub(super) const HTTP_2: &[u8] = b"h2";
const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";
const DAY: u64 = 24 * 3_600;
/// Before its end, certificates of Let's Encrypt have been renewed for two weeks.
const NEAR: Duration = Duration::from_secs(14 * DAY);
