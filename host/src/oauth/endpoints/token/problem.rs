//! Why no tokens are given: all that is known for the log, and what of it the
//! client is told.

use crate::oauth::clients::authentication::AuthenticationProblem;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::parameters::Repeated;
use crate::principal::Rights;
use crate::state::StoreError;

/// Each reason apart.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenProblem {
    #[error(transparent)]
    Client(#[from] AuthenticationProblem),
    #[error(transparent)]
    Repeated(#[from] Repeated),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    #[error("the grant type is neither authorization_code nor refresh_token")]
    OtherGrantType,
    #[error("the resource {0:?} is not of this scope")]
    OtherAudience(String),
    #[error("code_verifier is not 43 to 128 unreserved characters")]
    BadVerifier,

    #[error("the code was not made by this server")]
    ForeignCode,
    #[error("the code is unknown or long expired")]
    UnknownCode,
    #[error("the code has expired")]
    ExpiredCode,
    #[error("the code was redeemed before; what came of it is revoked")]
    ReusedCode,
    #[error("the code is of the scope {0}")]
    CodeOfOtherScope(String),
    #[error("the code is of another client")]
    CodeOfOtherClient,
    #[error("redirect_uri is not that of the authorization request")]
    OtherRedirectUri,
    #[error("code_verifier does not prove the code_challenge")]
    WrongVerifier,

    #[error("the refresh token was not made by this server")]
    ForeignRefreshToken,
    #[error("the refresh token is unknown, has expired, or its grant was revoked")]
    UnknownRefreshToken,
    #[error("the refresh token was used before; its grant is revoked")]
    ReusedRefreshToken,
    #[error("the refresh token is of the scope {0}")]
    RefreshTokenOfOtherScope(String),
    #[error("the refresh token is of another client")]
    RefreshTokenOfOtherClient,
    #[error("more was asked for than the grant has, which is \"{0}\"")]
    TooMuch(Rights),

    #[error("the person was removed or may no longer enter")]
    PersonNotAdmitted,
}

impl From<TokenProblem> for OAuthError {
    fn from(problem: TokenProblem) -> Self {
        use TokenProblem as Problem;
        let (code, description) = match problem {
            Problem::Client(problem) => return problem.into(),
            Problem::Repeated(problem) => return problem.into(),
            Problem::Store(error) => return error.into(),
            Problem::Missing(name) => {
                let sentence = format!("Send the parameter {name}.");
                return Self::new(ErrorCode::InvalidRequest, sentence);
            }
            Problem::OtherGrantType => (
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token.",
            ),
            Problem::OtherAudience(_) => (
                ErrorCode::InvalidTarget,
                "The resource is not an address that this authorization server gives tokens for.",
            ),
            Problem::BadVerifier => (
                ErrorCode::InvalidRequest,
                "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~",
            ),
            Problem::ForeignCode
            | Problem::UnknownCode
            | Problem::ExpiredCode
            | Problem::ReusedCode
            | Problem::CodeOfOtherScope(_)
            | Problem::CodeOfOtherClient
            | Problem::OtherRedirectUri
            | Problem::WrongVerifier => (
                ErrorCode::InvalidGrant,
                "The code is not good, or is not for this request; start the authorization again.",
            ),
            Problem::ForeignRefreshToken
            | Problem::UnknownRefreshToken
            | Problem::ReusedRefreshToken
            | Problem::RefreshTokenOfOtherScope(_)
            | Problem::RefreshTokenOfOtherClient => (
                ErrorCode::InvalidGrant,
                "The refresh token is no longer good; start the authorization again.",
            ),
            Problem::PersonNotAdmitted => (
                ErrorCode::InvalidGrant,
                "The person may no longer use this address.",
            ),
            Problem::TooMuch(_) => (
                ErrorCode::InvalidScope,
                "The scope is more than what was allowed; start the authorization again.",
            ),
        };
        Self::new(code, description).because(problem)
    }
}
