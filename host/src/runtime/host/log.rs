//! `mssql-mcp:host/log`, and where a guest's stdout and stderr go: the host's
//! log, marked with who wrote it and capped per call.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::runtime::bindings::mssql_mcp::host::log::{Host, Level};
use crate::runtime::state::{Phase, StoreState};
use crate::runtime::tool_set::ToolSetScope;

impl Host for StoreState {
    fn log(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let fields: Vec<String> = fields
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        self.log.write(level, &message, &fields.join(" "));
        Ok(())
    }
}

/// The log of one call. Clones share its budget.
#[derive(Clone)]
pub(in crate::runtime) struct GuestLog {
    scope: Arc<ToolSetScope>,
    subject: Option<Arc<str>>,
    left: Arc<AtomicUsize>,
    /// What it wrote to stderr last.
    last: Arc<Mutex<VecDeque<String>>>,
}

/// Which stream a guest wrote to.
#[derive(Clone, Copy)]
pub(in crate::runtime) enum Output {
    Stdout,
    Stderr,
}

impl GuestLog {
    pub(in crate::runtime) fn new(scope: Arc<ToolSetScope>, phase: &Phase) -> Self {
        let subject = match phase {
            Phase::Call { context, .. } => context
                .principal
                .as_ref()
                .map(|p| p.subject.as_str().into()),
            Phase::Describe => None,
        };
        let left = Arc::new(AtomicUsize::new(scope.limits.log));
        Self {
            scope,
            subject,
            left,
            last: Arc::default(),
        }
    }

    /// The last lines that the guest wrote to stderr, as one: often why it gave up.
    pub(in crate::runtime) fn last_words(&self) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (!last.is_empty()).then(|| Vec::from(last.clone()).join(" "))
    }

    pub(in crate::runtime) fn stream(&self, output: Output) -> LogStream {
        LogStream(Arc::new(Mutex::new(Lines {
            log: self.clone(),
            output,
            begun: Vec::new(),
        })))
    }

    fn remember(&self, line: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(one_line(clip(line, LAST_LINE_BYTES)).into_owned());
    }

    /// Writes one line, or as much as the call's budget still has.
    fn write(&self, level: Level, message: &str, fields: &str) {
        let wanted = message.len() + fields.len() + AROUND;
        let granted = self.spend(wanted);
        if granted == 0 {
            return;
        }
        let message = one_line(clip(message, granted));
        let fields = clip(fields, granted.saturating_sub(message.len()));
        let (scope, tool_set) = (&*self.scope.scope, self.scope.tool_set.as_str());
        let subject = self.subject.as_deref();
        macro_rules! emit {
            ($level:expr) => {
                tracing::event!(target: "guest", $level, scope, tool_set, subject, fields, "{message}")
            };
        }
        match level {
            Level::Trace => emit!(tracing::Level::TRACE),
            Level::Debug => emit!(tracing::Level::DEBUG),
            Level::Info => emit!(tracing::Level::INFO),
            Level::Warn => emit!(tracing::Level::WARN),
            Level::Error => emit!(tracing::Level::ERROR),
        }
        self.end(granted, wanted);
    }

    /// Leaves out a line without a letter. It costs what any does besides its text: work
    /// was done for it.
    fn skip(&self) {
        let granted = self.spend(AROUND);
        self.end(granted, AROUND);
    }

    /// Takes `wanted` bytes off the budget; gives what there was before.
    fn spend(&self, wanted: usize) -> usize {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(wanted))
            })
            .unwrap_or(0)
    }

    /// Says so once the budget is spent.
    fn end(&self, granted: usize, wanted: usize) {
        if (1..=wanted).contains(&granted) {
            let (scope, tool_set) = (&*self.scope.scope, self.scope.tool_set.as_str());
            tracing::warn!(target: "guest", scope, tool_set, "this call's log is full; the rest is dropped");
        }
    }

    fn is_full(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// A guest's stdout or stderr.
#[derive(Clone)]
pub(in crate::runtime) struct LogStream(Arc<Mutex<Lines>>);

impl LogStream {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    /// Of its own, because wasmtime would write to the other one from a task: on nobody's
    /// account, and without an end as long as the guest has more to write.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

/// Written while the guest waits, so that it pays for it, and is interrupted between
/// two writes like everywhere else.
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > AT_ONCE {
            return Err(StreamError::trap(
                "more is written at once than check-write allows",
            ));
        }
        self.lines().take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(AT_ONCE)
    }
}

/// What was written and is no whole line yet: some languages write a line word by
/// word.
struct Lines {
    log: GuestLog,
    output: Output,
    begun: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.is_unheard() {
                self.begun.clear();
                return;
            }
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.begun.len() > MAX_LINE {
                self.end();
            }
        }
    }

    /// Whether nothing comes of what is written. Of stderr the end is remembered even
    /// then: it says why the guest gave up.
    fn is_unheard(&self) -> bool {
        matches!(self.output, Output::Stdout) && self.log.is_full()
    }

    fn end(&mut self) {
        if self.begun.is_empty() {
            return;
        }
        self.write(&self.begun);
        self.begun.clear();
    }

    fn write(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            self.log.skip();
            return;
        }
        let level = match self.output {
            Output::Stdout => Level::Info,
            Output::Stderr => Level::Warn,
        };
        self.log.write(level, line, "");
        if matches!(self.output, Output::Stderr) {
            self.log.remember(line);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end();
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lines().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The text without the control characters that would make a second line of
/// it, or a terminal obey it.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    } else {
        text.into()
    }
}

