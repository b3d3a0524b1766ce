//! Secrets that are handed out: tokens, codes, client secrets, links. Only
//! their hashes are kept.
//!
//! A secret is `prefix` + base64url(32 random bytes + 12 bytes of HMAC-SHA-256
//! under the host's key). The prefix makes leaks greppable; the code refuses
//! what this host never made before anything is looked up.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::HostKey;
use crate::entropy::{Entropy, EntropyError};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// An access token (RFC 6749 §1.4).
    AccessToken,
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken,
    /// An authorization code (RFC 6749 §1.3.1).
    AuthorizationCode,
    /// A client's secret (RFC 6749 §2.3.1).
    ClientSecret,
    /// The cookie of a browser in which a person has signed in.
    SignIn,
    /// The cookie of a browser, signed in or not, which its forms are bound to.
    Browser,
    /// The one-time link that lets a person set a password.
    Invitation,
    /// `state` of a sign-in at an OpenID Connect provider.
    FederationState,
}

impl SecretKind {
    /// What every secret of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "mcp_at_",
            Self::RefreshToken => "mcp_rt_",
            Self::AuthorizationCode => "mcp_ac_",
            Self::ClientSecret => "mcp_cs_",
            Self::SignIn => "mcp_si_",
            Self::Browser => "mcp_br_",
            Self::Invitation => "mcp_in_",
            Self::FederationState => "mcp_fs_",
        }
    }
}

/// A secret on its way to whom it is for, with the hash that is kept.
#[derive(Debug)]
pub struct IssuedSecret {
    /// The secret itself.
    pub secret: SecretString,
    /// What the store knows it by.
    pub hash: SecretHash,
}

/// SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of any text.
    pub fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        for (to, from) in hash
            .iter_mut()
            .zip(digest(&SHA256, text.as_bytes()).as_ref())
        {
            *to = *from;
        }
        Self(hash)
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({self})")
    }
}

impl Serialize for SecretHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that no [`SecretHash`] is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 hash in base64url")]
pub struct HashError;

impl FromStr for SecretHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| HashError)?;
        Ok(Self(bytes.try_into().map_err(|_| HashError)?))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why something could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The cipher refuses.
    #[error("the cipher does not work")]
    Cipher,
}

/// Makes secrets and recognises them.
#[derive(Clone)]
pub struct Secrets {
    key: hmac::Key,
    entropy: Entropy,
}

