//! Streamable HTTP, and the older HTTP with SSE, on one path: what a request
//! claims decides, never which headers there are.
//!
//! Authentication, `HEAD` and `OPTIONS` have been dealt with when a request
//! arrives here.

mod get;
mod headers;
mod ladder;
mod listen;
mod post;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Shared};
use tokio_util::sync::CancellationToken;

pub(super) use self::get::{listening, too_many};
use self::headers::Value;
use self::ladder::is_modern;
use super::sse;
use crate::audit::Origin;
use crate::http_error::HttpError;
use crate::mcp::scope::McpScope;
use crate::mcp::session::Session;
use crate::principal::{OAuthScope, Principal};

/// Methods of the endpoint, as `Allow` lists them.
pub const ALLOW: &str = "GET, POST, DELETE, HEAD, OPTIONS";

/// The caller's token lacks this right. Answered by whoever knows how the
/// challenge is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientScope(pub OAuthScope);

/// Ready when the address that a call came from is denied.
pub type Denied = Shared<BoxFuture<'static, ()>>;

/// Who calls, and for how long that is so.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// `None` only where authentication is off.
    pub principal: Option<Arc<Principal>>,
    /// Cancelled when the caller's token is no longer good. Held by all that is done
    /// for the caller.
    pub alive: Arc<CancellationToken>,
    /// Where the call comes from somewhere: nothing is done for it when that is denied.
    pub denied: Option<Denied>,
    /// How long the token is good. Streams that only listen end then, for their
    /// client to come back with another; `None` where there is no token.
    pub expires_in: Option<Duration>,
    /// The request, for the audit: work of it may go on in other tasks.
    pub origin: Option<Arc<Origin>>,
}

impl Authority {
    /// Waits until the caller is no longer let in.
    pub(super) fn shut_out(&self) -> impl Future<Output = ()> + Send + use<> {
        let (alive, denied) = (Arc::clone(&self.alive), self.denied.clone());
        async move {
            let denied = async move {
                match denied {
                    Some(denied) => denied.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = alive.cancelled() => {}
                () = denied => {}
            }
        }
    }

    /// Waits until the token has expired.
    fn expired(&self) -> impl Future<Output = ()> + Send + 'static {
        let expires_in = self.expires_in;
        async move {
            match expires_in {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        }
    }
}

/// Serves one request of an authenticated caller.
///
/// When the future is dropped, because the client went away, the reply can no
/// longer be delivered, and the call behind it is cancelled.
pub async fn serve(
    scope: &Arc<McpScope>,
    authority: Authority,
    mut request: Request,
) -> Result<Response, InsufficientScope> {
    let headers = std::mem::take(request.headers_mut());
    match *request.method() {
        Method::POST => {
            let session = session_in(request.uri());
            let body = match read_body(&headers, request).await {
                Ok(body) => body,
                Err(error) => return Ok(error.into_response()),
            };
            match session {
                Some(session) => Ok(sse::post(scope, authority, &session, body).await),
                None => post::serve(scope, authority, headers, body).await,
            }
        }
        Method::GET => Ok(get::open(scope, &authority, request.uri().path(), &headers)),
        Method::DELETE => Ok(get::end(scope, &authority, &headers)),
        _ => Ok(HttpError::method_not_allowed(ALLOW).into_response()),
    }
}

/// What the header `Mcp-Session-Id` names.
enum Named {
    Nothing,
    Session(Arc<Session>),
    /// It has ended, never was, or is another caller's.
    Unknown,
}

impl Named {
    fn of(headers: &HeaderMap, scope: &McpScope, authority: &Authority) -> Self {
        match Value::plain(headers, &headers::SESSION_ID) {
            Value::Absent => Self::Nothing,
            Value::Text(id) => scope
                .find(&id, authority.principal.as_deref())
                .map_or(Self::Unknown, Self::Session),
            Value::Unreadable => Self::Unknown,
        }
    }
}

/// `sessionId` in the query: an address that the older transport gave out.
fn session_in(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == "sessionId")?;
    Some(id.into_owned())
}

/// The body of a POST. Any `Accept` will do, and a missing `Content-Type` is
/// taken for JSON: clients differ, and the body says what it is.
async fn read_body(headers: &HeaderMap, request: Request) -> Result<Bytes, HttpError> {
    if let Some(media_type) = headers.get(header::CONTENT_TYPE)
        && !media_type.to_str().is_ok_and(is_json)
    {
        return Err(HttpError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be application/json.",
        ));
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &()));
    match body.await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(HttpError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                "The body is larger than this server accepts.",
            ))
        }
        Ok(Err(_)) => Err(HttpError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body could not be read to its end.",
        )),
        Err(_) => Err(HttpError::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The body did not arrive in time.",
        )),
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let (_, subtype) = essence.split_once('/').unwrap_or_default();
    subtype.eq_ignore_ascii_case("json")
        || subtype
            .rsplit_once('+')
            .is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

/// From the last header to the last byte.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
