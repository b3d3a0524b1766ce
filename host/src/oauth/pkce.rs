//! Proof Key for Code Exchange (RFC 7636), S256 alone.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Whether `text` can be the `code_challenge` of an S256 request: 256 bits in
/// base64url (RFC 7636 §4.2).
pub(crate) fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|hash| hash.len() == SHA256.output_len())
}

/// Whether `text` can be a `code_verifier` (RFC 7636 §4.1).
pub(crate) fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// Whether `challenge` was made of `verifier` (RFC 7636 §4.6).
pub(crate) fn proves(verifier: &str, challenge: &str) -> bool {
    let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    is_verifier(verifier) && verify_slices_are_equal(made.as_bytes(), challenge.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_specification_proves() {
        assert!(proves(VERIFIER, CHALLENGE));
        assert!(is_verifier(VERIFIER));
        assert!(is_challenge(CHALLENGE));
    }

    #[test]
    fn nothing_else_proves() {
        let other = VERIFIER.replace('d', "e");
        let padded = format!("{CHALLENGE}=");
        for (verifier, challenge) in [
            (other.as_str(), CHALLENGE),
            ("", CHALLENGE),
            (VERIFIER, ""),
            (VERIFIER, padded.as_str()),
            // What `plain` would be.
            (VERIFIER, VERIFIER),
            (CHALLENGE, CHALLENGE),
        ] {
            assert!(!proves(verifier, challenge), "{verifier} {challenge}");
        }
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (text, good) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~.-_".repeat(32), true),
            ("a".repeat(129), false),
            (format!("{} ", "a".repeat(43)), false),
            (format!("{}+", "a".repeat(43)), false),
            (format!("{}é", "a".repeat(43)), false),
        ] {
            assert_eq!(is_verifier(&text), good, "{text}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash_in_base64url() {
        for text in ["", "abc", VERIFIER.get(1..).unwrap(), &"+".repeat(43)] {
            assert!(!is_challenge(text), "{text}");
        }
    }
}
