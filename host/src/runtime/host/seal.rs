//! `mssql-mcp:host/seal`: values that leave through a client and come back.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::runtime::bindings::mssql_mcp::host::seal::Host;
use crate::runtime::state::StoreState;

impl Host for StoreState {
    fn seal(&mut self, plain: Vec<u8>) -> wasmtime::Result<String> {
        self.call()?;
        self.scope.sealer.seal(plain)
    }

    fn open(&mut self, sealed: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.call()?;
        Ok(self.scope.sealer.open(&sealed))
    }
}

/// AES-256-GCM-SIV (RFC 8452) under the host's key, bound to one tool set of
/// one scope. The nonce is fixed: this mode then tells equal values apart from
/// unequal ones and nothing else, and equal values give equal ids.
pub(in crate::runtime) struct Sealer {
    key: LessSafeKey,
    bound_to: String,
}

impl Sealer {
    pub(in crate::runtime) fn new(
        key: &[u8; 32],
        scope: &str,
        tool_set: &str,
    ) -> wasmtime::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key)
            .map_err(|_| wasmtime::format_err!("the sealing key is refused"))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            bound_to: format!("{scope}\n{tool_set}"),
        })
    }

    fn aad(&self) -> Aad<&[u8]> {
        Aad::from(self.bound_to.as_bytes())
    }

    fn seal(&self, mut plain: Vec<u8>) -> wasmtime::Result<String> {
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(NONCE), self.aad(), &mut plain)
            .map_err(|_| wasmtime::format_err!("sealing failed"))?;
        Ok(URL_SAFE_NO_PAD.encode(plain))
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let nonce = Nonce::assume_unique_for_key(NONCE);
        let length = self
            .key
            .open_in_place(nonce, self.aad(), &mut bytes)
            .ok()?
            .len();
        bytes.truncate(length);
        Some(bytes)
    }
}

const NONCE: [u8; 12] = [0; 12];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_where_it_was_made_and_nowhere_else() {
        let sealer = Sealer::new(&[7; 32], "chatgpt", "search").unwrap();
        let sealed = sealer.seal(b"SELECT 1".to_vec()).unwrap();
        assert_eq!(sealer.open(&sealed).unwrap(), b"SELECT 1");
        assert_eq!(sealer.seal(b"SELECT 1".to_vec()).unwrap(), sealed);
        let elsewhere = Sealer::new(&[7; 32], "demo", "search").unwrap();
        assert_eq!(elsewhere.open(&sealed), None);
        let other_key = Sealer::new(&[8; 32], "chatgpt", "search").unwrap();
        assert_eq!(other_key.open(&sealed), None);
    }

    #[test]
    fn what_was_not_sealed_here_does_not_open() {
        let sealer = Sealer::new(&[7; 32], "chatgpt", "search").unwrap();
        let mut sealed = sealer.seal(b"SELECT 1".to_vec()).unwrap();
        sealed.replace_range(0..1, if sealed.starts_with('A') { "B" } else { "A" });
        for text in [sealed.as_str(), "", "!!", "AAAA"] {
            assert_eq!(sealer.open(text), None, "{text}");
        }
    }
}
