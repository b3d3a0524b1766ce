//! `mssql-mcp health`: what `/health` says, for monitors, and for containers, which
//! have no shell to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use reqwest::{Client, redirect};
use url::Url;

use super::config::ConfigArguments;
use super::exit::{NothingDone, Unreachable, UsageError, print};
use crate::config::Config;
use crate::oauth::{client_tls, is_loopback, native_roots};

/// `mssql-mcp health`
#[derive(Debug, clap::Args)]
pub(super) struct HealthArguments {
    /// Address of the server; without it the listener of the configuration, on this
    /// machine
    url: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) async fn run(arguments: HealthArguments) -> anyhow::Result<()> {
    let url = match &arguments.url {
        Some(url) => typed(url)?,
        None => own(&arguments.config.source().read()?)?,
    };
    // Its own certificate is for another name, and nobody stands between.
    let itself = arguments.url.is_none() || is_loopback(&url);
    ask(&url, itself).await
}

/// The address as somebody typed it: of a server, a scope, or of the page itself.
fn typed(url: &str) -> Result<Url, UsageError> {
    let wrong = || {
        UsageError(format!(
            "\"{url}\" is not the address of a server; write one such as https://data.example.com"
        ))
    };
    let mut read = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(read.scheme(), "http" | "https") || read.host_str().is_none() {
        return Err(wrong());
    }
    let path = read.path().trim_end_matches('/').to_owned();
    if !["/health", "/ready", "/live"]
        .iter()
        .any(|page| path.ends_with(page))
    {
        read.set_path(&format!("{path}/health"));
    }
    Ok(read)
}

/// Where the configured server is reached from this machine.
fn own(config: &Config) -> Result<Url, UsageError> {
    let listen = config.http.listen;
    let address = match listen.ip() {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    let scheme = if config.http.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let listen = std::net::SocketAddr::new(address, listen.port());
    typed(&format!("{scheme}://{listen}"))
}

async fn ask(url: &Url, itself: bool) -> anyhow::Result<()> {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .user_agent(concat!("mssql-mcp/", env!("CARGO_PKG_VERSION")));
    let client = if itself {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        client
            .no_proxy()
            .use_preconfigured_tls(anybody::tls(provider)?)
    } else {
        client.use_preconfigured_tls(client_tls(native_roots())?)
    };
    let unreachable = |error: &reqwest::Error| {
        let why = if error.is_timeout() {
            format!("nothing within {} seconds", PATIENCE.as_secs())
        } else {
            innermost(error)
        };
        Unreachable(format!(
            "{url} does not answer: {why}; is the server running?"
        ))
    };
    let response = client.build()?.get(url.clone()).send().await;
    let response = response.map_err(|error| unreachable(&error))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| unreachable(&error))?;
    let said: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let Some(word) = said.as_ref().and_then(|said| said.get("status")?.as_str()) else {
        let sentence =
            format!("{url} answers {status}, and not as this server does; correct the address");
        return Err(Unreachable(sentence).into());
    };
    print(text.trim_end())?;
    if status.is_success() {
        return Ok(());
    }
    Err(NothingDone(format!("{url} says {word}")).into())
}

/// The message that says most.
fn innermost(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Of a container's health check the time-out is 10 s.
const PATIENCE: Duration = Duration::from_secs(5);

mod anybody {
    //! TLS with whoever answers: for this machine alone.

    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    struct Anybody(CryptoProvider);

    pub(super) fn tls(provider: CryptoProvider) -> Result<ClientConfig, Error> {
        let verifier = Arc::new(Anybody(provider.clone()));
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Ok(config.with_no_client_auth())
    }

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signed, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signed, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;
    use crate::cli::ExitCode;

    #[test]
    fn an_address_leads_to_its_health() {
        for (url, health) in [
            (
                "https://data.example.com",
                "https://data.example.com/health",
            ),
            (
                "https://data.example.com/",
                "https://data.example.com/health",
            ),
            ("http://h:1/claude/", "http://h:1/claude/health"),
            ("http://h/health", "http://h/health"),
            ("http://h/ready", "http://h/ready"),
        ] {
            assert_eq!(typed(url).unwrap().as_str(), health);
        }
        for url in ["data.example.com", "ftp://h", ""] {
            assert!(typed(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_own_server_is_asked_on_this_machine() {
        let own = |http: &str| {
            let text = format!(
                "[http]\npublic_url = \"https://data.example.com\"\n{http}\n[databases.d]\n\
                 host = \"h\"\ndatabase = \"d\"\nuser = \"u\"\npassword = \"p\"\n\
                 [scopes.s]\ntool_sets = [\"t\"]\ndatabases = [\"d\"]\n"
            );
            own(&Config::parse(&text, "test").unwrap())
                .unwrap()
                .to_string()
        };
        let tls = "tls = { certificate = \"c\", key = \"k\" }";
        for (http, url) in [
            ("", "http://127.0.0.1:8008/health"),
            ("listen = \"0.0.0.0:80\"", "http://127.0.0.1/health"),
            (
                &format!("listen = \"[::]:8443\"\n{tls}"),
                "https://[::1]:8443/health",
            ),
            ("listen = \"10.0.0.1:1\"", "http://10.0.0.1:1/health"),
        ] {
            assert_eq!(own(http), url);
        }
    }

    #[tokio::test]
    async fn the_exit_code_tells_how_it_is() {
        let site = Router::new()
            .route("/health", get(async || r#"{"status":"degraded"}"#))
            .route(
                "/down/health",
                get(async || (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unhealthy"}"#)),
            )
            .route("/other/health", get(async || "hello"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = tokio::spawn(axum::serve(listener, site).into_future());
        let code = async |path: &str| {
            let url = typed(&format!("http://{address}{path}")).unwrap();
            match ask(&url, true).await {
                Ok(()) => ExitCode::Done,
                Err(error) => ExitCode::of(&error),
            }
        };
        assert_eq!(code("").await, ExitCode::Done);
        assert_eq!(code("/down").await, ExitCode::Found);
        assert_eq!(code("/other").await, ExitCode::Unavailable);
        site.abort();
        let _ = site.await;
        assert_eq!(code("").await, ExitCode::Unavailable);
    }
}
