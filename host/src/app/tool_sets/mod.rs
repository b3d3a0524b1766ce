//! How a file comes to serve, at the start and while calls run: read once and
//! hashed, held against its pin, compiled, asked what it is in every scope that
//! uses it, held against the lock, and then swapped in everywhere at once. A
//! version that fails at any step leaves the one before serving.

mod accepted;
mod again;
mod load;
mod lock;
mod plan;
mod reload;
mod source;
mod status;
mod uses;
pub(super) mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::watch::Receiver;
use tokio::sync::{Mutex, Semaphore};

pub use lock::{Lock, LockError, ParkedVersion, Verdict, Version, changes};
pub use source::ToolSetFiles;
pub use status::{FileStatus, Problem};

use super::BuildError;
use super::scope::ServedScope;
use crate::audit::{Audit, Entry, Event, Outcome, Reload};
use crate::config::ToolSetEntry;
use crate::runtime::{Compiler, Component, Runtime};
use crate::state::HostKey;
use crate::tally::CacheFigures;
use accepted::Settling;
use again::{Again, Waiting};
use load::compile_limits;
use lock::Staged;
use plan::{Prepared, described};
use source::Listing;
use status::Statuses;
use uses::{Basis, Use};

/// Loads files, and knows which version of each serves.
pub(super) struct ToolSets {
    pub(super) runtime: Runtime,
    compiler: Compiler,
    files: ToolSetFiles,
    listing: Listing,
    key: HostKey,
    lock: Option<Lock>,
    audit: Audit,
    statuses: Statuses,
    again: Again,
    waiting: Waiting,
    /// Held by whoever changes what serves: one change at a time. Who only prepares one
    /// does not hold it.
    serving: Mutex<Serving>,
    /// Held by whoever has a configuration begin to serve.
    starting: Mutex<()>,
    /// Held by whoever loads the file of that name: its versions come in order, and
    /// none waits for another file to be compiled.
    loading: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// For who asks a guest what it is, which has a place beside those of calls.
    asking: Semaphore,
}

/// What serves now.
#[derive(Default)]
struct Serving {
    components: HashMap<String, Arc<Component>>,
    scopes: Vec<Arc<ServedScope>>,
}

/// What a file comes with when a configuration begins to serve.
struct Candidate {
    component: Arc<Component>,
    /// The file, where this version of it is not known to serve.
    wasm: Option<Arc<[u8]>>,
    copy: Option<Staged>,
    prepared: Prepared,
    /// Why the version in the folder is not this one.
    problem: Option<BuildError>,
}

/// A file as a configuration that begins to serve would have it.
struct Found {
    basis: Basis,
    candidate: Result<Candidate, BuildError>,
}

impl ToolSets {
    pub(super) fn new(
        runtime: Runtime,
        compiler: Compiler,
        files: ToolSetFiles,
        key: &HostKey,
        lock: Option<Lock>,
        audit: Audit,
    ) -> Self {
        Self {
            runtime,
            compiler,
            files,
            listing: Listing::default(),
            key: *key,
            lock,
            audit,
            statuses: Statuses::default(),
            again: Again::default(),
            waiting: Waiting::default(),
            serving: Mutex::default(),
            starting: Mutex::default(),
            loading: Mutex::default(),
            asking: Semaphore::new(LOADED_AT_ONCE),
        }
    }

    /// Native code on disk.
    pub(super) fn compiled(&self) -> Option<CacheFigures> {
        self.compiler.kept()
    }

    /// What is known of each file.
    pub(super) fn statuses(&self) -> BTreeMap<String, FileStatus> {
        self.statuses.all()
    }

    /// The same, now and whenever it changes.
    pub(super) fn subscribe(&self) -> Receiver<BTreeMap<String, FileStatus>> {
        self.statuses.subscribe()
    }

    /// What says which versions may serve, if anything does.
    pub(super) fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// The version of `file` that serves.
    pub(super) async fn serving(&self, file: &str) -> Option<Version> {
        let serving = self.serving.lock().await;
        let component = serving.components.get(file)?;
        let scopes = serving.scopes.iter();
        let bound: Vec<_> = scopes.map(|scope| (&scope.name, scope.bound())).collect();
        let each = bound
            .iter()
            .flat_map(|(name, bound)| bound.iter().map(move |bound| (*name, bound)));
        Some(Version::new(component, described(file, each, &[])))
    }

