//! The reading side of a cursor: one future that owns the connection, borrows
//! the reply from it, and serves the cursor's requests straight from the wire.

use std::pin::Pin;
use std::time::Instant;

use futures_util::StreamExt;
use tiberius::{Command, CommandItem, CommandStream, Row};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::config::Binary;
use super::convert::{self, Described};
use super::cursor::{Answer, Ask, Opened, Progress, Request};
use super::error::{Error, LimitKind};
use super::output::Output;
use super::params::{Bound, Raw};
use super::session::{Ending, Lease};
use super::value::{Column, TruncatedBy, Truncation};

/// A statement as it goes to `sp_executesql`.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) bound: Bound,
    /// The first result set is the description of the second.
    pub(super) described: Source,
    /// How it ends if it succeeds.
    pub(super) ending: Ending,
    /// Names of result columns that the policy masks.
    pub(super) masked: Vec<String>,
}

/// Where exact column types come from.
#[derive(Clone)]
pub(super) enum Source {
    /// The statement asks for them first.
    Asked(super::describe::Descriptions),
    /// An earlier run of the same statement.
    Known(std::sync::Arc<Vec<Described>>),
    /// The wire's type tokens must do.
    Wire,
}

/// The limits of one statement: the scope's, lowered by its options.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    pub(super) max_rows: u64,
    pub(super) max_bytes: usize,
    pub(super) max_cell: usize,
    pub(super) binary: Binary,
}

/// Stops a statement in time or when the caller gives up.
pub(super) struct Watch {
    pub(super) deadline: Pin<Box<Sleep>>,
    pub(super) cancel: CancellationToken,
}

type Head = oneshot::Sender<Result<(Vec<Column>, Progress), Error>>;

/// Runs `statement` and answers `requests` until it is dropped.
pub(super) async fn run(
    mut lease: Lease,
    statement: Statement,
    caps: Caps,
    watch: Watch,
    head: Head,
    mut requests: mpsc::Receiver<Request>,
) {
    let last = serve(&mut lease, statement, caps, watch, head, &mut requests).await;
    // The connection must not wait for the caller to be done with the answer.
    match last.ending {
        Some(ending) => lease.finish(ending),
        None => drop(lease),
    }
    match last.answer {
        Some(Last::Head(head, error)) => _ = head.send(Err(error)),
        Some(Last::Rows(reply, Ok((answer, progress)))) => {
            _ = reply.send(Ok((answer, progress)));
            exhausted(progress, requests).await;
        }
        Some(Last::Rows(reply, Err(error))) => _ = reply.send(Err(error)),
        None => {}
    }
}

/// What is to be done once the reply is not borrowed any more.
struct Finish {
    /// How the statement ended; `None` if in the midst of its reply.
    ending: Option<Ending>,
    answer: Option<Last>,
}

/// The answer that is given after the connection.
enum Last {
    Head(Head, Error),
    Rows(
        oneshot::Sender<Result<(Answer, Progress), Error>>,
        Result<(Answer, Progress), Error>,
    ),
}

async fn serve(
    lease: &mut Lease,
    statement: Statement,
    caps: Caps,
    mut watch: Watch,
    head: Head,
    requests: &mut mpsc::Receiver<Request>,
) -> Finish {
    let started = Instant::now();
    let success = statement.ending;
    let mut progress = Progress::default();
    progress.stats.queue_us = micros(lease.queued);
    let opened = match lease.connection() {
        Ok(connection) => open(&mut connection.client, statement, &mut watch).await,
        Err(error) => Err(error),
    };
    let (stream, opened) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return Finish {
                ending: Ended::after(&error).ending(success),
                answer: Some(Last::Head(head, error)),
            };
        }
    };
    progress.stats.server_us = micros(started.elapsed());
    // An abandoned cursor asks nothing: the loop below ends at once.
    _ = head.send(Ok((opened.columns.clone(), progress)));
    let mut rows = Rows {
        stream: Some(stream),
        watch,
        caps,
        progress,
        ended: Ended::Midway,
    };
    let output = Output::new(opened, caps);
    while let Some(Request { ask, reply }) = requests.recv().await {
        let started = Instant::now();
        let answer = match ask {
            Ask::Next(max) => output.batch(&mut rows, max).await.map(Answer::Batch),
            Ask::Json { shape, document } => output
                .json(&mut rows, shape, document)
                .await
                .map(Answer::Json),
        };
        rows.progress.stats.server_us += micros(started.elapsed());
        let progress = rows.progress;
        let answer = answer.map(|answer| (answer, progress));
        if rows.is_done() || answer.is_err() {
            return Finish {
                ending: rows.ended.ending(success),
                answer: Some(Last::Rows(reply, answer)),
            };
        }
        _ = reply.send(answer);
    }
    Finish {
        ending: None,
        answer: None,
    }
}

/// Nothing is left to read: say so as often as asked.
async fn exhausted(progress: Progress, mut requests: mpsc::Receiver<Request>) {
    while let Some(Request { ask, reply }) = requests.recv().await {
        let answer = match ask {
            Ask::Next(_) => Answer::Batch(super::value::Batch {
                rows: Vec::new(),
                done: true,
            }),
            Ask::Json {
                document: false, ..
            } => Answer::Json("[]".to_owned()),
            Ask::Json { document: true, .. } => {
                _ = reply.send(Err(Error::Other(
                    "the rows of this result were read already".to_owned(),
                )));
                continue;
            }
        };
        _ = reply.send(Ok((answer, progress)));
    }
}

