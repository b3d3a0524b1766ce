//! Replies that go on: they end when their caller is no longer let in.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};

use crate::oauth::Authenticated;

/// Ends a stream when `caller` is no longer good.
pub(super) fn until_revoked(response: Response, caller: Authenticated) -> Response {
    // In use for as long as the stream is, so that a revocation finds it.
    until(response, async move { caller.alive().cancelled().await })
}

/// Ends a stream when `end` is ready. A reply that is complete already is left as it is.
pub(super) fn until(
    response: Response,
    end: impl Future<Output = ()> + Send + 'static,
) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        Body::new(Revocable {
            body: Some(body),
            end: Box::pin(end),
        })
    })
}

struct Revocable {
    /// `None` once it has ended: whoever fills it is told by its drop.
    body: Option<Body>,
    end: BoxFuture<'static, ()>,
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.body.is_some() && self.end.as_mut().poll(context).is_ready() {
            self.body = None;
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(HttpBody::size_hint)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::to_bytes;
    use futures_util::{StreamExt, stream};

    use super::*;
    use crate::oauth::bearer::testing::authenticated;

    #[tokio::test]
    async fn a_stream_ends_with_the_token_it_was_opened_with() {
        let (caller, revoke) = authenticated();
        let source = Arc::new(());
        let held = Arc::clone(&source);
        let events = stream::iter([Ok::<_, std::io::Error>("event")])
            .chain(stream::pending())
            .inspect(move |_| _ = &held);
        let response = until_revoked(Response::new(Body::from_stream(events)), caller);
        let mut body = response.into_body().into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap(), "event");
        let waiting = body.next();
        revoke.cancel();
        assert!(waiting.await.is_none());
        assert_eq!(Arc::strong_count(&source), 1, "the source was dropped");
    }

    #[tokio::test]
    async fn a_complete_reply_is_sent_whole() {
        let (caller, revoke) = authenticated();
        revoke.cancel();
        let response = until_revoked(Response::new(Body::from("whole")), caller);
        let bytes = to_bytes(response.into_body(), 10).await.unwrap();
        assert_eq!(bytes, "whole");
    }
}
