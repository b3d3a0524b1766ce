//! The ways a statement runs: a user's query, a user's write, and the
//! catalogue's own SELECTs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tiberius::{ColumnData, CommandItem};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::Inner;
use super::context::Asker;
use super::cursor::Cursor;
use super::describe;
use super::error::{Error, LimitKind};
use super::exact::Again;
use super::finality::Finality;
use super::guard;
use super::manager::AUTOCOMMIT;
use super::page;
use super::params::{self, Bound};
use super::policy;
use super::posture;
use super::reader::{self, Caps, Source, Statement, Watch};
use super::results::{Keeper, Kept, ResultCache};
use super::retry::Retries;
use super::session::{Ending, Lease};
use super::traced;
use super::value::{Outcome, Param, Query, Stats};

/// See [`Database::query`](super::Database::query).
pub(super) async fn query(inner: &Inner, mut query: Query) -> Result<Cursor, Error> {
    let policy::Admitted { checked, masked } = policy::admit(inner, &mut query).await?;
    posture::admit(inner).await?;
    let mut caps = caps(inner, &query);
    let mut paged: Option<Arc<str>> = None;
    if let Some(asked) = query.options.page {
        let (sql, window) = page::plan(&query.sql, asked, checked, caps.max_rows)?;
        if let Cow::Owned(sql) = sql {
            paged = Some(sql.into());
        }
        caps.max_rows = window.size;
        caps.window = Some(window);
    }
    let query = Arc::new(query);
    let results = inner.results.get();
    let (keeper, kept) = results
        .and_then(|results| results.of(&query, &caps))
        .unzip();
    if let Some(kept) = kept.flatten() {
        return replay(inner, kept, caps, &query).await;
    }
    let mut plan = Plan {
        sql: paged.as_deref().unwrap_or(&query.sql),
        paged: paged.clone(),
        masked: &masked,
        caps,
        rowcount: !checked.returns_one_document,
        keeper,
        ending: match (inner.read_only, checked.reads_a_table) {
            (true, true) => Ending::InTransaction,
            (true, false) => Ending::Unknown,
            (false, _) => Ending::Closed,
        },
        autocommit: false,
    };
    // Asked to describe a result, a server that cannot do so fails: once per
    // pool the statement is then run again without asking.
    let unproven = inner.descriptions.is_unproven();
    let mut described = true;
    let idle = inner.sessions.state().max;
    let mut retries = Retries::new(time(inner, query.options.timeout), idle);
    loop {
        let opened = attempt(inner, &query, &plan, described, &mut retries).await;
        match opened {
            // Nothing of it was done, so it can be asked once more.
            Err((Error::Server(error), _))
                if error.number == AUTOCOMMIT_ALONE && inner.read_only && !plan.autocommit =>
            {
                plan.autocommit = true;
                plan.ending = Ending::Unknown;
            }
            Err((error, _)) if described && unproven && may_be_due_to_asking(&error) => {
                described = false;
            }
            Err((error, reused)) => match retries.after(&error, reused) {
                Some(pause) => wait(inner, pause, &query.cancel).await?,
                None => return Err(error),
            },
            Ok(cursor) => {
                if !described {
                    inner.descriptions.give_up();
                }
                return Ok(cursor);
            }
        }
    }
}

async fn wait(inner: &Inner, pause: Duration, cancel: &CancellationToken) -> Result<(), Error> {
    let pause = {
        let _io = inner.io.enter();
        tokio::time::sleep(pause)
    };
    match cancel.run_until_cancelled(pause).await {
        Some(()) => Ok(()),
        None => Err(Error::Cancelled),
    }
}

fn may_be_due_to_asking(error: &Error) -> bool {
    match error {
        Error::Server(error) => !error.retryable,
        Error::Unsupported(_) => true,
        _ => false,
    }
}

/// "Accessing memory optimized tables using the READ COMMITTED isolation level is supported
/// only for autocommit transactions": where the database does not raise it to SNAPSHOT.
const AUTOCOMMIT_ALONE: i32 = 41_368;

/// What is sent and how its rows are read.
struct Plan<'a> {
    sql: &'a str,
    /// Names of the columns that come from a mask.
    masked: &'a [String],
    /// The same, where it is not the query's own.
    paged: Option<Arc<str>>,
    caps: Caps,
    rowcount: bool,
    ending: Ending,
    /// It reads a table that no transaction of ours may read.
    autocommit: bool,
    keeper: Option<Keeper>,
}