    /// Every path whose change concerns these scopes.
    pub(super) fn paths(&self, scopes: &[Arc<ServedScope>]) -> BTreeSet<PathBuf> {
        let files = self.files_of(scopes);
        let mut paths: BTreeSet<PathBuf> = files
            .iter()
            .filter_map(|file| self.files.path(file))
            .collect();
        for scope in scopes {
            paths.extend(files.iter().flat_map(|file| scope.setting_files(file)));
        }
        if scopes.iter().any(|scope| wants_rest(scope)) {
            paths.extend(self.files.folder().cloned());
        }
        paths.extend(self.lock.as_ref().map(|lock| lock.path().to_owned()));
        paths
    }

    /// Serves what `scopes` use. A file that one of them names must serve; of the
    /// rest of the folder what can does. On an error nothing has changed.
    pub(super) async fn start(&self, scopes: &[Arc<ServedScope>]) -> Result<(), BuildError> {
        let _starting = self.starting.lock().await;
        if scopes.iter().any(|scope| wants_rest(scope)) {
            // What serves now may be older than the folder; a configuration may not be.
            self.listing.look(&self.files)?;
        }
        let mut found = BTreeMap::new();
        let mut left = TRIES;
        loop {
            let serving = self.serving.lock().await;
            let known = serving.components.clone();
            // Files that change again and again wait once.
            let held = (left == 0).then_some(serving);
            self.find(scopes, &known, &mut found).await?;
            let mut serving = match held {
                Some(serving) => serving,
                None => self.serving.lock().await,
            };
            if left == 0 || self.still_hold(&found, scopes, &serving) {
                return self.begin(scopes, found, &mut serving).await;
            }
            left -= 1;
        }
    }

    /// Finds what of each file is to serve, but for what was found and is still right.
    async fn find(
        &self,
        scopes: &[Arc<ServedScope>],
        known: &HashMap<String, Arc<Component>>,
        found: &mut BTreeMap<String, Found>,
    ) -> Result<(), BuildError> {
        let files = self.files_of(scopes);
        found.retain(|file, _| files.contains(file));
        for file in files {
            let basis = self.basis(&file, scopes, known.get(&file));
            let before = found.get(&file);
            if before.is_some_and(|before| before.basis.holds(&basis)) {
                continue;
            }
            let candidate = self.candidate(&file, &basis).await;
            let named = basis.uses.iter().any(|used| used.scope.names(&file));
            let candidate = match candidate {
                Err(error) if named => return Err(error),
                candidate => candidate,
            };
            found.insert(file, Found { basis, candidate });
        }
        Ok(())
    }

    /// Whether what was found is right for what serves now.
    fn still_hold(
        &self,
        found: &BTreeMap<String, Found>,
        scopes: &[Arc<ServedScope>],
        serving: &Serving,
    ) -> bool {
        let files = self.files_of(scopes);
        files.iter().eq(found.keys())
            && found.iter().all(|(file, found)| {
                let now = self.basis(file, scopes, serving.components.get(file));
                found.basis.holds(&now)
            })
    }

    /// Swaps all of it in.
    async fn begin(
        &self,
        scopes: &[Arc<ServedScope>],
        found: BTreeMap<String, Found>,
        serving: &mut Serving,
    ) -> Result<(), BuildError> {
        let files: BTreeSet<String> = found.keys().cloned().collect();
        let (mut candidates, mut failed) = (BTreeMap::new(), Vec::new());
        let mut prepared = Prepared::default();
        for (file, found) in found {
            match found.candidate {
                Ok(mut candidate) => {
                    prepared.extend(std::mem::take(&mut candidate.prepared));
                    candidates.insert(file, candidate);
                }
                Err(error) => failed.push((file, error)),
            }
        }
        // Of a file whose component is another, or is gone, nothing of before stays.
        let replaced: BTreeSet<String> = serving
            .components
            .iter()
            .filter(|(file, before)| {
                let now = candidates.get(*file);
                now.is_none_or(|now| now.component.digest() != before.digest())
            })
            .map(|(file, _)| file.clone())
            .collect();
        let plans = scopes
            .iter()
            .map(|scope| self.plan(scope, &mut prepared, &replaced))
            .collect::<Result<Vec<_>, _>>()?;
        let settling = candidates.iter_mut().filter_map(|(file, candidate)| {
            let bound = plans.iter().flat_map(|plan| {
                let bound = plan.bound.iter();
                bound.map(|bound| (&plan.scope.name, bound))
            });
            // Of one that serves for want of a better nothing is written down.
            candidate.problem.is_none().then(|| Settling {
                version: Version::new(
                    &candidate.component,
                    described(file, bound, &prepared.silent),
                ),
                file: file.clone(),
                component: Arc::clone(&candidate.component),
                wasm: candidate.wasm.clone(),
                copy: candidate.copy.take(),
            })
        });
        let settling = settling.collect();
        self.settle(settling).await?;
        for (file, candidate) in &candidates {
            self.settled(file, candidate);
        }
        self.tell(&prepared, &plans, &candidates.keys().cloned().collect());
        for plan in plans {
            plan.scope.take_over();
            plan.scope.serve(plan.bound, plan.registry);
        }
        for (file, error) in failed {
            self.refused(&file, None, &error);
        }
        self.statuses.retain(&files);
        self.waiting.retain(&files);
        let candidates = candidates.into_iter();
        *serving = Serving {
            components: candidates
                .map(|(file, candidate)| (file, candidate.component))
                .collect(),
            scopes: scopes.to_vec(),
        };
        Ok(())
    }

