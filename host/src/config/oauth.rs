//! `[oauth]`: how people sign in, and how long what they allow lasts.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::ConfigError;

/// `[oauth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthSection {
    /// `false` only on loopback.
    pub enabled: bool,
    /// Life of an access token.
    #[serde(with = "humantime_serde")]
    pub access_token_ttl: Duration,
    /// Life of a refresh token that is not used.
    #[serde(with = "humantime_serde")]
    pub refresh_token_ttl: Duration,
    /// How people prove who they are.
    pub sign_in: SignIn,
    /// The provider of `sign_in = "oidc"`.
    pub oidc: Option<OidcSection>,
}

/// `oauth.sign_in`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignIn {
    /// With a password that this server keeps.
    Password,
    /// At an OpenID Connect provider.
    Oidc,
    /// Not at all; on loopback only.
    Consent,
}

/// `[oauth.oidc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSection {
    /// Issuer of the provider, whose discovery document is below it.
    pub issuer: String,
    /// This server's `client_id` there.
    pub client_id: String,
    /// Its secret, or …
    pub client_secret: Option<SecretString>,
    /// … the file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// The claim that lists a person's groups.
    pub groups_claim: Option<String>,
}

impl Default for OAuthSection {
    fn default() -> Self {
        Self {
            enabled: true,
            access_token_ttl: Duration::from_secs(3_600),
            refresh_token_ttl: Duration::from_secs(30 * 24 * 3_600),
            sign_in: SignIn::Password,
            oidc: None,
        }
    }
}

impl OAuthSection {
    pub(super) fn check(&self, loopback: bool, public: bool) -> Result<(), ConfigError> {
        let rule =
            |key: &str, message: &str| Err(ConfigError::rule(&format!("oauth.{key}"), message));
        if !self.enabled && !loopback {
            return rule(
                "enabled",
                "false is for loopback only; listen on 127.0.0.1, or leave OAuth on",
            );
        }
        if self.enabled && self.sign_in == SignIn::Consent && (!loopback || public) {
            return rule(
                "sign_in",
                "\"consent\" lets in whoever reaches the server, and is for loopback without \
                 public_url only; write \"password\" or \"oidc\"",
            );
        }
        match (&self.oidc, self.sign_in) {
            (None, SignIn::Oidc) => {
                return rule("oidc", "is missing; sign_in = \"oidc\" needs [oauth.oidc]");
            }
            (Some(_), SignIn::Password | SignIn::Consent) => {
                return rule(
                    "oidc",
                    "has no use without sign_in = \"oidc\"; remove one of them",
                );
            }
            (Some(oidc), SignIn::Oidc)
                if oidc.client_secret.is_some() && oidc.client_secret_file.is_some() =>
            {
                return rule(
                    "oidc.client_secret_file",
                    "is given beside client_secret; remove one of them",
                );
            }
            _ => {}
        }
        for (key, ttl, least) in [
            (
                "access_token_ttl",
                self.access_token_ttl,
                Duration::from_secs(60),
            ),
            (
                "refresh_token_ttl",
                self.refresh_token_ttl,
                self.access_token_ttl,
            ),
        ] {
            if ttl < least {
                return rule(
                    key,
                    "is too short: a minute at least, and no refresh token ends before its access \
                     token",
                );
            }
            if ttl > MAX_TTL {
                return rule(key, "is a year at most; write less");
            }
        }
        Ok(())
    }
}

const MAX_TTL: Duration = Duration::from_secs(366 * 24 * 3_600);
