//! `mssql-mcp:host/log`, and where a guest's stdout and stderr go: the host's
//! log, marked with who wrote it and capped per call.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

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
        let granted = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(wanted))
            })
            .unwrap_or(0);
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
        if granted <= wanted {
            tracing::warn!(target: "guest", scope, tool_set, "this call's log is full; the rest is dropped");
        }
    }
}

/// A guest's stdout or stderr.
#[derive(Clone)]
pub(in crate::runtime) struct LogStream(Arc<Mutex<Lines>>);

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
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
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            self.write(&line);
        }
        if self.begun.len() > MAX_LINE {
            self.end();
        }
    }

    fn end(&mut self) {
        let line = mem::take(&mut self.begun);
        self.write(&line);
    }

    fn write(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
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
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.take(bytes);
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

/// Bytes after which a line counts as one without its end.
const MAX_LINE: usize = 4 << 10;
/// Bytes that a line counts besides its text: time, scope and tool set around it make
/// a line of one letter some 130 long.
const AROUND: usize = 64;
/// Lines of stderr that are remembered, and bytes of each.
const LAST_LINES: usize = 3;
const LAST_LINE_BYTES: usize = 400;
