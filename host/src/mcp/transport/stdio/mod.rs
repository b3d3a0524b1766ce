//! Standard input and output: one message a line, for clients that start the
//! server themselves. Calls run side by side; at the end of input those in flight
//! are finished, and the server ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::mcp::asking::SessionClient;
use crate::mcp::batch::Inbound;
use crate::mcp::claim::Claim;
use crate::mcp::dispatch::{Caller, answer};
use crate::mcp::error::{Code, RpcError};
use crate::mcp::jsonrpc::{self, Invalid, Request};
use crate::mcp::lifecycle::{declared, negotiate};
use crate::mcp::outlet::Outlet;
use crate::mcp::scope::{McpScope, TOOLS_CHANGED};
use crate::mcp::session::Session;
use crate::mcp::stream::{EventStream, Reader};
use crate::mcp::subscription::Subscription;
use crate::mcp::version::Revision;
use crate::tools::Abilities;

/// Serves `scope` to one client until `reader` ends.
///
/// Whoever can start the
/// process has its rights, so there is no principal.
///
/// # Errors
/// `reader` or `writer` failed, or the machine has no randomness.
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
    let peer = Peer::new(scope)?;
    let mut told = peer.stream.read(0);
    let mut changes = scope.changes();
    let mut running = FuturesUnordered::new();
    let mut line = Vec::new();
    loop {
        let message = tokio::select! {
            biased;
            Some(event) = told.next() => {
                write_line(&mut writer, event.message).await?;
                continue;
            }
            Ok(()) = changes.changed() => {
                let change = *changes.borrow_and_update();
                peer.announce(change);
                None
            }
            Some(reply) = running.next() => reply,
            read = read_line(&mut reader, &mut line) => {
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
        };
        write_after(&mut writer, &mut told, message).await?;
    }
    peer.ending.cancel();
    let rest = async {
        loop {
            if running.is_empty() {
                // Nobody is left who could tell anything.
                peer.stream.end();
            }
            let message = tokio::select! {
                biased;
                Some(event) = told.next() => {
                    write_line(&mut writer, event.message).await?;
                    continue;
                }
                Some(reply) = running.next() => reply,
                else => return Ok(()),
            };
            write_after(&mut writer, &mut told, message).await?;
        }
    };
    tokio::time::timeout(drain, rest).await.unwrap_or(Ok(()))
}

/// The client, and what it waits for.
struct Peer<'a> {
    scope: &'a McpScope,
    session: Arc<Session>,
    /// What calls tell before their replies, and what belongs to none.
    stream: Arc<EventStream>,
    /// There was a handshake: changes are told unasked.
    met: AtomicBool,
    /// Nothing more can be asked.
    ending: CancellationToken,
}

enum Line {
    Whole,
    TooLong,
    End,
}

impl<'a> Peer<'a> {
    fn new(scope: &'a McpScope) -> io::Result<Self> {
        let session = scope.begin(Revision::UNNAMED, Abilities::NONE, None);
        let session = session.map_err(io::Error::other)?;
        Ok(Self {
            scope,
            stream: session.listen(),
            session,
            met: AtomicBool::new(false),
            ending: CancellationToken::new(),
        })
    }

    fn announce(&self, change: u64) {
        if self.met.load(Ordering::Relaxed) {
            self.session.announce(change, TOOLS_CHANGED);
        }
    }

    /// Answers one line.
    async fn handle(&self, line: Vec<u8>, cut: bool) -> Option<Bytes> {
        if cut {
            let error = RpcError::new(
                Code::InvalidRequest,
                "Invalid request: the message is too long",
            );
            return Some(jsonrpc::error(None, &error).into());
        }
        if line.trim_ascii().is_empty() {
            return None;
        }
        let reply = match self.answer(&line).await {
            Ok(reply) => reply,
            Err(invalid) => Some(jsonrpc::error(invalid.id, &invalid.error)),
        };
        reply.map(Bytes::from)
    }

