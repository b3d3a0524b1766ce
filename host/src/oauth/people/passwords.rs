//! Passwords: argon2id (RFC 9106) at the cost that OWASP asks for, in the PHC
//! string format.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::task;

use crate::entropy::{Entropy, EntropyError};

/// Hashes and verifies passwords, a few at a time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    entropy: Entropy,
    places: Arc<Semaphore>,
}

/// Why a password is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Under [`Passwords::MIN_CHARACTERS`].
    #[error(
        "the password is too short: use at least {} characters",
        Passwords::MIN_CHARACTERS
    )]
    TooShort,
    /// Over [`Passwords::MAX_CHARACTERS`].
    #[error(
        "the password is too long: use at most {} characters",
        Passwords::MAX_CHARACTERS
    )]
    TooLong,
    /// It is what everybody knows of the person.
    #[error("the password is the same as the name: choose another")]
    SameAsName,
    /// No salt can be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The hash cannot be made, mostly for want of memory.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

impl Passwords {
    /// The fewest characters of a password.
    pub const MIN_CHARACTERS: usize = 12;
    /// The most characters of a password.
    pub const MAX_CHARACTERS: usize = 1_024;

    /// With salts from `entropy`.
    pub fn new(entropy: Entropy) -> Self {
        Self {
            entropy,
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }

    /// Whether `subject` may have this password: its length (NIST SP 800-63B
    /// asks for no rules on its characters), and that it is not the name.
    ///
    /// # Errors
    /// What to change.
    pub fn check(subject: &str, password: &SecretString) -> Result<(), PasswordError> {
        let password = password.expose_secret();
        let characters = password.chars().count();
        if characters < Self::MIN_CHARACTERS {
            return Err(PasswordError::TooShort);
        }
        if characters > Self::MAX_CHARACTERS {
            return Err(PasswordError::TooLong);
        }
        if password.trim().to_lowercase() == subject.trim().to_lowercase() {
            return Err(PasswordError::SameAsName);
        }
        Ok(())
    }

    /// The PHC string to keep in place of a password that [`check`](Self::check)
    /// let pass.
    ///
    /// # Errors
    /// There is no randomness, or no memory.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        let salt: [u8; SALT_BYTES] = self.entropy.bytes()?;
        self.run(move || {
            let hash = argon2id()?
                .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
                .map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is that of the PHC string. Without one it is not, and
    /// that takes as long to find out: nobody learns which accounts exist.
    pub async fn verify(&self, password: SecretString, phc: Option<String>) -> bool {
        let answer = self.run(move || {
            let known = phc.is_some();
            let phc = phc.as_deref().unwrap_or(OF_NOBODY);
            let fits = argon2id()?.verify_password(password.expose_secret().as_bytes(), phc);
            Ok(known & fits.is_ok())
        });
        answer.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a password could not be verified");
            false
        })
    }

    /// Runs on a thread that may block, when there is a place. The place is
    /// kept until the work ends, even if nobody waits for it any more.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::error::Error| PasswordError::Hash(error.to_string());
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| failed(&error))?;
        let work = task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        work.await.map_err(|error| failed(&error))?
    }
}

fn argon2id() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// RFC 9106 §3.1 recommends 128 bits.
const SALT_BYTES: usize = 16;
/// At 19 MiB and some 20 ms each: at most 76 MiB, some 200 sign-ins a second.
const PLACES: usize = 4;
/// What a password is held against where there is none: the same cost, and a
/// hash that no password is known to have.
const OF_NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bXNzcWwtbWNwIG5vYm9keQ$\
                         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use argon2::PasswordHash;

    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(Entropy::system())
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = passwords();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(!hash.contains("correct horse"));
        let verify = |password: &str, hash: &str| {
            passwords.verify(password.to_owned().into(), Some(hash.to_owned()))
        };
        assert!(verify("correct horse", &hash).await);
        assert!(!verify("Correct horse", &hash).await);
        assert!(!verify("", &hash).await);
        assert!(!verify("correct horse", "no hash").await);
        let again = passwords.hash("correct horse".into()).await.unwrap();
        assert_ne!(hash, again);
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_that_costs_as_much() {
        assert!(!passwords().verify("".into(), None).await);
        let made = passwords().hash("correct horse".into()).await.unwrap();
        let (nobody, made) = (
            PasswordHash::new(OF_NOBODY).unwrap(),
            PasswordHash::new(&made).unwrap(),
        );
        assert_eq!(nobody.algorithm, made.algorithm);
        assert_eq!(nobody.version, made.version);
        assert_eq!(nobody.params, made.params);
        assert_eq!(nobody.hash.unwrap().len(), made.hash.unwrap().len());
        assert_eq!(nobody.salt.unwrap().len(), made.salt.unwrap().len());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place() {
        let passwords = passwords();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let mut work = Box::pin(passwords.run(move || {
            wait.recv().unwrap();
            Ok(())
        }));
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(passwords.places.available_permits(), PLACES - 1);
        release.send(()).unwrap();
        let all = u32::try_from(PLACES).unwrap();
        let _all = passwords.places.acquire_many(all).await.unwrap();
    }

    #[test]
    fn the_policy_is_length_and_not_the_name() {
        let long = "ñ".repeat(1_024);
        for (password, answer) in [
            ("eleven char", Err(PasswordError::TooShort)),
            ("twelve chars", Ok(())),
            ("ññññññññññññ", Ok(())),
            (long.as_str(), Ok(())),
            (&format!("{long}x"), Err(PasswordError::TooLong)),
            ("Ana@Example.com", Err(PasswordError::SameAsName)),
        ] {
            let password = SecretString::from(password);
            assert_eq!(Passwords::check("ana@example.com", &password), answer);
        }
    }
}
