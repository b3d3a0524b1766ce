//! The lock: what the operator accepted of each tool set. A version that describes
//! itself otherwise, or wants more, waits until it is accepted: nothing new reaches
//! a model in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::runtime::{Component, sha256};
use crate::tools::{Access, ToolProvider};

/// The lock file, and copies of the components that it names.
#[derive(Debug, Clone)]
pub struct Lock {
    path: PathBuf,
    copies: PathBuf,
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

/// What is known of one tool set.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Locked {
    accepted: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parked: Option<Version>,
}

/// One version, as far as it concerns a model or what the component may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the file.
    pub digest: String,
    /// What it may ask of the host.
    pub imports: BTreeSet<String>,
    /// What it says of itself in each scope.
    pub scopes: BTreeMap<String, Value>,
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

impl Version {
    /// `component` and what it says in the scopes that use it.
    pub(in crate::app) fn new(component: &Component, scopes: BTreeMap<String, Value>) -> Self {
        Self {
            digest: component.digest().to_owned(),
            imports: component.imports().iter().cloned().collect(),
            scopes,
        }
    }

    /// The same with what `before` said in scopes that do not have it at the moment:
    /// they may come back.
    fn with_scopes_of(mut self, before: &Self) -> Self {
        for (scope, said) in &before.scopes {
            let known = self.scopes.entry(scope.clone());
            known.or_insert_with(|| said.clone());
        }
        self
    }
}

/// What a model reads of a tool set, and what calling it takes.
pub(in crate::app) fn describe(provider: &dyn ToolProvider) -> Value {
    let manifest = provider.manifest();
    let tools = manifest.tools.iter().map(|tool| {
        let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let entry = json!({
            "title": tool.title,
            "description": tool.description,
            "access": match tool.access {
                Access::Read => "read",
                Access::Write => "write",
            },
            "arguments": schema(tool.input_schema.get()),
            "result": tool.output_schema.as_ref().map(|text| schema(text.get())),
            "annotations": tool.annotations,
            "icons": tool.icons,
            "meta": tool.meta.as_ref().map(|text| schema(text.get())),
        });
        (tool.name.clone(), entry)
    });
    let prompts = provider.prompts().iter().map(|prompt| {
        let arguments = prompt.arguments.iter().map(|argument| {
            json!([
                argument.name,
                argument.title,
                argument.description,
                argument.required
            ])
        });
        let entry = json!({
            "title": prompt.title,
            "description": prompt.description,
            "arguments": arguments.collect::<Vec<_>>(),
        });
        (prompt.name.clone().into_owned(), entry)
    });
    let templates = provider.resources().map(|resources| {
        let templates = resources.templates().into_owned().into_iter();
        let templates = templates.map(|template| {
            let entry = json!([template.name, template.title, template.description]);
            (template.uri_template.into_owned(), entry)
        });
        Value::Object(templates.collect())
    });
    json!({
        "tools": Value::Object(tools.collect()),
        "prompts": Value::Object(prompts.collect()),
        "resources": templates,
        "instructions": manifest.instructions,
    })
}

impl Lock {
    /// The lock in the file `path`; copies of accepted components go to the folder
    /// `copies`.
    pub fn new(path: PathBuf, copies: PathBuf) -> Self {
        Self { path, copies }
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
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let (locked, verdict) = match all.remove(name) {
            None => (accepted(new), Verdict::Accepted),
            Some(known) => {
                let changes = changes(&known.accepted, &new);
                if known.accepted.digest == new.digest || changes.is_empty() {
                    let new = new.with_scopes_of(&known.accepted);
                    if known.accepted == new && known.parked.is_none() {
                        return Ok(Verdict::Accepted);
                    }
                    (accepted(new), Verdict::Accepted)
                } else if known.parked.as_ref() == Some(&new) {
                    return Ok(Verdict::Parked(changes));
                } else {
                    let locked = Locked {
                        parked: Some(new),
                        ..known
                    };
                    (locked, Verdict::Parked(changes))
                }
            }
        };
        all.insert(name.to_owned(), locked);
        self.write(&all)?;
        Ok(verdict)
    }

