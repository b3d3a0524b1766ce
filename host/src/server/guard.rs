//! The guard against DNS rebinding: a page in a browser can make a foreign
//! name point at this machine, but it cannot hide that name from `Host` and
//! `Origin`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::state::ServerState;
use crate::audit::{Entry, Event, Outcome};
use crate::http_error::HttpError;

/// Which `Host` and `Origin` headers are answered.
///
/// On a loopback address: those of loopback, on any port, and the public one.
/// On others every `Host` is, since the names of a public server are not known
/// here and proxies change them, but only the public `Origin`.
#[derive(Clone, Debug)]
pub struct HostGuard {
    loopback: bool,
    public: Option<Public>,
}

#[derive(Clone, Debug)]
struct Public {
    host: String,
    /// Scheme, host and port as browsers write them: no default port.
    origin: String,
}

/// The public URL names no host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "public_url \"{0}\" is not an http or https address with a host, like https://data.example.com"
)]
pub struct GuardError(String);

impl HostGuard {
    /// A guard for a server that listens on `listen`.
    ///
    /// # Errors
    /// `public_url` is not an absolute http or https URL.
    pub fn new(listen: SocketAddr, public_url: Option<&str>) -> Result<Self, GuardError> {
        let public = public_url
            .map(|url| Public::parse(url).ok_or_else(|| GuardError(url.to_owned())))
            .transpose()?;
        Ok(Self {
            loopback: listen.ip().is_loopback(),
            public,
        })
    }

    /// Whether something on this machine passes requests on from the public address:
    /// the server itself can only be reached from here.
    pub(super) fn is_tunnelled(&self) -> bool {
        self.loopback && self.public.is_some()
    }

    /// Whether that is the name by which the world knows the server.
    pub(super) fn is_public(&self, host: &str) -> bool {
        let authority = host.parse::<Authority>().ok();
        let public = self
            .public
            .as_ref()
            .filter(|public| !is_loopback(&public.host));
        public
            .zip(authority)
            .is_some_and(|(public, authority)| public.host.eq_ignore_ascii_case(authority.host()))
    }

    /// Whether the world comes by https, and by a name that is not this machine's own.
    pub(super) fn is_public_https(&self) -> bool {
        let public = self.public.as_ref();
        public
            .is_some_and(|public| public.origin.starts_with("https:") && !is_loopback(&public.host))
    }

    fn allows_host(&self, host: &str) -> bool {
        !self.loopback
            || host.parse::<Authority>().is_ok_and(|authority| {
                is_loopback(authority.host())
                    || self
                        .public
                        .as_ref()
                        .is_some_and(|public| public.host.eq_ignore_ascii_case(authority.host()))
            })
    }

    fn allows_origin(&self, origin: &str) -> bool {
        self.loopback && Public::parse(origin).is_some_and(|origin| is_loopback(&origin.host))
            || self.public.as_ref().is_some_and(|public| {
                Public::parse(origin).is_some_and(|origin| origin.origin == public.origin)
            })
    }
}

impl Public {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let default_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())?
            .to_ascii_lowercase();
        let origin = match uri.port_u16() {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        Some(Self { host, origin })
    }
}

/// Refuses requests that came by a foreign name.
pub(super) async fn check(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let guard = &state.shared.guard;
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => only(request.headers(), &header::HOST),
    };
    if !host.is_some_and(|host| guard.allows_host(host)) {
        return refusal(&state, "Host");
    }
    if request.headers().contains_key(header::ORIGIN)
        && !is_for_anybody(request.uri().path())
        && !only(request.headers(), &header::ORIGIN)
            .is_some_and(|origin| guard.allows_origin(origin))
    {
        return refusal(&state, "Origin");
    }
    next.run(request).await
}

/// Whether an address may be used by pages of every origin: nothing there goes
/// by what a browser adds of itself, such as cookies, and clients that run in a
/// browser need it.
fn is_for_anybody(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    match (segments.next(), segments.next(), segments.next()) {
        (Some("token" | "register" | "revoke"), None, None)
        | (Some(_), Some("token" | "register" | "revoke"), None) => true,
        _ => path.split('/').any(|segment| segment == ".well-known"),
    }
}

/// The header's value if there is exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn refusal(state: &ServerState, header: &'static str) -> Response {
    metrics::counter!("refusals_total", "scope" => "", "code" => "forbidden").increment(1);
    if let Some(audit) = state.audit() {
        audit.record_of_anybody(Entry {
            code: Some("forbidden".into()),
            reason: Some(format!("by another {header}")),
            ..Entry::new(Event::Access, Outcome::Refused)
        });
    }
    HttpError::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        format!("This server does not answer to the {header} of this request."),
    )
    .into_response()
}

fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, public_url: Option<&str>) -> HostGuard {
        HostGuard::new(listen.parse().unwrap(), public_url).unwrap()
    }

    #[test]
    fn on_loopback_only_loopback_and_public_hosts_are_answered() {
        let guard = guard("127.0.0.1:8008", Some("https://Data.example.com/base"));
        for (host, allowed) in [
            ("localhost:8008", true),
            ("LOCALHOST", true),
            ("127.0.0.1:1", true),
            ("[::1]:8008", true),
            ("data.example.com", true),
            ("data.example.com:443", true),
            ("evil.example.com", false),
            ("localhost.evil.com", false),
            ("127.0.0.1.evil.com", false),
            ("data.example.com.evil.com", false),
            ("10.0.0.1", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(guard.allows_host(host), allowed, "{host}");
        }
    }

    #[test]
    fn origins_are_compared_with_scheme_and_port() {
        let guard = guard("[::1]:8008", Some("https://data.example.com"));
        for (origin, allowed) in [
            ("http://localhost:6274", true),
            ("https://127.0.0.1", true),
            ("http://[::1]:8008", true),
            ("https://data.example.com", true),
            ("https://data.example.com:443", true),
            ("http://data.example.com", false),
            ("https://data.example.com:8443", false),
            ("https://evil.com", false),
            ("null", false),
            ("", false),
            ("file://localhost", false),
        ] {
            assert_eq!(guard.allows_origin(origin), allowed, "{origin}");
        }
    }

    #[test]
    fn only_what_goes_by_no_cookie_is_for_every_origin() {
        for (path, for_anybody) in [
            ("/token", true),
            ("/claude/token", true),
            ("/claude/register", true),
            ("/revoke", true),
            ("/.well-known/oauth-authorization-server", true),
            ("/claude/.well-known/openid-configuration", true),
            ("/claude/sse/.well-known/oauth-protected-resource", true),
            ("/authorize", false),
            ("/claude/authorize", false),
            ("/claude/account/revoke", false),
            ("/claude/token/", false),
            ("/claude/sse", false),
            ("/", false),
        ] {
            assert_eq!(is_for_anybody(path), for_anybody, "{path}");
        }
    }

    #[test]
    fn off_loopback_any_host_is_answered_but_only_the_public_origin() {
        let guard = guard("0.0.0.0:8008", Some("https://data.example.com"));
        assert!(guard.allows_host("upstream"));
        assert!(guard.allows_origin("https://data.example.com"));
        assert!(!guard.allows_origin("http://localhost:3000"));
    }

    #[test]
    fn a_public_url_without_a_host_is_refused() {
        for url in ["data.example.com", "ftp://data.example.com", "https://", ""] {
            assert!(
                HostGuard::new(([127, 0, 0, 1], 0).into(), Some(url)).is_err(),
                "{url}"
            );
        }
    }
}
