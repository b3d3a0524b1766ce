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
    /// Its secret there, or …
    pub client_secret: Option<SecretString>,
    /// … the file that holds it; neither for a public client.
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
            (Some(oidc), SignIn::Oidc) => oidc.check()?,
            (None, SignIn::Password | SignIn::Consent) => {}
        }
        self.check_lives()
    }

    fn check_lives(&self) -> Result<(), ConfigError> {
        let rule = |key: &str, message| Err(ConfigError::rule(&format!("oauth.{key}"), message));
        let (access, refresh) = (self.access_token_ttl, self.refresh_token_ttl);
        if access < MIN_TTL {
            return rule(
                "access_token_ttl",
                "is a minute at least; clients refresh some minutes before the end, so write 1h",
            );
        }
        if refresh < access {
            return rule(
                "refresh_token_ttl",
                "is shorter than access_token_ttl; people would have to sign in again each time",
            );
        }
        for (key, ttl) in [("access_token_ttl", access), ("refresh_token_ttl", refresh)] {
            if ttl > MAX_TTL {
                return rule(key, "is a year at most; write less");
            }
        }
        Ok(())
    }
}

impl OidcSection {
    fn check(&self) -> Result<(), ConfigError> {
        let rule =
            |key: &str, message| Err(ConfigError::rule(&format!("oauth.oidc.{key}"), message));
        if self.client_id.trim().is_empty() {
            return rule(
                "client_id",
                "is empty; write the one that the provider gave this server",
            );
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            return rule("client_secret", "is given twice; keep client_secret_file");
        }
        Ok(())
    }
}

/// Clients refresh up to five minutes before the end; tests need less.
const MIN_TTL: Duration = Duration::from_secs(60);
const MAX_TTL: Duration = Duration::from_secs(366 * 24 * 3_600);
