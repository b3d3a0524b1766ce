//! How a client proves who it is at the endpoints that it calls itself
//! (RFC 6749 §2.3): by one method, or by none if it is public.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::{MAX_CLIENT_ID, is_document};
use crate::oauth::access::ScopeAccess;
use crate::oauth::context::OAuth;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::parameters::{Parameters, Repeated};
use crate::state::{ClientAuthentication, SecretKind, StoreError};

/// Why a client is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthenticationProblem {
    #[error("there is no client_id")]
    NoClientId,
    #[error("there are a secret in the header and one in the body")]
    TwoMethods,
    #[error("the client_id of the header is not that of the body")]
    TwoClients,
    #[error("the Authorization header is not Basic with a client_id and a secret")]
    BadHeader,
    #[error(transparent)]
    Repeated(#[from] Repeated),
    #[error("no client of this id is registered")]
    Unknown,
    #[error("the client is registered at another scope")]
    OtherScope,
    #[error("the client is blocked")]
    Blocked,
    #[error("the client has a secret and did not send it")]
    NoSecret,
    #[error("the client is public and sent a secret")]
    UnexpectedSecret,
    #[error("the client's secret is wrong")]
    WrongSecret,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AuthenticationProblem> for OAuthError {
    fn from(problem: AuthenticationProblem) -> Self {
        use AuthenticationProblem as Problem;
        let (code, description) = match problem {
            Problem::Store(error) => return error.into(),
            Problem::Repeated(error) => return error.into(),
            Problem::NoClientId => (ErrorCode::InvalidRequest, "Send the client_id."),
            Problem::TwoMethods | Problem::TwoClients => (
                ErrorCode::InvalidRequest,
                "Send the client's id and secret in one way only.",
            ),
            Problem::BadHeader => (
                ErrorCode::InvalidClient,
                "The Authorization header must be Basic with the client's id and secret.",
            ),
            Problem::Blocked => (
                ErrorCode::UnauthorizedClient,
                "The operator of this server does not let this client in.",
            ),
            Problem::Unknown | Problem::OtherScope => (
                ErrorCode::InvalidClient,
                "This client is not registered here; it must register again.",
            ),
            Problem::NoSecret | Problem::UnexpectedSecret | Problem::WrongSecret => (
                ErrorCode::InvalidClient,
                "The client did not prove who it is in the way that it registered.",
            ),
        };
        Self::new(code, description).because(problem)
    }
}

/// Who a request says it is from.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    secret: Option<SecretString>,
}

impl Credentials {
    /// Reads `Authorization: Basic`, or `client_id` and `client_secret` of the
    /// form. A `client_id` in the form beside the header must be the same; one
    /// that is too long for any client is not even repeated in the audit.
    pub(crate) fn read(
        headers: &HeaderMap,
        form: &Parameters,
    ) -> Result<Self, AuthenticationProblem> {
        let read = Self::read_any(headers, form)?;
        if read.client_id.len() > MAX_CLIENT_ID {
            return Err(AuthenticationProblem::Unknown);
        }
        Ok(read)
    }

    fn read_any(headers: &HeaderMap, form: &Parameters) -> Result<Self, AuthenticationProblem> {
        let id = form.one("client_id")?;
        let secret = form.one("client_secret")?;
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let Some(authorization) = authorizations.next() else {
            return Ok(Self {
                client_id: id.ok_or(AuthenticationProblem::NoClientId)?.to_owned(),
                secret: secret.map(SecretString::from),
            });
        };
        if secret.is_some() || authorizations.next().is_some() {
            return Err(AuthenticationProblem::TwoMethods);
        }
        let basic = authorization.to_str().ok().and_then(basic);
        let basic = basic.ok_or(AuthenticationProblem::BadHeader)?;
        if id.is_some_and(|id| id != basic.client_id) {
            return Err(AuthenticationProblem::TwoClients);
        }
        Ok(basic)
    }
}

