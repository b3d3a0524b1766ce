//! Issuers: a scope's authorization server as one address names it, and every
//! URL that follows from it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use url::Url;

use super::access::ScopeAccess;
use super::context::OAuth;
use crate::http_error::HttpError;

/// The address that clients use: scheme, host and port, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// An address that issuers cannot be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "public_url \"{0}\" must be https (http on loopback only) with a host and nothing behind it, \
     like https://data.example.com"
)]
pub struct BaseError(String);

impl PublicUrl {
    /// Reads an origin; a slash behind it is dropped.
    pub fn parse(text: &str) -> Result<Self, BaseError> {
        let wrong = || BaseError(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_protected(&url) || !bare || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether browsers keep cookies for it that are `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// One scope's authorization server, as it was called: at its path, or at the
/// root for the default scope.
#[derive(Clone, Debug)]
pub struct Issuer {
    scope: Arc<ScopeAccess>,
    base: PublicUrl,
    at_root: bool,
}

impl Issuer {
    /// The issuer of `scope` under `base`.
    pub(super) fn new(scope: Arc<ScopeAccess>, base: PublicUrl, at_root: bool) -> Self {
        Self {
            scope,
            base,
            at_root,
        }
    }

    /// The scope whose clients, grants and tokens these are.
    pub fn scope(&self) -> &ScopeAccess {
        &self.scope
    }

    /// The server's own address.
    pub fn base(&self) -> &PublicUrl {
        &self.base
    }

    /// The scope's path as it was called: `/claude`, or nothing at the root.
    pub fn path(&self) -> String {
        if self.at_root {
            String::new()
        } else {
            format!("/{}", self.scope.name)
        }
    }

    /// `issuer` (RFC 8414 §2), the `iss` of RFC 9207.
    pub fn identifier(&self) -> String {
        self.url("")
    }

    /// The address of `path`, such as `/token`, at this issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{}{path}", self.base.as_str(), self.path())
    }

    /// The address of an MCP endpoint, `sse` or `mcp`: the `resource` of
    /// RFC 9728.
    pub fn resource(&self, endpoint: &str) -> String {
        self.url(&format!("/{endpoint}"))
    }

    /// Address of the protected-resource metadata of `endpoint` (RFC 9728 §3.1).
    pub fn resource_metadata(&self, endpoint: &str) -> String {
        format!(
            "{}/.well-known/oauth-protected-resource{}/{endpoint}",
            self.base.as_str(),
            self.path()
        )
    }

    /// Whether `resource` (RFC 8707 §2) is an address of this scope: the
    /// audience of its tokens. Scheme and host in any case, one slash at the end
    /// is dropped.
    pub fn is_audience(&self, resource: &str, default_scope: &str) -> bool {
        let Ok(url) = Url::parse(resource) else {
            return false;
        };
        if url.fragment().is_some() || url.query().is_some() {
            return false;
        }
        if url.origin().ascii_serialization() != self.base.as_str() {
            return false;
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let path = match path.strip_prefix('/').unwrap_or(path).split_once('/') {
            None if path == format!("/{}", self.scope.name) => return true,
            Some((scope, rest)) if scope == self.scope.name => rest,
            None if self.scope.name == default_scope => path.strip_prefix('/').unwrap_or(path),
            _ => return false,
        };
        matches!(path, "" | "sse" | "mcp") && !url.path().ends_with("//")
    }
}

impl FromRequestParts<OAuth> for Issuer {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, oauth: &OAuth) -> Result<Self, HttpError> {
        let path = RawPathParams::from_request_parts(parts, oauth).await;
        let path = path.map_err(|_| HttpError::not_found())?;
        let scope = path.iter().find(|(name, _)| *name == "scope");
        oauth
            .issuer(scope.map(|(_, name)| name), &parts.headers)
            .ok_or_else(HttpError::not_found)
    }
}

/// The base of a server that was given none: the loopback name that the client
/// used, since the metadata must name what the person typed.
pub(super) fn loopback_base(host: &HeaderValue) -> Option<PublicUrl> {
    PublicUrl::parse(&format!("http://{}", host.to_str().ok()?)).ok()
}

/// Whether nobody between can read and change what goes to this address.
pub(super) fn is_protected(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether this machine alone is meant; http will do there.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(at_root: bool) -> Issuer {
        let scope = ScopeAccess {
            name: "claude".to_owned(),
            people: Vec::new(),
            writers: Vec::new(),
            writable: false,
            redirects: Vec::new(),
            claims: std::collections::BTreeSet::new(),
        };
        let base = PublicUrl::parse("https://Data.example.com:443/").unwrap();
        Issuer::new(Arc::new(scope), base, at_root)
    }

    #[test]
    fn addresses_have_no_slash_at_their_end() {
        let at_path = issuer(false);
        assert_eq!(at_path.identifier(), "https://data.example.com/claude");
        assert_eq!(
            at_path.url("/token"),
            "https://data.example.com/claude/token"
        );
        assert_eq!(
            at_path.resource_metadata("sse"),
            "https://data.example.com/.well-known/oauth-protected-resource/claude/sse"
        );
        let at_root = issuer(true);
        assert_eq!(at_root.identifier(), "https://data.example.com");
        assert_eq!(at_root.resource("mcp"), "https://data.example.com/mcp");
    }

    #[test]
    fn the_audience_is_every_address_of_the_scope_and_no_other() {
        for (resource, in_default, in_other) in [
            ("https://data.example.com/claude/sse", true, true),
            ("https://data.example.com/claude/mcp/", true, true),
            ("HTTPS://DATA.example.com/claude", true, true),
            ("https://data.example.com/sse", true, false),
            ("https://data.example.com/", true, false),
            ("https://data.example.com", true, false),
            ("https://data.example.com/chatgpt/sse", false, false),
            ("https://data.example.com/Claude/sse", false, false),
            ("https://data.example.com/claude/sse//", false, false),
            ("https://data.example.com/claude/token", false, false),
            ("https://data.example.com/claude/sse?x=1", false, false),
            ("https://data.example.com/claude/sse#x", false, false),
            ("https://data.example.com:8443/claude/sse", false, false),
            ("http://data.example.com/claude/sse", false, false),
            ("https://evil.com/claude/sse", false, false),
            ("claude/sse", false, false),
        ] {
            let issuer = issuer(false);
            assert_eq!(
                issuer.is_audience(resource, "claude"),
                in_default,
                "{resource}"
            );
            assert_eq!(
                issuer.is_audience(resource, "chatgpt"),
                in_other,
                "{resource}"
            );
        }
    }

    #[test]
    fn a_public_url_is_an_origin_and_off_loopback_https() {
        for text in [
            "https://h",
            "https://h:8443/",
            "http://localhost:8008",
            "http://[::1]:1",
        ] {
            assert!(PublicUrl::parse(text).is_ok(), "{text}");
        }
        for text in [
            "http://h",
            "https://h/base",
            "https://u@h",
            "https://h?x",
            "ftp://h",
            "h",
            "",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
