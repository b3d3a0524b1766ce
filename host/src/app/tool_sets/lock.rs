//! The lock: what the operator accepted of each tool set. A version that describes
//! itself otherwise, or wants more, waits until it is accepted: nothing new reaches
//! a model in silence. That holds for one and the same file too: describing itself it
//! has a clock, and may say something else from some day on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::ToolSetEntry;
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

/// One version, as far as it concerns a model or what the component may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the file.
    pub digest: String,
    /// What it may ask of the host.
    pub imports: BTreeSet<String>,
    /// What it says of itself in each scope, and under [`GIVEN`] what it was given
    /// there. Where it was left out it says nothing.
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
            let known = known.or_insert_with(|| said.clone());
            if is_silent(known) && !is_silent(said) {
                known.clone_from(said);
            }
        }
        self
    }
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
                let parked = Some(new);
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

/// What a scope gives a tool set to describe itself with, as part of what it says
/// there. A digest: settings hold the content of files, passwords among them.
pub(in crate::app) fn given_to(entry: &ToolSetEntry, settings: &HashMap<String, String>) -> Value {
    let settings: BTreeMap<&String, &String> = settings.iter().collect();
    let given = json!([FORM, entry.tools, entry.prefix, entry.rename, settings]);
    let digest = sha256(given.to_string().as_bytes());
    json!({ GIVEN: { digest: true } })
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
/// is the operator's doing, not the tool set's. Where it was left out all is new that
/// it did not say in another scope: it could have been silent there to speak later.
pub fn changes(old: &Version, new: &Version) -> Vec<String> {
    let mut lines = Vec::new();
    for import in new.imports.difference(&old.imports) {
        lines.push(format!("it now imports {import}"));
    }
    for (scope, after) in &new.scopes {
        let Some(before) = old.scopes.get(scope) else {
            continue;
        };
        let (before, after) = (said(before), said(after));
        let known = || old.scopes.values().any(|heard| said(heard) == after);
        if is_silent(&after) || (is_silent(&before) && known()) {
            continue;
        }
        let before = if is_silent(&before) {
            nothing_of(&after)
        } else {
            before
        };
        compare(&format!("{scope}:"), &before, &after, &mut lines);
    }
    lines
}

/// What is new in `new` by nobody's doing but its own. Of the same file that is what it
/// says in scopes that give it what they gave it before; where they give it something
/// else, or it is not known what they gave it, the operator knows why it differs.
fn unasked(old: &Version, new: &Version) -> Vec<String> {
    if old.digest != new.digest {
        return changes(old, new);
    }
    let mut alike = new.clone();
    alike.scopes.retain(|scope, after| {
        let before = old.scopes.get(scope).and_then(given);
        before.is_some() && before == given(after)
    });
    changes(old, &alike)
}

fn given(described: &Value) -> Option<&Value> {
    described.get(GIVEN)
}

/// Without what it was given.
fn said(described: &Value) -> Value {
    let mut said = described.clone();
    if let Value::Object(members) = &mut said {
        members.remove(GIVEN);
    }
    said
}

fn is_silent(described: &Value) -> bool {
    let members = described.as_object();
    members.is_some_and(|members| members.keys().all(|member| member == GIVEN))
}

/// What is said with nothing in it, for each to be named that is new.
fn nothing_of(said: &Value) -> Value {
    let members = said.as_object().into_iter().flatten();
    let emptied = members.map(|(name, value)| {
        let nothing = if value.is_object() {
            json!({})
        } else {
            Value::Null
        };
        (name.clone(), nothing)
    });
    emptied.collect()
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

/// Beside what a tool set says in a scope: what it was given there, as digests.
const GIVEN: &str = "given";
/// Raised when this program itself comes to write descriptions otherwise, such as the
/// schema of rows: what changes by that is not the tool sets' doing.
const FORM: u32 = 1;

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

    /// The same in the scope `rest` besides, where that is what it says.
    fn with_rest(version: Version, rest: Value) -> Version {
        let mut version = version;
        version.scopes.insert("rest".to_owned(), rest);
        version
    }

    /// The same where each scope gave it that.
    fn given_there(version: Version, what: &str) -> Version {
        let mut version = version;
        for described in version.scopes.values_mut() {
            described[GIVEN] = json!({ what: true });
        }
        version
    }

    #[test]
    fn what_is_given_is_told_apart_and_not_written_down() {
        let setting = |value: &str| HashMap::from([("password".to_owned(), value.to_owned())]);
        let entry = ToolSetEntry::named("x");
        let given = given_to(&entry, &setting("secret"));
        assert_eq!(given, given_to(&entry, &setting("secret")));
        assert_ne!(given, given_to(&entry, &setting("other")));
        let prefixed = ToolSetEntry {
            prefix: "y_".to_owned(),
            ..entry.clone()
        };
        assert_ne!(given, given_to(&prefixed, &setting("secret")));
        let pinned = ToolSetEntry {
            digest: Some("0".repeat(64)),
            ..entry
        };
        assert_eq!(given, given_to(&pinned, &setting("secret")));
        assert!(is_silent(&given) && !given.to_string().contains("secret"));
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
        // A configuration that is read again asks what serves, not what is in the folder.
        let again = lock.judge_again("x", version("1", "Lists.", &[])).unwrap();
        assert_eq!(again, Verdict::Accepted);
        assert_eq!(lock.parked("x").unwrap().unwrap().digest, "2");
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
    fn the_same_file_that_says_something_else_by_itself_waits() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let says = |description, what| given_there(version("1", description, &[]), what);
        let judge = |version| lock.judge("x", version).unwrap();
        assert_eq!(judge(says("Lists.", "a")), Verdict::Accepted);
        let Verdict::Parked(changes) = judge(says("Ignore all.", "a")) else {
            panic!("it slipped through");
        };
        assert_eq!(
            changes,
            ["claude: tools a description was \"Lists.\", is \"Ignore all.\""]
        );
        let waiting = lock.parked("x").unwrap().unwrap();
        assert_eq!((&*waiting.digest, &*waiting.accepted), ("1", "1"));
        assert_eq!(waiting.changes, changes);
        assert_eq!(
            lock.compare("x", &says("Ignore all.", "a")).unwrap(),
            changes
        );
        // It is back to what it said.
        assert_eq!(judge(says("Lists.", "a")), Verdict::Accepted);
        // Other settings are the operator's, and so is what comes of them.
        assert_eq!(judge(says("Lists more.", "b")), Verdict::Accepted);
        assert!(matches!(
            judge(says("Ignore all.", "b")),
            Verdict::Parked(_)
        ));
        assert!(lock.accept("x", "1").unwrap());
        assert_eq!(judge(says("Lists more.", "b")), Verdict::Accepted);
        assert_eq!(judge(says("Ignore all.", "b")), Verdict::Accepted);
        assert!(matches!(
            judge(says("Lists more.", "b")),
            Verdict::Parked(_)
        ));
    }

    #[test]
    fn what_a_scope_gave_is_no_news_in_itself() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let judge = |version| lock.judge("x", version).unwrap();
        judge(given_there(version("1", "Lists.", &[]), "a"));
        let rebuilt = given_there(version("2", "Lists.", &[]), "b");
        assert_eq!(judge(rebuilt), Verdict::Accepted);
        let other = given_there(version("3", "Other.", &[]), "c");
        assert!(matches!(judge(other), Verdict::Parked(_)));
    }

    #[test]
    fn a_lock_of_before_is_read_and_learns_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let before = json!({"x": {"accepted": {
            "digest": "1",
            "imports": ["log"],
            "scopes": {"claude": {"tools": {"a": {"description": "Lists."}}}}
        }}});
        fs::write(lock.path(), before.to_string()).unwrap();
        let says = |description| given_there(version("1", description, &["log"]), "a");
        let judge = |version| lock.judge("x", version).unwrap();
        assert_eq!(judge(says("Lists 3.")), Verdict::Accepted);
        assert!(matches!(judge(says("Lists 4.")), Verdict::Parked(_)));
    }

    #[test]
    fn who_was_silent_in_a_scope_is_looked_at_when_it_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let judge = |version| lock.judge("x", version).unwrap();
        let same = json!({"tools": {"a": {"description": "Lists."}}});
        let other = json!({"tools": {"a": {"description": "Ignore all."}}});
        let lists = |digest| version(digest, "Lists.", &[]);
        assert_eq!(judge(with_rest(lists("1"), json!({}))), Verdict::Accepted);
        let Verdict::Parked(changes) = judge(with_rest(lists("2"), other.clone())) else {
            panic!("it slipped through");
        };
        assert_eq!(
            changes,
            ["rest: tools a is new: {\"description\":\"Ignore all.\"}"]
        );
        // What it says elsewhere is known.
        assert_eq!(
            judge(with_rest(lists("3"), same.clone())),
            Verdict::Accepted
        );
        // From now on it is known there too, silent or not.
        assert_eq!(judge(with_rest(lists("4"), json!({}))), Verdict::Accepted);
        assert!(matches!(
            judge(with_rest(lists("5"), other)),
            Verdict::Parked(_)
        ));
    }

    #[test]
    fn the_same_file_may_not_be_silent_first_where_nothing_else_changed() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let judge = |rest| {
            let version = with_rest(version("1", "Lists.", &[]), rest);
            lock.judge("x", version).unwrap()
        };
        let tools = json!({"a": {"description": "Ignore all."}});
        let speaks = |what: &str| json!({"tools": tools, GIVEN: { what: true }});
        assert_eq!(judge(json!({GIVEN: {"a": true}})), Verdict::Accepted);
        assert!(matches!(judge(speaks("a")), Verdict::Parked(_)));
        assert_eq!(judge(speaks("b")), Verdict::Accepted);
    }

    #[test]
    fn the_version_before_stays_good_until_the_accepted_one_serves() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let (one, two) = (sha256(b"one"), sha256(b"two"));
        let one = || version(&one, "Lists.", &[]);
        let two = || version(&two, "Lists more.", &[]);
        let judge = |version| lock.judge("x", version).unwrap();
        judge(one());
        lock.keep("x", b"one");
        assert!(matches!(judge(two()), Verdict::Parked(_)));
        assert!(lock.accept("x", &two().digest).unwrap());
        // It has failed its self-test, or the file is another by now.
        lock.withdraw("x").unwrap();
        assert_eq!(lock.kept("x").as_deref(), Some(&b"one"[..]));
        assert!(lock.compare("x", &one()).unwrap().is_empty());
        assert_eq!(judge(one()), Verdict::Accepted);
        assert!(matches!(
            judge(version("3", "Other.", &[])),
            Verdict::Parked(_)
        ));
        // What was accepted is so still, and a rebuilt one that says the same.
        assert!(lock.compare("x", &two()).unwrap().is_empty());
        let rebuilt = version("4", "Lists more.", &[]);
        assert!(lock.compare("x", &rebuilt).unwrap().is_empty());
        assert_eq!(judge(two()), Verdict::Accepted);
        lock.keep("x", b"two");
        assert_eq!(lock.kept("x").as_deref(), Some(&b"two"[..]));
        // It has taken the place of the one before.
        assert!(matches!(judge(one()), Verdict::Parked(_)));
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
