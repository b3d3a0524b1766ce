//! What this server must know to send people to their provider.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::SecretString;
use url::Url;

use crate::oauth::issuer::is_protected;

/// An OpenID Connect provider, and this server's registration there.
///
/// The redirect URI to register is `/sign-in/oidc/callback` under the server's
/// public address.
///
/// # Who somebody is
/// The subject is the `email` claim in lower case where `email_verified` is
/// true, else the `sub` claim exactly as it is. So a person whose verified
/// address changes is another person, and a `sub` that looks like an address
/// which nobody verified is refused. Entries of `people` are in lower case: a
/// `sub` with capitals enters by its groups, or with everybody.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The provider's issuer identifier.
    pub issuer: OidcIssuer,
    /// `client_id` of this server at the provider.
    pub client_id: String,
    /// None for a public client, whose codes PKCE alone protects.
    pub client_secret: Option<SecretString>,
    /// The claim that lists a person's groups: an array of strings, or one
    /// string. Without it, groups are those of `mssql-mcp user groups`.
    pub groups_claim: Option<String>,
    /// Other claims to keep of a person, as they are at the last sign-in.
    pub claims: BTreeSet<String>,
}

/// An issuer identifier (OpenID Connect Discovery §3), exactly as the provider
/// writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcIssuer(String);

/// An address that no provider may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the issuer \"{0}\" must be an https address (http on loopback only) without query and \
     fragment, like https://login.example.com/realms/staff"
)]
pub struct OidcIssuerError(String);

impl OidcIssuer {
    /// Reads an issuer identifier.
    ///
    /// # Errors
    /// It is not https, or has a part that an issuer must not have.
    pub fn parse(text: &str) -> Result<Self, OidcIssuerError> {
        let wrong = || OidcIssuerError(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        (is_protected(&url) && plain)
            .then(|| Self(text.to_owned()))
            .ok_or_else(wrong)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OidcIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_on_loopback_and_kept_as_written() {
        for text in [
            "https://login.example.com",
            "https://login.example.com/realms/staff/",
            "http://localhost:4000",
            "http://127.0.0.1:4000/x",
        ] {
            assert_eq!(OidcIssuer::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "http://login.example.com",
            "https://login.example.com/?x",
            "https://login.example.com/#x",
            "https://u:p@login.example.com",
            "file:///etc/passwd",
            "login.example.com",
            "",
        ] {
            assert!(OidcIssuer::parse(text).is_err(), "{text}");
        }
    }
}