    /// The component of `file` to serve: the one that does, where it may; else the
    /// one in the folder, or the last one that was accepted if that is not fit.
    async fn candidate(&self, file: &str, basis: &Basis) -> Result<Candidate, BuildError> {
        let uses = &basis.uses;
        let known = basis.known.as_ref();
        if let Some(known) = known.filter(|known| check_pins(file, known.digest(), uses).is_ok()) {
            let prepared = self.prepare(file, known, uses, true).await?;
            // Asked anew, it may say something else.
            let version = prepared.version(file, known);
            self.may_serve(file, known, version, false).await?;
            return Ok(Candidate {
                prepared,
                component: Arc::clone(known),
                wasm: None,
                copy: None,
                problem: None,
            });
        }
        let found = async {
            let (component, wasm) = self.version(file, basis).await?;
            let prepared = self.prepare(file, &component, uses, false).await?;
            // Whether its names fit beside the others is not known yet.
            let version = prepared.version(file, &component);
            self.may_serve(file, &component, version.clone(), false)
                .await?;
            Ok(Candidate {
                component: Arc::new(component),
                copy: self.staged(file, &wasm, version).await?,
                wasm: Some(wasm),
                prepared,
                problem: None,
            })
        };
        let error = match found.await {
            Ok(candidate) => return Ok(candidate),
            Err(error) => error,
        };
        let Some((kept, digest)) = self.kept(file).await else {
            return Err(error);
        };
        let kept = async {
            let limits = compile_limits(uses);
            check_pins(file, &digest, uses)?;
            let component = self.compile(file, kept, limits).await?;
            let prepared = self.prepare(file, &component, uses, false).await?;
            let version = prepared.version(file, &component);
            let known = self.is_known(file, version).await?;
            Ok::<_, BuildError>((Arc::new(component), prepared, known))
        };
        // What is wrong with the file in the folder is what can be mended.
        let Ok((component, prepared, true)) = kept.await else {
            return Err(error);
        };
        Ok(Candidate {
            component,
            wasm: None,
            copy: None,
            prepared,
            problem: Some(error),
        })
    }

    /// Tells of a file that serves from now on.
    fn settled(&self, file: &str, candidate: &Candidate) {
        let digest = candidate.component.digest();
        if candidate.problem.is_none() {
            self.waiting.forget(file);
        }
        if candidate.wasm.is_some() {
            tracing::info!(tool_set = file, digest, "tool set serves");
        }
        let known = self.statuses.all().remove(file);
        let serves = known.is_some_and(|known| known.serving.as_deref() == Some(digest));
        if !serves {
            self.statuses.serves(file, digest, false);
        }
        if let Some(problem) = &candidate.problem {
            self.refused(file, None, problem);
        }
    }

    /// The files of the folder changed in number: serves those that are new, and
    /// lets go of those that nobody names.
    pub(super) async fn reload_rest(&self) {
        let (known, now) = {
            let serving = self.serving.lock().await;
            let known: BTreeSet<String> = serving.components.keys().cloned().collect();
            (known, self.files_of(&serving.scopes))
        };
        let mut gone = known.difference(&now).peekable();
        // A name may have become free.
        let again = gone.peek().is_some();
        for file in gone {
            self.let_go(file).await;
        }
        let refused = self.statuses.all();
        let missing = now.difference(&known);
        let new = missing.filter(|file| again || !refused.contains_key(*file));
        join_all(new.map(|file| self.reload(file))).await;
        self.statuses.retain(&now);
        self.waiting.retain(&now);
    }

