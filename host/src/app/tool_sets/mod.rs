//! How a file comes to serve, at the start and while calls run: read once and
//! hashed, held against its pin, compiled, asked what it is in every scope that
//! uses it, held against the lock, and then swapped in everywhere at once. A
//! version that fails at any step leaves the one before serving.

mod load;
mod lock;
mod plan;
mod source;
mod status;
pub(super) mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;

pub use lock::{Lock, LockError, ParkedVersion, Verdict, Version, changes};
pub use source::ToolSetFiles;
pub use status::{FileStatus, Problem};

use super::BuildError;
use super::scope::ServedScope;
use crate::audit::{Audit, Entry, Event, Outcome, Reload};
use crate::config::ToolSetEntry;
use crate::runtime::{Compiler, Component, Runtime, sha256};
use crate::state::HostKey;
use crate::tally::CacheFigures;
use load::compile_limits;
use plan::{Plan, Prepared, described};
use status::Statuses;

/// Loads files, and knows which version of each serves.
pub(super) struct ToolSets {
    pub(super) runtime: Runtime,
    compiler: Compiler,
    files: ToolSetFiles,
    key: HostKey,
    lock: Option<Lock>,
    audit: Audit,
    statuses: Statuses,
    /// Held by whoever changes what serves: one change at a time.
    serving: Mutex<Serving>,
    /// Held by whoever loads the file of that name: its versions come in order, and
    /// none waits for another file to be compiled.
    loading: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

/// What serves now.
#[derive(Default)]
struct Serving {
    components: HashMap<String, Component>,
    scopes: Vec<Arc<ServedScope>>,
}

/// What a file comes with when a configuration begins to serve.
struct Candidate {
    component: Component,
    /// The file, where this version of it is not known to serve.
    wasm: Option<Arc<[u8]>>,
    prepared: Prepared,
    /// Why the version in the folder is not this one.
    problem: Option<BuildError>,
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
            key: *key,
            lock,
            audit,
            statuses: Statuses::default(),
            serving: Mutex::default(),
            loading: Mutex::default(),
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
        Some(Version::new(component, described(file, each)))
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
        let mut serving = self.serving.lock().await;
        let files = self.files_of(scopes);
        let (mut candidates, mut failed) = (BTreeMap::new(), Vec::new());
        let mut prepared = Prepared::default();
        for file in &files {
            let using = using(scopes, file);
            let named = using.iter().any(|scope| scope.names(file));
            let known = serving.components.get(file);
            match self.candidate(file, known, &using).await {
                Ok(mut candidate) => {
                    candidate.prepared.tell(file);
                    prepared.extend(std::mem::take(&mut candidate.prepared));
                    candidates.insert(file.clone(), candidate);
                }
                Err(error) if named => return Err(error),
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
        prepared.tell("*");
        for (file, candidate) in &candidates {
            self.settle(file, candidate, &plans)?;
        }
        for plan in plans {
            plan.scope.take_over();
            plan.scope.serve(plan.bound, plan.registry);
        }
        for (file, error) in failed {
            self.refused(file, None, &error);
        }
        self.statuses.retain(&files);
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
    async fn candidate(
        &self,
        file: &str,
        known: Option<&Component>,
        using: &[Arc<ServedScope>],
    ) -> Result<Candidate, BuildError> {
        if let Some(known) = known.filter(|known| check_pins(file, known.digest(), using).is_ok()) {
            return Ok(Candidate {
                prepared: self.prepare(file, known, using, true).await?,
                component: known.clone(),
                wasm: None,
                problem: None,
            });
        }
        let found = async {
            let (component, wasm) = self.version(file, using).await?;
            let prepared = self.prepare(file, &component, using, false).await?;
            // Whether its names fit beside the others is not known yet.
            self.may_serve(file, &component, &prepared, false)?;
            Ok(Candidate {
                component,
                wasm: Some(wasm),
                prepared,
                problem: None,
            })
        };
        let error = match found.await {
            Ok(candidate) => return Ok(candidate),
            Err(error) => error,
        };
        let Some(kept) = self.lock.as_ref().and_then(|lock| lock.kept(file)) else {
            return Err(error);
        };
        let kept = async {
            let limits = compile_limits(using);
            check_pins(file, &sha256(&kept), using)?;
            let component = self.compile(file, kept.into(), limits).await?;
            let prepared = self.prepare(file, &component, using, false).await?;
            Ok::<_, BuildError>((component, prepared))
        };
        // What is wrong with the file in the folder is what can be mended.
        let Ok((component, prepared)) = kept.await else {
            return Err(error);
        };
        Ok(Candidate {
            component,
            wasm: None,
            prepared,
            problem: Some(error),
        })
    }

    /// Asks the lock whether a version may serve, and writes down that one waits so
    /// that the operator can look at it and accept it; with `accept` also that it
    /// serves from now on. The error says what is new.
    fn may_serve(
        &self,
        file: &str,
        component: &Component,
        prepared: &Prepared,
        accept: bool,
    ) -> Result<(), BuildError> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let bound = prepared.bound.iter().map(|(scope, bound)| (scope, bound));
        let version = Version::new(component, described(file, bound));
        if !accept && lock.compare(file, &version)?.is_empty() {
            return Ok(());
        }
        match lock.judge(file, version)? {
            Verdict::Accepted => Ok(()),
            Verdict::Parked(changes) => Err(BuildError::Parked {
                tool_set: file.to_owned(),
                digest: component.digest().to_owned(),
                changes,
            }),
        }
    }

    /// Writes down what serves from now on.
    fn settle(&self, file: &str, candidate: &Candidate, plans: &[Plan]) -> Result<(), BuildError> {
        if candidate.problem.is_none()
            && let Some(lock) = &self.lock
        {
            let bound = plans.iter().flat_map(|plan| {
                let bound = plan.bound.iter();
                bound.map(|bound| (&plan.scope.name, bound))
            });
            let version = Version::new(&candidate.component, described(file, bound));
            lock.judge(file, version)?;
            if let Some(wasm) = &candidate.wasm {
                lock.keep(file, wasm);
            }
        }
        let digest = candidate.component.digest();
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
        Ok(())
    }

    /// Loads `file` again because it, or what it is configured with, may have
    /// changed, and swaps it in wherever it is used.
    pub(super) async fn reload(&self, file: &str) {
        let seen = Instant::now();
        let loading = {
            let mut loading = self.loading.lock().await;
            Arc::clone(loading.entry(file.to_owned()).or_default())
        };
        let _loading = loading.lock().await;
        let scopes = self.serving.lock().await.scopes.clone();
        let loaded = self.settled_version(file, &using(&scopes, file)).await;
        let mut serving = self.serving.lock().await;
        if !self.files_of(&serving.scopes).contains(file) {
            // Gone meanwhile, the file or who names it.
            return;
        }
        // The configuration may have changed meanwhile.
        let using = using(&serving.scopes, file);
        let before = serving.components.get(file);
        let before = before.map(|component| component.digest().to_owned());
        let digest = loaded.as_ref().ok();
        let digest = digest.map(|(component, _)| component.digest().to_owned());
        let swapped = async {
            let (component, wasm) = loaded?;
            check_pins(file, component.digest(), &using)?;
            let same = before.as_deref() == Some(component.digest());
            if same && using.iter().all(|scope| self.is_up_to_date(scope, file)) {
                if let Some(lock) = &self.lock {
                    lock.withdraw(file)?;
                }
                return Ok(false);
            }
            let mut prepared = self.prepare(file, &component, &using, false).await?;
            let replaced = BTreeSet::from([file.to_owned()]);
            let plans = using
                .iter()
                .map(|scope| self.plan(scope, &mut prepared, &replaced))
                .collect::<Result<Vec<_>, _>>()?;
            if prepared.bound.is_empty()
                && let Some((_, error)) = prepared.left_out.pop()
            {
                return Err(error);
            }
            self.may_serve(file, &component, &prepared, true)?;
            if let Some(lock) = &self.lock {
                lock.keep(file, &wasm);
            }
            prepared.tell(file);
            for plan in plans {
                plan.scope.serve(plan.bound, plan.registry);
            }
            serving.components.insert(file.to_owned(), component);
            Ok::<bool, BuildError>(true)
        };
        match swapped.await {
            Ok(anew) => {
                let digest = digest.unwrap_or_default();
                if anew {
                    metrics::counter!("tool_set_reloads_total", "outcome" => "serves").increment(1);
                    metrics::histogram!("tool_set_reload_seconds").record(seen.elapsed());
                    let reload = Reload {
                        tool_set: Some(file.to_owned()),
                        digest: Some(digest.clone()),
                        before,
                        scopes: using.len(),
                        took_ms: Some(millis(seen.elapsed())),
                    };
                    self.audit.record(Entry {
                        reload: Some(Box::new(reload)),
                        ..Entry::new(Event::Reload, Outcome::Serves)
                    });
                }
                self.statuses.serves(file, &digest, anew);
            }
            Err(error) => {
                if !matches!(error, BuildError::Parked { .. })
                    && let Some(lock) = &self.lock
                    && let Err(error) = lock.withdraw(file)
                {
                    tracing::warn!(tool_set = file, %error, "the lock stays as it was");
                }
                self.refused(file, digest, &error);
            }
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
    }

    /// Stops serving one of the rest.
    async fn let_go(&self, file: &str) {
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

/// A file that is pinned somewhere serves nowhere with another content.
fn check_pins(file: &str, found: &str, using: &[Arc<ServedScope>]) -> Result<(), BuildError> {
    for scope in using {
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
