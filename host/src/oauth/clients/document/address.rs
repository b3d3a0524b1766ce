//! Which addresses a document may have: of the public internet, written in the
//! one way that every parser reads alike.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};
use url::Url;

use super::DocumentError;

/// Reads the address of a document: https, a path, and nothing to hide behind.
pub(super) fn parse(client_id: &str, any_port: bool) -> Result<Url, DocumentError> {
    let url = Url::parse(client_id).map_err(|_| DocumentError::Address)?;
    let good = url.scheme() == "https"
        // Not normal are dot segments, `https:/host`, other writings of an IP address …
        && url.as_str() == client_id
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.path() != "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && (any_port || url.port().is_none());
    good.then_some(url).ok_or(DocumentError::Address)
}

/// Whether an address is of the public internet: in none of the special-purpose
/// registries of IANA (RFC 6890), nor one that a cloud keeps for its machines.
/// Addresses that carry an IPv4 address inside are none, whichever it is.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.iter().any(|net| net.contains(&address))
                && !NOT_PUBLIC_V6.iter().any(|net| net.contains(&address))
        }
    }
}

static NOT_PUBLIC_V4: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| {
    networks(&[
        "0.0.0.0/8",        // this network
        "10.0.0.0/8",       // private
        "100.64.0.0/10",    // carriers' NAT; metadata of one cloud
        "127.0.0.0/8",      // loopback
        "168.63.129.16/32", // the host of a virtual machine on Azure
        "169.254.0.0/16",   // link-local; metadata of most clouds
        "172.16.0.0/12",    // private
        "192.0.0.0/24",     // protocol assignments; metadata of one cloud
        "192.0.2.0/24",     // documentation
        "192.31.196.0/24",  // AS112
        "192.52.193.0/24",  // AMT
        "192.88.99.0/24",   // 6to4 relays
        "192.168.0.0/16",   // private
        "192.175.48.0/24",  // AS112
        "198.18.0.0/15",    // benchmarks
        "198.51.100.0/24",  // documentation
        "203.0.113.0/24",   // documentation
        "224.0.0.0/4",      // multicast
        "240.0.0.0/4",      // reserved, broadcast
    ])
});

/// All that IANA gives out: neither `::1`, nor mapped addresses, nor NAT64,
/// nor unique local, link-local and multicast ones.
static GLOBAL_V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| networks(&["2000::/3"]));

static NOT_PUBLIC_V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| {
    networks(&[
        "2001::/23",         // protocol assignments, Teredo, ORCHID, benchmarks
        "2001:db8::/32",     // documentation
        "2002::/16",         // 6to4
        "2620:4f:8000::/48", // AS112
        "3fff::/20",         // documentation
    ])
});

fn networks<N: std::str::FromStr>(texts: &[&str]) -> Vec<N> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_tables_is_read() {
        assert_eq!(NOT_PUBLIC_V4.len(), 19);
        assert_eq!(GLOBAL_V6.len(), 1);
        assert_eq!(NOT_PUBLIC_V6.len(), 5);
    }

    #[test]
    fn addresses_inside_and_special_ones_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.255.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.251",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:93.184.216.34",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn neighbours_of_special_networks_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450:4001::200e",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_has_https_a_path_and_no_tricks() {
        for text in [
            "https://claude.ai/oauth/claude-code-client-metadata",
            "https://chatgpt.com/oauth/client.json",
            "https://vscode.dev/oauth/client-metadata.json?v=2",
        ] {
            assert!(parse(text, false).is_ok(), "{text}");
        }
        for text in [
            "http://claude.ai/client.json",
            "https://claude.ai",
            "https://claude.ai/",
            "https://claude.ai/client.json#x",
            "https://claude.ai/client.json#",
            "https://user@claude.ai/client.json",
            "https://:x@claude.ai/client.json",
            "https://@claude.ai/client.json",
            "https://claude.ai:8443/client.json",
            "https://claude.ai:443/client.json",
            "https://claude.ai/a/../client.json",
            "https://claude.ai/a/%2e%2e/client.json",
            "https://claude.ai/./client.json",
            "https://claude.ai\\client.json",
            "https://CLAUDE.ai/client.json",
            "https:/claude.ai/client.json",
            "https://127.1/client.json",
            "https://0x7f000001/client.json",
            "https://[::ffff:127.0.0.1]/client.json",
            "https:///client.json",
            " https://claude.ai/client.json",
            "https://claude.ai/cl\nient.json",
            "claude",
            "",
        ] {
            assert_eq!(parse(text, false), Err(DocumentError::Address), "{text}");
        }
        assert!(parse("https://claude.ai:8443/client.json", true).is_ok());
    }
}
