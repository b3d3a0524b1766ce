//! Streamable HTTP: one POST, one message, one JSON reply.
//!
//! Authentication, `HEAD` and `OPTIONS` have been dealt with when a request
//! arrives here.

mod headers;
mod ladder;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use self::ladder::{Inbound, Rejection};
use crate::http_error::HttpError;
use crate::mcp::dispatch::{Caller, answer, dispatch};
use crate::mcp::error::{Code, Failure};
use crate::mcp::jsonrpc::{self, Message};
use crate::mcp::scope::McpScope;
use crate::principal::{OAuthScope, Principal};

/// Methods of the endpoint, as `Allow` lists them.
pub const ALLOW: &str = "POST, HEAD, OPTIONS";

/// The caller's token lacks this right. Answered by whoever knows how the
/// challenge is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientScope(pub OAuthScope);

/// Serves one request of an authenticated caller.
///
/// When the future is dropped, because the client went away, the reply can no
/// longer be delivered, and the call behind it is cancelled.
pub async fn serve(
    scope: &McpScope,
    principal: Option<Arc<Principal>>,
    mut request: Request,
) -> Result<Response, InsufficientScope> {
    if request.method() != Method::POST {
        return Ok(HttpError::method_not_allowed(ALLOW).into_response());
    }
    let headers = std::mem::take(request.headers_mut());
    let body = match read_body(&headers, request).await {
        Ok(body) => body,
        Err(error) => return Ok(error.into_response()),
    };
    match ladder::classify(&headers, &body) {
        Ok(inbound) => reply(scope, principal, inbound).await,
        Err(rejection) => Ok(rejection.into_response()),
    }
}

async fn reply(
    scope: &McpScope,
    principal: Option<Arc<Principal>>,
    inbound: Inbound<'_>,
) -> Result<Response, InsufficientScope> {
    let cancel = CancellationToken::new();
    let dropped = cancel.clone().drop_guard();
    let response = match inbound {
        Inbound::Accepted => StatusCode::ACCEPTED.into_response(),
        Inbound::Request(revision, request) => {
            let caller = Caller {
                scope,
                principal,
                revision,
            };
            match dispatch(&caller, &request, cancel).await {
                Ok(reply) => json(StatusCode::OK, reply),
                Err(Failure::InsufficientScope(scope)) => return Err(InsufficientScope(scope)),
                Err(Failure::Rpc(error)) => {
                    let status = if revision.is_modern() && error.code == Code::MethodNotFound {
                        StatusCode::NOT_FOUND
                    } else {
                        StatusCode::OK
                    };
                    json(status, jsonrpc::error(Some(request.id), &error))
                }
            }
        }
        Inbound::Batch(revision, batch) => {
            let caller = Caller {
                scope,
                principal,
                revision,
            };
            let replies = batch.answer(|message| {
                let (caller, cancel) = (&caller, cancel.clone());
                async move {
                    match message {
                        Message::Request(request) => Some(answer(caller, &request, cancel).await),
                        Message::Notification(_) | Message::Response => None,
                    }
                }
            });
            match replies.await {
                Some(replies) => json(StatusCode::OK, replies),
                None => StatusCode::ACCEPTED.into_response(),
            }
        }
    };
    dropped.disarm();
    Ok(response)
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

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

impl IntoResponse for Rejection<'_> {
    fn into_response(self) -> Response {
        json(
            StatusCode::BAD_REQUEST,
            jsonrpc::error(self.id, &self.error),
        )
    }
}

/// From the last header to the last byte.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
