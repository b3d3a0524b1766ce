//! `subscriptions/listen` over HTTP: one stream for one subscription.

use std::sync::Arc;

use axum::response::Response;
use futures_util::{StreamExt, stream};

use super::Authority;
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc::Request;
use crate::mcp::scope::McpScope;
use crate::mcp::subscription::Subscription;
use crate::mcp::transport::event;

/// Opens the stream. It ends in good order when the token does, or the server.
pub(super) fn open(
    scope: &Arc<McpScope>,
    authority: &Authority,
    request: &Request<'_>,
) -> Result<Response, RpcError> {
    let subscription = Subscription::begin(scope, request)?;
    let place = scope.take_place(authority.principal.as_deref());
    let place = place.ok_or_else(|| {
        RpcError::new(
            Code::TooMany,
            "You have as many streams open as one client may; close some first",
        )
    })?;
    let over = Box::pin(authority.expired());
    let begun = (subscription, Arc::clone(scope), over);
    let events = stream::unfold(Some(begun), async |state| {
        let (mut subscription, scope, mut over) = state?;
        let next = tokio::select! {
            biased;
            next = subscription.next(&scope) => next,
            () = &mut over => None,
        };
        Some(match next {
            Some(message) => (
                event::message(None, &message),
                Some((subscription, scope, over)),
            ),
            None => (event::message(None, &subscription.ended()), None),
        })
    });
    // Held for as long as the stream is.
    Ok(event::response(events.inspect(move |_| _ = &place)))
}
