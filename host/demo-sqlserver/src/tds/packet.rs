//! Replies, written straight into packets of the negotiated size.

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::message::{HEADER_LENGTH, STATUS_END_OF_MESSAGE};

/// Where full packets go.
pub(crate) trait PacketOut {
    /// Takes one packet; `false` where nobody wants more.
    fn send(&mut self, packet: Bytes) -> bool;
}

/// Blocks while the socket is behind, so a reply never piles up in memory.
impl PacketOut for mpsc::Sender<Bytes> {
    fn send(&mut self, packet: Bytes) -> bool {
        self.blocking_send(packet).is_ok()
    }
}

/// For replies that are small by nature, such as the log-in's.
impl PacketOut for Vec<u8> {
    fn send(&mut self, packet: Bytes) -> bool {
        self.extend_from_slice(&packet);
        true
    }
}

/// Splits what is put into it into packets (MS-TDS §2.2.3.1).
#[derive(Debug)]
pub(crate) struct PacketWriter<O> {
    out: O,
    packet: BytesMut,
    packet_size: usize,
    packet_type: u8,
    session: u16,
    number: u8,
    wanted: bool,
}

impl<O: PacketOut> PacketWriter<O> {
    /// A reply to the session numbered `session`.
    pub(crate) fn reply(out: O, packet_size: usize, session: u16) -> Self {
        Self {
            out,
            packet: BytesMut::new(),
            packet_size: packet_size.max(HEADER_LENGTH + 1),
            packet_type: TABULAR_RESULT,
            session,
            number: 0,
            wanted: true,
        }
    }

    /// Whether the receiver still takes packets.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn put(&mut self, mut bytes: &[u8]) {
        loop {
            if self.packet.is_empty() {
                self.packet.reserve(self.packet_size);
                self.packet.extend_from_slice(&[0; HEADER_LENGTH]);
            }
            let room = self.packet_size.saturating_sub(self.packet.len());
            let Some((head, tail)) = bytes
                .split_at_checked(room)
                .filter(|(_, tail)| !tail.is_empty())
            else {
                self.packet.extend_from_slice(bytes);
                return;
            };
            self.packet.extend_from_slice(head);
            self.finish_packet(0);
            bytes = tail;
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// UTF-16 without a length.
    pub(crate) fn utf16(&mut self, text: &str) {
        for unit in text.encode_utf16() {
            self.put(&unit.to_le_bytes());
        }
    }

    /// B_VARCHAR, cut at 255 code units.
    pub(crate) fn b_varchar(&mut self, text: &str) {
        let (text, units) = cut(text, usize::from(u8::MAX));
        self.u8(u8::try_from(units).unwrap_or(u8::MAX));
        self.utf16(text);
    }

    /// US_VARCHAR, cut at 4 000 code units, so that the token around it stays
    /// below 65 536 bytes.
    pub(crate) fn us_varchar(&mut self, text: &str) {
        let (text, units) = cut(text, US_VARCHAR_LIMIT);
        self.u16(u16::try_from(units).unwrap_or(u16::MAX));
        self.utf16(text);
    }

    /// Ends the message and hands back where it went.
    pub(crate) fn finish(mut self) -> O {
        if self.packet.is_empty() {
            self.packet.extend_from_slice(&[0; HEADER_LENGTH]);
        }
        self.finish_packet(STATUS_END_OF_MESSAGE);
        self.out
    }

    fn finish_packet(&mut self, status: u8) {
        self.number = self.number.wrapping_add(1);
        let [high, low] = u16::try_from(self.packet.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let [session_high, session_low] = self.session.to_be_bytes();
        if let Some(header) = self.packet.first_chunk_mut::<HEADER_LENGTH>() {
            *header = [
                self.packet_type,
                status,
                high,
                low,
                session_high,
                session_low,
                self.number,
                0,
            ];
        }
        let packet = self.packet.split().freeze();
        self.wanted = self.wanted && self.out.send(packet);
    }
}

/// The longest start of `text` with at most `limit` code units, and their count.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, usize) {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        if units + character.len_utf16() > limit {
            return (text.get(..at).unwrap_or_default(), units);
        }
        units += character.len_utf16();
    }
    (text, units)
}

/// The code units of `text` that [`PacketWriter::us_varchar`] writes.
pub(crate) fn us_varchar_units(text: &str) -> usize {
    cut(text, US_VARCHAR_LIMIT).1
}

const TABULAR_RESULT: u8 = 0x04;
const US_VARCHAR_LIMIT: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(size: usize, payload: &[u8]) -> Vec<Vec<u8>> {
        let mut writer = PacketWriter::reply(Vec::new(), size, 0x0102);
        writer.put(payload);
        let mut bytes = writer.finish().as_slice().to_vec();
        let mut packets = Vec::new();
        while !bytes.is_empty() {
            let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            packets.push(bytes.drain(..length).collect());
        }
        packets
    }

    #[test]
    fn a_reply_is_split_at_the_packet_size_and_only_the_last_ends_it() {
        assert_eq!(
            packets(11, b"abcdefg"),
            [
                [&[4, 0, 0, 11, 1, 2, 1, 0][..], b"abc"].concat(),
                [&[4, 0, 0, 11, 1, 2, 2, 0][..], b"def"].concat(),
                [&[4, 1, 0, 9, 1, 2, 3, 0][..], b"g"].concat(),
            ]
        );
        assert_eq!(packets(11, b"abcdef").len(), 2);
        assert_eq!(packets(11, b""), [[4, 1, 0, 8, 1, 2, 1, 0]]);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("a\u{1F600}b", 2), ("a", 1));
        assert_eq!(cut("a\u{1F600}b", 3), ("a\u{1F600}", 3));
        assert_eq!(cut("ab", 3), ("ab", 2));
    }
}
