//! The authorization servers that the configuration describes.

use std::collections::BTreeSet;
use std::fs;

use secrecy::{ExposeSecret, SecretString};

use super::BuildError;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, OidcSection, ScopeSection, SignIn};
use crate::entropy::Entropy;
use crate::oauth::{
    DocumentFetcher, OAuth, OAuthConfig, OidcIssuer, OidcSettings, PublicUrl, RedirectRule,
    RuleError, ScopeAccess, SignInMethod,
};
use crate::state::{self, HostKey, Secrets, Store};

/// The host's key: from the file that `config` names, or one that ends with the
/// process. With OAuth off there is no state that the key must fit, so only a
/// file that is named counts.
pub fn host_key(config: &Config) -> Result<HostKey, BuildError> {
    let file = if config.oauth.enabled {
        config.state.key_file()
    } else {
        config.state.key_file.clone()
    };
    Ok(match file {
        Some(path) => HostKey::load_or_create(&path)?,
        None => HostKey::random()?,
    })
}

/// Opens the store that `config` names.
pub async fn open_store(
    config: &Config,
    key: &HostKey,
    clock: Clock,
    entropy: Entropy,
) -> Result<Store, BuildError> {
    let secrets = Secrets::new(key, entropy);
    Ok(state::open(config.state.store.expose_secret(), clock, secrets).await?)
}

/// The authorization servers of all scopes, over `store`.
pub fn oauth(config: &Config, store: Store) -> Result<OAuth, BuildError> {
    let public_url = config.http.public_url.as_deref().map(PublicUrl::parse);
    let default_scope = config.default_scope().unwrap_or_default().to_owned();
    Ok(OAuth::new(OAuthConfig {
        store,
        scopes: access(config)?,
        root_discovery: config.root_discovery().unwrap_or_default().to_owned(),
        default_scope,
        public_url: public_url
            .transpose()
            .map_err(|error| rule("http.public_url", &error))?,
        sign_in: sign_in(config)?,
        access_token_ttl: config.oauth.access_token_ttl,
        refresh_token_ttl: config.oauth.refresh_token_ttl,
        documents: DocumentFetcher::public_internet()?,
    }))
}

/// What the operator page goes by where nobody signs in: a state that ends with the
/// process, and whoever is at this machine.
pub fn nobody_signs_in(config: &Config, key: &HostKey) -> Result<OAuth, BuildError> {
    let secrets = Secrets::new(key, Entropy::system());
    let mut config = config.clone();
    config.oauth.sign_in = SignIn::Consent;
    oauth(&config, Store::memory(Clock::system(), secrets))
}

/// Who may enter each scope, and with what.
pub fn access(config: &Config) -> Result<Vec<ScopeAccess>, ConfigError> {
    let scopes = config.scopes.iter();
    scopes
        .map(|(name, section)| of_scope(name, section))
        .collect()
}

fn of_scope(name: &str, section: &ScopeSection) -> Result<ScopeAccess, ConfigError> {
    let list = |key: &str, entries: &[String]| {
        let parsed = entries.iter().map(|entry| entry.parse());
        parsed
            .collect::<Result<Vec<_>, RuleError>>()
            .map_err(|error| rule(&format!("scopes.{name}.{key}"), &error))
    };
    let redirects = match &section.allowed_redirect_hosts {
        None => Ok(RedirectRule::well_known()),
        Some(entries) => entries.iter().map(|entry| entry.parse()).collect(),
    };
    Ok(ScopeAccess {
        name: name.to_owned(),
        people: list("people", &section.people)?,
        writers: list("writers", &section.writers)?,
        writable: !section.read_only,
        redirects: redirects.map_err(|error: RuleError| {
            rule(&format!("scopes.{name}.allowed_redirect_hosts"), &error)
        })?,
        claims: section.claims(),
    })
}

fn sign_in(config: &Config) -> Result<SignInMethod, BuildError> {
    match (config.oauth.sign_in, &config.oauth.oidc) {
        (SignIn::Consent, _) => Ok(SignInMethod::Consent),
        (SignIn::Password, _) => Ok(SignInMethod::Password),
        (SignIn::Oidc, Some(section)) => {
            let claims = config.scopes.values().flat_map(ScopeSection::claims);
            oidc(section, claims.collect())
        }
        (SignIn::Oidc, None) => {
            Err(rule("oauth.sign_in", &"\"oidc\" needs the section [oauth.oidc]").into())
        }
    }
}

fn rule(key: &str, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Rule {
        key: key.to_owned(),
        message: error.to_string(),
    }
}

fn oidc(section: &OidcSection, claims: BTreeSet<String>) -> Result<SignInMethod, BuildError> {
    let issuer =
        OidcIssuer::parse(&section.issuer).map_err(|error| rule("oauth.oidc.issuer", &error))?;
    let secret = match (&section.client_secret, &section.client_secret_file) {
        (Some(secret), _) => Some(secret.clone()),
        (None, Some(path)) => {
            let text = fs::read_to_string(path).map_err(|error| {
                rule(
                    "oauth.oidc.client_secret_file",
                    &format_args!("{} cannot be read: {error}", path.display()),
                )
            })?;
            if text.trim().is_empty() {
                let message = format!("{} is empty", path.display());
                return Err(rule("oauth.oidc.client_secret_file", &message).into());
            }
            Some(SecretString::from(text.trim().to_owned()))
        }
        (None, None) => None,
    };
    Ok(SignInMethod::Oidc(OidcSettings {
        issuer,
        client_id: section.client_id.clone(),
        client_secret: secret,
        groups_claim: section.groups_claim.clone(),
        claims,
    }))
}
