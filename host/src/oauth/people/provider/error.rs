//! Why nobody was signed in by the provider: for the log, never a secret.

use std::error::Error;
use std::fmt::Write as _;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{ClaimsVerificationError, RequestTokenError, StandardErrorResponse};

use super::http::RequestError;

/// What went wrong between this server and the provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::oauth) enum ProviderError {
    /// It does not answer, or not as a provider should; later it may.
    #[error("the OpenID Connect provider cannot be used: {0}")]
    Unusable(String),
    /// It refuses the code or this server.
    #[error("the OpenID Connect provider refused: {0}")]
    Refused(String),
    /// What it says of the person cannot be believed.
    #[error("the answer of the OpenID Connect provider is not valid: {0}")]
    Invalid(String),
}

impl ProviderError {
    pub(super) fn unusable(what: &str, error: &dyn Error) -> Self {
        Self::Unusable(format!("{what}: {}", chain(error)))
    }

    pub(super) fn of_token_request(
        error: &RequestTokenError<RequestError, StandardErrorResponse<CoreErrorResponseType>>,
    ) -> Self {
        match error {
            RequestTokenError::ServerResponse(response) => Self::Refused(response.to_string()),
            error => Self::unusable("the token endpoint", error),
        }
    }

    pub(super) fn of_id_token(error: &ClaimsVerificationError) -> Self {
        Self::Invalid(format!("the ID token: {}", chain(error)))
    }
}

/// The sentence of an error and of all that caused it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _infallible = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