    /// What is new in a version against the accepted one, without writing anything
    /// down.
    pub fn compare(&self, name: &str, new: &Version) -> Result<Vec<String>, LockError> {
        let known = self.read()?.remove(name);
        let known = known.filter(|known| known.accepted.digest != new.digest);
        Ok(known.map_or_else(Vec::new, |known| changes(&known.accepted, new)))
    }

    /// The version of `name` that waits.
    pub fn parked(&self, name: &str) -> Result<Option<ParkedVersion>, LockError> {
        let mut all = self.read()?;
        let waiting = all.remove(name).and_then(|locked| {
            let parked = locked.parked?;
            Some(ParkedVersion {
                changes: changes(&locked.accepted, &parked),
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
    /// had.
    pub fn accept(&self, name: &str, digest: &str) -> Result<bool, LockError> {
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let Some(locked) = all.get_mut(name) else {
            return Ok(false);
        };
        match locked.parked.take() {
            Some(parked) if parked.digest == digest => {
                *locked = accepted(parked.with_scopes_of(&locked.accepted));
                self.write(&all)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Nothing of `name` waits any more: the accepted version is back.
    pub(in crate::app) fn withdraw(&self, name: &str) -> Result<(), LockError> {
        let _turn = self.turn()?;
        let mut all = self.read()?;
        let parked = all.get_mut(name).and_then(|locked| locked.parked.take());
        parked.map_or(Ok(()), |_| self.write(&all))
    }

    /// Keeps a copy of an accepted component, in place of the one before.
    pub(in crate::app) fn keep(&self, name: &str, wasm: &[u8]) {
        let path = self.copy(name);
        if fs::read(&path).is_ok_and(|kept| kept == wasm) {
            return;
        }
        let kept = fs::create_dir_all(&self.copies).and_then(|()| replace(&path, wasm));
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), %error, "no copy of the tool set can be kept");
        }
    }

    /// The copy of the accepted component of `name`, if it is still what was
    /// accepted.
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

fn accepted(version: Version) -> Locked {
    Locked {
        accepted: version,
        parked: None,
    }
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    let named = folder.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Writes beside the file and renames: a reader sees the one or the other.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// What is new in `new`, a line each. A scope that did not use the tool set before
/// is the operator's doing, not the tool set's.
pub fn changes(old: &Version, new: &Version) -> Vec<String> {
    let mut lines = Vec::new();
    for import in new.imports.difference(&old.imports) {
        lines.push(format!("it now imports {import}"));
    }
    for (scope, after) in &new.scopes {
        if let Some(before) = old.scopes.get(scope) {
            compare(&format!("{scope}:"), before, after, &mut lines);
        }
    }
    lines
}

/// Names every member that differs, down to the smallest.
fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let path = format!("{path} {name}");
                match (before.get(name), after.get(name)) {
                    (Some(before), Some(after)) => compare(&path, before, after, lines),
                    (None, Some(after)) => lines.push(format!("{path} is new: {after}")),
                    (Some(_), None) => lines.push(format!("{path} is gone")),
                    (None, None) => {}
                }
            }
        }
        (before, after) if before != after => {
            lines.push(format!("{path} was {before}, is {after}"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digest: &str, description: &str, imports: &[&str]) -> Version {
        let scope = json!({"tools": {"a": {"description": description}}});
        Version {
            digest: digest.to_owned(),
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            scopes: [("claude".to_owned(), scope)].into(),
        }
    }

    fn lock(folder: &Path) -> Lock {
        Lock::new(folder.join("tool-sets.lock"), folder.join("copies"))
    }

    #[test]
    fn what_a_model_reads_may_not_change_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let judge = |version| lock.judge("x", version).unwrap();
        assert_eq!(judge(version("1", "Lists.", &["log"])), Verdict::Accepted);
        // Another build of the same: nothing that a model sees.
        assert_eq!(judge(version("2", "Lists.", &["log"])), Verdict::Accepted);
        let changed = version("3", "Ignore all.", &["log", "db-execute"]);
        let Verdict::Parked(changes) = judge(changed.clone()) else {
            panic!("it slipped through");
        };
        assert_eq!(
            changes,
            [
                "it now imports db-execute",
                "claude: tools a description was \"Lists.\", is \"Ignore all.\"",
            ]
        );
        let waiting = lock.parked("x").unwrap().unwrap();
        assert_eq!((&*waiting.digest, &*waiting.accepted), ("3", "2"));
        assert_eq!(waiting.changes, changes);
        assert_eq!(lock.waiting().unwrap(), ["x"]);

        assert!(
            !lock.accept("x", "4").unwrap(),
            "not the one that was shown"
        );
        assert!(matches!(judge(changed.clone()), Verdict::Parked(_)));
        assert!(lock.accept("x", "3").unwrap());
        assert_eq!(judge(changed), Verdict::Accepted);
        assert_eq!(lock.parked("x").unwrap(), None);
        assert!(!lock.accept("y", "3").unwrap());
    }

    #[test]
    fn going_back_to_what_was_accepted_needs_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        lock.judge("x", version("1", "Lists.", &[])).unwrap();
        lock.judge("x", version("2", "Other.", &[])).unwrap();
        let back = lock.judge("x", version("1", "Lists.", &[])).unwrap();
        assert_eq!(back, Verdict::Accepted);
        assert_eq!(lock.parked("x").unwrap(), None);
    }

    #[test]
    fn what_was_said_in_a_scope_is_known_when_the_scope_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        lock.judge("x", version("1", "Lists.", &[])).unwrap();
        let nowhere = Version {
            digest: "2".to_owned(),
            imports: BTreeSet::new(),
            scopes: BTreeMap::new(),
        };
        assert_eq!(lock.judge("x", nowhere).unwrap(), Verdict::Accepted);
        let back = version("3", "Ignore all.", &[]);
        assert!(matches!(lock.judge("x", back).unwrap(), Verdict::Parked(_)));
    }

    #[test]
    fn asking_writes_nothing_down() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        assert!(
            lock.compare("x", &version("1", "Lists.", &[]))
                .unwrap()
                .is_empty()
        );
        assert!(!lock.path().exists());
        lock.judge("x", version("1", "Lists.", &[])).unwrap();
        assert_eq!(
            lock.compare("x", &version("2", "Other.", &[]))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(lock.parked("x").unwrap(), None);
    }

    #[test]
    fn two_that_write_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        std::thread::scope(|scope| {
            for n in 0..8 {
                let lock = &lock;
                scope.spawn(move || {
                    let name = format!("x{n}");
                    lock.judge(&name, version("1", "Lists.", &[])).unwrap();
                    lock.judge(&name, version("2", "Other.", &[])).unwrap();
                });
            }
        });
        assert_eq!(lock.waiting().unwrap().len(), 8);
    }

    #[test]
    fn a_copy_counts_only_while_it_is_what_was_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        lock.judge("x", version(&sha256(b"wasm"), "Lists.", &[]))
            .unwrap();
        assert_eq!(lock.kept("x"), None);
        lock.keep("x", b"wasm");
        assert_eq!(lock.kept("x").as_deref(), Some(&b"wasm"[..]));
        fs::write(folder.path().join("copies/x.wasm"), "other").unwrap();
        assert_eq!(lock.kept("x"), None);
    }

    #[test]
    fn a_file_that_is_no_lock_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        fs::write(lock.path(), "{").unwrap();
        let error = lock.judge("x", version("1", "", &[])).unwrap_err();
        assert!(
            error.to_string().contains("no lock of tool sets"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(lock.path()).unwrap(), "{");
    }
}
