//! The lock: what the operator accepted of each tool set. A version that describes
//! itself otherwise, or wants more, waits until it is accepted: nothing new reaches
//! a model in silence. That holds for one and the same file too: describing itself it
//! has a clock, and may say something else from some day on.

mod version;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::handover::hand_over;
use crate::runtime::sha256;
use version::unasked;
pub use version::{Version, changes};
pub(in crate::app) use version::{describe, given_to};

/// The lock file, and copies of the components that it names.
#[derive(Debug, Clone)]
pub struct Lock {
    path: PathBuf,
    copies: PathBuf,
    /// Whether what it decides is written down.
    writes: bool,
}

/// The lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read or written.
    #[error("the lock {} cannot be used: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "{} is no lock of tool sets: {source}; move it away, and the versions in the folder are \
         accepted as they are",
        path.display()
    )]
    NotALock {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// What is known of one tool set. Locks of older programs have less of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Locked {
    /// The version that served last, of which there is a copy.
    accepted: Version,
    /// The one that may take its place; it has not served yet, and perhaps it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parked: Option<Version>,
}

/// What is to become of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may serve.
    Accepted,
    /// It waits; what is new in it, a line each.
    Parked(Vec<String>),
}

/// A version that waits, for whoever decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedVersion {
    /// SHA-256 of the file.
    pub digest: String,
    /// SHA-256 of the version that serves.
    pub accepted: String,
    /// What is new in it, a line each.
    pub changes: Vec<String>,
}

impl Locked {
    fn of(accepted: Version) -> Self {
        Self {
            accepted,
            allowed: None,
            parked: None,
        }
    }

    /// The same after `new` came, and whether that may serve.
    fn judged(mut self, new: Version) -> (Self, Verdict) {
        let news = unasked(&self.accepted, &new);
        let allowed = self.allowed.take_if(|allowed| {
            let needed = allowed.digest == new.digest || !news.is_empty();
            needed && unasked(allowed, &new).is_empty()
        });
        let before = match allowed {
            Some(allowed) => allowed,
            None if news.is_empty() => self.accepted,
            None => {
                // One that says something else each time is written down once: the lock is
                // watched, and a change of it has this version asked again.
                let known = self
                    .parked
                    .take_if(|parked| parked.digest == new.digest && parked.imports == new.imports);
                let parked = Some(known.unwrap_or(new));
                return (Self { parked, ..self }, Verdict::Parked(news));
            }
        };
        let served = Self {
            accepted: new.with_scopes_of(&before),
            allowed: self.allowed,
            parked: None,
        };
        (served, Verdict::Accepted)
    }
}

impl Lock {
    /// The lock in the file `path`; copies of accepted components go to the folder
    /// `copies`.
    pub fn new(path: PathBuf, copies: PathBuf) -> Self {
        Self {
            path,
            copies,
            writes: true,
        }
    }

