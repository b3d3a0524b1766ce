//! Metadata documents: of an issuer (RFC 8414) and of a protected resource
//! (RFC 9728), and which address shows which.

use serde::Serialize;

use super::issuer::Issuer;
use crate::principal::{OAuthScope, Rights};

/// A document, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document<'a> {
    /// Authorization server metadata of the issuer at this place.
    Issuer(Place<'a>),
    /// Protected resource metadata of an endpoint of this place.
    Resource(Place<'a>, Endpoint),
    /// The keys of the issuer at this place, of which there are none.
    Keys(Place<'a>),
}

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// At this server as a whole: what the operator wants found there.
    Server,
    /// At the default scope's endpoints at the root.
    Root,
    /// At the scope of this name.
    Scope(&'a str),
}

/// An MCP endpoint's last segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Sse,
    Mcp,
}

impl Endpoint {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Mcp => "mcp",
        }
    }

    fn from_segment(segment: &str) -> Option<Self> {
        [Self::Sse, Self::Mcp]
            .into_iter()
            .find(|endpoint| endpoint.as_str() == segment)
    }
}

impl<'a> Document<'a> {
    /// The document at `path`: the well-known name between host and path
    /// (RFC 8414 §3.1, RFC 9728 §3.1), or behind the path, as OpenID Connect
    /// has it and as other clients guess.
    pub(crate) fn at(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let segments = match segments.as_slice() {
            // A slash at the end of what somebody pasted.
            [segments @ .., ""] => segments,
            segments => segments,
        };
        if segments.contains(&"") {
            return None;
        }
        let place = segments.iter().position(|name| *name == ".well-known")?;
        let (before, rest) = segments.split_at_checked(place)?;
        let [_, name, after @ ..] = rest else {
            return None;
        };
        let ((target, []) | ([], target)) = (before, after) else {
            return None;
        };
        let (place, endpoint) = match target {
            [] => (Place::Server, None),
            [one] => match Endpoint::from_segment(one) {
                Some(endpoint) => (Place::Root, Some(endpoint)),
                None => (Place::Scope(one), None),
            },
            [scope, endpoint] => (Place::Scope(scope), Some(Endpoint::from_segment(endpoint)?)),
            _ => return None,
        };
        match *name {
            "oauth-authorization-server" | "openid-configuration" => Some(Self::Issuer(place)),
            "oauth-protected-resource" => {
                Some(Self::Resource(place, endpoint.unwrap_or(Endpoint::Sse)))
            }
            "jwks.json" if after.is_empty() && endpoint.is_none() => Some(Self::Keys(place)),
            _ => None,
        }
    }
}

/// Authorization server metadata (RFC 8414 §2). The same document is served
/// for OpenID Connect discovery, whose clients miss `jwks_uri` and the two
/// members after it, though no ID token is ever issued here.
#[derive(Debug, Serialize)]
pub(crate) struct IssuerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: String,
    revocation_endpoint: String,
    scopes_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    client_id_metadata_document_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    jwks_uri: String,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
}

impl IssuerMetadata {
    pub(crate) fn of(issuer: &Issuer) -> Self {
        let mut scopes = names(issuer.scope().rights());
        scopes.push("offline_access");
        Self {
            issuer: issuer.identifier(),
            authorization_endpoint: issuer.url("/authorize"),
            token_endpoint: issuer.url("/token"),
            registration_endpoint: issuer.url("/register"),
            revocation_endpoint: issuer.url("/revoke"),
            scopes_supported: scopes,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token"],
            code_challenge_methods_supported: ["S256"],
            token_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
            revocation_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
            client_id_metadata_document_supported: true,
            authorization_response_iss_parameter_supported: true,
            jwks_uri: issuer.url("/.well-known/jwks.json"),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
        }
    }
}

/// Protected resource metadata (RFC 9728 §2).
#[derive(Debug, Serialize)]
pub(crate) struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<&'static str>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
}

impl ResourceMetadata {
    /// Of the endpoint at `resource`, whose tokens `issuer` gives.
    pub(crate) fn of(resource: String, issuer: &Issuer) -> Self {
        Self {
            resource,
            authorization_servers: [issuer.identifier()],
            scopes_supported: names(issuer.scope().rights()),
            bearer_methods_supported: ["header"],
            resource_name: format!("SQL Server ({})", issuer.scope().name),
        }
    }
}

fn names(rights: Rights) -> Vec<&'static str> {
    rights.iter().map(OAuthScope::as_str).collect()
}

const AUTHENTICATION_METHODS: [&str; 3] = ["none", "client_secret_post", "client_secret_basic"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_to_the_same_document() {
        use Endpoint::{Mcp, Sse};
        use Place::{Root, Scope, Server};
        for name in ["oauth-authorization-server", "openid-configuration"] {
            for (path, place) in [
                (format!("/.well-known/{name}"), Server),
                (format!("/.well-known/{name}/"), Server),
                (format!("/.well-known/{name}/sse"), Root),
                (format!("/.well-known/{name}/mcp"), Root),
                (format!("/sse/.well-known/{name}"), Root),
                (format!("/.well-known/{name}/claude"), Scope("claude")),
                (format!("/.well-known/{name}/claude/"), Scope("claude")),
                (format!("/.well-known/{name}/claude/sse"), Scope("claude")),
                (format!("/.well-known/{name}/claude/mcp"), Scope("claude")),
                (format!("/claude/.well-known/{name}"), Scope("claude")),
                (format!("/claude/sse/.well-known/{name}"), Scope("claude")),
            ] {
                assert_eq!(Document::at(&path), Some(Document::Issuer(place)), "{path}");
            }
        }
        let name = "oauth-protected-resource";
        for (path, place, endpoint) in [
            (format!("/.well-known/{name}"), Server, Sse),
            (format!("/.well-known/{name}/sse"), Root, Sse),
            (format!("/.well-known/{name}/mcp"), Root, Mcp),
            (format!("/mcp/.well-known/{name}"), Root, Mcp),
            (format!("/.well-known/{name}/claude"), Scope("claude"), Sse),
            (
                format!("/.well-known/{name}/claude/sse"),
                Scope("claude"),
                Sse,
            ),
            (
                format!("/.well-known/{name}/claude/mcp"),
                Scope("claude"),
                Mcp,
            ),
            (format!("/claude/.well-known/{name}"), Scope("claude"), Sse),
            (
                format!("/claude/mcp/.well-known/{name}"),
                Scope("claude"),
                Mcp,
            ),
        ] {
            let document = Document::Resource(place, endpoint);
            assert_eq!(Document::at(&path), Some(document), "{path}");
        }
    }

    #[test]
    fn other_addresses_have_no_document() {
        for path in [
            "/",
            "/.well-known",
            "/.well-known/",
            "/.well-known/security.txt",
            "/.well-known/oauth-protected-resource/claude/token",
            "/.well-known/oauth-protected-resource/claude/sse/x",
            "/.well-known/oauth-protected-resource//",
            "/claude/.well-known/oauth-protected-resource/sse",
            "/claude/.well-known/.well-known/oauth-protected-resource",
            "/.well-known/jwks.json/claude",
            "claude/.well-known/oauth-protected-resource",
        ] {
            assert_eq!(Document::at(path), None, "{path}");
        }
    }
}
