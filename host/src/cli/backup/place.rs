//! Files that appear together or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

/// A file, written beside where it is to be.
pub(super) struct Staged {
    file: NamedTempFile,
    target: PathBuf,
}

/// Files that took their places, and what was there before; undone when dropped.
#[derive(Default)]
pub(super) struct Placed {
    files: Vec<(PathBuf, Option<TempPath>)>,
}

/// Writes it for this user alone, or for all to read.
pub(super) fn stage(target: &Path, bytes: &[u8], secret: bool) -> io::Result<Staged> {
    let named = |error: io::Error| {
        let sentence = format!("{} cannot be written: {error}", target.display());
        io::Error::new(error.kind(), sentence)
    };
    let folder = folder_of(target);
    fs::create_dir_all(folder).map_err(named)?;
    let mut file = NamedTempFile::new_in(folder).map_err(named)?;
    let written = file.write_all(bytes).and_then(|()| {
        if !secret {
            readable(file.path())?;
        }
        file.as_file().sync_all()
    });
    written.map_err(named)?;
    Ok(Staged {
        file,
        target: target.to_owned(),
    })
}

#[cfg(unix)]
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Puts all of them in their places. On an error none is.
pub(super) fn place(staged: Vec<Staged>) -> io::Result<Placed> {
    let mut placed = Placed::default();
    for Staged { file, target } in staged {
        let before = if target.exists() {
            let aside = NamedTempFile::new_in(folder_of(&target))?.into_temp_path();
            fs::rename(&target, &aside)?;
            Some(aside)
        } else {
            None
        };
        placed.files.push((target.clone(), before));
        file.persist(&target).map_err(|error| error.error)?;
    }
    Ok(placed)
}

impl Placed {
    /// What was there before goes for good.
    pub(super) fn keep(mut self) {
        self.files.clear();
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        for (target, before) in self.files.drain(..).rev() {
            let undone = match before {
                Some(before) => before.persist(&target).map_err(|error| error.error),
                None => fs::remove_file(&target),
            };
            match undone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::error!(%error, "{} could not be put back", target.display());
                }
                _ => {}
            }
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_comes_back_unless_the_new_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "before").unwrap();
        let both = || {
            let new = stage(&path("deep/new"), b"new", true).unwrap();
            vec![stage(&path("old"), b"after", false).unwrap(), new]
        };
        let placed = place(both()).unwrap();
        assert_eq!(fs::read(path("old")).unwrap(), b"after");
        drop(placed);
        assert_eq!(fs::read(path("old")).unwrap(), b"before");
        assert!(!path("deep/new").exists());
        place(both()).unwrap().keep();
        assert_eq!(fs::read(path("old")).unwrap(), b"after");
        assert_eq!(fs::read(path("deep/new")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn one_that_has_no_place_takes_the_others_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "before").unwrap();
        let first = stage(&path("old"), b"after", false).unwrap();
        let second = stage(&path("gone/new"), b"new", false).unwrap();
        fs::remove_dir_all(path("gone")).unwrap();
        assert!(place(vec![first, second]).is_err());
        assert_eq!(fs::read(path("old")).unwrap(), b"before");
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        for (secret, mode) in [(true, 0o600), (false, 0o644)] {
            let path = folder.path().join(format!("{secret}"));
            place(vec![stage(&path, b"x", secret).unwrap()])
                .unwrap()
                .keep();
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                mode
            );
        }
    }
}
