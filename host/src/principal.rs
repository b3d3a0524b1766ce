//! Who is calling: what authentication proves, and the one type that the
//! protocol, the tools and the database share about a person.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A right that an access token carries (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OAuthScope {
    /// `mcp:read`: list and call tools that read.
    Read,
    /// `mcp:write`: call tools that write.
    Write,
}

impl OAuthScope {
    fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.as_str() == name)
    }

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

/// Several rights (the `scope` parameter of RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights {
    read: bool,
    write: bool,
}

impl Rights {
    /// None at all.
    pub const NONE: Self = Self {
        read: false,
        write: false,
    };
    /// `mcp:read`
    pub const READ: Self = Self {
        read: true,
        write: false,
    };
    /// `mcp:read mcp:write`
    pub const ALL: Self = Self {
        read: true,
        write: true,
    };

    /// The rights named in `text`, words apart by spaces; other words, such as
    /// `offline_access`, name none.
    pub fn parse(text: &str) -> Self {
        text.split(' ').filter_map(OAuthScope::from_name).collect()
    }

    /// Whether `scope` is among them.
    pub fn has(self, scope: OAuthScope) -> bool {
        match scope {
            OAuthScope::Read => self.read,
            OAuthScope::Write => self.write,
        }
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            read: self.read && other.read,
            write: self.write && other.write,
        }
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
        }
    }

    /// Whether all of them are in `other`.
    pub fn within(self, other: Self) -> bool {
        self.and(other) == self
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// In the order of their names.
    pub fn iter(self) -> impl Iterator<Item = OAuthScope> {
        [OAuthScope::Read, OAuthScope::Write]
            .into_iter()
            .filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<OAuthScope> for Rights {
    fn from_iter<I: IntoIterator<Item = OAuthScope>>(scopes: I) -> Self {
        let mut rights = Self::NONE;
        for scope in scopes {
            match scope {
                OAuthScope::Read => rights.read = true,
                OAuthScope::Write => rights.write = true,
            }
        }
        rights
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// The authenticated caller of one request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Stable identifier of the person.
    pub subject: String,
    /// `client_id` of the registered OAuth client that speaks for the person.
    pub client: String,
    /// What the token may do here and now.
    pub rights: Rights,
    /// Those claims about the person that the scope asks for, as text; a list
    /// is a JSON array.
    pub claims: BTreeMap<String, String>,
}

impl Principal {
    /// The person and the client, whatever the rights: what sessions, streams and
    /// limits belong to.
    pub fn caller(&self) -> (&str, &str) {
        (&self.subject, &self.client)
    }

    /// The same of who may be nobody, as where authentication is off.
    pub fn caller_of(principal: Option<&Self>) -> (&str, &str) {
        principal.map(Self::caller).unwrap_or_default()
    }

    /// Whether the token carries `scope`.
    pub fn has(&self, scope: OAuthScope) -> bool {
        self.rights.has(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_from_a_scope_and_written_as_one() {
        for (text, rights) in [
            ("", Rights::NONE),
            ("mcp:read", Rights::READ),
            ("mcp:write mcp:read mcp:read", Rights::ALL),
            ("openid offline_access", Rights::NONE),
            ("mcp:read offline_access", Rights::READ),
            ("MCP:READ", Rights::NONE),
        ] {
            assert_eq!(Rights::parse(text), rights, "{text}");
            assert_eq!(Rights::parse(&rights.to_string()), rights, "{text}");
        }
        assert_eq!(Rights::ALL.to_string(), "mcp:read mcp:write");
        assert!(Rights::READ.within(Rights::ALL));
        assert!(!Rights::ALL.within(Rights::READ));
    }
}