/// The result of before.
async fn replay(
    inner: &Inner,
    kept: Arc<Kept>,
    caps: Caps,
    query: &Query,
) -> Result<Cursor, Error> {
    let watch = watch(inner, query.options.timeout, query.cancel.clone());
    let (head, opened) = oneshot::channel();
    let (requests, asked) = mpsc::channel(1);
    let reader = reader::replay(kept, caps, watch, head, asked);
    Cursor::open(reader, requests, opened, Span::none()).await
}

/// One try; an error says whether the connection had been used before, since
/// such a one may have died of idleness.
async fn attempt(
    inner: &Inner,
    query: &Arc<Query>,
    plan: &Plan<'_>,
    described: bool,
    retries: &mut Retries,
) -> Result<Cursor, (Error, bool)> {
    let asker = asker(inner, query).map_err(|error| (error, false))?;
    let mut bound = params::bind(query.params.clone()).map_err(|error| (error, false))?;
    let caps = plan.caps;
    // Every page has the columns of the whole.
    let source = if described {
        inner.descriptions.source(&query.sql, &mut bound)
    } else {
        Source::Wire
    };
    let most = caps.max_rows + caps.window.map_or(0, |window| window.skip);
    let rowcount = plan
        .rowcount
        .then(|| i32::try_from(most + 1).ok())
        .flatten();
    let sql = text(plan.sql, &source, rowcount, plan.autocommit);
    let span = inner.named.statement(plan.sql);
    let acquired = inner.sessions.acquire(&asker, &query.cancel);
    let lease = acquired.instrument(span.clone()).await.map_err(|error| {
        traced::failed(&span, &error);
        (error, false)
    })?;
    let reused = lease.reused;
    let statement = Statement {
        sql,
        bound,
        described: source,
        ending: plan.ending,
        masked: plan.masked.to_vec(),
        again: Again {
            query: Arc::clone(query),
            paged: plan.paged.clone(),
            rowcount,
            autocommit: plan.autocommit,
        },
        keeper: plan.keeper.clone(),
    };
    let watch = watch(inner, Some(retries.begin()), query.cancel.clone());
    let (head, opened) = oneshot::channel();
    let (requests, asked) = mpsc::channel(1);
    let reader = reader::run(lease, statement, caps, watch, head, asked);
    Cursor::open(reader, requests, opened, span)
        .await
        .map_err(|error| (error, reused))
}

/// For whom a connection must be.
fn asker(inner: &Inner, query: &Query) -> Result<Asker, Error> {
    let Some(context) = &inner.session_context else {
        return Ok(Asker::Anybody);
    };
    let identity = context.identity(query.principal.as_deref())?;
    Ok(Asker::Person(identity))
}

/// The text for `sp_executesql`, all of ours on the statement's first line.
fn text(sql: &str, source: &Source, rowcount: Option<i32>, autocommit: bool) -> String {
    let begin = if autocommit { AUTOCOMMIT } else { "" };
    let ask = match source {
        Source::Asked(_) => describe::ASK,
        Source::Known(_) | Source::Wire => "",
    };
    match rowcount {
        Some(rows) => format!("{begin}{ask}SET ROWCOUNT {rows}; {sql}"),
        None => format!("{begin}{ask}{sql}"),
    }
}

fn caps(inner: &Inner, query: &Query) -> Caps {
    let limits = &inner.limits;
    let options = &query.options;
    Caps {
        max_rows: options
            .max_rows
            .map_or(limits.max_rows, |rows| limits.max_rows.min(rows.into())),
        max_bytes: options.max_bytes.map_or(limits.max_bytes, |bytes| {
            limits.max_bytes.min(bytes as usize)
        }),
        max_cell: limits.max_cell,
        binary: limits.binary,
        window: None,
    }
}

fn time(inner: &Inner, asked: Option<Duration>) -> Duration {
    let limit = inner.limits.timeout;
    asked.map_or(limit, |asked| asked.min(limit))
}

fn watch(inner: &Inner, timeout: Option<Duration>, cancel: CancellationToken) -> Watch {
    let timeout = time(inner, timeout);
    // The timer belongs to `io`: calls move between runtimes.
    let _io = inner.io.enter();
    Watch::new(Box::pin(tokio::time::sleep(timeout)), cancel)
}

