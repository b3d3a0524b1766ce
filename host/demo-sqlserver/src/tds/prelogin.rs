//! PRELOGIN: versions and whether to encrypt (MS-TDS §2.2.6.5).

use super::ProtocolError;
use super::reader::Reader;

/// What the client wants encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// ENCRYPT_OFF: the log-in alone.
    LogInOnly,
    /// ENCRYPT_ON, ENCRYPT_REQ: everything.
    On,
    /// ENCRYPT_NOT_SUP: nothing.
    NotSupported,
}

/// What a client asks before it logs in.
#[derive(Debug)]
pub(crate) struct PreLogin {
    pub(crate) encryption: Encryption,
    federated_authentication: bool,
}

impl PreLogin {
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut decoded = Self {
            encryption: Encryption::NotSupported,
            federated_authentication: false,
        };
        let mut options = Reader::new(payload);
        loop {
            let option = options.u8()?;
            if option == TERMINATOR {
                return Ok(decoded);
            }
            let offset = usize::from(options.u16_be()?);
            let length = usize::from(options.u16_be()?);
            let data = payload
                .get(offset..)
                .and_then(|data| data.get(..length))
                .ok_or(ProtocolError::Truncated)?;
            match (option, data.first()) {
                (ENCRYPTION, Some(value)) => {
                    // The higher bits speak of client certificates.
                    decoded.encryption = match value & 0x0F {
                        ENCRYPT_OFF => Encryption::LogInOnly,
                        ENCRYPT_NOT_SUPPORTED => Encryption::NotSupported,
                        _ => Encryption::On,
                    };
                }
                (FEDERATED_AUTHENTICATION, Some(_)) => decoded.federated_authentication = true,
                _ => {}
            }
        }
    }

    /// The server's answer; `encryption` is what will be done, `version` is
    /// major, minor and build.
    pub(crate) fn reply(&self, encryption: Encryption, version: (u8, u8, u16)) -> Vec<u8> {
        let (major, minor, build) = version;
        let [build_high, build_low] = build.to_be_bytes();
        let encryption = match encryption {
            Encryption::LogInOnly => ENCRYPT_OFF,
            Encryption::On => ENCRYPT_ON,
            Encryption::NotSupported => ENCRYPT_NOT_SUPPORTED,
        };
        let mut options: Vec<(u8, &[u8])> = Vec::with_capacity(6);
        let version = [major, minor, build_high, build_low, 0, 0];
        let encryption = [encryption];
        options.push((VERSION, &version));
        options.push((ENCRYPTION, &encryption));
        options.push((INSTANCE, &[0]));
        options.push((THREAD, &[]));
        options.push((MARS, &[0]));
        if self.federated_authentication {
            options.push((FEDERATED_AUTHENTICATION, &[0]));
        }
        let mut offset = options.len() * 5 + 1;
        let mut reply = Vec::new();
        for (option, data) in &options {
            reply.push(*option);
            for field in [offset, data.len()] {
                reply.extend(u16::try_from(field).unwrap_or_default().to_be_bytes());
            }
            offset += data.len();
        }
        reply.push(TERMINATOR);
        for (_, data) in options {
            reply.extend_from_slice(data);
        }
        reply
    }
}

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const THREAD: u8 = 3;
const MARS: u8 = 4;
const FEDERATED_AUTHENTICATION: u8 = 6;
const TERMINATOR: u8 = 0xFF;
const ENCRYPT_OFF: u8 = 0;
const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUPPORTED: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_reads_back_as_what_it_says() {
        let asked = PreLogin {
            encryption: Encryption::On,
            federated_authentication: true,
        };
        for encryption in [
            Encryption::LogInOnly,
            Encryption::On,
            Encryption::NotSupported,
        ] {
            let read = PreLogin::decode(&asked.reply(encryption, (16, 0, 1_000))).unwrap();
            assert_eq!(read.encryption, encryption);
            assert!(read.federated_authentication);
        }
    }

    #[test]
    fn offsets_outside_the_message_are_an_error() {
        assert!(PreLogin::decode(&[1, 255, 255, 255, 255, 0xFF]).is_err());
        assert!(PreLogin::decode(&[1, 0, 6, 0, 1, 0xFF]).is_err());
        assert!(PreLogin::decode(&[]).is_err());
        assert!(PreLogin::decode(&[1, 0]).is_err());
    }
}
