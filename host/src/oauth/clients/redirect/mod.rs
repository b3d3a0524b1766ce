//! Redirect URIs: which may be registered, and which one a request means
//! (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1). Nothing here is done, only
//! judged.

use url::{Host, Url};

use crate::oauth::access::{NEVER, RedirectRule};

/// Why codes are not sent there. The sentences go to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedirectProblem {
    #[error("a redirect URI is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error(
        "a redirect URI must be an absolute URI of visible ASCII characters, without wildcard, \
         backslash or fragment"
    )]
    NotAUri,
    #[error("a redirect URI must not contain a user name or a password")]
    UserInfo,
    #[error("a redirect URI must be written in its normal form, which is {0}")]
    NotNormal(String),
    #[error(
        "a redirect URI may begin with http: only at 127.0.0.1, [::1] or localhost; use https:"
    )]
    Insecure,
    #[error("a redirect URI must not begin with {0}:")]
    Scheme(String),
    #[error("the redirect URI {0} is not among those that the operator of this server allows")]
    NotAllowed(String),
}

/// Whether a client may register `uri` where `rules` hold.
pub(crate) fn check(uri: &str, rules: &[RedirectRule]) -> Result<(), RedirectProblem> {
    let url = well_formed(uri)?;
    let not_allowed = || RedirectProblem::NotAllowed(uri.to_owned());
    match url.scheme() {
        "http" if is_native(&url) => Ok(()),
        "http" => Err(RedirectProblem::Insecure),
        // Another port is another program, which a host's rule does not name.
        "https" => rules
            .iter()
            .filter(|rule| url.port().is_none() || matches!(rule, RedirectRule::AnyHost))
            .any(|rule| rule.allows(&url))
            .then_some(())
            .ok_or_else(not_allowed),
        scheme if NEVER.contains(&scheme) => Err(RedirectProblem::Scheme(scheme.to_owned())),
        _ => rules
            .iter()
            .any(|rule| rule.allows(&url))
            .then_some(())
            .ok_or_else(not_allowed),
    }
}

/// The registered URI that `requested` means: the same characters, except for
/// the port of a loopback address (RFC 8252 §7.3).
pub(crate) fn find<'a>(registered: &'a [String], requested: &str) -> Option<&'a str> {
    let registered = registered.iter().map(String::as_str);
    let mut fitting = registered.filter(|uri| matches(uri, requested));
    fitting.next()
}

fn matches(registered: &str, requested: &str) -> bool {
    let without_port = |uri: &str| {
        let mut url = well_formed(uri).ok().filter(is_native)?;
        url.set_port(None).ok()?;
        Some(url)
    };
    registered == requested
        || without_port(registered)
            .is_some_and(|registered| Some(registered) == without_port(requested))
}

/// Refuses everything that two parsers could read in two ways.
fn well_formed(uri: &str) -> Result<Url, RedirectProblem> {
    if uri.len() > MAX_LENGTH {
        return Err(RedirectProblem::TooLong);
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\*#\"<>^`{|}".contains(&byte);
    if !uri.bytes().all(plain) {
        return Err(RedirectProblem::NotAUri);
    }
    let url = Url::parse(uri).map_err(|_| RedirectProblem::NotAUri)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RedirectProblem::UserInfo);
    }
    // Dot segments, `https:/host`, `http://127.1`, capitals in the host …
    let normal = url.as_str();
    if normal != uri && normal.strip_suffix('/') != Some(uri) {
        return Err(RedirectProblem::NotNormal(normal.to_owned()));
    }
    Ok(url)
}

/// The loopback addresses of RFC 8252 §7.3 and the name that programs use for
/// them, over http.
fn is_native(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
            None => false,
        }
}

/// Longer ones do not pass through all browsers.
const MAX_LENGTH: usize = 2_000;

#[cfg(test)]
mod tests;
