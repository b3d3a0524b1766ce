//! A result being read: rows leave the wire as they are asked for.
//!
//! The reply borrows the connection it comes from. Both live in one future,
//! [`reader::run`](super::reader::run), which the cursor polls only while it is
//! asked something; dropping the cursor drops the future, and with it the
//! statement.

use std::pin::Pin;

use tokio::sync::{mpsc, oneshot};

use super::convert::Kind;
use super::error::Error;
use super::value::{Batch, Column, JsonShape, Stats, Truncation};

/// Rows of one statement; `Send`, and independent of the database it is from.
pub struct Cursor {
    reader: Pin<Box<dyn Future<Output = ()> + Send>>,
    requests: mpsc::Sender<Request>,
    columns: Vec<Column>,
    progress: Progress,
    /// Why nothing more can be read.
    failed: Option<Error>,
}

/// What the reader is asked for, and where the answer goes.
pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) reply: oneshot::Sender<Result<(Answer, Progress), Error>>,
}

/// What the reader is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    Next(u32),
    Json { shape: JsonShape, document: bool },
}

/// What it answers.
pub(super) enum Answer {
    Batch(Batch),
    Json(String),
}

/// What the head of the reply said.
pub(super) struct Opened {
    pub(super) columns: Vec<Column>,
    pub(super) kinds: Vec<Kind>,
}

/// How far the reading is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    pub(super) stats: Stats,
    pub(super) truncated: Option<Truncation>,
    /// Rows follow the page that was asked for.
    pub(super) more: bool,
}

impl Cursor {
    /// Drives `reader` until it has seen the head of the reply.
    pub(super) async fn open(
        reader: impl Future<Output = ()> + Send + 'static,
        requests: mpsc::Sender<Request>,
        opened: oneshot::Receiver<Result<(Vec<Column>, Progress), Error>>,
    ) -> Result<Self, Error> {
        let mut reader: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(reader);
        let (columns, progress) = drive(&mut reader, opened).await?;
        Ok(Self {
            reader,
            requests,
            columns,
            progress,
            failed: None,
        })
    }

    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Up to `max_rows` typed rows; waits until there are as many or no more.
    ///
    /// # Errors
    /// The server's, [`Error::Limit`] after the time limit, or
    /// [`Error::Cancelled`]; the same again on every later call.
    pub async fn next(&mut self, max_rows: u32) -> Result<Batch, Error> {
        match self.ask(Ask::Next(max_rows)).await? {
            Answer::Batch(batch) => Ok(batch),
            Answer::Json(_) => Err(out_of_step()),
        }
    }

    /// The remaining rows as one JSON array of at most the limit of bytes.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn to_json(&mut self, shape: JsonShape) -> Result<String, Error> {
        self.json(shape, false).await
    }

    /// The remaining rows as a whole result:
    /// `{"columns":[{"name","type"}],"results":[…],"row_count","truncated"}`, with
    /// `pagination` where a page was asked for, of at most the limit of bytes.
    ///
    /// # Errors
    /// As [`next`](Self::next); [`Error::Limit`] where the columns alone are
    /// too many bytes.
    pub async fn document(&mut self, shape: JsonShape) -> Result<String, Error> {
        self.json(shape, true).await
    }

    /// Which limit cut the result, as far as it was read.
    pub fn truncated(&self) -> Option<Truncation> {
        self.progress.truncated
    }

    /// What reading has cost so far.
    pub fn stats(&self) -> Stats {
        self.progress.stats
    }

    async fn json(&mut self, shape: JsonShape, document: bool) -> Result<String, Error> {
        match self.ask(Ask::Json { shape, document }).await? {
            Answer::Json(json) => Ok(json),
            Answer::Batch(_) => Err(out_of_step()),
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<Answer, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let (reply, answer) = oneshot::channel();
        let answer = match self.requests.try_send(Request { ask, reply }) {
            Ok(()) => drive(&mut self.reader, answer).await,
            Err(_) => Err(out_of_step()),
        };
        match answer {
            Ok((answer, progress)) => {
                self.progress = progress;
                Ok(answer)
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor")
            .field("columns", &self.columns.len())
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// Polls the reader until the answer is there.
async fn drive<T>(
    reader: &mut Pin<Box<dyn Future<Output = ()> + Send>>,
    mut answer: oneshot::Receiver<Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        answer = &mut answer => answer.unwrap_or_else(|_| Err(out_of_step())),
        () = reader => answer.try_recv().unwrap_or_else(|_| Err(out_of_step())),
    }
}

fn out_of_step() -> Error {
    Error::Other("this result was read to its end or abandoned".to_owned())
}
