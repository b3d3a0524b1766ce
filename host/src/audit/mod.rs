//! Who did what, when, with which statements: one line for each call, sign-in,
//! registration, token, reload and refusal, in a file of its own or in the log.
//!
//! ```text
//! Entry → ScopeAudit → queue → writer (a thread a file) → line → file
//!                    ↘ log, where a scope has no file
//! ```
//! What a call pays is making the entry and a place in the queue; literals are
//! taken out of its statements, and JSON is written, on the writer's thread.

mod entry;
mod file;
mod line;
mod log;
mod names;
mod observer;
mod origin;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

pub use entry::{Call, Entry, Event, Figures, Outcome, Reload, Statements, is_refusal};
pub use file::{FileSettings, probe};
pub use line::{Normalise, Normalised};
pub use names::{Names, Part};
pub use observer::Observer;
pub use origin::Origin;

use crate::clock::Clock;
use observer::Observed;
use writer::Writer;

/// What a scope wants of its audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSettings {
    /// Where its lines go; `None` for the log.
    pub file: Option<FileSettings>,
    /// Whether the texts of statements are told, their literals removed.
    pub statements: bool,
    /// Whether calls stop while the file cannot be written.
    pub stops: bool,
}

/// The audit of every scope. Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    clock: Clock,
    normalise: Option<Normalise>,
    retry: Duration,
    scopes: ArcSwap<Scopes>,
    anybody: Arc<Anybody>,
    observed: Observed,
}

#[derive(Default)]
struct Scopes {
    by_name: BTreeMap<String, ScopeAudit>,
    /// Each file once.
    writers: Vec<Arc<Writer>>,
    /// Whether some scope has none, or there is no scope.
    log: bool,
}

/// The audit of one scope. Cheap to clone.
#[derive(Clone)]
pub struct ScopeAudit(Arc<Inner>);

struct Inner {
    clock: Clock,
    normalise: Option<Normalise>,
    writer: Option<Arc<Writer>>,
    statements: bool,
    stops: bool,
    anybody: Arc<Anybody>,
    observed: Observed,
}

/// The audit cannot be written, and without it there are no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The audit cannot be written at the moment, and nothing is done here without it.")]
pub struct NotWritten;

/// A file, for who watches over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Which.
    pub path: PathBuf,
    /// Lines that were written.
    pub lines: u64,
    /// Lines that wait.
    pub waiting: u64,
    /// Why lines cannot be written, while they cannot.
    pub problem: Option<String>,
    /// Whether calls stop for it.
    pub stops: bool,
}

/// Notes what a command did, in the log and in `files`, which a server may be writing
/// meanwhile: nothing is renamed or deleted here. The files that could not be written,
/// and why.
pub fn note(
    mut entry: Entry,
    clock: &Clock,
    files: &BTreeSet<PathBuf>,
) -> Vec<(PathBuf, io::Error)> {
    entry.at = clock.now();
    log::tell(&entry, None, false);
    let line = line::line(&entry, None, false);
    let written = files
        .iter()
        .map(|path| (path.clone(), file::append_beside(path, &line)));
    written
        .filter_map(|(path, written)| Some((path, written.err()?)))
        .collect()
}

impl Audit {
    /// An audit in the log, until [`configure`](Self::configure) names files.
    /// `normalise` takes the literals out of statements; without it their texts are
    /// not told.
    pub fn new(clock: Clock, normalise: Option<Normalise>) -> Self {
        Self::with_retry(clock, normalise, RETRY)
    }

    fn with_retry(clock: Clock, normalise: Option<Normalise>, retry: Duration) -> Self {
        Self(Arc::new(Shared {
            clock,
            normalise,
            retry,
            scopes: ArcSwap::from_pointee(Scopes {
                log: true,
                ..Scopes::default()
            }),
            anybody: Arc::default(),
            observed: Observed::default(),
        }))
    }

