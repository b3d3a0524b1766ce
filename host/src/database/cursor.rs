//! A result being read: rows leave the wire as they are asked for.
//!
//! The reply borrows the connection it comes from. Both live in one future,
//! [`reader::run`](super::reader::run), which the cursor polls only while it is
//! asked something; dropping the cursor drops the future, and with it the
//! statement.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, Span};

use super::convert::Kind;
use super::error::{DRIVER_FAILED, Error};
use super::traced;
use super::value::{Batch, Column, JsonShape, Stats, Truncation};

/// Rows of one statement; `Send`, and independent of the database it is from.
pub struct Cursor {
    reader: Reader,
    requests: mpsc::Sender<Request>,
    columns: Vec<Column>,
    progress: Progress,
    /// Why nothing more can be read.
    failed: Option<Error>,
    /// Ends with the cursor.
    span: Span,
}

/// The reading side; an error where the driver panicked in it.
type Reader = Pin<Box<dyn Future<Output = std::thread::Result<()>> + Send>>;

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
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) columns: Vec<Column>,
    pub(super) kinds: Vec<Kind>,
    /// The columns' types are as SQL Server writes them, with their lengths.
    pub(super) exact_types: bool,
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
        span: Span,
    ) -> Result<Self, Error> {
        let reader = reader.instrument(span.clone());
        // The driver parses what a server sends, and not every caller has a task of
        // its own to lose.
        let mut reader: Reader = Box::pin(AssertUnwindSafe(reader).catch_unwind());
        let head = drive(&mut reader, opened).await;
        let (columns, progress) = head.inspect_err(|error| traced::failed(&span, error))?;
        Ok(Self {
            reader,
            requests,
            columns,
            progress,
            failed: None,
            span,
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

impl Drop for Cursor {
    fn drop(&mut self) {
        traced::read(&self.span, self.progress.stats.rows);
        if let Some(error) = &self.failed {
            traced::failed(&self.span, error);
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
    reader: &mut Reader,
    mut answer: oneshot::Receiver<Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        answer = &mut answer => answer.unwrap_or_else(|_| Err(out_of_step())),
        ended = reader => match ended {
            Ok(()) => answer.try_recv().unwrap_or_else(|_| Err(out_of_step())),
            Err(_) => {
                tracing::error!("the driver panicked while it read a reply");
                Err(Error::Unavailable(DRIVER_FAILED))
            }
        },
    }
}

fn out_of_step() -> Error {
    Error::Other("this result was read to its end or abandoned".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_the_driver_costs_one_statement() {
        let (requests, _asked) = mpsc::channel(1);
        let (head, opened) = oneshot::channel();
        let reader = async move {
            let _head = head;
            panic!("a bug of the driver");
        };
        let failed = Cursor::open(reader, requests, opened, Span::none())
            .await
            .err();
        assert_eq!(failed, Some(Error::Unavailable(DRIVER_FAILED)));
    }

    #[tokio::test]
    async fn a_panic_between_rows_is_remembered() {
        let (requests, mut asked) = mpsc::channel::<Request>(1);
        let (head, opened) = oneshot::channel();
        let reader = async move {
            _ = head.send(Ok((Vec::new(), Progress::default())));
            let _request = asked.recv().await;
            panic!("a bug of the driver");
        };
        let mut cursor = Cursor::open(reader, requests, opened, Span::none())
            .await
            .unwrap();
        for _ in 0..2 {
            let failed = cursor.next(1).await.err();
            assert_eq!(failed, Some(Error::Unavailable(DRIVER_FAILED)));
        }
    }
}
