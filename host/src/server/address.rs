//! Where a request comes from when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Proxies whose `X-Forwarded-For` and `X-Real-IP` are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address that the outermost trusted proxy saw: each proxy appends who
    /// it was called by, so what is left of that anybody can have written.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.to_canonical();
        if !self.trusts(address) {
            return address;
        }
        if !headers.contains_key(FORWARDED_FOR) {
            return real_ip(headers).unwrap_or(address);
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        for hop in hops {
            match read(hop.trim()) {
                Some(found) => address = found.to_canonical(),
                None => break,
            }
            if !self.trusts(address) {
                break;
            }
        }
        address
    }

    /// Whether that address is a trusted proxy's.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What `X-Real-IP` says.
fn real_ip(headers: &HeaderMap) -> Option<IpAddr> {
    let said = headers.get(REAL_IP)?.to_str().ok()?;
    Some(read(said.trim())?.to_canonical())
}

/// An address, with a port or without.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    bare.unwrap_or(hop)
        .parse()
        .ok()
        .or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Of proxies that send no `X-Forwarded-For`: a client's own would pass through those
/// that do.
pub(super) const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_client_is_who_the_outermost_trusted_proxy_saw() {
        let networks = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        let proxies = TrustedProxies::new(networks.into());
        for (peer, forwarded, client) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["6.6.6.6, 198.51.100.1, 10.9.9.9"],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &["6.6.6.6, 198.51.100.1", "10.9.9.9"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["10.7.7.7, 10.8.8.8"], "10.7.7.7"),
            ("::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("::1", &["[2001:db8::7]"], "2001:db8::7"),
            ("::1", &["198.51.100.1:80"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, unknown, 10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(
                found,
                client.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn x_real_ip_counts_where_there_is_no_x_forwarded_for() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, real, forwarded, client) in [
            ("10.0.0.1", "198.51.100.1", None, "198.51.100.1"),
            (
                "10.0.0.1",
                "198.51.100.1",
                Some("203.0.113.9"),
                "203.0.113.9",
            ),
            ("10.0.0.1", "nobody", None, "10.0.0.1"),
            ("203.0.113.9", "198.51.100.1", None, "203.0.113.9"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(REAL_IP, HeaderValue::from_static(real));
            if let Some(forwarded) = forwarded {
                headers.insert(FORWARDED_FOR, HeaderValue::from_static(forwarded));
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {real}");
        }
    }

    #[test]
    fn without_trusted_proxies_nobody_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(TrustedProxies::default().client(peer, &headers), peer);
    }
}
