//! The socket under the driver, which counts what comes: the driver keeps a
//! value, a row or the columns of a result whole in memory, however many bytes
//! the server says they have.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// A TCP connection that stops where one item of a reply is too large.
pub(super) struct Socket {
    stream: Compat<TcpStream>,
    received: Arc<Received>,
}

/// What has come of a reply.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Bytes since the last item was taken.
    item: AtomicUsize,
    /// Bytes since the statement began.
    reply: AtomicUsize,
}

impl Received {
    /// Another statement begins.
    pub(super) fn begin(&self) {
        self.reply.store(0, Ordering::Relaxed);
        self.restart();
    }

    /// An item was taken.
    pub(super) fn restart(&self) {
        self.item.store(0, Ordering::Relaxed);
    }

    /// Bytes of the reply so far.
    pub(super) fn reply(&self) -> usize {
        self.reply.load(Ordering::Relaxed)
    }

    /// Whether the item under way is larger than any may be.
    pub(super) fn is_too_much(&self) -> bool {
        self.item.load(Ordering::Relaxed) > LARGEST_ITEM
    }

    fn add(&self, bytes: usize) {
        self.item.fetch_add(bytes, Ordering::Relaxed);
        self.reply.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, received: Arc<Received>) -> Self {
        Self {
            stream: stream.compat_write(),
            received,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.received.is_too_much() {
            let kind = io::ErrorKind::FileTooLarge;
            return Poll::Ready(Err(io::Error::new(
                kind,
                "one item of the reply is too large",
            )));
        }
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(bytes)) = &read {
            self.received.add(*bytes);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// TEXTSIZE leaves 1 MiB of a cell; xml and CLR types have no such bound.
const LARGEST_ITEM: usize = 32 << 20;
