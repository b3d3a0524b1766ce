//! Bodies of requests: forms and JSON, of bounded size.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;

use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::parameters::Parameters;

/// An `application/x-www-form-urlencoded` body in which nothing but `resource`
/// comes twice. It holds secrets and cannot be printed.
pub(crate) struct Form(pub(crate) Parameters);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OAuthError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
        if !is_form {
            return Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                format!("The body must be {FORM}."),
            ));
        }
        let body = read(request.into_body(), MAX_BODY, ErrorCode::InvalidRequest).await?;
        let form = Parameters::parse(&body);
        form.repeated()
            .map_or(Ok(Self(form)), |name| Err(name.into()))
    }
}

/// The whole body, or the error `code` when it has more than `longest` bytes.
pub(super) async fn read(body: Body, longest: usize, code: ErrorCode) -> Result<Bytes, OAuthError> {
    to_bytes(body, longest).await.map_err(|error| {
        let kibibytes = longest / 1024;
        let sentence = format!("The body is longer than {kibibytes} KiB, or ended too early.");
        OAuthError::new(code, sentence).because(error)
    })
}

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_BODY: usize = 64 * 1024;
