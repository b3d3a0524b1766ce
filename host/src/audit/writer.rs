//! One file's writer: a thread of its own behind a bounded queue. While the file
//! cannot be written, lines wait, and the last one is tried again and again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::oneshot;

use super::entry::Entry;
use super::file::{FileSettings, LogFile};
use super::line::{self, Normalise};
use super::log;
use crate::clock::{Clock, Timestamp};

/// The sending side. The thread ends when it is dropped, and all is written.
pub(super) struct Writer {
    pub(super) settings: FileSettings,
    queue: SyncSender<Message>,
    state: Arc<State>,
}

enum Message {
    Line(Box<Entry>, Texts),
    Flush(oneshot::Sender<()>),
}

/// Whether the texts of statements are told.
pub(super) type Texts = bool;

#[derive(Default)]
struct State {
    failing: AtomicBool,
    reason: ArcSwapOption<String>,
    /// Nothing more will come: what cannot be written goes to the log.
    closing: AtomicBool,
    lines: AtomicU64,
    waiting: AtomicU64,
}

impl Writer {
    /// Begins to write; `retry` is the time between two tries of a line.
    pub(super) fn start(
        settings: FileSettings,
        clock: Clock,
        normalise: Option<Normalise>,
        retry: Duration,
    ) -> Self {
        let (queue, entries) = std::sync::mpsc::sync_channel(WAITING_LINES);
        let state = Arc::new(State::default());
        let worker = Worker {
            entries,
            held: None,
            file: LogFile::new(&settings),
            path: settings.path.clone(),
            state: Arc::clone(&state),
            clock,
            normalise,
            retry,
            synced: Instant::now(),
        };
        let thread = std::thread::Builder::new().name("audit".to_owned());
        if let Err(error) = thread.spawn(move || worker.run()) {
            state.fails(&settings.path, &error);
        }
        Self {
            settings,
            queue,
            state,
        }
    }

    /// Takes a line if there is room for it.
    pub(super) fn offer(&self, entry: Box<Entry>, texts: Texts) -> Result<(), Box<Entry>> {
        // Counted first: the thread may have written it before this goes on.
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        let back = match self.queue.try_send(Message::Line(entry, texts)) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(back)) => back,
            Err(TrySendError::Disconnected(back)) => {
                if !self.is_failing() {
                    let gone = io::Error::other("its thread has ended; restart the server");
                    self.state.fails(&self.settings.path, &gone);
                }
                back
            }
        };
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        match back {
            Message::Line(entry, _) => Err(entry),
            Message::Flush(_) => Ok(()),
        }
    }

    /// Why lines cannot be written, while they cannot.
    pub(super) fn problem(&self) -> Option<Arc<String>> {
        self.is_failing()
            .then(|| self.state.reason.load_full())
            .flatten()
    }

    pub(super) fn is_failing(&self) -> bool {
        self.state.failing.load(Ordering::Acquire)
    }

    /// Lines that were written.
    pub(super) fn lines(&self) -> u64 {
        self.state.lines.load(Ordering::Relaxed)
    }

    /// Lines that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.state.waiting.load(Ordering::Relaxed)
    }

    /// Waits until what was sent before is on the disk. `false` if that takes longer
    /// than `within`.
    pub(super) async fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let (done, flushed) = oneshot::channel();
        let mut message = Message::Flush(done);
        loop {
            match self.queue.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < until => message = back,
                Err(_) => return false,
            }
            tokio::time::sleep(PAUSE).await;
        }
        let left = until.saturating_duration_since(Instant::now());
        matches!(tokio::time::timeout(left, flushed).await, Ok(Ok(())))
    }

    /// From now on what cannot be written goes to the log.
    pub(super) fn close(&self) {
        self.state.closing.store(true, Ordering::Release);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn fails(&self, path: &Path, error: &io::Error) {
        metrics::counter!("audit_failures_total").increment(1);
        let reason = format!(
            "the audit file {} cannot be written: {error}",
            path.display()
        );
        if !self.failing.load(Ordering::Acquire) {
            tracing::error!("{reason}; calls stop where audit.on_failure is \"stop\"");
        }
        self.reason.store(Some(Arc::new(reason)));
        self.failing.store(true, Ordering::Release);
    }

    fn works(&self, path: &Path) {
        if self.failing.swap(false, Ordering::AcqRel) {
            tracing::info!("the audit file {} is written again", path.display());
        }
    }
}

