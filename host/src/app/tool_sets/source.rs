//! Where components come from: a folder of `.wasm` files, or the process itself.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
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

    /// The whole file, read once: what is hashed is what is compiled.
    pub(super) fn read(&self, name: &str) -> Result<Arc<[u8]>, BuildError> {
        match self {
            Self::Folder(_) => {
                let path = self.path(name).unwrap_or_default();
                match std::fs::read(&path) {
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