/// See [`Database::execute`](super::Database::execute).
pub(super) async fn execute(
    inner: &Inner,
    query: Query,
    finality: &Finality,
) -> Result<Outcome, Error> {
    if inner.read_only {
        return Err(Error::Denied(guard::Denial::read_only()));
    }
    let names: Vec<&str> = query.params.iter().map(|p| p.name.as_str()).collect();
    guard::check_write(&query.sql, &names).map_err(Error::Denied)?;
    policy::admit_write(inner, &query.sql).await?;
    let asker = asker(inner, &query)?;
    let span = inner.named.statement(&query.sql);
    let written = written(inner, query, &asker, finality);
    let written = written.instrument(span.clone()).await;
    if let Err(error) = &written {
        traced::failed(&span, error);
    }
    written
}

/// Forgets all results when it is dropped, however that comes.
struct Forget<'a>(Option<&'a ResultCache>);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(cache) = self.0 {
            cache.clear();
        }
    }
}

async fn written(
    inner: &Inner,
    query: Query,
    asker: &Asker,
    finality: &Finality,
) -> Result<Outcome, Error> {
    let bound = params::bind(query.params)?;
    let mut watch = watch(inner, query.options.timeout, query.cancel.clone());
    let mut lease = inner.sessions.acquire(asker, &query.cancel).await?;
    let started = Instant::now();
    let written = write(&mut lease, query.sql, bound, &mut watch).await;
    let limit = inner.limits.max_rows_affected;
    let within = written.as_ref().is_ok_and(|written| written.most <= limit);
    // What was read before is no longer so, also where the answer to COMMIT is lost.
    let results = inner.results.get().map(|results| &results.cache);
    let _forget = Forget(results.filter(|_| within));
    match &written {
        Ok(_) if within => {
            let Some(last) = finality.begin() else {
                roll_back(&mut lease, &mut watch).await?;
                lease.finish(Ending::Closed);
                return Err(Error::Cancelled);
            };
            let answer = commit(inner, &mut lease).await;
            // The server alone can say that nothing was changed.
            if !matches!(answer, Err(Error::Server(_))) {
                last.changed();
            }
            answer?;
        }
        Ok(_) | Err(Error::Server(_) | Error::Unsupported(_)) => {
            roll_back(&mut lease, &mut watch).await?;
        }
        Err(_) => {}
    }
    let rows_affected = match written {
        // Dropped unfinished, the lease stops the statement, and the server
        // rolls back with the connection.
        Err(error @ (Error::Server(_) | Error::Unsupported(_))) => {
            lease.finish(Ending::Closed);
            return Err(error);
        }
        Err(error) => return Err(error),
        Ok(written) => written.rows,
    };
    let queued = lease.queued;
    lease.finish(Ending::Closed);
    if !within {
        return Err(Error::Limit(LimitKind::Rows));
    }
    Ok(Outcome {
        rows_affected,
        stats: Stats {
            rows: rows_affected,
            bytes: 0,
            server_us: micros(started.elapsed()),
            queue_us: micros(queued),
            cached: false,
        },
    })
}

/// Runs the statement in a transaction and leaves that open.
async fn write(
    lease: &mut Lease,
    sql: String,
    bound: Bound,
    watch: &mut Watch,
) -> Result<Written, Error> {
    let connection = lease.connection()?;
    watch.over(connection);
    let client = &mut connection.client;
    tokio::select! {
        biased;
        begun = client.begin_transaction() => begun.map_err(Error::from_driver)?,
        stop = watch.stopped() => return Err(stop),
    }
    let mut stream = reader::ask(client, sql, bound, watch).await?;
    // Triggers report before the statement that fired them; DONEPROC, which has
    // a count of its own while a transaction is open, after the return status.
    let mut written = Written { rows: 0, most: 0 };
    let mut returned = false;
    while let Some(item) = reader::next(&mut stream, watch).await? {
        match item {
            CommandItem::RowsAffected(rows) if !returned => {
                written.rows = rows;
                written.most = written.most.max(rows);
            }
            CommandItem::ReturnStatus(_) => returned = true,
            _ => {}
        }
    }
    Ok(written)
}

/// What a statement that writes changed.
#[derive(Clone, Copy)]
struct Written {
    /// Rows, of the statement itself.
    rows: u64,
    /// The most that it or a trigger of it tells of at once: the limit is for these too.
    most: u64,
}

/// Makes the change last. Neither its deadline nor its caller stops that, because once it
/// is asked for only the answer tells whether it happened.
async fn commit(inner: &Inner, lease: &mut Lease) -> Result<(), Error> {
    let client = &mut lease.connection()?.client;
    let patience = {
        let _io = inner.io.enter();
        tokio::time::sleep(COMMIT_TIMEOUT)
    };
    tokio::select! {
        biased;
        answer = client.commit_transaction() => match answer {
            Ok(()) => Ok(()),
            Err(error @ tiberius::error::Error::Server(_)) => Err(Error::from_driver(error)),
            Err(error) => {
                tracing::warn!(%error, "connection lost during COMMIT");
                Err(Error::Unavailable(UNCERTAIN))
            }
        },
        () = patience => Err(Error::Unavailable(UNCERTAIN)),
    }
}