struct Worker {
    entries: Receiver<Message>,
    /// A line that could not be written.
    held: Option<(Box<Entry>, Texts)>,
    file: LogFile,
    path: PathBuf,
    state: Arc<State>,
    clock: Clock,
    normalise: Option<Normalise>,
    retry: Duration,
    synced: Instant,
}

impl Worker {
    fn run(mut self) {
        self.check();
        loop {
            if let Some((entry, texts)) = self.held.take() {
                self.write(entry, texts);
                continue;
            }
            match self.entries.recv_timeout(self.pause()) {
                Ok(Message::Line(entry, texts)) => self.write(entry, texts),
                Ok(Message::Flush(done)) => {
                    if self.sync() {
                        // Who asked may have given up.
                        let _ = done.send(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.sync() {
                        self.check();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.sync();
                    return;
                }
            }
        }
    }

    /// Until when there is nothing to do.
    fn pause(&self) -> Duration {
        if self.state.failing.load(Ordering::Acquire) {
            self.retry
        } else {
            SYNC_EVERY
        }
    }

    fn write(&mut self, entry: Box<Entry>, texts: Texts) {
        let line = line::line(&entry, self.normalise, texts);
        match self.file.append(&line, day_of(entry.at)) {
            Ok(()) => {
                metrics::counter!("audit_lines_total", "to" => "file").increment(1);
                self.state.lines.fetch_add(1, Ordering::Relaxed);
                self.state.waiting.fetch_sub(1, Ordering::Relaxed);
                self.state.works(&self.path);
                if self.synced.elapsed() >= SYNC_EVERY {
                    self.sync();
                }
            }
            Err(error) => {
                self.state.fails(&self.path, &error);
                self.hold(entry, texts);
            }
        }
    }

    /// Keeps a line for the next try, or gives the file up if nobody will come to
    /// mend it.
    fn hold(&mut self, entry: Box<Entry>, texts: Texts) {
        if !self.state.closing.load(Ordering::Acquire) {
            self.held = Some((entry, texts));
            std::thread::sleep(self.retry);
            return;
        }
        self.to_log(&entry, texts);
        while let Ok(message) = self.entries.try_recv() {
            match message {
                Message::Line(entry, texts) => self.to_log(&entry, texts),
                Message::Flush(done) => drop(done),
            }
        }
    }

    /// Nothing was to be written for a while: whether it could be. A full disk shows
    /// itself only when a line is written; that line is then tried until it is.
    fn check(&mut self) {
        match self.file.make_ready(day_of(self.clock.now())) {
            Ok(()) => self.state.works(&self.path),
            Err(error) => self.state.fails(&self.path, &error),
        }
    }

    fn sync(&mut self) -> bool {
        self.synced = Instant::now();
        let synced = self.file.sync();
        if let Err(error) = &synced {
            self.state.fails(&self.path, error);
        }
        synced.is_ok()
    }

    fn to_log(&self, entry: &Entry, texts: Texts) {
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        metrics::counter!("audit_lines_total", "to" => "log").increment(1);
        log::tell(entry, self.normalise, texts);
    }
}

fn day_of(at: Timestamp) -> NaiveDate {
    DateTime::<Utc>::from_timestamp_millis(at.0)
        .unwrap_or_default()
        .date_naive()
}

/// Lines that may wait, some kilobytes each at most in practice.
const WAITING_LINES: usize = 1_024;
/// What was written longer ago survives a loss of power.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Between two looks for room.
const PAUSE: Duration = Duration::from_millis(1);