impl Secrets {
    /// Under the host's key: nodes that share it recognise each other's secrets.
    pub fn new(key: &HostKey, entropy: Entropy) -> Self {
        let derived = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, key.bytes()),
            b"mssql-mcp secrets",
        );
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
            entropy,
        }
    }

    /// A new secret.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn issue(&self, kind: SecretKind) -> Result<IssuedSecret, EntropyError> {
        Ok(self.finish(kind, &self.entropy.bytes::<SEED_BYTES>()?))
    }

    /// The secret that follows `secret`: the same one each time, so that a
    /// repeated request gets the same answer though only hashes are kept.
    pub fn successor(&self, kind: SecretKind, secret: &str) -> IssuedSecret {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"successor:");
        context.update(secret.as_bytes());
        self.finish(kind, context.sign().as_ref())
    }

    /// The hash of a secret of this kind that this host made; `None` for all
    /// else, told apart without a look-up.
    pub fn recognise(&self, kind: SecretKind, text: &str) -> Option<SecretHash> {
        let encoded = text.strip_prefix(kind.prefix())?;
        if encoded.len() != ENCODED_CHARACTERS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (seed, code) = bytes.split_at_checked(SEED_BYTES)?;
        let expected = self.code(kind, seed);
        aws_lc_rs::constant_time::verify_slices_are_equal(
            expected.as_ref().get(..CODE_BYTES)?,
            code,
        )
        .ok()?;
        Some(SecretHash::of(text))
    }

    /// A code over `parts` that only this host's nodes can make: what forms
    /// carry against cross-site requests. `purpose` keeps uses apart.
    pub fn seal(&self, purpose: &str, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"seal:");
        for part in [purpose].iter().chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(context.sign().as_ref())
    }

    /// Whether `seal` is that of `parts`, in constant time.
    pub fn is_sealed(&self, purpose: &str, parts: &[&str], seal: &str) -> bool {
        let expected = self.seal(purpose, parts);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), seal.as_bytes())
            .is_ok()
    }

    /// Encrypts `plain`, bound to `parts`: text for a client to keep, which only
    /// [`Self::disclose`] with the same parts reads. AES-256-GCM-SIV (RFC 8452), whose
    /// random nonces may repeat without harm.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn enclose(
        &self,
        purpose: &str,
        parts: &[&str],
        mut plain: Vec<u8>,
    ) -> Result<String, SealError> {
        let nonce = self.entropy.bytes::<NONCE_LEN>()?;
        let bound = self.seal(purpose, parts);
        self.cipher(purpose)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound.as_bytes()),
                &mut plain,
            )
            .map_err(|_| SealError::Cipher)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &plain].concat()))
    }

    /// What [`Self::enclose`] was given; `None` for anything else.
    pub fn disclose(&self, purpose: &str, parts: &[&str], text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let bound = self.seal(purpose, parts);
        let plain = self.cipher(purpose).ok()?.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(bound.as_bytes()),
            sealed,
        );
        plain.ok().map(|plain| plain.to_vec())
    }

    fn cipher(&self, purpose: &str) -> Result<LessSafeKey, SealError> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"enclose:");
        context.update(purpose.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM_SIV, context.sign().as_ref());
        key.map(LessSafeKey::new).map_err(|_| SealError::Cipher)
    }

    /// Where this host's randomness comes from.
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    fn finish(&self, kind: SecretKind, seed: &[u8]) -> IssuedSecret {
        let mut bytes = seed.to_vec();
        bytes.extend(self.code(kind, seed).as_ref().iter().take(CODE_BYTES));
        let mut text = kind.prefix().to_owned();
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        let hash = SecretHash::of(&text);
        IssuedSecret {
            secret: SecretString::from(text),
            hash,
        }
    }

    fn code(&self, kind: SecretKind, seed: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.prefix().as_bytes());
        context.update(seed);
        context.sign()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl IssuedSecret {
    /// The text, for the one reply that carries it.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

const SEED_BYTES: usize = 32;
/// A forger has one chance in 2^96 for each try.
const CODE_BYTES: usize = 12;
/// 44 bytes in base64 without padding.
const ENCODED_CHARACTERS: usize = 59;

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(&HostKey::random().unwrap(), Entropy::system())
    }

    #[test]
    fn a_secret_is_recognised_as_what_it_is_and_as_nothing_else() {
        let secrets = secrets();
        let token = secrets.issue(SecretKind::AccessToken).unwrap();
        let text = token.expose();
        assert_eq!(
            secrets.recognise(SecretKind::AccessToken, text),
            Some(token.hash)
        );
        assert_eq!(secrets.recognise(SecretKind::RefreshToken, text), None);
        let renamed = text.replace("mcp_at_", "mcp_rt_");
        assert_eq!(secrets.recognise(SecretKind::RefreshToken, &renamed), None);
        let other = super::tests::secrets();
        assert_eq!(other.recognise(SecretKind::AccessToken, text), None);
    }

    #[test]
    fn garbage_is_refused() {
        let secrets = secrets();
        let text = secrets.issue(SecretKind::AccessToken).unwrap();
        let text = text.expose();
        for position in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[position] = if changed[position] == b'A' {
                b'B'
            } else {
                b'A'
            };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(secrets.recognise(SecretKind::AccessToken, &changed), None);
        }
        for text in [
            "",
            "mcp_at_",
            "mcp_at_=",
            &format!("{text}A"),
            &"x".repeat(9_999),
        ] {
            assert_eq!(secrets.recognise(SecretKind::AccessToken, text), None);
        }
    }

    #[test]
    fn the_successor_is_always_the_same_and_unlike_its_predecessor() {
        let secrets = secrets();
        let first = secrets.issue(SecretKind::RefreshToken).unwrap();
        let next = || secrets.successor(SecretKind::RefreshToken, first.expose());
        assert_eq!(next().hash, next().hash);
        assert_ne!(next().hash, first.hash);
        assert!(
            secrets
                .recognise(SecretKind::RefreshToken, next().expose())
                .is_some()
        );
    }

    #[test]
    fn a_seal_holds_its_parts_in_their_places() {
        let secrets = secrets();
        let seal = secrets.seal("form", &["ab", "c"]);
        assert!(secrets.is_sealed("form", &["ab", "c"], &seal));
        assert!(!secrets.is_sealed("form", &["a", "bc"], &seal));
        assert!(!secrets.is_sealed("other", &["ab", "c"], &seal));
        assert!(!secrets.is_sealed("form", &["ab", "c"], ""));
    }

    #[test]
    fn what_is_enclosed_is_read_with_the_same_parts_alone() {
        let secrets = secrets();
        let text = secrets
            .enclose("p", &["a", "b"], b"plain".to_vec())
            .unwrap();
        assert_eq!(secrets.disclose("p", &["a", "b"], &text).unwrap(), b"plain");
        let again = secrets
            .enclose("p", &["a", "b"], b"plain".to_vec())
            .unwrap();
        assert_ne!(text, again);
        for (purpose, parts) in [("q", ["a", "b"]), ("p", ["ab", ""]), ("p", ["a", "c"])] {
            assert_eq!(secrets.disclose(purpose, &parts, &text), None);
        }
        let other = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        assert_eq!(other.disclose("p", &["a", "b"], &text), None);
        for garbage in ["", "!", "AAAA", &text[1..]] {
            assert_eq!(secrets.disclose("p", &["a", "b"], garbage), None);
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let issued = secrets().issue(SecretKind::AccessToken).unwrap();
        assert!(!format!("{issued:?}").contains(issued.expose()));
    }

    #[test]
    fn a_hash_reads_back_as_it_was_written() {
        let hash = SecretHash::of("x");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<SecretHash>(&text).unwrap(), hash);
        assert!(serde_json::from_str::<SecretHash>("\"x\"").is_err());
    }
}