/// At most `bytes` of `text`, cut between characters.
fn clip(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// Bytes of one write: as many as wasmtime's own stream takes.
const AT_ONCE: usize = 8 << 10;
/// Bytes after which a line counts as one without its end.
const MAX_LINE: usize = 4 << 10;
/// Bytes that a line counts besides its text: time, scope and tool set around it make
/// a line of one letter some 130 long.
const AROUND: usize = 64;
/// Lines of stderr that are remembered, and bytes of each.
const LAST_LINES: usize = 3;
const LAST_LINE_BYTES: usize = 400;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::runtime::host::{GuestCache, Sealer};
    use crate::runtime::limits::Limits;

    fn log_of(bytes: usize) -> GuestLog {
        let scope = ToolSetScope {
            scope: "scope".into(),
            tool_set: "tools".to_owned(),
            databases: Vec::new(),
            writer: None,
            by_person: false,
            settings: HashMap::new(),
            limits: Limits {
                log: bytes,
                ..Limits::default()
            },
            cache: GuestCache::new("scope", "tools", 0),
            sealer: Sealer::new(&[0; 32], "scope", "tools").unwrap(),
        };
        GuestLog::new(Arc::new(scope), &Phase::Describe)
    }

    fn left(log: &GuestLog) -> usize {
        log.left.load(Ordering::Relaxed)
    }

    /// No runtime is there to do it later.
    #[test]
    fn a_line_is_one_however_it_is_written_and_is_there_at_once() {
        let log = log_of(1 << 10);
        let mut stderr = log.stream(Output::Stderr).p2_stream();
        for part in ["on", "e\ntwo\n\nth", "ree\nfour"] {
            stderr.write(part.into()).unwrap();
        }
        assert_eq!(log.last_words().as_deref(), Some("one two three"));
        drop(stderr);
        assert_eq!(log.last_words().as_deref(), Some("two three four"));
    }

    #[test]
    fn streams_that_are_opened_again_write_the_same_line() {
        let log = log_of(1 << 10);
        let stderr = log.stream(Output::Stderr);
        for part in ["one ", "line\n"] {
            stderr.p2_stream().write(part.into()).unwrap();
        }
        assert_eq!(log.last_words().as_deref(), Some("one line"));
    }

    #[test]
    fn empty_lines_cost_what_lines_do() {
        let log = log_of(1 << 10);
        let mut stdout = log.stream(Output::Stdout).p2_stream();
        stdout.write("\n \nab\n".into()).unwrap();
        assert_eq!(left(&log), (1 << 10) - 3 * AROUND - 2);
        drop(stdout);
        assert_eq!(left(&log), (1 << 10) - 3 * AROUND - 2);
    }

    #[test]
    fn a_line_without_an_end_is_written_when_it_is_long() {
        let log = log_of(1 << 20);
        let stdout = log.stream(Output::Stdout);
        let mut stream = stdout.p2_stream();
        stream.write(vec![b'x'; MAX_LINE].into()).unwrap();
        assert_eq!(left(&log), 1 << 20);
        stream.write("x".into()).unwrap();
        assert_eq!(left(&log), (1 << 20) - MAX_LINE - 1 - AROUND);
        assert!(stdout.lines().begun.is_empty());
    }

    #[test]
    fn nothing_is_kept_of_what_a_full_log_drops_but_the_last_words() {
        let log = log_of(2 * AROUND);
        let stdout = log.stream(Output::Stdout);
        let mut stream = stdout.p2_stream();
        stream.write("begun".into()).unwrap();
        stream.write("\n\n\n\n".into()).unwrap();
        assert!(log.is_full());
        stream.write(vec![b'x'; AT_ONCE].into()).unwrap();
        assert!(stdout.lines().begun.is_empty());
        let mut stderr = log.stream(Output::Stderr).p2_stream();
        stderr.write("this is why\n".into()).unwrap();
        assert_eq!(log.last_words().as_deref(), Some("this is why"));
    }

    #[test]
    fn a_write_is_as_large_as_it_was_allowed_to_be() {
        let mut stream = log_of(1 << 10).stream(Output::Stdout).p2_stream();
        let allowed = stream.check_write().unwrap();
        stream.write(vec![b'\n'; allowed].into()).unwrap();
        stream.flush().unwrap();
        assert_eq!(stream.check_write().unwrap(), allowed);
        let beyond = stream.write(vec![b'\n'; allowed + 1].into());
        assert!(matches!(beyond, Err(StreamError::Trap(_))));
    }
}
