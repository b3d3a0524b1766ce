//! `subscriptions/listen` (2026-07-28, basic/patterns/subscriptions): the messages
//! for the changes that a client asks to be told.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::error::RpcError;
use super::jsonrpc::{Reply, Request};
use super::scope::McpScope;

/// What one client listens to.
pub(crate) struct Subscription {
    /// Of the request, which is the subscription's.
    id: Box<RawValue>,
    granted: Wanted,
    /// Until the first message was told.
    begins: bool,
    changes: watch::Receiver<u64>,
}

/// The kinds of change that can be listened to here; others are not granted.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Wanted {
    #[serde(default, rename = "toolsListChanged")]
    tools: bool,
}

impl Subscription {
    /// Grants what of the request can be.
    pub(crate) fn begin(scope: &McpScope, request: &Request<'_>) -> Result<Self, RpcError> {
        let wanted = request.params.notifications.ok_or_else(|| {
            RpcError::invalid_params("Invalid params: \"notifications\" is not an object")
        })?;
        let granted = serde_json::from_str(wanted.get()).map_err(|error| {
            RpcError::invalid_params(format!("Invalid params: \"notifications\": {error}"))
        })?;
        Ok(Self {
            id: request.id.to_owned(),
            granted,
            begins: true,
            changes: scope.changes(),
        })
    }

    /// What was granted, then every change; nothing more once the server is about
    /// to stop.
    pub(crate) async fn next(&mut self, scope: &McpScope) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.begins) {
            return Some(self.acknowledged());
        }
        tokio::select! {
            biased;
            Ok(()) = self.changes.changed(), if self.granted.tools => {
                self.changes.mark_unchanged();
                Some(self.notification("notifications/tools/list_changed", ""))
            }
            () = scope.closed() => None,
        }
    }

    /// The last message: the reply to the request.
    pub(crate) fn ended(&self) -> Vec<u8> {
        let mut reply = Reply::to(&self.id, 0);
        reply.raw("resultType", "\"complete\"");
        reply.raw("_meta", &self.meta());
        reply.finish()
    }

    fn acknowledged(&self) -> Vec<u8> {
        let granted = if self.granted.tools {
            r#"{"toolsListChanged":true}"#
        } else {
            "{}"
        };
        self.notification(
            "notifications/subscriptions/acknowledged",
            &format!("\"notifications\":{granted},"),
        )
    }

    fn notification(&self, method: &str, members: &str) -> Vec<u8> {
        let meta = self.meta();
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{members}"_meta":{meta}}}}}"#)
            .into_bytes()
    }

    fn meta(&self) -> String {
        let id = &self.id;
        format!(r#"{{"io.modelcontextprotocol/subscriptionId":{id}}}"#)
    }
}
