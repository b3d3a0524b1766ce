//! Requests to the client that wait for its answers.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::Session;
use crate::clock::Timestamp;
use crate::excerpt::excerpt;
use crate::mcp::jsonrpc::{Response, string};

/// The client's result, or the message of its error.
type Answer = Result<Box<RawValue>, String>;

/// Those of one session that were sent from this node.
pub(super) struct Asked {
    since: Timestamp,
    count: u64,
    waiting: HashMap<String, oneshot::Sender<Answer>>,
}

impl Asked {
    /// Ids must differ from those of another node in the same session: `since` is
    /// when this one took it up.
    pub(super) fn since(since: Timestamp) -> Self {
        Self {
            since,
            count: 0,
            waiting: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self) -> (String, oneshot::Receiver<Answer>) {
        self.count += 1;
        let id = format!("{:x}-{}", self.since.0, self.count);
        let (sender, answer) = oneshot::channel();
        self.waiting.insert(id.clone(), sender);
        (id, answer)
    }

    /// What nobody asked is not heard.
    pub(super) fn answer(&mut self, response: &Response<'_>) {
        let id = response.id.and_then(string);
        let Some(sender) = id.and_then(|id| self.waiting.remove(&*id)) else {
            return;
        };
        let outcome = response.outcome;
        let answer = outcome.map(ToOwned::to_owned).map_err(message_of);
        // Whoever asked may have gone.
        let _ = sender.send(answer);
    }
}

/// A request to the client, until it is answered or dropped.
pub(crate) struct Awaited {
    session: Arc<Session>,
    id: String,
    answer: oneshot::Receiver<Answer>,
}

impl Awaited {
    pub(super) fn new(
        session: Arc<Session>,
        id: String,
        answer: oneshot::Receiver<Answer>,
    ) -> Self {
        Self {
            session,
            id,
            answer,
        }
    }

    /// The request's id, a string.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The client's result, or the message of its error; `None` when the session
    /// is gone.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let over = &self.session.over;
        over.run_until_cancelled(&mut self.answer).await?.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.session.state().asked.waiting.remove(&self.id);
    }
}

fn message_of(error: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Error {
        message: String,
    }
    let read = serde_json::from_str::<Error>(error.get());
    let message = read.map_or_else(|_| "no reason given".to_owned(), |error| error.message);
    excerpt(&message, SHOWN_CHARS).to_owned()
}

/// Of a client's own words.
const SHOWN_CHARS: usize = 200;
