//! How long the certificate that clients see is good for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use reqwest::tls::TlsInfo;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use crate::clock::Timestamp;
use crate::oauth::{client_tls, native_roots};

/// When the first certificate of a PEM file ends.
pub(super) fn of_file(path: &Path) -> Result<Timestamp, String> {
    let wrong = |why: String| format!("the certificate {} cannot be read: {why}", path.display());
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let first = CertificateDer::pem_slice_iter(&text).next();
    let first = first.ok_or_else(|| wrong("it holds none".to_owned()))?;
    let certificate = first.map_err(|error| wrong(error.to_string()))?;
    ends(&certificate).map_err(wrong)
}

/// When the certificate ends that a server shows.
pub(super) async fn of_server(url: &str) -> Result<Timestamp, String> {
    let wrong = |why: String| format!("{url} shows no good certificate: {why}");
    let tls = client_tls(native_roots()).map_err(|error| wrong(error.to_string()))?;
    let client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .tls_info(true)
        .use_preconfigured_tls(tls)
        .build()
        .map_err(|error| wrong(chain(&error)))?;
    let answer = client.head(url).send().await;
    let answer = answer.map_err(|error| wrong(chain(&error)))?;
    let shown = answer.extensions().get::<TlsInfo>();
    let certificate = shown.and_then(TlsInfo::peer_certificate);
    let certificate = certificate.ok_or_else(|| wrong("there is no TLS".to_owned()))?;
    ends(&CertificateDer::from(certificate)).map_err(wrong)
}

/// The library reads the end of a certificate, and tells it of one that is over: so this
/// one is judged at the end of time.
fn ends(certificate: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let mut roots = RootCertStore::empty();
    let added = roots.add(certificate.clone().into_owned());
    added.map_err(|error| error.to_string())?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
    let later = UnixTime::since_unix_epoch(Duration::from_secs(YEAR_9999));
    match verifier.verify_server_cert(certificate, &[], &name, &[], later) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            let seconds = Duration::from_secs(not_after.as_secs());
            Ok(Timestamp::default().after(seconds))
        }
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("it never ends".to_owned()),
    }
}

/// An error with its causes, which say more.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

const PATIENCE: Duration = Duration::from_secs(10);
/// The last moment that a certificate can name (RFC 5280 §4.1.2.5).
const YEAR_9999: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fullchain.pem");
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        wanted.not_after = rcgen::date_time_ymd(2027, 3, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = wanted.self_signed(&key).unwrap().pem();
        std::fs::write(&path, &pem).unwrap();
        assert_eq!(of_file(&path), Ok(Timestamp(1_803_859_200_000)));
        std::fs::write(&path, "nothing").unwrap();
        assert!(of_file(&path).unwrap_err().contains("holds none"));
        std::fs::write(&path, pem.replace("MII", "AAA")).unwrap();
        assert!(of_file(&path).unwrap_err().contains("cannot be read"));
        assert!(of_file(Path::new("/nowhere.pem")).is_err());
    }
}