async fn roll_back(lease: &mut Lease, watch: &mut Watch) -> Result<(), Error> {
    let client = &mut lease.connection()?.client;
    tokio::select! {
        biased;
        answer = client.rollback_transaction() => match answer {
            // XACT_ABORT came first.
            Ok(()) | Err(tiberius::error::Error::Server(_)) => Ok(()),
            Err(error) => Err(Error::from_driver(error)),
        },
        stop = watch.stopped() => Err(stop),
    }
}

/// A log that is slow to write takes a second or two.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
const UNCERTAIN: &str = "the connection to the database was lost while the change was made final, \
    so it is not known whether it was made; read the rows before the statement is repeated";

/// Runs SELECTs of ours and returns the rows of each.
pub(super) async fn internal(
    inner: &Inner,
    sql: &str,
    params: Vec<Param>,
) -> Result<Vec<ResultSet>, Error> {
    posture::admit(inner).await?;
    unchecked(inner, sql, params).await
}

/// The same, whatever the log-in may do.
pub(super) async fn unchecked(
    inner: &Inner,
    sql: &str,
    params: Vec<Param>,
) -> Result<Vec<ResultSet>, Error> {
    let span = inner.named.statement(sql);
    // It has some 15 KiB of state, and is awaited deep in others.
    let read = Box::pin(read_sets(inner, sql, params).instrument(span.clone())).await;
    if let Err(error) = &read {
        traced::failed(&span, error);
    }
    read
}

async fn read_sets(inner: &Inner, sql: &str, params: Vec<Param>) -> Result<Vec<ResultSet>, Error> {
    let bound = params::bind(params)?;
    let cancel = CancellationToken::new();
    let mut watch = watch(inner, None, cancel.clone());
    let mut lease = inner.sessions.acquire(&Asker::Host, &cancel).await?;
    let ending = if inner.read_only {
        Ending::Unknown
    } else {
        Ending::Closed
    };
    let read = read_all(&mut lease, sql, bound, &mut watch).await;
    match &read {
        Ok(_) => lease.finish(ending),
        Err(Error::Server(_) | Error::Unsupported(_)) => lease.finish(Ending::Failed),
        Err(_) => {}
    }
    read
}

async fn read_all(
    lease: &mut Lease,
    sql: &str,
    bound: Bound,
    watch: &mut Watch,
) -> Result<Vec<ResultSet>, Error> {
    let connection = lease.connection()?;
    watch.over(connection);
    let received = Arc::clone(&connection.received);
    let client = &mut connection.client;
    let mut stream = reader::ask(client, sql.to_owned(), bound, watch).await?;
    let mut sets: Vec<ResultSet> = Vec::new();
    while let Some(item) = reader::next(&mut stream, watch).await? {
        match (item, sets.last_mut()) {
            (CommandItem::Metadata(_), _) => sets.push(Vec::new()),
            (CommandItem::Row(row), Some(rows)) => rows.push(row.into_iter().collect()),
            _ => {}
        }
        // These results are kept whole.
        if received.reply() > LARGEST_CATALOGUE {
            return Err(Error::Limit(LimitKind::Bytes));
        }
    }
    Ok(sets)
}

/// Rows of cells.
type ResultSet = Vec<Vec<ColumnData<'static>>>;

/// Bytes of a catalogue query's reply: that of 10 000 tables with 20 columns
/// each takes some 30 MB.
const LARGEST_CATALOGUE: usize = 256 << 20;

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_cap_stands_on_the_first_line_of_the_statement() {
        assert_eq!(
            text("SELECT a\nFROM t", &Source::Wire, Some(11), false),
            "SET ROWCOUNT 11; SELECT a\nFROM t"
        );
        assert_eq!(
            text("SELECT a", &Source::Wire, Some(11), true),
            "SET IMPLICIT_TRANSACTIONS OFF; SET ROWCOUNT 11; SELECT a"
        );
        assert!(!describe::ASK.contains('\n'));
    }

    #[test]
    fn a_document_goes_without() {
        assert_eq!(text("SELECT 1", &Source::Wire, None, false), "SELECT 1");
    }
}
