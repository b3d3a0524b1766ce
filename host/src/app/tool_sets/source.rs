//! Where components come from: a folder of `.wasm` files, or the process itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
                .flatten()
                .map(|entry| entry.path())
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
