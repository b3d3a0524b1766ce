//! LOGIN7: who the client is and which database it wants (MS-TDS §2.2.6.4).

use secrecy::SecretString;

use super::ProtocolError;
use super::reader::{Reader, utf16};
use crate::backend::LogIn;

/// A decoded LOGIN7.
#[derive(Debug)]
pub(crate) struct Login7 {
    pub(crate) tds_version: u32,
    /// As asked; 0 leaves it to the server.
    pub(crate) packet_size: u32,
    pub(crate) log_in: LogIn,
    /// Windows authentication, or Entra's without a token, which this server does
    /// not have.
    pub(crate) foreign_authentication: bool,
    /// A feature extension block came with it.
    pub(crate) features: Option<Features>,
}

/// What the client asked for beyond LOGIN7's own fields.
#[derive(Debug, Default)]
pub(crate) struct Features {
    pub(crate) utf8: bool,
    federated_authentication: bool,
    token: Option<SecretString>,
}

impl Login7 {
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut fixed = Reader::new(payload);
        let _length = fixed.u32()?;
        let tds_version = fixed.u32()?;
        let packet_size = fixed.u32()?;
        let _program_process_connection = fixed.array::<12>()?;
        let [_, flags2, type_flags, flags3] = fixed.array()?;
        let _time_zone_and_locale = fixed.u64()?;

        let mut field = || -> Result<&[u8], ProtocolError> {
            let offset = usize::from(fixed.u16()?);
            let units = usize::from(fixed.u16()?);
            slice(payload, offset, units * 2)
        };
        let host = utf16(field()?);
        let user = utf16(field()?);
        let password = clear_password(field()?);
        let application = utf16(field()?);
        let _server = field()?;
        let extension_offset = usize::from(fixed.u16()?);
        let extension_length = usize::from(fixed.u16()?);
        let mut field = || -> Result<&[u8], ProtocolError> {
            let offset = usize::from(fixed.u16()?);
            let units = usize::from(fixed.u16()?);
            slice(payload, offset, units * 2)
        };
        let _library = field()?;
        let _language = field()?;
        let database = utf16(field()?);

        let mut features = if flags3 & FLAG3_EXTENSION != 0 && extension_length >= 4 {
            let pointer = Reader::new(slice(payload, extension_offset, 4)?).u32()?;
            let offset = usize::try_from(pointer).map_err(|_| ProtocolError::Truncated)?;
            Some(Features::decode(
                payload.get(offset..).ok_or(ProtocolError::Truncated)?,
            )?)
        } else {
            None
        };
        let token = features.as_mut().and_then(|features| features.token.take());
        let federated = features
            .as_ref()
            .is_some_and(|features| features.federated_authentication);
        Ok(Self {
            tds_version,
            packet_size,
            foreign_authentication: flags2 & FLAG2_INTEGRATED_SECURITY != 0
                || (federated && token.is_none()),
            features,
            log_in: LogIn {
                user,
                password,
                database,
                application,
                host,
                token,
                read_only_intent: type_flags & TYPE_READ_ONLY_INTENT != 0,
            },
        })
    }
}

impl Features {
    fn decode(block: &[u8]) -> Result<Self, ProtocolError> {
        let mut reader = Reader::new(block);
        let mut features = Self::default();
        loop {
            let feature = reader.u8()?;
            if feature == 0xFF {
                return Ok(features);
            }
            let length = reader.u32()?;
            let data =
                reader.bytes(usize::try_from(length).map_err(|_| ProtocolError::Truncated)?)?;
            match feature {
                0x02 => {
                    features.federated_authentication = true;
                    features.token = security_token(data);
                }
                0x0A => features.utf8 = true,
                _ => {}
            }
        }
    }
}