/// The reply's rows, one at a time, up to the row cap.
pub(super) struct Rows<'a> {
    stream: Option<CommandStream<'a>>,
    watch: Watch,
    caps: Caps,
    pub(super) progress: Progress,
    ended: Ended,
}

/// How reading stopped.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// The reply was read to its end.
    Complete,
    /// The server reported an error, after which the reply was complete.
    Refused,
    /// The rest of the reply is still on its way.
    Midway,
}

impl Ended {
    fn after(error: &Error) -> Self {
        match error {
            Error::Server(_) | Error::Unsupported(_) => Self::Refused,
            _ => Self::Midway,
        }
    }

    fn ending(self, success: Ending) -> Option<Ending> {
        match self {
            Self::Complete => Some(success),
            Self::Refused => Some(Ending::Failed),
            Self::Midway => None,
        }
    }
}

impl Rows<'_> {
    /// The next row, without regard to the row cap.
    pub(super) async fn next_raw(&mut self) -> Result<Option<Row>, Error> {
        loop {
            let Some(stream) = self.stream.as_mut() else {
                return Ok(None);
            };
            match next(stream, &mut self.watch).await {
                Ok(Some(CommandItem::Row(row))) => return Ok(Some(row)),
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
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Error> {
        let row = self.next_raw().await?;
        if row.is_none() || self.progress.stats.rows < self.caps.max_rows {
            return Ok(row);
        }
        self.truncate(TruncatedBy::Rows, self.caps.max_rows);
        // ROWCOUNT lets one row more than the cap through, so the end is next;
        // a server that sends more is told to stop.
        if self.next_raw().await?.is_some() {
            self.stop();
        }
        Ok(None)
    }

    /// Whether every row was read or given up.
    pub(super) fn is_done(&self) -> bool {
        self.stream.is_none()
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
        self.stream = None;
        self.ended = ended;
    }
}

/// Sends the statement and reads up to its first row.
async fn open<'a, S>(
    client: &'a mut tiberius::Client<S>,
    statement: Statement,
    watch: &mut Watch,
) -> Result<(CommandStream<'a>, Opened), Error>
where
    S: futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Unpin + Send,
{
    let mut stream = send(client, statement.sql, statement.bound, watch).await?;
    let (described, wire) = match statement.described {
        Source::Asked(descriptions) => {
            let (columns, wire) = super::describe::read(&mut stream, watch).await?;
            (descriptions.learn(columns), wire)
        }
        Source::Known(columns) => (Some(columns), metadata(&mut stream, watch).await?),
        Source::Wire => (None, metadata(&mut stream, watch).await?),
    };
    let described = described.filter(|described| {
        described.len() == wire.len()
            && described
                .iter()
                .zip(&wire)
                .all(|(described, wire)| described.name == wire.name())
    });
    let (columns, kinds) = wire
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let described = described.as_ref().and_then(|all| all.get(index));
            let (mut column, kind) = convert::column(column, described);
            column.masked = statement.masked.contains(&column.name);
            (column, kind)
        })
        .unzip();
    Ok((stream, Opened { columns, kinds }))
}

/// Calls `sp_executesql`.
pub(super) async fn send<'a, S>(
    client: &'a mut tiberius::Client<S>,
    sql: String,
    bound: Bound,
    watch: &mut Watch,
) -> Result<CommandStream<'a>, Error>
where
    S: futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Unpin + Send,
{
    let mut command = Command::new("sp_executesql");
    // Positional: the names differ between descriptions of the procedure.
    command.bind_param("", sql);
    if !bound.values.is_empty() {
        command.bind_param("", bound.declaration);
        for (name, value) in bound.values {
            command.bind_param(name, Raw(value));
        }
    }
    let sent = command.exec(client);
    tokio::select! {
        biased;
        sent = sent => sent.map_err(Error::from_driver),
        stop = watch.stopped() => Err(stop),
    }
}

/// The next item of a reply.
pub(super) async fn next(
    stream: &mut CommandStream<'_>,
    watch: &mut Watch,
) -> Result<Option<CommandItem>, Error> {
    tokio::select! {
        biased;
        item = stream.next() => item.transpose().map_err(Error::from_driver),
        stop = watch.stopped() => Err(stop),
    }
}

/// The columns of the next result set; none where the statement has none.
pub(super) async fn metadata(
    stream: &mut CommandStream<'_>,
    watch: &mut Watch,
) -> Result<Vec<tiberius::Column>, Error> {
    while let Some(item) = next(stream, watch).await? {
        if let CommandItem::Metadata(metadata) = item {
            return Ok(metadata.columns().to_vec());
        }
    }
    Ok(Vec::new())
}

impl Watch {
    /// Resolves when the statement must stop, with the reason.
    pub(super) async fn stopped(&mut self) -> Error {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Error::Cancelled,
            () = &mut self.deadline => Error::Limit(LimitKind::Time),
        }
    }
}

fn micros(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