    async fn answer<'l>(&self, line: &'l [u8]) -> Result<Option<Vec<u8>>, Invalid<'l>> {
        let inbound = Inbound::read(line, || self.session.revision().has_batches())?;
        let answered = inbound.answer(
            |request| self.request(request),
            |told| self.session.hear(told),
        );
        Ok(answered.await)
    }

    async fn request(&self, request: Request<'_>) -> Option<Vec<u8>> {
        let (revision, abilities) = match self.revision_of(&request) {
            Ok(found) => found,
            Err(error) => return Some(jsonrpc::error(Some(request.id), &error)),
        };
        let Some(running) = self.session.run(request.id.get()) else {
            let error = RpcError::new(
                Code::InvalidRequest,
                "Invalid request: a request with this id is still running",
            );
            return Some(jsonrpc::error(Some(request.id), &error));
        };
        // What is heard beside, answers and cancellations, must always be read.
        if self.session.running() > MAX_RUNNING {
            let error = RpcError::new(
                Code::TooMany,
                format!("{MAX_RUNNING} requests are running; wait for one of them to end"),
            );
            return Some(jsonrpc::error(Some(request.id), &error));
        }
        if revision.is_modern() && request.method == "subscriptions/listen" {
            return running.reply(self.listen(&request)).await;
        }
        let [telling, asking] = [&self.stream, &self.stream].map(Arc::clone);
        let tell = move |message| telling.tell(message);
        let ask = move |message: Bytes| asking.push(message);
        let progress = request.params.progress_token();
        let stopping = self.ending.clone();
        let client = SessionClient::new(Arc::clone(&self.session), ask, stopping);
        let caller = Caller {
            scope: self.scope,
            principal: None,
            origin: None,
            revision,
            progress: progress.map(|token| Arc::new(Outlet::new(token, revision, tell)) as _),
            abilities,
            client: Some(Arc::new(client)),
        };
        let answered = answer(&caller, &request, running.cancel.clone());
        running.reply(answered).await
    }

    /// Tells of changes until the client cancels, or nothing more can be asked.
    async fn listen(&self, request: &Request<'_>) -> Vec<u8> {
        let mut subscription = match Subscription::begin(self.scope, request) {
            Ok(subscription) => subscription,
            Err(error) => return jsonrpc::error(Some(request.id), &error),
        };
        let ending = &self.ending;
        while let Some(Some(message)) = ending
            .run_until_cancelled(subscription.next(self.scope))
            .await
        {
            self.stream.push(message);
        }
        subscription.ended()
    }

    /// A request is modern when it says so itself; a handshake settles the
    /// revision of all others, and what the client can be asked for.
    fn revision_of(&self, request: &Request<'_>) -> Result<(Revision, Abilities), RpcError> {
        if let Some(claim) = Claim::of(&request.params)? {
            let revision = Revision::parse(&claim.version)
                .filter(|revision| revision.is_modern())
                .ok_or_else(|| RpcError::unsupported_version(&claim.version))?;
            return Ok((revision, claim.abilities));
        }
        if request.method == "initialize"
            && let Ok(revision) = negotiate(request)
        {
            self.session.settle(revision, declared(request, revision));
            self.met.store(true, Ordering::Relaxed);
        }
        Ok((self.session.revision(), self.session.abilities()))
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        self.scope.forget(&self.session);
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

/// Writes `message` after all that was told before it: a call's reply is the last
/// of what it says.
async fn write_after<W: AsyncWrite + Unpin>(
    writer: &mut W,
    told: &mut Reader,
    message: Option<Bytes>,
) -> io::Result<()> {
    while let Some(Some(event)) = told.next().now_or_never() {
        write_line(writer, event.message).await?;
    }
    match message {
        Some(message) => write_line(writer, message).await,
        None => Ok(()),
    }
}

/// JSON that tool sets made may have line breaks between its tokens, where a
/// space says the same.
async fn write_line<W: AsyncWrite + Unpin>(writer: &mut W, message: Bytes) -> io::Result<()> {
    // Without a copy, unless the message is kept elsewhere too.
    let mut message = Vec::from(message);
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
/// Requests at once.
const MAX_RUNNING: usize = 64;
/// How long calls may go on when nothing more can be asked.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