/// FEDAUTH with bFedAuthLibrary = SECURITYTOKEN (MS-TDS §2.2.6.4): an option byte
/// and the token in UTF-16 behind its length.
fn security_token(data: &[u8]) -> Option<SecretString> {
    let mut reader = Reader::new(data);
    let library = reader.u8().ok()? >> 1;
    if library != SECURITY_TOKEN {
        return None;
    }
    let length = usize::try_from(reader.u32().ok()?).ok()?;
    Some(SecretString::from(utf16(reader.bytes(length).ok()?)))
}

/// Each byte travels with its halves swapped and then XORed with 0xA5.
fn clear_password(hidden: &[u8]) -> SecretString {
    let clear: Vec<u8> = hidden
        .iter()
        .map(|byte| (byte ^ 0xA5).rotate_left(4))
        .collect();
    SecretString::from(utf16(&clear))
}

fn slice(payload: &[u8], offset: usize, length: usize) -> Result<&[u8], ProtocolError> {
    if length == 0 {
        return Ok(&[]);
    }
    payload
        .get(offset..)
        .and_then(|rest| rest.get(..length))
        .ok_or(ProtocolError::Truncated)
}

const FLAG2_INTEGRATED_SECURITY: u8 = 0x80;
const FLAG3_EXTENSION: u8 = 0x10;
const SECURITY_TOKEN: u8 = 1;
const TYPE_READ_ONLY_INTENT: u8 = 0x20;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn login7(texts: [&[u8]; 9], flags: [u8; 4], features: &[u8]) -> Vec<u8> {
        let mut fixed = vec![0; 4];
        fixed.extend(0x7400_0004_u32.to_le_bytes());
        fixed.extend(4096_u32.to_le_bytes());
        fixed.extend([0; 12]);
        fixed.extend(flags);
        fixed.extend([0; 8]);
        let mut data = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            fixed.extend(u16::try_from(94 + data.len()).unwrap().to_le_bytes());
            let divisor = if index == 5 { 1 } else { 2 };
            fixed.extend(u16::try_from(text.len() / divisor).unwrap().to_le_bytes());
            data.extend_from_slice(text);
        }
        fixed.resize(94, 0);
        let end = u32::try_from(94 + data.len() + 4).unwrap();
        let pointer = data.len() - 4;
        data.extend([0; 4]);
        data.extend_from_slice(features);
        data[pointer..pointer + 4].copy_from_slice(&end.to_le_bytes());
        [fixed, data].concat()
    }

    fn hide(text: &str) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .map(|byte| byte.rotate_left(4) ^ 0xA5)
            .collect()
    }

    fn example() -> Vec<u8> {
        let password = hide("päss");
        // The last text is the database; its end holds the feature pointer.
        login7(
            [
                b"h\0",
                b"s\0a\0",
                &password,
                b"",
                b"",
                &[0; 4],
                b"",
                b"",
                b"N\0\0\0\0\0",
            ],
            [0, 0, TYPE_READ_ONLY_INTENT, 0],
            &[],
        )
    }

    #[test]
    fn a_password_is_made_readable() {
        let login = Login7::decode(&example()).unwrap();
        assert_eq!(login.log_in.user, "sa");
        assert_eq!(login.log_in.password.expose_secret(), "päss");
        assert!(login.log_in.read_only_intent && !login.foreign_authentication);
        assert_eq!((login.packet_size, login.tds_version), (4096, 0x7400_0004));
    }

    #[test]
    fn a_log_in_cut_anywhere_is_an_error_or_shorter_but_never_a_panic() {
        let whole = example();
        for length in 0..whole.len() {
            let _ = Login7::decode(&whole[..length]);
        }
        for length in 0..72 {
            assert!(Login7::decode(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn feature_blocks_end_at_their_terminator() {
        let features = Features::decode(&[0x0A, 1, 0, 0, 0, 1, 0xFF]).unwrap();
        assert!(features.utf8 && !features.federated_authentication);
        assert!(Features::decode(&[0x0A, 255, 255, 255, 255]).is_err());
        assert!(Features::decode(&[]).is_err());
    }
}
