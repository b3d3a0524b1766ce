//! Long replies are written in turns, so that others on the same thread have theirs.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that lets others go first after every [`TURN`].
///
/// hyper writes until the socket takes no more. That of a reader who is near takes
/// megabytes at once, which the kernel copies for milliseconds.
pub(super) struct InTurns<S> {
    stream: S,
    /// Bytes of this turn.
    written: usize,
}

impl<S> InTurns<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, written: 0 }
    }

    /// How much may be written now; pending once where the turn is over.
    fn poll_turn(&mut self, context: &Context<'_>) -> Poll<usize> {
        if self.written < TURN {
            return Poll::Ready(TURN - self.written);
        }
        self.written = 0;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Counts what was written; a socket that is full ends the turn as well.
    fn count(&mut self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &wrote {
            Poll::Ready(Ok(length)) => self.written += length,
            Poll::Ready(Err(_)) | Poll::Pending => self.written = 0,
        }
        wrote
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InTurns<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InTurns<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.poll_turn(context));
        let now = bytes.get(..most).unwrap_or(bytes);
        let wrote = Pin::new(&mut self.stream).poll_write(context, now);
        self.count(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut left = ready!(self.poll_turn(context));
        let mut now = [IoSlice::new(&[]); SLICES];
        for (place, slice) in now.iter_mut().zip(slices) {
            let part = slice.get(..left).unwrap_or(slice);
            *place = IoSlice::new(part);
            left -= part.len();
        }
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, &now);
        self.count(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Some 50 µs of copying. The thread looks for news of other sockets once in 61 turns
/// at the latest.
const TURN: usize = 64 << 10;
/// hyper hands over the head and what it has of the body.
const SLICES: usize = 8;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;
    use tokio::task::yield_now;

    use super::*;

    /// Writes, and how many turns others had meanwhile.
    async fn beside(write: impl Future<Output = Vec<u8>>) -> (Vec<u8>, usize) {
        let mut turns = 0;
        let others = async {
            loop {
                turns += 1;
                yield_now().await;
            }
        };
        let written = tokio::select! {
            biased;
            written = write => written,
            () = others => Vec::new(),
        };
        (written, turns)
    }

    #[tokio::test]
    async fn others_have_a_turn_while_much_is_written() {
        let bytes: Vec<u8> = (0..=250).cycle().take(10 * TURN + 5).collect();
        let (written, turns) = beside(async {
            let mut stream = InTurns::new(Vec::new());
            stream.write_all(&bytes).await.expect("a vector");
            stream.stream
        })
        .await;
        assert_eq!(written, bytes);
        assert_eq!(turns, 10);
    }

    #[tokio::test]
    async fn a_turn_ends_within_a_slice() {
        let (head, body) = (vec![1; 200], vec![2; 2 * TURN]);
        let mut stream = InTurns::new(Vec::new());
        let slices = [IoSlice::new(&head), IoSlice::new(&body)];
        let write = poll_fn(|context| Pin::new(&mut stream).poll_write_vectored(context, &slices));
        assert_eq!(write.await.expect("a vector"), TURN);
        assert!(stream.stream.starts_with(&head));
        assert_eq!(
            stream.stream.get(head.len()..),
            body.get(..TURN - head.len())
        );
    }
}
