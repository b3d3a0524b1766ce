//! Reassembly of a client's packets into messages (MS-TDS §2.2.3).

use tokio::io::{AsyncRead, AsyncReadExt};

use super::ProtocolError;

/// What a client's message is (MS-TDS §2.2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageType {
    SqlBatch,
    Rpc,
    Attention,
    BulkLoad,
    TransactionManager,
    Login7,
    PreLogin,
    Other(u8),
}

/// One whole message of a client.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) message_type: MessageType,
    /// The client gave the message up before its end; only a DONE answers it.
    pub(crate) ignored: bool,
    /// RESETCONNECTION or RESETCONNECTIONSKIPTRAN stood in its first packet.
    pub(crate) reset: bool,
    pub(crate) payload: Vec<u8>,
}

/// Reads messages of at most `limit` bytes.
#[derive(Debug)]
pub(crate) struct MessageReader<R> {
    source: R,
    limit: usize,
}

impl<R: AsyncRead + Unpin> MessageReader<R> {
    pub(crate) fn new(source: R, limit: usize) -> Self {
        Self { source, limit }
    }

    /// The next message, or `None` where the client closed between two.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ProtocolError> {
        let mut message: Option<Message> = None;
        loop {
            let mut header = [0; HEADER_LENGTH];
            if self.source.read(&mut header[..1]).await? == 0 {
                return match message {
                    None => Ok(None),
                    Some(_) => Err(ProtocolError::Truncated),
                };
            }
            self.source.read_exact(&mut header[1..]).await?;
            let [kind, status, high, low, ..] = header;
            let length = usize::from(u16::from_be_bytes([high, low]))
                .checked_sub(HEADER_LENGTH)
                .ok_or(ProtocolError::Malformed(
                    "a packet is shorter than its header",
                ))?;
            let kind = MessageType::from(kind);

            // A client that breaks off a request may send Attention after any packet.
            if kind == MessageType::Attention {
                message = None;
            }
            let message = message.get_or_insert_with(|| Message {
                message_type: kind,
                ignored: false,
                reset: status & (STATUS_RESET | STATUS_RESET_SKIP_TRANSACTION) != 0,
                payload: Vec::new(),
            });
            if message.message_type != kind {
                return Err(ProtocolError::Malformed(
                    "a message began before the last one ended",
                ));
            }
            let filled = message.payload.len();
            if filled + length > self.limit {
                return Err(ProtocolError::TooLarge { limit: self.limit });
            }
            message.payload.resize(filled + length, 0);
            let target = message.payload.get_mut(filled..).unwrap_or_default();
            self.source.read_exact(target).await?;
            if status & STATUS_END_OF_MESSAGE != 0 {
                message.ignored = status & STATUS_IGNORE != 0;
                break;
            }
        }
        Ok(message)
    }
}

impl From<u8> for MessageType {
    fn from(value: u8) -> Self {
        match value {
            0x01 => Self::SqlBatch,
            0x03 => Self::Rpc,
            0x06 => Self::Attention,
            0x07 => Self::BulkLoad,
            0x0E => Self::TransactionManager,
            0x10 => Self::Login7,
            0x12 => Self::PreLogin,
            other => Self::Other(other),
        }
    }
}

/// Bytes of a packet's header.
pub(crate) const HEADER_LENGTH: usize = 8;
/// The last packet of a message.
pub(crate) const STATUS_END_OF_MESSAGE: u8 = 0x01;
const STATUS_IGNORE: u8 = 0x02;
const STATUS_RESET: u8 = 0x08;
const STATUS_RESET_SKIP_TRANSACTION: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, status: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
        let mut bytes = vec![kind, status, length[0], length[1], 0, 0, 1, 0];
        bytes.extend_from_slice(payload);
        bytes
    }

    #[tokio::test]
    async fn packets_become_one_message_at_its_end() {
        let bytes = [
            packet(1, 8, b"SEL"),
            packet(1, 0, b""),
            packet(1, 1, b"ECT"),
        ]
        .concat();
        let mut reader = MessageReader::new(bytes.as_slice(), 6);
        let message = reader.next().await.unwrap().unwrap();
        assert_eq!(message.payload, b"SELECT");
        assert!(message.reset && !message.ignored);
        assert!(reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn hostile_framing_is_an_error() {
        for (bytes, limit) in [
            (vec![1, 1, 0, 7, 0, 0, 0, 0], 10),
            (vec![1, 1, 0, 9, 0, 0, 0, 0], 10),
            (vec![1, 1, 0], 10),
            (packet(1, 0, b"abc"), 10),
            (packet(1, 1, b"abc"), 2),
            ([packet(1, 0, b"abc"), packet(3, 1, b"abc")].concat(), 10),
        ] {
            let mut reader = MessageReader::new(bytes.as_slice(), limit);
            assert!(reader.next().await.is_err(), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn attention_replaces_a_request_that_was_not_finished() {
        let bytes = [packet(1, 0, b"SEL"), packet(6, 1, b"")].concat();
        let mut reader = MessageReader::new(bytes.as_slice(), 100);
        let message = reader.next().await.unwrap().unwrap();
        assert_eq!(message.message_type, MessageType::Attention);
    }
}
