//! One fetch: name, check, connect to what was checked, read a little.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode, redirect};
use url::{Host, Url};

use crate::client_tls::client_tls;

use super::{Document, DocumentError, DocumentFetcherError, DocumentRules, Resolver};

/// A client that connects only where `rules` allow. It keeps no connection, so
/// that each one is to addresses checked just now.
pub(super) fn client(rules: &DocumentRules) -> Result<reqwest::Client, DocumentFetcherError> {
    let tls =
        client_tls(rules.roots.clone()).map_err(|error| DocumentFetcherError(error.to_string()))?;
    reqwest::Client::builder()
        .use_preconfigured_tls(tls)
        .dns_resolver(Arc::new(Checked {
            resolver: Arc::clone(&rules.resolver),
            allows: rules.allows,
        }))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .https_only(true)
        .pool_max_idle_per_host(0)
        .referer(false)
        .user_agent(concat!("mssql-mcp/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| DocumentFetcherError(error.to_string()))
}

/// The document at `url`, and how long its host says that it holds.
pub(super) async fn fetch(
    client: &reqwest::Client,
    url: &Url,
    rules: &DocumentRules,
) -> Result<(Document, Duration), DocumentError> {
    // The connector resolves names only: addresses are judged here.
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    if literal.is_some_and(|address| !(rules.allows)(address)) {
        return Err(DocumentError::NotPublic);
    }
    tokio::time::timeout(rules.timeout, request(client, url))
        .await
        .unwrap_or(Err(DocumentError::TimedOut(rules.timeout)))
}

async fn request(
    client: &reqwest::Client,
    url: &Url,
) -> Result<(Document, Duration), DocumentError> {
    let request = client.get(url.clone()).header(ACCEPT, "application/json");
    let response = request.send().await.map_err(|error| reason(url, &error))?;
    if response.status() != StatusCode::OK {
        return Err(DocumentError::Status(response.status().as_u16()));
    }
    if !is_json(response.headers()) {
        return Err(DocumentError::NotJson);
    }
    let life = max_age(response.headers());
    let body = read(response).await?;
    Ok((Document::parse(&body, url.as_str())?, life))
}

/// The body, given up as soon as it is too long, whatever was announced.
async fn read(mut response: Response) -> Result<Vec<u8>, DocumentError> {
    let mut body = Vec::new();
    let broken = |_| DocumentError::Unreachable;
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(DocumentError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn reason(url: &Url, error: &reqwest::Error) -> DocumentError {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<NotPublic>() {
            return DocumentError::NotPublic;
        }
        source = error.source();
    }
    tracing::debug!(%url, error = ?error, "a host of a metadata document cannot be reached");
    DocumentError::Unreachable
}

/// Resolves a name for the connector, which goes to these addresses and no
/// others: a name that says something else a moment later is not asked again.
struct Checked {
    resolver: Arc<dyn Resolver>,
    allows: fn(IpAddr) -> bool,
}

/// One of the name's addresses may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("not a public address")]
struct NotPublic;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.resolver);
        let allows = self.allows;
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            // One bad address among good ones is an attempt, not an accident.
            if !addresses.iter().all(|address| allows(*address)) {
                return Err(NotPublic.into());
            }
            // Port 0: that of the URL.
            let sockets = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// `max-age` of RFC 9111 §5.2.2.1; nothing for `no-cache`, `no-store` and where
/// nothing is said.
fn max_age(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let directives: Vec<String> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives
        .iter()
        .any(|name| name == "no-store" || name == "no-cache")
    {
        return Duration::ZERO;
    }
    let seconds = directives
        .iter()
        .find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

const MAX_BYTES: usize = 5 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: reqwest::header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_life_of_a_document_is_its_max_age() {
        for (value, seconds) in [
            ("max-age=600", 600),
            ("public, Max-Age=600", 600),
            ("no-store, max-age=600", 0),
            ("no-cache", 0),
            ("max-age=-1", 0),
            ("max-age=x", 0),
            ("", 0),
        ] {
            let headers = headers(CACHE_CONTROL, value);
            assert_eq!(max_age(&headers), Duration::from_secs(seconds), "{value}");
        }
        assert_eq!(max_age(&HeaderMap::new()), Duration::ZERO);
    }

    #[test]
    fn json_has_several_names() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/client-metadata+json", true),
            ("text/json", false),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(is_json(&headers(CONTENT_TYPE, value)), json, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
