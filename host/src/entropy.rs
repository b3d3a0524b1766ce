//! Where randomness comes from: a parameter everywhere, so that tests decide.

use std::fmt;
use std::sync::Arc;

/// Fills buffers with random bytes. Cheap to clone.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) -> Result<(), EntropyError> + Send + Sync;

/// The machine's random generator fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the machine's random generator does not work")]
pub struct EntropyError;

impl Entropy {
    /// The machine's generator, fit for keys.
    pub fn system() -> Self {
        Self::new(|buffer| aws_lc_rs::rand::fill(buffer).map_err(|_| EntropyError))
    }

    /// A generator of the caller's own.
    pub fn new(
        fill: impl Fn(&mut [u8]) -> Result<(), EntropyError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(fill))
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// The generator fails.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_other_bytes_each_time() {
        let entropy = Entropy::system();
        assert_ne!(entropy.bytes::<16>(), entropy.bytes::<16>());
    }

    #[test]
    fn a_generator_that_fails_is_an_error_not_zeros() {
        let broken = Entropy::new(|_| Err(EntropyError));
        assert_eq!(broken.bytes::<16>(), Err(EntropyError));
    }
}
