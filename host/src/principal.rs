//! Who is calling: what authentication proves, and the one type that the
//! protocol, the tools and the database share about a person.

use std::fmt;

/// A right that an access token carries (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OAuthScope {
    /// `mcp:read`: list and call tools that read.
    Read,
    /// `mcp:write`: call tools that write.
    Write,
}

impl OAuthScope {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "mcp:read",
            Self::Write => "mcp:write",
        }
    }
}

impl fmt::Display for OAuthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The authenticated caller of one request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Stable identifier of the person.
    pub subject: String,
    /// `client_id` of the registered OAuth client that speaks for the person.
    pub client: String,
    /// Rights of the token, sorted and without repetition.
    pub scopes: Vec<OAuthScope>,
}

impl Principal {
    /// Whether the token carries `scope`.
    pub fn has(&self, scope: OAuthScope) -> bool {
        self.scopes.contains(&scope)
    }
}