    /// The same for who only wants to know: what would be decided is said, and nothing is
    /// written down. The first version is accepted again the next time, and what was
    /// accepted stays so for the server.
    #[must_use]
    pub(in crate::app) fn read_only(self) -> Self {
        Self {
            writes: false,
            ..self
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of accepted components.
    pub fn copies(&self) -> &Path {
        &self.copies
    }

    /// Decides about a version of the tool set `name`, and writes it down. The first
    /// one is accepted, and so is one that changes nothing that a model reads.
    pub(in crate::app) fn judge(&self, name: &str, new: Version) -> Result<Verdict, LockError> {
        self.decide(name, new, false)
    }

    /// The same of the version that serves, beside which another may wait.
    pub(in crate::app) fn judge_again(
        &self,
        name: &str,
        serving: Version,
    ) -> Result<Verdict, LockError> {
        self.decide(name, serving, true)
    }

    fn decide(&self, name: &str, new: Version, may_wait: bool) -> Result<Verdict, LockError> {
        if !self.writes {
            let changes = self.compare(name, &new)?;
            return Ok(match changes.is_empty() {
                true => Verdict::Accepted,
                false => Verdict::Parked(changes),
            });
        }
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let before = all.remove(name);
        let (mut after, verdict) = match before.clone() {
            None => (Locked::of(new), Verdict::Accepted),
            Some(known) => known.judged(new),
        };
        if may_wait && verdict == Verdict::Accepted {
            after.parked = before.as_ref().and_then(|before| before.parked.clone());
        }
        if before.as_ref() != Some(&after) {
            all.insert(name.to_owned(), after);
            self.write(&all)?;
        }
        Ok(verdict)
    }

    /// What is new in a version against what may serve, without writing anything
    /// down.
    pub fn compare(&self, name: &str, new: &Version) -> Result<Vec<String>, LockError> {
        let known = self.read()?.remove(name);
        let judged = known.map(|known| known.judged(new.clone()).1);
        Ok(match judged {
            Some(Verdict::Parked(changes)) => changes,
            Some(Verdict::Accepted) | None => Vec::new(),
        })
    }

    /// The version of `name` that waits.
    pub fn parked(&self, name: &str) -> Result<Option<ParkedVersion>, LockError> {
        let mut all = self.read()?;
        let waiting = all.remove(name).and_then(|locked| {
            let parked = locked.parked?;
            Some(ParkedVersion {
                changes: unasked(&locked.accepted, &parked),
                accepted: locked.accepted.digest,
                digest: parked.digest,
            })
        });
        Ok(waiting)
    }

    /// Names of the tool sets of which a version waits.
    pub fn waiting(&self) -> Result<Vec<String>, LockError> {
        let all = self.read()?.into_iter();
        let waiting = all.filter(|(_, locked)| locked.parked.is_some());
        Ok(waiting.map(|(name, _)| name).collect())
    }

    /// Accepts the version of `name` that waits, if it has that digest; whether it
    /// had. The one before, and its copy, stay good until this one has served: it may
    /// still fail where it is to serve.
    pub fn accept(&self, name: &str, digest: &str) -> Result<bool, LockError> {
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let Some(locked) = all.get_mut(name) else {
            return Ok(false);
        };
        match locked.parked.take() {
            Some(parked) if parked.digest == digest => {
                locked.allowed = Some(parked.with_scopes_of(&locked.accepted));
                self.write(&all)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Nothing of `name` waits any more: the accepted version is back.
    pub(in crate::app) fn withdraw(&self, name: &str) -> Result<(), LockError> {
        if !self.writes {
            return Ok(());
        }
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let parked = all.get_mut(name).and_then(|locked| locked.parked.take());
        parked.map_or(Ok(()), |_| self.write(&all))
    }

    /// Writes a copy of a component beside the one of before, to take its place once the
    /// component is accepted: that is a matter of renaming it.
    pub(in crate::app) fn stage(&self, name: &str, wasm: &[u8]) -> Staged {
        let path = self.copy(name);
        if !self.writes || fs::read(&path).is_ok_and(|kept| kept == wasm) {
            return Staged(None);
        }
        let staged = beside(&path, wasm).map_err(|error| no_copy(&path, &error));
        Staged(staged.ok().map(|file| (file, path)))
    }

    /// The copy of the component of `name` that served last, if it is still that.
    pub(in crate::app) fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let accepted = self.read().ok()?.remove(name)?.accepted.digest;
        let copy = fs::read(self.copy(name)).ok()?;
        (sha256(&copy) == accepted).then_some(copy)
    }

    fn copy(&self, name: &str) -> PathBuf {
        self.copies.join(format!("{name}.wasm"))
    }

    fn read(&self) -> Result<BTreeMap<String, Locked>, LockError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(source) => return Err(self.failed(source)),
        };
        serde_json::from_str(&text).map_err(|source| LockError::NotALock {
            path: self.path.clone(),
            source,
        })
    }

    fn write(&self, all: &BTreeMap<String, Locked>) -> Result<(), LockError> {
        let mut text = serde_json::to_string_pretty(all).map_err(|source| LockError::NotALock {
            path: self.path.clone(),
            source,
        })?;
        text.push('\n');
        replace(&self.path, text.as_bytes()).map_err(|source| self.failed(source))
    }

    /// Holds other writers off, of other processes too, until it is dropped: what was
    /// read must still be so when it is written. The folder is what is locked, since
    /// each writing puts another file in place of the lock.
    fn turn(&self) -> Result<File, LockError> {
        let folder = folder(&self.path);
        let turn = fs::create_dir_all(folder).and_then(|()| File::open(folder));
        turn.and_then(|turn| turn.lock().map(|()| turn))
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> LockError {
        LockError::File {
            path: self.path.clone(),
            source,
        }
    }
}

/// A copy that is written, if it was not there already, and is not in its place yet.
#[derive(Debug)]
pub(in crate::app) struct Staged(Option<(NamedTempFile, PathBuf)>);

impl Staged {
    /// Puts it in the place of the one before.
    pub(in crate::app) fn keep(self) {
        if let Some((file, path)) = self.0
            && let Err(error) = file.persist(&path)
        {
            no_copy(&path, &error.error);
        }
    }
}

fn no_copy(path: &Path, error: &io::Error) {
    tracing::warn!(path = %path.display(), %error, "no copy of the tool set can be kept");
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    let named = folder.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Writes beside the file and renames: a reader sees the one or the other.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let file = beside(path, content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn beside(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    // Whoever writes it, it is the server's: of whom the file before was, with its rights,
    // or else the folder.
    let before = fs::metadata(path).ok();
    hand_over(file.as_file(), if before.is_some() { path } else { folder });
    #[cfg(unix)]
    if let Some(before) = before {
        let _ = file.as_file().set_permissions(before.permissions());
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
