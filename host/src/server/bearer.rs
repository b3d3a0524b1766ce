//! Bearer tokens (RFC 6750): the token of a request, and the challenge of one
//! that has none. Tokens count in the `Authorization` header alone; in an
//! address they would end up in logs.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};

use crate::http_error::HttpError;
use crate::oauth::OAuth;
use crate::principal::{OAuthScope, Principal, Rights};

/// Who is let in.
pub enum Authentication {
    /// Everybody; requests have no principal. For loopback only.
    Off,
    /// Whoever has this one token: the principal `demo`, who may read.
    Token(SecretString),
    /// Whoever has an access token of the scope that is called.
    OAuth(OAuth),
}

/// Why a request is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// No token was sent; RFC 6750 §3.1 wants no error code then.
    Missing,
    /// A token was sent that is not good.
    Invalid,
}

impl Authentication {
    /// Whether requests need a token.
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// The principal that `headers` prove.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Option<Arc<Principal>>, Challenge> {
        let expected = match self {
            Self::Off => return Ok(None),
            Self::Token(expected) => expected,
            Self::OAuth(_) => return Err(Challenge::Missing),
        };
        let token = token(headers).ok_or(Challenge::Missing)?;
        // Hashed, so that the time taken does not tell the length either.
        let [token, expected] =
            [token, expected.expose_secret().as_bytes()].map(|text| digest(&SHA256, text));
        verify_slices_are_equal(token.as_ref(), expected.as_ref())
            .map_err(|_| Challenge::Invalid)?;
        Ok(Some(Arc::new(Principal {
            subject: "demo".to_owned(),
            client: "demo".to_owned(),
            rights: Rights::READ,
        })))
    }
}

impl Challenge {
    /// `WWW-Authenticate`, on one line: some clients do not unfold it.
    pub(super) fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing => r#"Bearer realm="mssql-mcp""#,
            Self::Invalid => {
                r#"Bearer realm="mssql-mcp", error="invalid_token", error_description="The access token is not valid""#
            }
        })
    }
}

impl IntoResponse for Challenge {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::Missing => (
                "unauthorized",
                "This address needs an access token in the Authorization header.",
            ),
            Self::Invalid => ("invalid_token", "The access token is not valid."),
        };
        HttpError::new(StatusCode::UNAUTHORIZED, error, description)
            .with_header(header::WWW_AUTHENTICATE, self.header_value())
            .into_response()
    }
}

/// The answer to a good token that lacks a right.
pub(super) fn insufficient_scope(needed: OAuthScope) -> HttpError {
    let error = HttpError::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        format!("This call needs a token with the scope {needed}."),
    );
    let challenge =
        format!(r#"Bearer realm="mssql-mcp", error="insufficient_scope", scope="{needed}""#);
    match HeaderValue::try_from(challenge) {
        Ok(value) => error.with_header(header::WWW_AUTHENTICATE, value),
        Err(_) => error,
    }
}

/// The token of a single `Authorization: Bearer …`.
fn token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token.as_bytes())
}
