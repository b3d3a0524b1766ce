//! `[http]`: the listener.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use super::ConfigError;

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The address that clients use, where it is not the listener's.
    pub public_url: Option<String>,
    /// Networks of proxies whose `X-Forwarded-For`, `X-Real-IP` and
    /// `X-Environment-Path` are believed, and from which monitors come.
    pub trusted_proxies: Vec<IpNet>,
    /// Address and port of the operator page; without it there is none.
    pub admin_listen: Option<SocketAddr>,
    /// TLS on the listener; without it plain HTTP.
    pub tls: Option<TlsSection>,
    /// Address and port of `/metrics` alone.
    pub metrics_listen: Option<SocketAddr>,
    /// Networks that are refused.
    pub deny: Vec<IpNet>,
}

impl HttpSection {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let same = |other: SocketAddr| other.port() != 0 && other == self.listen;
        if self.metrics_listen.is_some_and(same) {
            return Err(ConfigError::rule(
                "http.metrics_listen",
                "is the address of http.listen; write another port",
            ));
        }
        Ok(())
    }

    /// `signs_in`: whether people have to say who they are.
    pub(super) fn check_admin(&self, signs_in: bool) -> Result<(), ConfigError> {
        let Some(admin) = self.admin_listen else {
            return Ok(());
        };
        let rule = |message: &str| Err(ConfigError::rule("http.admin_listen", message));
        if admin == self.listen && admin.port() != 0 {
            return rule(
                "is http.listen; the operator page has an address of its own, such as \
                         127.0.0.1:8009",
            );
        }
        if !signs_in && !admin.ip().is_loopback() {
            return rule(
                "is for loopback only where nobody signs in; listen on 127.0.0.1, or \
                         have people sign in with a password or at a provider",
            );
        }
        Ok(())
    }
}

/// `http.tls`: PEM files, read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The certificate, and those up to the authority behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8008),
            public_url: None,
            trusted_proxies: Vec::new(),
            admin_listen: None,
            tls: None,
            metrics_listen: None,
            deny: Vec::new(),
        }
    }
}