impl OAuth {
    /// Finds the client and checks its proof. A confidential one may send its
    /// secret either way, whatever it registered: it is the same proof.
    pub(crate) async fn authenticate_client(
        &self,
        scope: &ScopeAccess,
        credentials: &Credentials,
    ) -> Result<(), AuthenticationProblem> {
        use AuthenticationProblem as Problem;
        let store = self.store();
        let id = &credentials.client_id;
        if store.is_client_blocked(id).await? {
            return Err(Problem::Blocked);
        }
        // Such clients are public, and their codes and tokens are bound to the
        // id: nothing would be won if their server had to answer each time.
        let (authentication, expected) = if is_document(id) {
            (ClientAuthentication::None, None)
        } else {
            let client = store.client(id).await?.ok_or(Problem::Unknown)?;
            if client.scope != scope.name {
                return Err(Problem::OtherScope);
            }
            (client.authentication, client.secret)
        };
        match (authentication, &credentials.secret) {
            (ClientAuthentication::None, None) => Ok(()),
            (ClientAuthentication::None, Some(_)) => Err(Problem::UnexpectedSecret),
            (_, None) => Err(Problem::NoSecret),
            (_, Some(secret)) => {
                // Hashes are compared: time tells nothing about the secret.
                let kind = SecretKind::ClientSecret;
                let presented = store.secrets().recognise(kind, secret.expose_secret());
                let right = presented.is_some() && presented == expected;
                right.then_some(()).ok_or(Problem::WrongSecret)
            }
        }
    }
}

/// `Basic` with both parts form-encoded (RFC 6749 §2.3.1).
fn basic(authorization: &str) -> Option<Credentials> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let (id, secret) = (form_decode(id), form_decode(secret));
    (!id.is_empty()).then(|| Credentials {
        client_id: id,
        secret: (!secret.is_empty()).then(|| SecretString::from(secret)),
    })
}

fn form_decode(text: &str) -> String {
    // A lone value: `&` and `=` are not separators here.
    let text = text.replace('&', "%26").replace('=', "%3D");
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(value, _)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: Option<&str>, form: &str) -> Result<Credentials, AuthenticationProblem> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        Credentials::read(&headers, &Parameters::parse(form.as_bytes()))
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn each_method_gives_id_and_secret() {
        let id = "https://client.example/a?b=c&d";
        let encoded: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        for (authorization, form, client_id, secret) in [
            (None, "client_id=a", "a", None),
            (None, "client_id=a&client_secret=s", "a", Some("s")),
            (Some(basic_of("a:s")), "", "a", Some("s")),
            (Some(basic_of("a:s")), "client_id=a", "a", Some("s")),
            (Some(basic_of("a:")), "", "a", None),
            (Some(basic_of("a%3Ab:s%20%2B+x")), "", "a:b", Some("s + x")),
            (Some(basic_of("a:s=t&u")), "", "a", Some("s=t&u")),
            (Some(basic_of(&format!("{encoded}:s"))), "", id, Some("s")),
        ] {
            let credentials = read(authorization.as_deref(), form).unwrap();
            assert_eq!(credentials.client_id, client_id);
            let found = credentials.secret.as_ref().map(SecretString::expose_secret);
            assert_eq!(found, secret, "{form}");
        }
    }

    #[test]
    fn two_ways_at_once_are_refused() {
        use AuthenticationProblem as Problem;
        let basic = basic_of("a:s");
        let basic = Some(basic.as_str());
        let read = |authorization, form| read(authorization, form).unwrap_err();
        assert!(matches!(read(None, ""), Problem::NoClientId));
        assert!(matches!(
            read(basic, "client_secret=s"),
            Problem::TwoMethods
        ));
        assert!(matches!(read(basic, "client_id=b"), Problem::TwoClients));
        assert!(matches!(
            read(None, "client_id=a&client_id=a"),
            Problem::Repeated(_)
        ));
        let long = format!("client_id={}", "x".repeat(2_001));
        assert!(matches!(read(None, &long), Problem::Unknown));
        for header in ["Bearer x", "Basic", "Basic !", &basic_of("no-colon")] {
            assert!(
                matches!(read(Some(header), ""), Problem::BadHeader),
                "{header}"
            );
        }
    }
}
