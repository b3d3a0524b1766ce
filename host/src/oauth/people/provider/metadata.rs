//! What the provider says of itself (OpenID Connect Discovery §4), with its
//! keys: fetched at first use and kept.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, Client, ClientId, ClientSecret, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, JwsSigningAlgorithm,
    ProviderMetadata, StandardErrorResponse, StandardTokenResponse,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task;

use super::error::ProviderError;
use super::http::Http;
use super::identity::Rest;
use super::settings::OidcSettings;
use crate::clock::{Clock, Timestamp};
use crate::oauth::issuer::is_protected;

/// Fetches metadata when there is need, for all who wait at once.
pub(super) struct Discovery {
    settings: OidcSettings,
    clock: Clock,
    last: Mutex<Last>,
}

/// The last answers.
#[derive(Default)]
struct Last {
    known: Option<Arc<Known>>,
    failed: Option<(Timestamp, ProviderError)>,
}

/// A provider that has answered.
pub(super) struct Known {
    pub(super) client: OidcClient,
    pub(super) http: Http,
    /// What it may sign ID tokens with.
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    issuer: String,
    scopes: Vec<String>,
    /// Whether its answers carry `iss`.
    names_itself: bool,
    fetched_at: Timestamp,
}

impl Discovery {
    pub(super) fn new(settings: OidcSettings, clock: Clock) -> Self {
        Self {
            settings,
            clock,
            last: Mutex::default(),
        }
    }

    /// The provider, asked again after a day.
    pub(super) async fn known(&self) -> Result<Arc<Known>, ProviderError> {
        let mut last = self.last.lock().await;
        let known = last.known.clone();
        match known {
            Some(known) if !self.has_passed(KEEP, known.fetched_at) => Ok(known),
            // What was true yesterday is better than nothing.
            Some(known) => Ok(self.fetch(&mut last).await.unwrap_or(known)),
            None => self.fetch(&mut last).await,
        }
    }

    /// The provider with other keys than `stale` has, if it has any.
    pub(super) async fn renew(&self, stale: &Arc<Known>) -> Result<Arc<Known>, ProviderError> {
        let mut last = self.last.lock().await;
        match &last.known {
            Some(known) if !Arc::ptr_eq(known, stale) => Ok(Arc::clone(known)),
            _ => self.fetch(&mut last).await,
        }
    }

    async fn fetch(&self, last: &mut Last) -> Result<Arc<Known>, ProviderError> {
        // Those who waited meanwhile share a failure instead of waiting in turn.
        if let Some((at, error)) = &last.failed
            && !self.has_passed(PAUSE, *at)
        {
            return Err(error.clone());
        }
        match Known::fetch(&self.settings, self.clock.now()).await {
            Ok(known) => {
                let known = Arc::new(known);
                *last = Last {
                    known: Some(Arc::clone(&known)),
                    failed: None,
                };
                Ok(known)
            }
            Err(error) => {
                last.failed = Some((self.clock.now(), error.clone()));
                Err(error)
            }
        }
    }

    fn has_passed(&self, duration: Duration, since: Timestamp) -> bool {
        self.clock.now().since(since) >= duration
    }
}

impl Known {
    async fn fetch(settings: &OidcSettings, now: Timestamp) -> Result<Self, ProviderError> {
        let failed = |error: &dyn std::error::Error| ProviderError::unusable("its metadata", error);
        let issuer = IssuerUrl::new(settings.issuer.as_str().to_owned());
        let issuer = issuer.map_err(|error| failed(&error))?;
        let address = issuer.url().clone();
        let http = task::spawn_blocking(move || Http::new(&address)).await;
        let http = http.map_err(|error| failed(&error))?;
        let http = http.map_err(|error| failed(&error))?;
        let metadata = Metadata::discover_async(issuer, &http).await;
        let metadata = metadata.map_err(|error| failed(&error))?;

        if !is_protected(metadata.authorization_endpoint().url()) {
            return Err(ProviderError::Unusable(
                "its authorization endpoint is neither https nor on loopback".to_owned(),
            ));
        }
        let asymmetric = |algorithm: &&CoreJwsSigningAlgorithm| !algorithm.uses_shared_secret();
        let algorithms = metadata.id_token_signing_alg_values_supported().iter();
        let scopes = metadata.scopes_supported().into_iter().flatten();
        let by_body = metadata
            .token_endpoint_auth_methods_supported()
            .is_some_and(|methods| {
                !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                    && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            });
        let secret = settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        Ok(Self {
            algorithms: algorithms.filter(asymmetric).cloned().collect(),
            issuer: metadata.issuer().to_string(),
            scopes: scopes.map(|scope| scope.to_string()).collect(),
            names_itself: metadata
                .additional_metadata()
                .authorization_response_iss_parameter_supported,
            client: OidcClient::from_provider_metadata(
                metadata,
                ClientId::new(settings.client_id.clone()),
                secret,
            )
            .set_auth_type(if by_body {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            }),
            http,
            fetched_at: now,
        })
    }

    pub(super) fn knows_scope(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope == name)
    }

    /// RFC 9207 §2.4: the answer is this provider's, not that of another.
    pub(super) fn check_response_issuer(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        match iss {
            Some(iss) if iss == self.issuer => Ok(()),
            None if !self.names_itself => Ok(()),
            Some(iss) => Err(ProviderError::Invalid(format!("iss is {iss:?}"))),
            None => Err(ProviderError::Invalid("iss is missing".to_owned())),
        }
    }
}

/// RFC 9207 §3.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct MoreMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type OidcClient = Client<
    Rest,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            Rest,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

const KEEP: Duration = Duration::from_secs(24 * 3_600);
/// Between two tries of a provider that does not answer.
const PAUSE: Duration = Duration::from_secs(2);