    /// Stops serving one of the rest.
    async fn let_go(&self, file: &str) {
        self.waiting.forget(file);
        let mut serving = self.serving.lock().await;
        serving.components.remove(file);
        let replaced = BTreeSet::from([file.to_owned()]);
        for scope in using(&serving.scopes, file) {
            match self.plan(&scope, &mut Prepared::default(), &replaced) {
                Ok(plan) => plan.scope.serve(plan.bound, plan.registry),
                Err(error) => {
                    tracing::warn!(scope = &*scope.name, %error, "tools stay as they are");
                }
            }
        }
        tracing::info!(tool_set = file, "the file is gone: its tools are, too");
    }

    /// Whether the file of that path is one of the lock's.
    pub(super) fn is_lock(&self, path: &Path) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.path() == path)
    }

    /// Files that wait for the operator.
    pub(super) fn parked(&self) -> Vec<String> {
        let all = self.statuses.all().into_iter();
        let parked = all.filter(|(_, status)| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.parked)
        });
        parked.map(|(file, _)| file).collect()
    }

    /// The tool sets that a path is the file of, or a setting of.
    pub(super) fn concerned(&self, path: &Path, scopes: &[Arc<ServedScope>]) -> Vec<String> {
        let files = self.files_of(scopes).into_iter();
        files
            .filter(|file| {
                self.files.path(file).as_deref() == Some(path)
                    || scopes
                        .iter()
                        .any(|scope| scope.setting_files(file).any(|setting| setting == path))
            })
            .collect()
    }

    fn files_of(&self, scopes: &[Arc<ServedScope>]) -> BTreeSet<String> {
        let entries = scopes.iter().flat_map(|scope| self.entries(scope));
        entries.map(|entry| entry.file).collect()
    }

    /// Tells of a version that does not serve, once.
    fn refused(&self, file: &str, digest: Option<String>, error: &BuildError) {
        self.again.refused(file, digest.clone(), error.may_pass());
        let (digest, parked) = match error {
            BuildError::Parked { digest, .. } => (Some(digest.clone()), true),
            _ => (digest, false),
        };
        let problem = Problem {
            digest: digest.clone(),
            sentence: error.to_string(),
            parked,
        };
        if !self.statuses.refused(file, problem) {
            return;
        }
        let outcome = if parked {
            Outcome::Parked
        } else {
            Outcome::Refused
        };
        metrics::counter!("tool_set_reloads_total", "outcome" => outcome.name()).increment(1);
        let serving = self.statuses.all().remove(file);
        let reload = Reload {
            tool_set: Some(file.to_owned()),
            digest,
            before: serving.and_then(|status| status.serving),
            scopes: 0,
            took_ms: None,
        };
        self.audit.record(Entry {
            reason: Some(error.to_string()),
            reload: Some(Box::new(reload)),
            ..Entry::new(Event::Reload, outcome)
        });
    }
}

impl ServedScope {
    /// Whether the file serves here, or would.
    fn uses(&self, file: &str) -> bool {
        self.names(file) || wants_rest(self)
    }
}

fn using(scopes: &[Arc<ServedScope>], file: &str) -> Vec<Arc<ServedScope>> {
    let using = scopes.iter().filter(|scope| scope.uses(file));
    using.cloned().collect()
}

fn wants_rest(scope: &ServedScope) -> bool {
    scope.section.tool_sets.iter().any(ToolSetEntry::is_rest)
}

/// `component` waits until the operator accepts what is new in it.
fn parked(file: &str, component: &Component, changes: Vec<String>) -> BuildError {
    BuildError::Parked {
        tool_set: file.to_owned(),
        digest: component.digest().to_owned(),
        changes,
    }
}

/// A file that is pinned somewhere serves nowhere with another content.
fn check_pins(file: &str, found: &str, uses: &[Use]) -> Result<(), BuildError> {
    for scope in uses.iter().map(|used| &used.scope) {
        let entries = scope.section.tool_sets.iter();
        let pins = entries.filter(|entry| entry.file == file);
        for expected in pins.filter_map(|entry| entry.digest.as_ref()) {
            if expected != found {
                return Err(BuildError::WrongDigest {
                    tool_set: file.to_owned(),
                    scope: scope.name.to_string(),
                    expected: expected.clone(),
                    found: found.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Versions that are asked at once what they are: each has a place beside those of calls,
/// and a file that lets itself be waited for has one of them at a time.
pub(super) const LOADED_AT_ONCE: usize = 4;
/// Times that what was prepared for something else is prepared again; then nothing may
/// change until it is.
const TRIES: usize = 2;
