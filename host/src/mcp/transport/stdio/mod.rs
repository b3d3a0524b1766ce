//! Standard input and output: one message a line, for clients that start the
//! server themselves. Calls run side by side; at the end of input those in flight
//! are finished, and the server ends.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, select_biased};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::mcp::batch::Inbound;
use crate::mcp::claim::Claim;
use crate::mcp::dispatch::{Caller, answer};
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc::{self, Invalid, Notification, Request};
use crate::mcp::lifecycle::negotiate;
use crate::mcp::scope::McpScope;
use crate::mcp::version::Revision;

/// Serves `scope` to one client until `reader` ends.
///
/// Whoever can start the
/// process has its rights, so there is no principal.
///
/// # Errors
/// `reader` or `writer` failed.
pub async fn serve<R, W>(scope: &McpScope, reader: R, writer: W) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    serve_until(scope, reader, writer, DRAIN_TIMEOUT).await
}

/// As [`serve`]; at the end of input, calls in flight get `drain` to end.
async fn serve_until<R, W>(
    scope: &McpScope,
    mut reader: R,
    mut writer: W,
    drain: Duration,
) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let peer = Peer::new(scope);
    let mut running = FuturesUnordered::new();
    let mut line = Vec::new();
    loop {
        let reply = if running.len() < MAX_RUNNING {
            select_biased! {
                reply = running.select_next_some() => reply,
                read = read_line(&mut reader, &mut line).fuse() => {
                    let (line, cut) = match read? {
                        Line::Whole => (std::mem::take(&mut line), false),
                        Line::TooLong => (std::mem::take(&mut line), true),
                        Line::End => break,
                    };
                    let mut handling = Box::pin(peer.handle(line, cut));
                    // Polled at once, so that messages take effect in the order
                    // they came.
                    match futures_util::poll!(&mut handling) {
                        Poll::Ready(reply) => reply,
                        Poll::Pending => {
                            running.push(handling);
                            None
                        }
                    }
                }
            }
        } else {
            running.select_next_some().await
        };
        if let Some(reply) = reply {
            write_line(&mut writer, reply).await?;
        }
    }
    let rest = async {
        while let Some(reply) = running.next().await {
            if let Some(reply) = reply {
                write_line(&mut writer, reply).await?;
            }
        }
        Ok(())
    };
    tokio::time::timeout(drain, rest).await.unwrap_or(Ok(()))
}

/// The client's state: what it negotiated and what it waits for.
struct Peer<'a> {
    scope: &'a McpScope,
    state: Mutex<State>,
}

struct State {
    revision: Revision,
    /// Ids as they were spelled.
    running: HashMap<String, CancellationToken>,
}

enum Line {
    Whole,
    TooLong,
    End,
}

impl<'a> Peer<'a> {
    fn new(scope: &'a McpScope) -> Self {
        let state = State {
            revision: Revision::UNNAMED,
            running: HashMap::new(),
        };
        Self {
            scope,
            state: Mutex::new(state),
        }
    }

    /// Answers one line.
    async fn handle(&self, line: Vec<u8>, cut: bool) -> Option<Vec<u8>> {
        if cut {
            let error = RpcError::new(
                Code::InvalidRequest,
                "Invalid request: the message is too long",
            );
            return Some(jsonrpc::error(None, &error));
        }
        if line.trim_ascii().is_empty() {
            return None;
        }
        match self.answer(&line).await {
            Ok(reply) => reply,
            Err(invalid) => Some(jsonrpc::error(invalid.id, &invalid.error)),
        }
    }

    async fn answer<'l>(&self, line: &'l [u8]) -> Result<Option<Vec<u8>>, Invalid<'l>> {
        let inbound = Inbound::read(line, || self.with(|state| state.revision.has_batches()))?;
        let answered = inbound.answer(
            |request| self.request(request),
            |notification| self.notification(notification),
        );
        Ok(answered.await)
    }

    async fn request(&self, request: Request<'_>) -> Option<Vec<u8>> {
        let revision = match self.revision_of(&request) {
            Ok(revision) => revision,
            Err(error) => return Some(jsonrpc::error(Some(request.id), &error)),
        };
        let Some(running) = Running::register(self, request.id.get()) else {
            let error = RpcError::new(
                Code::InvalidRequest,
                "Invalid request: a request with this id is still running",
            );
            return Some(jsonrpc::error(Some(request.id), &error));
        };
        let caller = Caller {
            scope: self.scope,
            principal: None,
            revision,
            progress: None,
        };
        // A cancelled request gets no reply.
        running
            .cancel
            .run_until_cancelled(answer(&caller, &request, running.cancel.clone()))
            .await
    }

    /// A request is modern when it says so itself; a handshake settles the
    /// revision of all others.
    fn revision_of(&self, request: &Request<'_>) -> Result<Revision, RpcError> {
        if let Some(claim) = Claim::of(&request.params)? {
            return Revision::parse(&claim.version)
                .filter(|revision| revision.is_modern())
                .ok_or_else(|| RpcError::unsupported_version(&claim.version));
        }
        if request.method == "initialize"
            && let Ok(revision) = negotiate(request)
        {
            self.with(|state| state.revision = revision);
        }
        Ok(self.with(|state| state.revision))
    }

    fn notification(&self, notification: &Notification<'_>) {
        let running = |id| self.with(|state| state.running.get(id).cloned());
        if let Some(cancel) = notification.cancelled().and_then(running) {
            cancel.cancel();
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request that is being worked on; known by its id until it is dropped.
struct Running<'a> {
    peer: &'a Peer<'a>,
    id: &'a str,
    cancel: CancellationToken,
}

impl<'a> Running<'a> {
    fn register(peer: &'a Peer<'_>, id: &'a str) -> Option<Self> {
        let cancel = CancellationToken::new();
        let fresh = peer.with(|state| {
            let fresh = !state.running.contains_key(id);
            if fresh {
                state.running.insert(id.to_owned(), cancel.clone());
            }
            fresh
        });
        fresh.then_some(Self { peer, id, cancel })
    }
}

impl Drop for Running<'_> {
    /// Work that outlives its reply, as at the end of input, is work for nobody.
    fn drop(&mut self) {
        self.cancel.cancel();
        self.peer.with(|state| state.running.remove(self.id));
    }
}

/// Reads one line into `line`, which keeps what has come when the future is
/// dropped halfway.
async fn read_line<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    line: &mut Vec<u8>,
) -> io::Result<Line> {
    let room = (MAX_LINE_BYTES + 1).saturating_sub(line.len() as u64);
    (&mut *reader).take(room).read_until(b'\n', line).await?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    if line.ends_with(b"\n") || line.len() as u64 <= MAX_LINE_BYTES {
        // The last line may end with the input.
        return Ok(Line::Whole);
    }
    skip_line(reader).await?;
    Ok(Line::TooLong)
}

/// Drops what is left of a line that is too long.
async fn skip_line<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<()> {
    loop {
        let available = reader.fill_buf().await?;
        let (used, done) = match available.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), available.is_empty()),
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// JSON that tool sets made may have line breaks between its tokens, where a
/// space says the same.
async fn write_line<W: AsyncWrite + Unpin>(writer: &mut W, mut message: Vec<u8>) -> io::Result<()> {
    for byte in &mut message {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    message.push(b'\n');
    writer.write_all(&message).await?;
    writer.flush().await
}

const MAX_LINE_BYTES: u64 = 4 << 20;
/// Past this, input waits until a call has ended.
const MAX_RUNNING: usize = 64;
/// How long calls may go on when nothing more can be asked.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
