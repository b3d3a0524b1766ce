//! TLS inside TDS: until the handshake ends its records travel in packets of
//! type PRELOGIN, then bare (MS-TDS §2.2.6.5, §3.3.5.2).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::message::{HEADER_LENGTH, STATUS_END_OF_MESSAGE};

/// Wraps a socket for the handshake; after [`Self::end_handshake`] bytes pass
/// as they are.
#[derive(Debug)]
pub(crate) struct HandshakeStream<S> {
    socket: S,
    wrapping: bool,
    /// Header of the packet being read, and how much of it is there.
    header: [u8; HEADER_LENGTH],
    header_filled: usize,
    /// Bytes of the packet being read that have not come yet.
    payload_left: usize,
    /// Records for the next packet, then the packet, and how much was written.
    outgoing: Vec<u8>,
    sealed: bool,
    written: usize,
}

impl<S> HandshakeStream<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self {
            socket,
            wrapping: true,
            header: [0; HEADER_LENGTH],
            header_filled: 0,
            payload_left: 0,
            outgoing: Vec::new(),
            sealed: false,
            written: 0,
        }
    }

    pub(crate) fn end_handshake(&mut self) {
        self.wrapping = false;
    }

    pub(crate) fn into_inner(self) -> S {
        self.socket
    }

    /// Puts the header before the records that wait.
    fn seal(&mut self) {
        if self.sealed || self.outgoing.is_empty() {
            return;
        }
        let length = u16::try_from(self.outgoing.len() + HEADER_LENGTH).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let header = [PRELOGIN, STATUS_END_OF_MESSAGE, high, low, 0, 0, 1, 0];
        self.outgoing.splice(..0, header);
        self.sealed = true;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HandshakeStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.wrapping {
            return Pin::new(&mut this.socket).poll_read(context, target);
        }
        while this.payload_left == 0 {
            let rest = this
                .header
                .get_mut(this.header_filled..)
                .unwrap_or_default();
            let mut rest = ReadBuf::new(rest);
            ready!(Pin::new(&mut this.socket).poll_read(context, &mut rest))?;
            if rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.header_filled += rest.filled().len();
            if this.header_filled == HEADER_LENGTH {
                let [kind, _, high, low, ..] = this.header;
                let length = usize::from(u16::from_be_bytes([high, low]));
                let payload = length
                    .checked_sub(HEADER_LENGTH)
                    .filter(|_| kind == PRELOGIN);
                this.payload_left = payload.ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "not a packet of a TLS handshake",
                    )
                })?;
                this.header_filled = 0;
            }
        }
        let room = this.payload_left.min(target.remaining());
        let mut records = ReadBuf::new(target.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.socket).poll_read(context, &mut records))?;
        let read = records.filled().len();
        target.advance(read);
        this.payload_left -= read;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HandshakeStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.wrapping {
            return Pin::new(&mut this.socket).poll_write(context, bytes);
        }
        if this.sealed || this.outgoing.len() >= PAYLOAD_LIMIT {
            ready!(Pin::new(&mut *this).poll_flush(context))?;
        }
        let room = PAYLOAD_LIMIT.saturating_sub(this.outgoing.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        this.outgoing.extend_from_slice(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.seal();
        while let Some(rest) = this
            .outgoing
            .get(this.written..)
            .filter(|rest| !rest.is_empty())
        {
            let written = ready!(Pin::new(&mut this.socket).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.written += written;
        }
        this.outgoing.clear();
        this.written = 0;
        this.sealed = false;
        Pin::new(&mut this.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

const PRELOGIN: u8 = 0x12;
/// The packet size before log-in is 4 096 bytes.
const PAYLOAD_LIMIT: usize = 4_096 - HEADER_LENGTH;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn records_are_wrapped_until_the_handshake_ends() {
        let (ours, mut theirs) = tokio::io::duplex(7);
        let server = async {
            let mut stream = HandshakeStream::new(ours);
            let mut record = [0; 5];
            stream.read_exact(&mut record).await.unwrap();
            assert_eq!(&record, b"hello");
            stream.write_all(&[b'x'; 5_000]).await.unwrap();
            stream.flush().await.unwrap();
            stream.end_handshake();
            stream.write_all(b"bare").await.unwrap();
            stream.flush().await.unwrap();
        };
        let client = async {
            theirs
                .write_all(b"\x12\0\0\x0B\0\0\0\0hel\x12\x01\0\x0A\0\0\0\0lo")
                .await
                .unwrap();
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.unwrap();
            all
        };
        let (all, ()) = tokio::join!(client, server);
        let (first, rest) = all.split_at(4_096);
        let (second, bare) = rest.split_at(8 + 5_000 - 4_088);
        assert_eq!(first[..4], [0x12, 1, 0x10, 0]);
        assert_eq!(second[..4], [0x12, 1, 0x03, 0x98]);
        assert_eq!(bare, b"bare");
    }

    #[tokio::test]
    async fn other_packets_end_the_handshake_with_an_error() {
        let mut stream = HandshakeStream::new(&b"\x01\x01\0\x09\0\0\0\0x"[..]);
        assert!(stream.read_u8().await.is_err());
    }
}
