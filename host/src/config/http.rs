//! `[http]`: the listener.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Address and port of the operator page; without it there is none.
    pub admin_listen: Option<SocketAddr>,
}

impl HttpSection {
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

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8008),
            public_url: None,
            trusted_proxies: Vec::new(),
            admin_listen: None,
        }
    }
}
