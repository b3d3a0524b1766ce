//! The rows of one result, from the wire or from a result that was kept, one at a
//! time, up to the row cap.

use std::sync::Arc;

use tiberius::{CommandItem, CommandStream};

use super::cursor::{Opened, Progress};
use super::error::Error;
use super::reader::{self, Caps, Watch};
use super::results::{Cells, Kept, Recorder};
use super::session::Ending;
use super::value::{TruncatedBy, Truncation};

/// The reply's rows, one at a time, up to the row cap.
pub(super) struct Rows<'a> {
    /// What followed the columns: `Some(None)` is the end.
    pub(super) first: Option<Option<CommandItem>>,
    pub(super) feed: Option<Feed<'a>>,
    pub(super) watch: Watch,
    pub(super) caps: Caps,
    /// Rows of earlier pages that are still to come.
    pub(super) skip: u64,
    pub(super) progress: Progress,
    pub(super) ended: Ended,
    /// Copies them, if they are to be kept.
    pub(super) recorder: Option<Recorder>,
}

/// Where rows come from.
pub(super) enum Feed<'a> {
    Wire(Box<CommandStream<'a>>),
    /// A result that was kept, and how many of its rows were read.
    Kept(Arc<Kept>, usize),
}

/// How reading stopped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended {
    /// The reply was read to its end.
    Complete,
    /// The server reported an error, after which the reply was complete.
    Refused,
    /// The rest of the reply is still on its way.
    Midway,
}

impl Ended {
    pub(super) fn after(error: &Error) -> Self {
        match error {
            Error::Server(_) | Error::Unsupported(_) => Self::Refused,
            _ => Self::Midway,
        }
    }

    pub(super) fn ending(self, success: Ending) -> Option<Ending> {
        match self {
            Self::Complete => Some(success),
            Self::Refused => Some(Ending::Failed),
            Self::Midway => None,
        }
    }
}

impl Rows<'_> {
    /// The next row, without regard to the row cap.
    pub(super) async fn next_raw(&mut self) -> Result<Option<Cells>, Error> {
        loop {
            let stream = match self.feed.as_mut() {
                None => return Ok(None),
                Some(Feed::Wire(stream)) => stream,
                Some(Feed::Kept(kept, read)) => {
                    let row = kept.rows.get(*read).cloned();
                    *read += 1;
                    if row.is_none() {
                        self.end(Ended::Complete);
                    }
                    return Ok(row);
                }
            };
            let item = match self.first.take() {
                Some(first) => Ok(first),
                None => reader::next(stream, &mut self.watch).await,
            };
            match item {
                Ok(Some(CommandItem::Row(row))) => {
                    // The same memory: a row is a vector of these.
                    let row: Cells = row.into_iter().collect();
                    let recorder = self.recorder.as_mut();
                    if recorder.is_some_and(|recorder| !recorder.take(&row)) {
                        self.recorder = None;
                    }
                    return Ok(Some(row));
                }
                Ok(Some(CommandItem::Metadata(_))) => {
                    self.stop();
                    return Err(Error::InvalidStatement(
                        "the statement returns more than one result; write one SELECT".to_owned(),
                    ));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.end(Ended::Complete);
                    return Ok(None);
                }
                Err(error) => {
                    self.end(Ended::after(&error));
                    return Err(error);
                }
            }
        }
    }

    /// The next row under the row cap.
    pub(super) async fn next(&mut self) -> Result<Option<Cells>, Error> {
        while self.skip > 0 {
            if self.next_raw().await?.is_none() {
                return Ok(None);
            }
            self.skip -= 1;
        }
        let row = self.next_raw().await?;
        if row.is_none() || self.progress.stats.rows < self.caps.max_rows {
            return Ok(row);
        }
        if self.caps.window.is_some() {
            self.progress.more = true;
        } else {
            self.truncate(TruncatedBy::Rows, self.caps.max_rows);
        }
        // ROWCOUNT lets one row more than the cap through, so the end is next;
        // a server that sends more is told to stop.
        if self.next_raw().await?.is_some() {
            self.stop();
        }
        Ok(None)
    }

    /// What another reading takes; the reply is not borrowed any more.
    pub(super) fn into_parts(self) -> (Watch, Caps) {
        (self.watch, self.caps)
    }

    /// Keeps a result that was read to its end and of which nothing is missing.
    pub(super) fn keep(&mut self, opened: &Opened) {
        let whole = matches!(self.ended, Ended::Complete) && self.progress.truncated.is_none();
        if let Some(recorder) = self.recorder.take().filter(|_| whole) {
            recorder.keep(opened.clone());
        }
    }

    /// Whether every row was read or given up.
    pub(super) fn is_done(&self) -> bool {
        self.feed.is_none()
    }

    /// Gives the rest of the rows up: the statement is stopped at the server.
    pub(super) fn stop(&mut self) {
        self.end(Ended::Midway);
    }

    /// Notes which limit hit; missing rows matter more than a cut cell.
    pub(super) fn truncate(&mut self, by: TruncatedBy, limit: u64) {
        if self
            .progress
            .truncated
            .is_none_or(|already| already.by < by)
        {
            self.progress.truncated = Some(Truncation { by, limit });
        }
    }

    fn end(&mut self, ended: Ended) {
        self.feed = None;
        self.ended = ended;
    }
}
