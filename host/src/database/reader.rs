//! The reading side of a cursor: one future that owns the connection, borrows
//! the reply from it, and serves the cursor's requests straight from the wire.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use tiberius::{Command, CommandItem, CommandStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::config::Binary;
use super::convert::{self, Described};
use super::cursor::{Answer, Ask, Opened, Progress, Request};
use super::error::{Error, LimitKind};
use super::exact::Again;
use super::manager::Connection;
use super::output::{Output, Told};
use super::page::Window;
use super::params::{Bound, Raw};
use super::results::{Keeper, Kept, Recorder};
use super::rows::{Ended, Feed, Rows};
use super::session::{Ending, Lease};
use super::socket::Received;
use super::value::Column;

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
    /// What running it again would take.
    pub(super) again: Again,
    /// Where its result is to be kept.
    pub(super) keeper: Option<Keeper>,
}

/// Where exact column types come from.
#[derive(Clone)]
pub(super) enum Source {
    /// The statement asks for them first.
    Asked(super::describe::Descriptions),
    /// An earlier run of the same statement.
    Known(Arc<Vec<Described>>),
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
    /// One page of the rows.
    pub(super) window: Option<Window>,
}

/// Stops a statement in time or when the caller gives up.
pub(super) struct Watch {
    deadline: Pin<Box<Sleep>>,
    cancel: CancellationToken,
    /// Of the connection that is read.
    received: Arc<Received>,
    items: u32,
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

/// Answers `requests` from a result that was kept.
pub(super) async fn replay(
    kept: Arc<Kept>,
    caps: Caps,
    watch: Watch,
    head: Head,
    mut requests: mpsc::Receiver<Request>,
) {
    let opened = kept.opened.clone();
    let mut progress = Progress::default();
    progress.stats.cached = true;
    _ = head.send(Ok((opened.columns.clone(), progress)));
    let mut rows = Rows {
        first: None,
        feed: Some(Feed::Kept(kept, 0)),
        watch,
        caps,
        skip: caps.window.map_or(0, |window| window.skip),
        progress,
        ended: Ended::Midway,
        recorder: None,
    };
    let output = Output::new(opened, caps);
    while let Some(Request { ask, reply }) = requests.recv().await {
        let told = answer(&output, &mut rows, ask).await;
        _ = reply.send(told.map(|told| (told.answer, rows.progress)));
        if rows.is_done() {
            return exhausted(rows.progress, requests).await;
        }
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
    let again = statement.again.clone();
    let keeper = statement.keeper.clone();
    let mut progress = Progress::default();
    progress.stats.queue_us = micros(lease.queued);
    let (stream, opened, first) = match open(lease, statement, &mut watch).await {
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
        first,
        feed: Some(Feed::Wire(Box::new(stream))),
        watch,
        caps,
        skip: caps.window.map_or(0, |window| window.skip),
        progress,
        ended: Ended::Midway,
        recorder: keeper.as_ref().map(Keeper::recorder),
    };
    let output = Output::new(opened, caps);
    while let Some(Request { ask, reply }) = requests.recv().await {
        let started = Instant::now();
        let before = rows.progress;
        let told = answer(&output, &mut rows, ask).await;
        rows.progress.stats.server_us += micros(started.elapsed());
        let lossy = told.as_ref().is_ok_and(|told| told.lossy);
        if lossy {
            rows.recorder = None;
        }
        let mut told = told.map(|told| (told.answer, rows.progress));
        if !rows.is_done() && told.is_ok() {
            _ = reply.send(told);
            continue;
        }
        let mut ending = rows.ended.ending(success);
        // The reply was read to its end, and no row of it is with the caller.
        let anew = lossy && matches!(rows.ended, Ended::Complete) && before.stats.rows == 0;
        if told.is_ok() {
            rows.keep(&output.opened);
        }
        let (watch, caps) = rows.into_parts();
        if anew {
            let recorder = keeper.as_ref().map(Keeper::recorder);
            let parts = (watch, caps, before, recorder);
            let second = read_again(lease, &again, &output, ask, parts).await;
            if let Some((ended, exact)) = second {
                ending = ended.ending(success);
                told = exact.map_or(told, Ok);
            }
        }
        return Finish {
            ending,
            answer: Some(Last::Rows(reply, told)),
        };
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

/// Reads the same rows with money as decimal. Where that does not work there is
/// no answer, and the first reading must do; `None` where it was not even tried.
async fn read_again(
    lease: &mut Lease,
    again: &Again,
    output: &Output,
    ask: Ask,
    (mut watch, caps, progress, recorder): (Watch, Caps, Progress, Option<Recorder>),
) -> Option<(Ended, Option<(Answer, Progress)>)> {
    let (sql, bound) = again.statement(&output.opened)?.ok()?;
    let started = Instant::now();
    let client = &mut lease.connection().ok()?.client;
    let exact = output.exact();
    let opened = match self::ask(client, sql, bound, &mut watch).await {
        Ok(mut stream) => {
            let columns = metadata(&mut stream, &mut watch).await;
            columns.map(|columns| (stream, columns.len()))
        }
        Err(error) => Err(error),
    };
    let (stream, columns) = match opened {
        Ok(opened) => opened,
        Err(error) => return Some((not_again(&error), None)),
    };
    if columns != exact.opened.columns.len() {
        return Some((Ended::Midway, None));
    }
    let mut rows = Rows {
        first: None,
        feed: Some(Feed::Wire(Box::new(stream))),
        watch,
        caps,
        progress,
        ended: Ended::Midway,
        skip: caps.window.map_or(0, |window| window.skip),
        recorder,
    };
    let told = answer(&exact, &mut rows, ask).await;
    rows.progress.stats.server_us += micros(started.elapsed());
    match told {
        Ok(told) if matches!(rows.ended, Ended::Complete) => {
            if !told.lossy {
                rows.keep(&exact.opened);
            }
            Some((Ended::Complete, Some((told.answer, rows.progress))))
        }
        Ok(_) => Some((Ended::Midway, None)),
        Err(error) => Some((not_again(&error), None)),
    }
}

fn not_again(error: &Error) -> Ended {
    tracing::debug!(%error, "money could not be read again as decimal");
    Ended::after(error)
}

/// What is asked for, from the rows that are left.
async fn answer(output: &Output, rows: &mut Rows<'_>, ask: Ask) -> Result<Told<Answer>, Error> {
    Ok(match ask {
        Ask::Next(max) => {
            let Told { answer, lossy } = output.batch(rows, max).await?;
            Told {
                answer: Answer::Batch(answer),
                lossy,
            }
        }
        Ask::Json { shape, document } => {
            let Told { answer, lossy } = output.json(rows, shape, document).await?;
            Told {
                answer: Answer::Json(answer),
                lossy,
            }
        }
    })
}

/// Sends the statement and reads up to its first row.
async fn open<'a>(
    lease: &'a mut Lease,
    statement: Statement,
    watch: &mut Watch,
) -> Result<(CommandStream<'a>, Opened, Option<Option<CommandItem>>), Error> {
    let connection = lease.connection()?;
    watch.over(connection);
    let client = &mut connection.client;
    let mut stream = ask(client, statement.sql, statement.bound, watch).await?;
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
    let exact_types = described.is_some();
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
    // A deadlock or a lost connection often comes here, and as long as no row
    // was seen the statement may be run again.
    let first = loop {
        let item = next(&mut stream, watch).await?;
        // Counts and statuses come even before an error.
        if matches!(
            item,
            None | Some(CommandItem::Row(_) | CommandItem::Metadata(_))
        ) {
            break item;
        }
    };
    let opened = Opened {
        columns,
        kinds,
        exact_types,
    };
    Ok((stream, opened, Some(first)))
}

/// Calls `sp_executesql`, unless the caller gives up first.
pub(super) async fn ask<'a, S>(
    client: &'a mut tiberius::Client<S>,
    sql: String,
    bound: Bound,
    watch: &mut Watch,
) -> Result<CommandStream<'a>, Error>
where
    S: futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Unpin + Send,
{
    tokio::select! {
        biased;
        sent = send(client, sql, bound) => sent.map_err(Error::from_driver),
        stop = watch.stopped() => Err(stop),
    }
}

/// Calls `sp_executesql`.
pub(super) async fn send<S>(
    client: &mut tiberius::Client<S>,
    sql: String,
    bound: Bound,
) -> tiberius::Result<CommandStream<'_>>
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
    command.exec(client).await
}

/// The next item of a reply.
pub(super) async fn next(
    stream: &mut CommandStream<'_>,
    watch: &mut Watch,
) -> Result<Option<CommandItem>, Error> {
    watch.items = watch.items.wrapping_add(1);
    if watch.items.is_multiple_of(LOOK_UP_EVERY)
        && let Some(stop) = watch.is_over()
    {
        return Err(stop);
    }
    let item = tokio::select! {
        biased;
        item = stream.next() => item.transpose(),
        stop = watch.stopped() => return Err(stop),
    };
    match item {
        Ok(item) => {
            watch.received.restart();
            Ok(item)
        }
        Err(_) if watch.received.is_too_much() => {
            tracing::warn!("a server sent a value larger than any may be");
            Err(Error::Limit(LimitKind::Bytes))
        }
        Err(error) => Err(Error::from_driver(error)),
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
    pub(super) fn new(deadline: Pin<Box<Sleep>>, cancel: CancellationToken) -> Self {
        Self {
            deadline,
            cancel,
            received: Arc::default(),
            items: 0,
        }
    }

    /// Watches a statement on `connection`.
    pub(super) fn over(&mut self, connection: &Connection) {
        self.received = Arc::clone(&connection.received);
    }

    /// Why the statement must stop, if it must. A server that sends without a
    /// pause leaves [`stopped`](Self::stopped) no turn.
    fn is_over(&self) -> Option<Error> {
        if self.cancel.is_cancelled() {
            Some(Error::Cancelled)
        } else if tokio::time::Instant::now() >= self.deadline.deadline() {
            Some(Error::Limit(LimitKind::Time))
        } else {
            None
        }
    }

    /// Resolves when the statement must stop, with the reason.
    pub(super) async fn stopped(&mut self) -> Error {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Error::Cancelled,
            () = &mut self.deadline => Error::Limit(LimitKind::Time),
        }
    }
}

/// Rows between two looks at the clock.
const LOOK_UP_EVERY: u32 = 64;

fn micros(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
