//! `subscriptions/listen` (2026-07-28, basic/patterns/subscriptions): one
//! stream for the changes that a client asks to be told.

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Authority;
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc::{Reply, Request};
use crate::mcp::scope::McpScope;
use crate::mcp::transport::event;

/// Opens the stream: what was granted of what was asked, then every change.
pub(super) fn open(
    scope: &Arc<McpScope>,
    authority: &Authority,
    request: &Request<'_>,
) -> Result<Response, RpcError> {
    let wanted = request.params.notifications.ok_or_else(|| {
        RpcError::invalid_params("Invalid params: \"notifications\" is not an object")
    })?;
    let wanted: Wanted = serde_json::from_str(wanted.get()).map_err(|error| {
        RpcError::invalid_params(format!("Invalid params: \"notifications\": {error}"))
    })?;
    let place = scope.take_place(authority.principal.as_deref());
    let place = place.ok_or_else(|| {
        RpcError::new(
            Code::TooMany,
            "You have as many streams open as one client may; close some first",
        )
    })?;
    let subscription = Subscription {
        id: request.id.to_owned(),
    };
    let acknowledged = stream::iter([subscription.acknowledged(&wanted)]);
    let over = authority.expired();
    let changes = subscription.changes(Arc::clone(scope), wanted.tools, over);
    // Held for as long as the stream is.
    let events = acknowledged.chain(changes).inspect(move |_| _ = &place);
    Ok(event::response(events))
}

/// The kinds of change that can be listened to here; others are not granted.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Wanted {
    #[serde(default, rename = "toolsListChanged")]
    tools: bool,
}

struct Subscription {
    /// Of the request, which is the subscription's.
    id: Box<RawValue>,
}

impl Subscription {
    fn acknowledged(&self, granted: &Wanted) -> Bytes {
        let granted = if granted.tools {
            r#"{"toolsListChanged":true}"#
        } else {
            "{}"
        };
        self.notification(
            "notifications/subscriptions/acknowledged",
            &format!("\"notifications\":{granted},"),
        )
    }

    /// Every change from now on, and when it is `over`, or the server stops, the
    /// end.
    fn changes(
        self,
        scope: Arc<McpScope>,
        tools: bool,
        over: impl Future<Output = ()> + Send + 'static,
    ) -> impl Stream<Item = Bytes> {
        let changes = scope.changes();
        let begun = (self, scope, changes, tools, Box::pin(over));
        stream::unfold(Some(begun), async |state| {
            let (subscription, scope, mut changes, tools, mut over) = state?;
            tokio::select! {
                biased;
                Ok(()) = changes.changed(), if tools => {
                    changes.mark_unchanged();
                    let told = subscription.notification("notifications/tools/list_changed", "");
                    Some((told, Some((subscription, scope, changes, tools, over))))
                }
                () = scope.closed() => Some((subscription.ended(), None)),
                () = &mut over => Some((subscription.ended(), None)),
            }
        })
    }

    fn ended(&self) -> Bytes {
        let mut reply = Reply::to(&self.id, 0);
        reply.raw("resultType", "\"complete\"");
        reply.raw("_meta", &self.meta());
        event::message(None, &reply.finish())
    }

    fn notification(&self, method: &str, members: &str) -> Bytes {
        let json = format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{members}"_meta":{}}}}}"#,
            self.meta()
        );
        event::message(None, json.as_bytes())
    }

    fn meta(&self) -> String {
        format!(
            r#"{{"io.modelcontextprotocol/subscriptionId":{}}}"#,
            self.id
        )
    }
}
