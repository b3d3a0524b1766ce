//! Where components come from: a folder of `.wasm` files, or the process
//! itself. Each is read and compiled once, however many scopes use it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use super::BuildError;
use crate::config::Config;
use crate::runtime::{Component, Runtime};

/// Where components come from.
#[derive(Debug, Clone)]
pub enum ToolSetFiles {
    /// Tool set `x` is `x.wasm` in this folder.
    Folder(PathBuf),
    /// Names and components that are part of the program.
    Bundled(Vec<(&'static str, &'static [u8])>),
}

impl ToolSetFiles {
    fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, BuildError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name).with_extension("wasm");
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(bytes.into()),
                    Err(source) => Err(BuildError::ToolSetFile { path, source }),
                }
            }
            Self::Bundled(components) => components
                .iter()
                .find(|(bundled, _)| *bundled == name)
                .map(|(_, wasm)| Cow::Borrowed(*wasm))
                .ok_or_else(|| BuildError::Missing(name.to_owned())),
        }
    }
}

/// Compiles every component that a scope names.
pub(super) async fn compile(
    runtime: &Runtime,
    files: &ToolSetFiles,
    config: &Config,
) -> Result<HashMap<String, Component>, BuildError> {
    let names: BTreeSet<&String> = config
        .scopes
        .values()
        .flat_map(|scope| &scope.tool_sets)
        .collect();
    let mut components = HashMap::new();
    for name in names {
        let (runtime, files, tool_set) = (runtime.clone(), files.clone(), name.clone());
        let compiled = tokio::task::spawn_blocking(move || {
            let wasm = files.read(&tool_set)?;
            Component::compile(&runtime, &wasm)
                .map_err(|source| BuildError::Compile { tool_set, source })
        });
        let component = compiled
            .await
            .map_err(|_| BuildError::Lost(name.clone()))??;
        components.insert(name.clone(), component);
    }
    Ok(components)
}
