//! Server-sent events (HTML §9.2) as both HTTP transports write them.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use crate::mcp::stream::EventId;

/// One `message` event. A message is one line: what breaks it can only stand
/// between tokens of its JSON, where a space says the same.
pub(super) fn message(id: Option<&EventId>, json: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(json.len() + EVENT_EXTRA_BYTES);
    if let Some(id) = id {
        event.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    event.extend_from_slice(b"event: message\ndata: ");
    let start = event.len();
    event.extend_from_slice(json);
    for byte in event.iter_mut().skip(start) {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// The first event of a stream that its client can come back to (2025-11-25,
/// basic/transports §Sending Messages): an id, and after what time to come back.
/// Clients of older revisions take the empty data for a message.
pub(super) fn priming(id: &EventId, retry: Duration) -> Bytes {
    format!("id: {id}\nretry: {}\ndata: \n\n", retry.as_millis()).into()
}

/// The `endpoint` event of 2024-11-05; `uri` has no line breaks.
pub(super) fn endpoint(uri: &str) -> Bytes {
    format!("event: endpoint\ndata: {uri}\n\n").into()
}

/// A reply that goes on as long as `events` does. Its first bytes go out at
/// once, and some follow now and then, so that nobody on the way gives it up.
pub(super) fn response(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    kept_alive(events, KEEP_ALIVE)
}

fn kept_alive(events: impl Stream<Item = Bytes> + Send + 'static, pause: Duration) -> Response {
    let first = stream::once(async { COMMENT });
    let kept_alive = stream::unfold(Box::pin(events), move |mut events| async move {
        let next = tokio::time::timeout(pause, events.next()).await;
        next.unwrap_or(Some(COMMENT)).map(|event| (event, events))
    });
    let body = first
        .chain(kept_alive)
        .map(Ok::<_, std::convert::Infallible>);
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-cache, no-transform"),
        // nginx would wait for more.
        ("x-accel-buffering", "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

const COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// Proxies and load balancers give up after 30 s at the earliest.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const EVENT_EXTRA_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let event = message(Some(&"3-4".parse().unwrap()), b"{\"a\":\r\n1}");
        assert_eq!(event, "id: 3-4\nevent: message\ndata: {\"a\":  1}\n\n");
        assert_eq!(message(None, b"{}"), "event: message\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn a_stream_says_something_at_once_and_now_and_then() {
        let events = stream::iter([Bytes::from("a")]).chain(stream::pending());
        let response = kept_alive(events, Duration::from_millis(1));
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut body = response.into_body().into_data_stream();
        for expected in [":\n\n", "a", ":\n\n", ":\n\n"] {
            assert_eq!(body.next().await.unwrap().unwrap(), expected);
        }
    }
}
