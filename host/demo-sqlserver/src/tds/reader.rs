//! A checked reader over the bytes of one message.

use encoding_rs::UTF_16LE;

use super::ProtocolError;

/// Reads the little-endian fields of a message; every read is checked.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ProtocolError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ProtocolError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ProtocolError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, ProtocolError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ProtocolError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Text of so many UTF-16 code units.
    pub(crate) fn utf16(&mut self, units: usize) -> Result<String, ProtocolError> {
        let bytes = self.bytes(units.checked_mul(2).ok_or(ProtocolError::Truncated)?)?;
        Ok(utf16(bytes))
    }

    /// B_VARCHAR: a byte counts the code units.
    pub(crate) fn b_varchar(&mut self) -> Result<String, ProtocolError> {
        let units = self.u8()?;
        self.utf16(usize::from(units))
    }

    /// US_VARCHAR: two bytes count the code units.
    pub(crate) fn us_varchar(&mut self) -> Result<String, ProtocolError> {
        let units = self.u16()?;
        self.utf16(usize::from(units))
    }
}

/// UTF-16 text; a surrogate without its partner becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_behind_the_end_is_an_error_and_takes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert!(reader.u32().is_err());
        assert!(reader.bytes(usize::MAX).is_err());
        assert!(reader.utf16(usize::MAX).is_err());
        assert_eq!(reader.u16().unwrap(), 0x0201);
        assert_eq!(reader.rest(), &[3]);
    }

    #[test]
    fn text_counts_code_units_and_survives_lone_surrogates() {
        let mut reader = Reader::new(&[2, 0x3D, 0xD8, 0x00, 0xDE]);
        assert_eq!(reader.b_varchar().unwrap(), "\u{1F600}");
        let mut reader = Reader::new(&[1, 0, 0x3D, 0xD8]);
        assert_eq!(reader.us_varchar().unwrap(), "\u{FFFD}");
    }
}
