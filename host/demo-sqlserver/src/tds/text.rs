//! The code page of char, varchar and text: Windows-1252, as the collation
//! `SQL_Latin1_General_CP1_CI_AS` has it.

use encoding_rs::{EncoderResult, UTF_8, WINDOWS_1252};

use super::packet::{PacketOut, PacketWriter};

/// LCID 1033, ignoring case, kana and width; sort order 52.
pub(crate) const COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];

/// Bytes that `text` takes in the code page: one for each UTF-16 code unit,
/// since SQL Server turns each half of a surrogate pair into a `?`.
pub(crate) fn length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

/// Writes `text` in the code page, `?` for what it lacks.
pub(crate) fn put<O: PacketOut>(out: &mut PacketWriter<O>, text: &str) {
    if text.is_ascii() {
        out.put(text.as_bytes());
        return;
    }
    let mut encoder = WINDOWS_1252.new_encoder();
    let mut rest = text;
    let mut chunk = [0; 256];
    loop {
        let (result, read, written) =
            encoder.encode_from_utf8_without_replacement(rest, &mut chunk, true);
        out.put(chunk.get(..written).unwrap_or_default());
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(character) => {
                out.put(b"??".get(..character.len_utf16()).unwrap_or_default());
            }
        }
    }
}

/// Reads what a client sent under `collation`.
pub(crate) fn decode(bytes: &[u8], collation: [u8; 5]) -> String {
    let [_, _, _, flags, _] = collation;
    let encoding = if flags & UTF8_COLLATION != 0 {
        UTF_8
    } else {
        WINDOWS_1252
    };
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// fUTF8, bit 26 of the collation.
const UTF8_COLLATION: u8 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut writer = PacketWriter::reply(Vec::new(), 4096, 0);
        put(&mut writer, text);
        writer.finish().split_off(8)
    }

    #[test]
    fn characters_outside_the_code_page_become_question_marks() {
        for (text, bytes) in [
            ("abc", &b"abc"[..]),
            ("Œuvre é€", b"\x8Cuvre \xE9\x80"),
            ("a日b", b"a?b"),
            ("\u{1F600}!", b"??!"),
        ] {
            assert_eq!(encoded(text), bytes);
            assert_eq!(length(text), bytes.len());
        }
        let long = "é".repeat(1000);
        assert_eq!(encoded(&long), vec![0xE9; 1000]);
    }

    #[test]
    fn a_collation_with_utf_8_is_read_as_such() {
        assert_eq!(decode(b"\xE9", COLLATION), "é");
        assert_eq!(decode("é".as_bytes(), [9, 4, 0xD0, 4, 0]), "é");
    }
}
