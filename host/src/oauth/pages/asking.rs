//! Who asks, as the pages show it.

use url::Url;

use super::shown;
use crate::oauth::issuer::is_loopback;

/// The client behind an authorization request; nothing of it is verified but
/// that its codes go to `destination`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asking {
    /// What it calls itself; empty if it gave no name that can be seen.
    pub(crate) name: String,
    /// The address of its metadata document, if its id is one.
    pub(crate) document: Option<String>,
    pub(crate) destination: Destination,
}

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A web site.
    Host(String),
    /// A program on the person's machine that listens there.
    Loopback(String),
    /// A program on the person's machine that has registered this scheme.
    Scheme(String),
}

impl Destination {
    /// Of a redirect URI that has been found good.
    pub(crate) fn of(redirect: &Url) -> Self {
        let host = match (redirect.host_str(), redirect.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => String::new(),
        };
        match redirect.scheme() {
            "http" | "https" if is_loopback(redirect) => Self::Loopback(host),
            "http" | "https" => Self::Host(host),
            scheme => Self::Scheme(format!("{scheme}:")),
        }
    }

    /// As it is shown.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Host(place) | Self::Loopback(place) | Self::Scheme(place) => place,
        }
    }

    /// Whether any program on the person's machine could be behind it.
    pub(crate) fn is_local(&self) -> bool {
        !matches!(self, Self::Host(_))
    }
}

impl Asking {
    /// `name` is what the client says of itself.
    pub(crate) fn new(name: &str, document: Option<&str>, redirect: &Url) -> Self {
        Self {
            name: shown(name),
            document: document.map(ToOwned::to_owned),
            destination: Destination::of(redirect),
        }
    }
}
