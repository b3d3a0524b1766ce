//! Sign-in at an OpenID Connect provider: authorization code flow with PKCE
//! (OpenID Connect Core §3.1, RFC 7636).

mod error;
#[cfg(test)]
pub(in crate::oauth) mod fake;
mod http;
mod identity;
mod metadata;
mod settings;

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use openidconnect::core::{CoreAuthenticationFlow, CoreJsonWebKey};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, CsrfToken, IdTokenVerifier, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub(in crate::oauth) use error::ProviderError;
pub(in crate::oauth) use identity::Identity;
pub use settings::{OidcIssuer, OidcIssuerError, OidcSettings};

use crate::clock::Clock;
use metadata::{Discovery, Known};

/// The provider that people sign in at.
pub(in crate::oauth) struct Provider {
    settings: OidcSettings,
    clock: Clock,
    discovery: Discovery,
}

/// What goes along with one sign-in, there and back.
#[derive(Clone, Copy, Debug)]
pub(in crate::oauth) struct Exchange<'a> {
    /// Where the provider sends the browser back to, exactly as registered there.
    pub(in crate::oauth) redirect_uri: &'a str,
    /// What the ID token must carry.
    pub(in crate::oauth) nonce: &'a str,
    /// PKCE `code_verifier`.
    pub(in crate::oauth) code_verifier: &'a str,
}

impl Provider {
    /// Asks the provider for nothing before the first sign-in.
    pub(in crate::oauth) fn new(settings: OidcSettings, clock: Clock) -> Self {
        Self {
            discovery: Discovery::new(settings.clone(), clock.clone()),
            settings,
            clock,
        }
    }

    /// Where to send the browser (OpenID Connect Core §3.1.2.1).
    pub(in crate::oauth) async fn authorization_url(
        &self,
        exchange: Exchange<'_>,
        state: &SecretString,
    ) -> Result<Url, ProviderError> {
        let known = self.discovery.known().await?;
        let state = CsrfToken::new(state.expose_secret().to_owned());
        let nonce = Nonce::new(exchange.nonce.to_owned());
        let verifier = PkceCodeVerifier::new(exchange.code_verifier.to_owned());
        let (url, _, _) = known
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || state,
                || nonce,
            )
            .add_scopes(self.scopes(&known))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .set_redirect_uri(Cow::Owned(redirect_url(exchange)?))
            .url();
        Ok(url)
    }

    /// Who has signed in, when the browser is back with `code` and, where the
    /// provider says so, `iss` (RFC 9207).
    pub(in crate::oauth) async fn identify(
        &self,
        exchange: Exchange<'_>,
        code: &str,
        iss: Option<&str>,
    ) -> Result<Identity, ProviderError> {
        let known = self.discovery.known().await?;
        known.check_response_issuer(iss)?;
        let request = known
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()));
        let tokens = request
            .map_err(|error| ProviderError::unusable("the token endpoint", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(exchange.code_verifier.to_owned()))
            .set_redirect_uri(Cow::Owned(redirect_url(exchange)?))
            .request_async(&known.http)
            .await
            .map_err(|error| ProviderError::of_token_request(&error))?;
        let token = tokens
            .id_token()
            .ok_or_else(|| ProviderError::Invalid("there is no ID token".to_owned()))?;

        let nonce = Nonce::new(exchange.nonce.to_owned());
        let claims = match token.claims(&self.verifier(&known), &nonce) {
            // The provider has changed its keys (OpenID Connect Core §10.1.1).
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let renewed = self.discovery.renew(&known).await?;
                token.claims(&self.verifier(&renewed), &nonce)
            }
            answer => answer,
        };
        let claims = claims.map_err(|error| ProviderError::of_id_token(&error))?;
        if let Some(party) = claims.authorized_party()
            && party.as_str() != self.settings.client_id
        {
            return Err(ProviderError::Invalid(format!("azp is {party:?}")));
        }

        let identity = identity::Claims::from_id_token(claims);
        let identity = if identity.lacks(&self.settings) && known.client.user_info_url().is_some() {
            let request = known.client.user_info(
                tokens.access_token().clone(),
                Some(claims.subject().clone()),
            );
            let more: UserInfoClaims<identity::Rest, _> = request
                .map_err(|error| ProviderError::unusable("the userinfo endpoint", &error))?
                .request_async(&known.http)
                .await
                .map_err(|error| ProviderError::unusable("the userinfo endpoint", &error))?;
            identity.with_user_info(&more)
        } else {
            identity
        };
        identity.identify(&self.settings)
    }

    fn scopes(&self, known: &Known) -> impl Iterator<Item = Scope> {
        // Many a provider refuses scopes that it does not know.
        let groups = self.settings.groups_claim.is_some() && known.knows_scope("groups");
        let names = ["email", "profile"].into_iter();
        names
            .chain(groups.then_some("groups"))
            .map(|name| Scope::new(name.to_owned()))
    }

    fn verifier<'a>(&'a self, known: &'a Known) -> IdTokenVerifier<'a, CoreJsonWebKey> {
        let verifier = known.client.id_token_verifier();
        verifier
            .set_allowed_algs(known.algorithms.iter().cloned())
            .set_time_fn(|| -> DateTime<Utc> {
                DateTime::from_timestamp_millis(self.clock.now().0)
                    .unwrap_or(DateTime::<Utc>::MAX_UTC)
            })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.settings.issuer)
    }
}

fn redirect_url(exchange: Exchange<'_>) -> Result<RedirectUrl, ProviderError> {
    RedirectUrl::new(exchange.redirect_uri.to_owned())
        .map_err(|error| ProviderError::unusable("this server's own address", &error))
}

#[cfg(test)]
mod tests;
