//! Where components come from: a folder of `.wasm` files, or the process itself.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::app::BuildError;

/// Where components come from.
#[derive(Debug, Clone)]
pub enum ToolSetFiles {
    /// Tool set `x` is `x.wasm` in this folder.
    Folder(PathBuf),
    /// Names and components that are part of the program.
    Bundled(Vec<(&'static str, &'static [u8])>),
}

impl ToolSetFiles {
    /// The file of a tool set, where it is one.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(format!("{name}.wasm"))),
            Self::Bundled(_) => None,
        }
    }

    /// The folder that new files may come to.
    pub(super) fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Bundled(_) => None,
        }
    }

    /// The whole file, read once: what is hashed is what is compiled. Of one that is
    /// larger than `limit` bytes as much as shows that.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Arc<[u8]>, BuildError> {
        match self {
            Self::Folder(_) => {
                let path = self.path(name).unwrap_or_default();
                match read(&path, limit) {
                    Ok(bytes) => Ok(bytes.into()),
                    Err(source) => Err(BuildError::ToolSetFile { path, source }),
                }
            }
            Self::Bundled(components) => components
                .iter()
                .find(|(bundled, _)| *bundled == name)
                .map(|(_, wasm)| (*wasm).into())
                .ok_or_else(|| BuildError::Missing(name.to_owned())),
        }
    }

    /// Names of all tool sets that there are.
    pub(super) fn names(&self) -> io::Result<BTreeSet<String>> {
        match self {
            Self::Folder(folder) => Ok(std::fs::read_dir(folder)?
                // A list that breaks off is none.
                .collect::<io::Result<Vec<_>>>()?
                .iter()
                .map(DirEntry::path)
                .filter(|path| path.extension().is_some_and(|found| found == "wasm"))
                .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
                // Editors and copying programs write beside the file first.
                .filter(|name| !name.starts_with('.') && !name.contains('.'))
                .collect()),
            Self::Bundled(components) => {
                let names = components.iter().map(|(name, _)| (*name).to_owned());
                Ok(names.collect())
            }
        }
    }
}

/// Names of all tool sets that there are. They outlast a folder that cannot be read for a
/// moment: else all that nobody names would be gone until it changes.
#[derive(Debug, Default)]
pub(super) struct Listing(Mutex<Listed>);

#[derive(Debug, Default)]
struct Listed {
    names: BTreeSet<String>,
    /// Whether they are older than the last look.
    failed: bool,
}

impl Listing {
    /// Those of this moment.
    pub(super) fn look(&self, files: &ToolSetFiles) -> Result<BTreeSet<String>, BuildError> {
        // Held while it is read: nothing older comes after this.
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match files.names() {
            Ok(names) => {
                listed.names.clone_from(&names);
                listed.failed = false;
                Ok(names)
            }
            Err(source) => {
                let path = files.folder().cloned().unwrap_or_default();
                if !std::mem::replace(&mut listed.failed, true) {
                    tracing::warn!(
                        path = %path.display(),
                        error = %source,
                        "the folder of tool sets cannot be read: what served goes on"
                    );
                }
                Err(BuildError::ToolSetFile { path, source })
            }
        }
    }

    /// The same, or those that there were when the folder could be read last.
    pub(super) fn names(&self, files: &ToolSetFiles) -> BTreeSet<String> {
        self.look(files).unwrap_or_else(|_| {
            let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            listed.names.clone()
        })
    }

    /// Whether the last look failed.
    pub(super) fn has_failed(&self) -> bool {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.failed
    }
}

fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    // A pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outlast_a_folder_that_cannot_be_read() {
        let root = tempfile::tempdir().unwrap();
        let (folder, aside) = (root.path().join("sets"), root.path().join("aside"));
        let files = ToolSetFiles::Folder(folder.clone());
        let listing = Listing::default();
        let names = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(|&name| name.to_owned()).collect()
        };
        assert!(listing.look(&files).is_err() && listing.has_failed());
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("a.wasm"), "").unwrap();
        assert_eq!(listing.names(&files), names(&["a"]));
        std::fs::rename(&folder, &aside).unwrap();
        let error = listing.look(&files).unwrap_err().to_string();
        assert!(error.contains("sets cannot be read"), "{error}");
        assert_eq!(listing.names(&files), names(&["a"]));
        assert!(listing.has_failed());
        std::fs::rename(&aside, &folder).unwrap();
        std::fs::write(folder.join("b.wasm"), "").unwrap();
        assert_eq!(listing.names(&files), names(&["a", "b"]));
        assert!(!listing.has_failed());
    }
}
