//! The client, as somebody that can be asked while its call waits.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::mcp::jsonrpc::quoted;
use crate::mcp::session::Session;
use crate::tools::InputMethod;

/// Sends a request to the client, and waits.
pub(crate) trait Client: Send + Sync {
    /// The result that the client sends back, a JSON object.
    fn ask<'a>(
        &'a self,
        method: InputMethod,
        params: &'a RawValue,
    ) -> BoxFuture<'a, Result<Box<RawValue>, Unanswered>>;
}

/// Why there is no answer; completes the sentence "X had a question: …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// The client lacks a capability, a session, or the wish to read events.
    #[error("this client cannot pass it on")]
    Unable,
    /// As many as may be are waiting.
    #[error("too many others are waiting for an answer")]
    TooMany,
    /// Its stream is gone or full.
    #[error("it did not reach the client")]
    NotSent,
    /// The client answered with an error; its message.
    #[error("the client refused it ({0})")]
    Refused(String),
    /// The call was cancelled meanwhile.
    #[error("the call was cancelled")]
    Cancelled,
    /// The server is about to stop, or nothing more can be heard.
    #[error("the server is about to stop")]
    Stopping,
    /// The result is not an object.
    #[error("the client's answer is not an object")]
    Malformed,
    /// Nobody answered.
    #[error("nobody answered in time")]
    TooLate,
}

/// Asks over something that carries messages to the client of a session, which
/// posts its answers to the same session.
pub(crate) struct SessionClient<S> {
    session: Arc<Session>,
    /// Whether there was room for it.
    sink: S,
    /// Cancelled when no answer can come any more.
    stopping: CancellationToken,
}

impl<S: Fn(Bytes) -> bool + Send + Sync> SessionClient<S> {
    pub(crate) fn new(session: Arc<Session>, sink: S, stopping: CancellationToken) -> Self {
        Self {
            session,
            sink,
            stopping,
        }
    }
}

impl<S: Fn(Bytes) -> bool + Send + Sync> Client for SessionClient<S> {
    fn ask<'a>(
        &'a self,
        method: InputMethod,
        params: &'a RawValue,
    ) -> BoxFuture<'a, Result<Box<RawValue>, Unanswered>> {
        async move {
            let mut awaited = self.session.ask();
            let id = quoted(awaited.id());
            let method = method.as_str();
            let request =
                format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
            if !(self.sink)(request.into()) {
                return Err(Unanswered::NotSent);
            }
            let mut given_up = GivenUp {
                sink: &self.sink,
                id: Some(id),
            };
            let answer = self.stopping.run_until_cancelled(awaited.answer()).await;
            let answer = answer.ok_or(Unanswered::Stopping)?;
            given_up.id = None;
            match answer {
                Some(Ok(result)) if result.get().starts_with('{') => Ok(result),
                Some(Ok(_)) => Err(Unanswered::Malformed),
                Some(Err(message)) => Err(Unanswered::Refused(message)),
                None => Err(Unanswered::NotSent),
            }
        }
        .boxed()
    }
}

/// Withdraws a question that nobody waits for any more, when it is dropped
/// (basic/utilities/cancellation).
struct GivenUp<'a, S: Fn(Bytes) -> bool> {
    sink: &'a S,
    id: Option<String>,
}

impl<S: Fn(Bytes) -> bool> Drop for GivenUp<'_, S> {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            let cancelled = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            );
            // Whoever is gone needs not be told.
            let _ = (self.sink)(cancelled.into());
        }
    }
}
