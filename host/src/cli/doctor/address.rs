//! The address itself: what can be said of it before anything is asked.

use std::net::IpAddr;

use tokio::net::lookup_host;
use url::Url;

use super::report::Report;
use crate::oauth::is_loopback;

/// Looks at the address as typed, and at where its name leads.
pub(super) async fn examine(typed: &str, url: &Url, report: &mut Report) {
    if typed.ends_with('/') {
        report.doubtful(
            format!("the address {typed} ends in a slash"),
            "Clients compare it with the metadata character by character: type it without.",
        );
    }
    if is_loopback(url) {
        return;
    }
    report.check(
        url.scheme() == "https",
        format!("the address is {}", url.scheme()),
        "Clients send tokens over https only: put the server behind TLS.",
    );
    if let Some(port) = url.port() {
        report.doubtful(
            format!("the address has the port {port}"),
            "claude.ai connects to port 443 alone: use a reverse proxy there.",
        );
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(addresses) = lookup_host((host, port)).await {
        let addresses: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
        resolved(host, &addresses, report);
    }
}

fn resolved(host: &str, addresses: &[IpAddr], report: &mut Report) {
    let four = addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    let four: Vec<_> = four.collect();
    if four.is_empty() {
        report.bad(
            format!("{host} has no IPv4 address"),
            "claude.ai connects over IPv4 alone: add an A record.",
        );
        return;
    }
    let inside = |address: &std::net::Ipv4Addr| {
        address.is_private() || address.is_link_local() || address.is_loopback()
    };
    match four.iter().find(|address| inside(address)) {
        Some(address) => report.doubtful(
            format!("{host} is {address} from here, an address of this network"),
            "claude.ai and ChatGPT connect from the internet: the public name must lead to a \
             public address there.",
        ),
        None => report.good(format!("{host} has a public IPv4 address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(addresses: &[&str]) -> String {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut report = Report::default();
        resolved("h", &addresses, &mut report);
        report.text(false)
    }

    #[test]
    fn a_name_must_lead_to_a_public_ipv4_address() {
        assert!(said(&["203.0.113.7", "2001:db8::1"]).contains("ok"));
        assert!(said(&["2001:db8::1"]).contains("add an A record"));
        assert!(said(&["10.0.0.1"]).contains("connect from the internet"));
        assert!(said(&["127.0.1.1"]).contains("note"));
    }

    #[tokio::test]
    async fn http_is_for_loopback() {
        for (typed, found) in [
            ("http://127.0.0.1:8008/s/mcp", ""),
            ("http://localhost/s/mcp/", "ends in a slash"),
            ("http://[::1]:1/s/mcp", ""),
        ] {
            let mut report = Report::default();
            examine(typed, &Url::parse(typed).unwrap(), &mut report).await;
            assert!(report.text(false).contains(found), "{typed}");
            assert_eq!(report.failures(), 0, "{typed}");
            assert_eq!(report.text(false).is_empty(), found.is_empty());
        }
        let typed = "http://203.0.113.7:8443/s/mcp";
        let mut report = Report::default();
        examine(typed, &Url::parse(typed).unwrap(), &mut report).await;
        let text = report.text(false);
        assert!(
            text.contains("over https only") && text.contains("443"),
            "{text}"
        );
    }
}
