//! The target's standard library: looked for, and added when it is missing.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use crate::{BuildError, TARGET};

/// Makes sure that `rustc` can build for [`TARGET`].
pub(crate) fn ensure(rustc: &OsStr) -> Result<(), BuildError> {
    if installed(rustc)? {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .output()
        .map_err(|source| BuildError::NoTarget(format!("rustup: {source}")))?;
    if installed(rustc)? {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&added.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(BuildError::NoTarget(
        last.unwrap_or("rustup added it to another toolchain")
            .trim()
            .to_owned(),
    ))
}

/// rustc names the folder whether or not anything was installed there.
fn installed(rustc: &OsStr) -> Result<bool, BuildError> {
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|source| BuildError::Run {
            program: PathBuf::from(rustc),
            source,
        })?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && PathBuf::from(folder.trim()).is_dir())
}
