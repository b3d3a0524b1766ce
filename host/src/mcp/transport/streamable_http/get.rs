//! GET: a stream of what belongs to no request, or the rest of a stream that
//! was cut off; DELETE: the end of a session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use serde_json::value::RawValue;

use super::headers::{self, Value};
use super::{ALLOW, Authority, Named, is_modern};
use crate::http_error::HttpError;
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc;
use crate::mcp::places::Place;
use crate::mcp::scope::{McpScope, TOOLS_CHANGED};
use crate::mcp::session::Session;
use crate::mcp::stream::{Event, EventId, Reader};
use crate::mcp::transport::{event, sse};
use crate::mcp::version::Revision;

/// Serves GET.
pub(super) fn open(
    scope: &Arc<McpScope>,
    authority: &Authority,
    path: &str,
    headers: &HeaderMap,
) -> Response {
    let version = Value::plain(headers, &headers::PROTOCOL_VERSION);
    // Browsers that people have pointed here, and revisions without streams.
    if is_modern(&version) || !(accepts(headers, EVENT_STREAM) || accepts(headers, "*/*")) {
        return HttpError::method_not_allowed(ALLOW).into_response();
    }
    if !scope.is_open() {
        return closing();
    }
    match Named::of(headers, scope, authority) {
        Named::Unknown => unknown_session(),
        Named::Nothing => sse::open(scope, authority, path),
        Named::Session(session) => {
            let Some(place) = scope.take_place(authority.principal.as_deref()) else {
                return too_many();
            };
            let last = match Value::plain(headers, &headers::LAST_EVENT_ID) {
                Value::Text(last) => last.parse::<EventId>().ok(),
                Value::Absent | Value::Unreadable => None,
            };
            let stream = last.as_ref().and_then(|last| session.stream_of(last));
            let number = last.as_ref().map_or(0, |last| last.number);
            match (stream, last.and_then(|last| last.reply_to)) {
                (Some(stream), Some(_)) => {
                    let reader = stream.read(number);
                    let over = authority.expired();
                    let events = replying(session.revision(), reader).take_until(over);
                    event::response(events.inspect(move |_| _ = &place))
                }
                (None, Some(request)) => lost(&request),
                (stream, None) => {
                    let (stream, number) = match stream {
                        Some(stream) => (stream, number),
                        None => (session.listen(), 0),
                    };
                    opened(scope, authority, session, stream.read(number), place)
                }
            }
        }
    }
}

/// The stream of a reply, which its client can come back to.
pub(super) fn replying(revision: Revision, reader: Reader) -> BoxStream<'static, Bytes> {
    let priming = event::priming(&reader.place(), SOON);
    let events = stream::unfold(reader, async |mut reader| {
        let next = reader.next().await?;
        Some((event::message(Some(&next.id), &next.message), reader))
    });
    if !revision.has_polling() {
        return events.boxed();
    }
    let events = events.take_until(tokio::time::sleep(POLL_AFTER));
    stream::iter([priming]).chain(events).boxed()
}

/// Tells who comes back for a reply that there is none, or it would wait for ever.
fn lost(request: &str) -> Response {
    let error = RpcError::new(
        Code::InternalError,
        "The reply is lost: the server was started anew, or this is another; ask again",
    );
    let id = RawValue::from_string(request.to_owned()).ok();
    let message = jsonrpc::error(id.as_deref(), &error);
    event::response(stream::iter([event::message(None, &message)]))
}

fn opened(
    scope: &Arc<McpScope>,
    authority: &Authority,
    session: Arc<Session>,
    reader: Reader,
    place: Place,
) -> Response {
    let priming = session
        .revision()
        .has_polling()
        .then(|| event::priming(&reader.place(), PATIENTLY));
    let events = listening(Arc::clone(scope), session, reader)
        .take_until(authority.expired())
        .map(|next| event::message(Some(&next.id), &next.message));
    // Held for as long as the stream is.
    let events = events.inspect(move |_| _ = &place);
    event::response(stream::iter(priming).chain(events))
}

/// Serves DELETE.
pub(super) fn end(scope: &Arc<McpScope>, authority: &Authority, headers: &HeaderMap) -> Response {
    match Value::plain(headers, &headers::SESSION_ID) {
        Value::Absent => HttpError::method_not_allowed(ALLOW).into_response(),
        Value::Text(id) if scope.end(&id, authority.principal.as_deref()) => {
            StatusCode::NO_CONTENT.into_response()
        }
        Value::Text(_) | Value::Unreadable => unknown_session(),
    }
}

/// What a reader gets, and what happens in the scope, until the session or
/// the server ends.
pub(in crate::mcp::transport) fn listening(
    scope: Arc<McpScope>,
    session: Arc<Session>,
    reader: Reader,
) -> impl Stream<Item = Event> {
    let changes = scope.changes();
    stream::unfold(
        (scope, session, reader, changes),
        async |(scope, session, mut reader, mut changes)| {
            let change = *changes.borrow_and_update();
            session.announce(change, TOOLS_CHANGED);
            loop {
                tokio::select! {
                    biased;
                    next = reader.next() => {
                        return Some((next?, (scope, session, reader, changes)));
                    }
                    Ok(()) = changes.changed() => {
                        let change = *changes.borrow_and_update();
                        session.announce(change, TOOLS_CHANGED);
                    }
                    () = session.over().cancelled() => return None,
                    () = scope.closed() => return None,
                }
            }
        },
    )
}

/// Whether `Accept` names `media_type`; without one, all are accepted.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return media_type == "*/*";
    }
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(media_type))
}

fn unknown_session() -> Response {
    HttpError::new(
        StatusCode::NOT_FOUND,
        "session_not_found",
        "This session has ended, or is another caller's; begin a new one.",
    )
    .into_response()
}

pub(in crate::mcp::transport) fn too_many() -> Response {
    HttpError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_streams",
        "You have as many streams open as one client may; close some first.",
    )
    .into_response()
}

fn closing() -> Response {
    HttpError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The server is about to stop.",
    )
    .into_response()
}

/// When listeners come back. The official SDKs try twice and then listen no more: a
/// server that is started anew must be there by then.
const PATIENTLY: Duration = Duration::from_secs(5);
/// When a client comes back for its reply.
const SOON: Duration = Duration::from_secs(1);
/// After that the client is let go, to come back for the rest: nothing on the way
/// need keep a connection for as long as a call takes.
const POLL_AFTER: Duration = Duration::from_secs(300);
pub(super) const EVENT_STREAM: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::mcp::testing::fixture;
    use crate::mcp::version::Revision;
    use crate::tools::Abilities;

    #[tokio::test]
    async fn a_listener_is_let_go_when_its_token_expires() {
        let scope = fixture("claude").scope;
        let authority = Authority {
            expires_in: Some(Duration::from_millis(1)),
            ..Authority::default()
        };
        let session = scope
            .begin(Revision::V2025_06_18, Abilities::NONE, None)
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(headers::SESSION_ID, session.id().parse().unwrap());
        let response = open(&scope, &authority, "/claude/mcp", &headers);
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body().into_data_stream();
        let mut last = None;
        while let Some(chunk) = body.next().await {
            last = Some(chunk.unwrap());
        }
        assert_eq!(last.unwrap(), ":\n\n", "nothing happened until then");
    }
}
