//! The host's key for sealed values: made once, kept in a file, shared by the
//! nodes that serve one address.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// 256 bits, never printed.
#[derive(Clone, Copy)]
pub struct HostKey([u8; 32]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the key file {} cannot be used: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a key file: it must hold 32 bytes in base64; remove it to have a new key made", .0.display())]
    NotAKey(PathBuf),
    /// The machine's random generator fails.
    #[error("the machine's random generator does not work")]
    Random,
}

impl HostKey {
    /// A key that ends with the process.
    pub fn random() -> Result<Self, KeyError> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| KeyError::Random)?;
        Ok(Self(key))
    }

    /// Reads the key from `path`, or makes one there that only this user may
    /// read. Two processes that start at once end up with the same key.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        match fs::read_to_string(path) {
            Ok(text) => Self::decode(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::random()?;
                match key.create(path) {
                    Ok(()) => Ok(key),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Self::decode(&fs::read_to_string(path).map_err(failed)?, path)
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn decode(text: &str, path: &Path) -> Result<Self, KeyError> {
        STANDARD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// Writes beside the file and links it into place, so that no reader ever
    /// sees half a key.
    fn create(self, path: &Path) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", STANDARD.encode(self.0))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("key");
        let made = HostKey::load_or_create(&path).unwrap();
        let read = HostKey::load_or_create(&path).unwrap();
        assert_eq!(made.bytes(), read.bytes());
        assert_ne!(made.bytes(), HostKey::random().unwrap().bytes());
        assert_eq!(format!("{made:?}"), "HostKey(..)");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        HostKey::load_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_with_something_else_is_refused_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(
            HostKey::load_or_create(&path),
            Err(KeyError::NotAKey(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
    }
}
