//! The client, as somebody that can be asked while its call waits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;

use crate::mcp::jsonrpc::write_string;
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
    /// Its stream is gone or full.
    #[error("it did not reach the client")]
    NotSent,
    /// The client answered with an error; its message.
    #[error("the client refused it ({0})")]
    Refused(String),
    /// The call was cancelled meanwhile.
    #[error("the call was cancelled")]
    Cancelled,
    /// The result is not an object.
    #[error("the client's answer is not an object")]
    Malformed,
    /// Nobody answered.
    #[error("nobody answered in {} minutes", ANSWER_WITHIN.as_secs() / 60)]
    TooLate,
}

/// Asks over something that carries messages to the client of a session, which
/// posts its answers to the same session.
pub(crate) struct SessionClient<S> {
    session: Arc<Session>,
    /// Whether there was room for it.
    sink: S,
}

impl<S: Fn(Bytes) -> bool + Send + Sync> SessionClient<S> {
    pub(crate) fn new(session: Arc<Session>, sink: S) -> Self {
        Self { session, sink }
    }
}

impl<S: Fn(Bytes) -> bool + Send + Sync> Client for SessionClient<S> {
    fn ask<'a>(
        &'a self,
        method: InputMethod,
        params: &'a RawValue,
    ) -> BoxFuture<'a, Result<Box<RawValue>, Unanswered>> {
        async move {
            let awaited = self.session.ask();
            let mut message = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
            write_string(&mut message, awaited.id());
            message.extend_from_slice(b",\"method\":\"");
            message.extend_from_slice(method.as_str().as_bytes());
            message.extend_from_slice(b"\",\"params\":");
            message.extend_from_slice(params.get().as_bytes());
            message.push(b'}');
            if !(self.sink)(message.into()) {
                return Err(Unanswered::NotSent);
            }
            match tokio::time::timeout(ANSWER_WITHIN, awaited.answer()).await {
                Ok(Some(Ok(result))) if result.get().starts_with('{') => Ok(result),
                Ok(Some(Ok(_))) => Err(Unanswered::Malformed),
                Ok(Some(Err(message))) => Err(Unanswered::Refused(message)),
                Ok(None) => Err(Unanswered::NotSent),
                Err(_) => Err(Unanswered::TooLate),
            }
        }
        .boxed()
    }
}

/// People read before they answer; after that they have gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);