    /// Has somebody see every entry from now on, beside the file and the log. Once.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.observed.set(observer);
    }

    /// Goes by these settings from now on. A file whose settings stay keeps its
    /// writer, and what waits for it.
    pub fn configure(&self, settings: &BTreeMap<String, ScopeSettings>) {
        let before = self.0.scopes.load_full();
        let mut writers: Vec<Arc<Writer>> = Vec::new();
        let mut by_name = BTreeMap::new();
        for (name, scope) in settings {
            let writer = scope.file.as_ref().map(|file| {
                let mut known = writers.iter().chain(&before.writers);
                if let Some(writer) = known.find(|writer| writer.settings == *file) {
                    return Arc::clone(writer);
                }
                let Shared {
                    clock,
                    normalise,
                    retry,
                    ..
                } = &*self.0;
                let writer = Writer::start(file.clone(), clock.clone(), *normalise, *retry);
                Arc::new(writer)
            });
            if let Some(writer) = &writer
                && !writers.iter().any(|known| Arc::ptr_eq(known, writer))
            {
                writers.push(Arc::clone(writer));
            }
            let audit = ScopeAudit(Arc::new(Inner {
                clock: self.0.clock.clone(),
                normalise: self.0.normalise,
                writer,
                statements: scope.statements,
                stops: scope.stops,
                anybody: Arc::clone(&self.0.anybody),
                observed: self.0.observed.clone(),
            }));
            by_name.insert(name.clone(), audit);
        }
        let log = by_name.is_empty() || by_name.values().any(|scope| scope.0.writer.is_none());
        self.0.scopes.store(Arc::new(Scopes {
            by_name,
            writers,
            log,
        }));
    }

    /// The audit of a scope; in the log, if it is not configured.
    pub fn scope(&self, name: &str) -> ScopeAudit {
        let scopes = self.0.scopes.load();
        let known = scopes.by_name.get(name).cloned();
        known.unwrap_or_else(|| {
            ScopeAudit(Arc::new(Inner {
                clock: self.0.clock.clone(),
                normalise: self.0.normalise,
                writer: None,
                statements: true,
                stops: false,
                anybody: Arc::clone(&self.0.anybody),
                observed: self.0.observed.clone(),
            }))
        })
    }

    /// Notes it where its scope's lines go; what concerns no single scope goes to
    /// every file, and to the log if that is where a scope's lines go.
    pub fn record(&self, entry: Entry) {
        let scopes = self.0.scopes.load();
        let scope = entry.scope.as_deref().unwrap_or_default();
        if let Some(audit) = scopes.by_name.get(scope) {
            return audit.record(entry);
        }
        let mut entry = entry;
        entry.at = self.0.clock.now();
        self.0.observed.noted(&entry);
        for writer in &scopes.writers {
            send(writer, Box::new(entry.clone()), false, self.0.normalise);
        }
        if scopes.log {
            log::tell(&entry, self.0.normalise, false);
        }
    }

    /// Notes what anybody can cause without having been let in. So that nobody fills
    /// a disk with it, 120 of an event are written in a minute, and the next line says
    /// how many were not.
    pub fn record_of_anybody(&self, mut entry: Entry) {
        let minute = self.0.clock.now().seconds().div_euclid(60);
        if let Some(suppressed) = self.0.anybody.admit(entry.event, minute) {
            entry.suppressed = suppressed;
            self.record(entry);
        }
    }

    /// Whether lines of that scope go to a file.
    pub fn has_file(&self, scope: &str) -> bool {
        let scopes = self.0.scopes.load();
        let known = scopes.by_name.get(scope);
        known.map_or(!scopes.writers.is_empty(), |scope| scope.0.writer.is_some())
    }

    /// How each file is.
    pub fn files(&self) -> Vec<FileState> {
        let scopes = self.0.scopes.load();
        let stops = |writer: &Arc<Writer>| {
            scopes.by_name.values().any(|scope| {
                let of_scope = scope.0.writer.as_ref();
                scope.0.stops && of_scope.is_some_and(|of_scope| Arc::ptr_eq(of_scope, writer))
            })
        };
        let files = scopes.writers.iter().map(|writer| FileState {
            path: writer.settings.path.clone(),
            lines: writer.lines(),
            waiting: writer.waiting(),
            problem: writer.problem().map(|problem| problem.to_string()),
            stops: stops(writer),
        });
        files.collect()
    }

    /// Waits until what was noted is on the disk; `false` if that takes longer than
    /// `within`.
    pub async fn flush(&self, within: Duration) -> bool {
        let writers = self.0.scopes.load().writers.clone();
        let mut flushed = true;
        for writer in writers {
            flushed &= writer.flush(within).await;
        }
        flushed
    }

    /// As the last thing: what can be written is, and the rest goes to the log.
    pub async fn close(&self) {
        for writer in &self.0.scopes.load().writers {
            writer.close();
        }
        if !self.flush(LAST_LINES).await {
            tracing::error!("not every audit line could be written to its file");
        }
    }
}

impl ScopeAudit {
    /// In the log, without the texts of statements.
    pub fn in_log() -> Self {
        Self(Arc::new(Inner {
            clock: Clock::system(),
            normalise: None,
            writer: None,
            statements: false,
            stops: false,
            anybody: Arc::default(),
            observed: Observed::default(),
        }))
    }

    /// Whether calls may be made.
    ///
    /// # Errors
    /// The file cannot be written, and the scope wants its calls to stop then.
    pub fn ready(&self) -> Result<(), NotWritten> {
        match &self.0.writer {
            Some(writer) if self.0.stops && writer.is_failing() => Err(NotWritten),
            _ => Ok(()),
        }
    }

    /// Notes it; in the log, if the queue of the file is full.
    pub fn record(&self, mut entry: Entry) {
        entry.at = self.0.clock.now();
        self.0.observed.noted(&entry);
        match &self.0.writer {
            Some(writer) => send(writer, Box::new(entry), self.0.statements, self.0.normalise),
            None => self.to_log(&entry),
        }
    }

    /// As [`Audit::record_of_anybody`].
    pub fn record_of_anybody(&self, mut entry: Entry) {
        let minute = self.0.clock.now().seconds().div_euclid(60);
        if let Some(suppressed) = self.0.anybody.admit(entry.event, minute) {
            entry.suppressed = suppressed;
            self.record(entry);
        }
    }

    /// Notes a call: waits for room in the queue while the file can be written.
    pub async fn record_call(&self, mut entry: Entry) {
        entry.at = self.0.clock.now();
        self.0.observed.noted(&entry);
        let Some(writer) = &self.0.writer else {
            return self.to_log(&entry);
        };
        let mut entry = Box::new(entry);
        for _ in 0..LOOKS {
            match writer.offer(entry, self.0.statements) {
                Ok(()) => return,
                Err(back) => entry = back,
            }
            if writer.is_failing() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.to_log(&entry);
    }

    fn to_log(&self, entry: &Entry) {
        to_log(entry, self.0.normalise, self.0.statements);
    }
}

impl std::fmt::Debug for ScopeAudit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScopeAudit(..)")
    }
}

fn send(writer: &Writer, entry: Box<Entry>, texts: bool, normalise: Option<Normalise>) {
    if let Err(entry) = writer.offer(entry, texts) {
        to_log(&entry, normalise, texts);
    }
}

fn to_log(entry: &Entry, normalise: Option<Normalise>, texts: bool) {
    metrics::counter!("audit_lines_total", "to" => "log").increment(1);
    log::tell(entry, normalise, texts);
}

/// Counts the lines that anybody caused in a minute, by event.
#[derive(Default)]
struct Anybody(Mutex<BTreeMap<&'static str, Minute>>);

#[derive(Default)]
struct Minute {
    number: i64,
    admitted: u64,
    suppressed: u64,
}

impl Anybody {
    /// Whether one more may be written, and how many were not before it.
    fn admit(&self, event: Event, number: i64) -> Option<u64> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = minutes.entry(event.name()).or_default();
        if minute.number != number {
            minute.number = number;
            minute.admitted = 0;
        }
        if minute.admitted == OF_ANYBODY {
            minute.suppressed += 1;
            metrics::counter!("audit_suppressed_total").increment(1);
            return None;
        }
        minute.admitted += 1;
        Some(std::mem::take(&mut minute.suppressed))
    }
}

/// Between two tries to write a line.
const RETRY: Duration = Duration::from_secs(1);
/// What the end of the process waits for.
const LAST_LINES: Duration = Duration::from_secs(5);
/// A disk that takes no line for five seconds does not work.
const LOOKS: u32 = 5_000;
const PAUSE: Duration = Duration::from_millis(1);
/// Lines of one event that anybody can cause in a minute: 50 MB a day.
const OF_ANYBODY: u64 = 120;

#[cfg(test)]
mod tests;
