//! How a file comes to serve, at the start and while calls run: read once and
//! hashed, held against its pin, compiled, asked what it is in every scope that
//! uses it, held against the lock, and then swapped in everywhere at once. A
//! version that fails at any step leaves the one before serving.

mod lock;
mod source;
mod status;
pub(super) mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;

pub use lock::{Lock, LockError, ParkedVersion, Verdict, Version, changes};
pub use source::ToolSetFiles;
pub use status::{FileStatus, Problem};

use super::BuildError;
use super::scope::{BoundSet, ServedScope};
use crate::config::ToolSetEntry;
use crate::runtime::{
    CompileLimits, Compiler, Component, Grants, LoadError, Runtime, WasmToolSet, sha256,
};
use crate::state::HostKey;
use crate::tools::{Profile, Profiled, ToolProvider, ToolRegistry};
use status::Statuses;

/// Loads files, and knows which version of each serves.
pub(super) struct ToolSets {
    pub(super) runtime: Runtime,
    compiler: Compiler,
    files: ToolSetFiles,
    key: HostKey,
    lock: Option<Lock>,
    statuses: Statuses,
    /// Held by whoever changes what serves: one change at a time.
    serving: Mutex<HashMap<String, Component>>,
}

/// Tool sets for one scope, ready to be swapped in.
struct Plan {
    scope: Arc<ServedScope>,
    bound: Vec<BoundSet>,
    registry: ToolRegistry,
    /// Files of the rest of the folder that cannot serve beside the others.
    left_out: Vec<(String, BuildError)>,
}

/// One file as the scopes that use it have it.
type Prepared = Vec<(Arc<str>, BoundSet)>;

impl ToolSets {
    pub(super) fn new(
        runtime: Runtime,
        compiler: Compiler,
        files: ToolSetFiles,
        key: &HostKey,
        lock: Option<Lock>,
    ) -> Self {
        Self {
            runtime,
            compiler,
            files,
            key: *key,
            lock,
            statuses: Statuses::default(),
            serving: Mutex::default(),
        }
    }

    /// What is known of each file.
    pub(super) fn statuses(&self) -> BTreeMap<String, FileStatus> {
        self.statuses.all()
    }

    /// The same, now and whenever it changes.
    pub(super) fn subscribe(&self) -> Receiver<BTreeMap<String, FileStatus>> {
        self.statuses.subscribe()
    }

    /// The version of `file` that serves.
    pub(super) async fn serving(&self, file: &str, scopes: &[Arc<ServedScope>]) -> Option<Version> {
        let component = self.serving.lock().await.get(file)?.clone();
        let bound = scopes.iter().flat_map(|scope| {
            let bound = scope.bound().into_iter();
            bound.map(|bound| (Arc::clone(&scope.name), bound))
        });
        let bound: Prepared = bound
            .filter(|(_, bound)| bound.entry.file == file)
            .collect();
        Some(Version::new(&component, described(&bound)))
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
        let mut components = HashMap::new();
        let mut prepared = Prepared::new();
        for file in self.files_of(scopes) {
            let using = using(scopes, &file);
            if !using.iter().any(|scope| scope.names(&file)) {
                continue;
            }
            let (component, bound) = match serving.get(&file) {
                Some(component) => {
                    let component = component.clone();
                    let bound = self.prepare(&file, &component, &using, true).await?;
                    (component, bound)
                }
                None => self.first(&file, &using).await?,
            };
            components.insert(file, component);
            prepared.extend(bound);
        }
        let plans = scopes.iter().map(|scope| self.plan(scope, &prepared));
        for plan in plans.collect::<Result<Vec<_>, _>>()? {
            plan.scope.take_over();
            plan.scope.serve(plan.bound, plan.registry);
        }
        for file in serving
            .keys()
            .filter(|file| !components.contains_key(*file))
        {
            self.statuses.forget(file);
        }
        *serving = components;
        drop(serving);
        for file in self.files_of(scopes) {
            if !self.serving.lock().await.contains_key(&file) {
                self.reload(&file, scopes).await;
            }
        }
        Ok(())
    }

    /// The version of `file` to begin with: the one in the folder, or the last one
    /// that was accepted if that is not fit to serve.
    async fn first(
        &self,
        file: &str,
        using: &[Arc<ServedScope>],
    ) -> Result<(Component, Prepared), BuildError> {
        let found = async {
            let (component, wasm) = self.version(file, using).await?;
            let prepared = self.prepare(file, &component, using, false).await?;
            self.judge(file, &component, &wasm, &prepared)?;
            Ok((component, prepared))
        };
        let error: BuildError = match found.await {
            Ok((component, prepared)) => {
                tracing::info!(
                    tool_set = file,
                    digest = component.digest(),
                    "tool set serves"
                );
                self.statuses.serves(file, component.digest());
                return Ok((component, prepared));
            }
            Err(error) => error,
        };
        let Some(kept) = self.lock.as_ref().and_then(|lock| lock.kept(file)) else {
            return Err(error);
        };
        let kept = async {
            let limits = compile_limits(using);
            check_pins(file, &kept, using)?;
            let component = self.compile(file, kept.into(), limits).await?;
            let prepared = self.prepare(file, &component, using, false).await?;
            Ok::<_, BuildError>((component, prepared))
        };
        let Ok((component, prepared)) = kept.await else {
            // What is wrong with the file in the folder is what can be mended.
            return Err(error);
        };
        self.statuses.serves(file, component.digest());
        self.refused(file, None, &error);
        Ok((component, prepared))
    }

    /// Reads, checks and compiles the file as it is now.
    async fn version(
        &self,
        file: &str,
        using: &[Arc<ServedScope>],
    ) -> Result<(Component, Arc<[u8]>), BuildError> {
        let (files, name) = (self.files.clone(), file.to_owned());
        let wasm = tokio::task::spawn_blocking(move || files.read(&name))
            .await
            .map_err(|_| BuildError::Lost(file.to_owned()))??;
        check_pins(file, &wasm, using)?;
        let limits = compile_limits(using);
        let component = self.compile(file, Arc::clone(&wasm), limits).await?;
        Ok((component, wasm))
    }

    async fn compile(
        &self,
        file: &str,
        wasm: Arc<[u8]>,
        limits: CompileLimits,
    ) -> Result<Component, BuildError> {
        let compiled = self.compiler.compile(&self.runtime, wasm, limits).await;
        let compiled = compiled.map_err(|source| BuildError::Compile {
            tool_set: file.to_owned(),
            source,
        })?;
        let labels = [("cached", compiled.cached.to_string())];
        metrics::histogram!("tool_set_compile_seconds", &labels).record(compiled.took);
        tracing::debug!(
            tool_set = file,
            cached = compiled.cached,
            took = ?compiled.took,
            "compiled"
        );
        Ok(compiled.component)
    }

    /// Holds a version against the lock. The error says what is new in it.
    fn judge(
        &self,
        file: &str,
        component: &Component,
        wasm: &[u8],
        prepared: &Prepared,
    ) -> Result<(), BuildError> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        match lock.judge(file, Version::new(component, described(prepared)))? {
            Verdict::Accepted => {
                lock.keep(file, wasm);
                Ok(())
            }
            Verdict::Parked(changes) => Err(BuildError::Parked {
                tool_set: file.to_owned(),
                digest: component.digest().to_owned(),
                changes,
            }),
        }
    }

    /// Loads `file` again because it, or what it is configured with, may have
    /// changed, and swaps it in wherever it is used.
    pub(super) async fn reload(&self, file: &str, scopes: &[Arc<ServedScope>]) {
        let seen = Instant::now();
        let mut serving = self.serving.lock().await;
        let using = using(scopes, file);
        let before = serving
            .get(file)
            .map(|component| component.digest().to_owned());
        let loaded = self.settled_version(file, &using).await;
        let digest = loaded.as_ref().ok();
        let digest = digest.map(|(component, _)| component.digest().to_owned());
        let swapped = async {
            let (component, wasm) = loaded?;
            let same = before.as_deref() == Some(component.digest());
            if same && using.iter().all(|scope| self.is_up_to_date(scope, file)) {
                if let Some(lock) = &self.lock {
                    lock.withdraw(file)?;
                }
                return Ok(true);
            }
            let prepared = self.prepare(file, &component, &using, false).await?;
            let plans = using.iter().map(|scope| self.plan(scope, &prepared));
            let mut plans = plans.collect::<Result<Vec<_>, _>>()?;
            if !using.iter().any(|scope| scope.names(file)) {
                let left_out = plans.iter_mut().flat_map(|plan| plan.left_out.drain(..));
                let mut of_this = left_out.filter(|(left_out, _)| left_out == file);
                if let Some((_, error)) = of_this.next() {
                    return Err(error);
                }
            }
            self.judge(file, &component, &wasm, &prepared)?;
            for plan in plans {
                plan.scope.serve(plan.bound, plan.registry);
            }
            serving.insert(file.to_owned(), component);
            Ok::<bool, BuildError>(same)
        };
        match swapped.await {
            Ok(same) => {
                let digest = digest.unwrap_or_default();
                self.statuses.serves(file, &digest);
                if !same {
                    metrics::counter!("tool_set_reloads_total", "outcome" => "serves").increment(1);
                    metrics::histogram!("tool_set_reload_seconds").record(seen.elapsed());
                    tracing::info!(
                        target: "audit",
                        event = "reload",
                        outcome = "serves",
                        tool_set = file,
                        digest,
                        before,
                        scopes = using.len(),
                        took_ms = millis(seen.elapsed()),
                    );
                }
            }
            Err(error) => self.refused(file, digest, &error),
        }
    }

    /// Whether all that a tool set of this scope was made of, besides the component,
    /// is as it was.
    fn is_up_to_date(&self, scope: &ServedScope, file: &str) -> bool {
        let bound = scope.bound();
        let entries = self.entries(scope).into_iter();
        let mut entries = entries.filter(|entry| entry.file == file);
        entries.all(|entry| {
            let bound = bound.iter().find(|bound| bound.entry == entry);
            bound.is_some_and(|bound| {
                scope
                    .settings(file)
                    .is_ok_and(|settings| settings == bound.settings)
            })
        })
    }

    /// The version in the folder, when it has stood still: what is being copied is
    /// no component until its last byte is there.
    async fn settled_version(
        &self,
        file: &str,
        using: &[Arc<ServedScope>],
    ) -> Result<(Component, Arc<[u8]>), BuildError> {
        loop {
            let version = self.version(file, using).await;
            let half = matches!(
                version,
                Err(BuildError::Compile {
                    source: LoadError::NotAComponent(_),
                    ..
                })
            );
            let young = self.files.path(file).is_some_and(|path| is_young(&path));
            if !(half && young) {
                return version;
            }
            tokio::time::sleep(STILL_COMING / 4).await;
        }
    }

    /// The files of the folder changed in number: serves those that are new, and
    /// lets go of those that nobody names.
    pub(super) async fn reload_rest(&self, scopes: &[Arc<ServedScope>]) {
        let known: BTreeSet<String> = self.serving.lock().await.keys().cloned().collect();
        let now = self.files_of(scopes);
        for file in now.difference(&known) {
            self.reload(file, scopes).await;
        }
        for file in known.difference(&now) {
            self.let_go(file, scopes).await;
        }
    }

    /// Stops serving one of the rest.
    async fn let_go(&self, file: &str, scopes: &[Arc<ServedScope>]) {
        let mut serving = self.serving.lock().await;
        serving.remove(file);
        self.statuses.forget(file);
        for scope in using(scopes, file) {
            match self.plan(&scope, &Prepared::new()) {
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
        all.filter(|(_, status)| {
            status
                .problem
                .as_ref()
                .is_some_and(|problem| problem.parked)
        })
        .map(|(file, _)| file)
        .collect()
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

    /// Names of all files, in order.
    fn folder(&self) -> Vec<String> {
        let names = self.files.names().unwrap_or_default();
        names.into_iter().collect()
    }

    /// Binds a component to every scope that uses it; with `keep` only where it does
    /// not serve already.
    async fn prepare(
        &self,
        file: &str,
        component: &Component,
        using: &[Arc<ServedScope>],
        keep: bool,
    ) -> Result<Prepared, BuildError> {
        let mut prepared = Prepared::new();
        let named = using.iter().any(|scope| scope.names(file));
        for scope in using {
            let before = scope.bound();
            for entry in self
                .entries(scope)
                .into_iter()
                .filter(|entry| entry.file == file)
            {
                if keep && before.iter().any(|set| set.entry == entry) {
                    continue;
                }
                match self.bind(scope, &entry, component).await {
                    Ok(bound) => prepared.push((Arc::clone(&scope.name), bound)),
                    Err(error) if named && !scope.names(file) => {
                        tracing::debug!(scope = &*scope.name, %error, "left out of the rest");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(prepared)
    }

    /// The tool sets of one scope: those that are prepared, and else those that serve.
    fn plan(&self, scope: &Arc<ServedScope>, prepared: &Prepared) -> Result<Plan, BuildError> {
        let before = scope.bound();
        let of_scope = prepared.iter().filter(|(name, _)| *name == scope.name);
        let known: Vec<&BoundSet> = of_scope.map(|(_, bound)| bound).chain(&before).collect();
        let join = |bound: &[BoundSet]| {
            let providers = bound.iter().map(|set| Arc::clone(&set.provider)).collect();
            ToolRegistry::new(providers).map_err(|source| BuildError::Registry {
                scope: scope.name.to_string(),
                source,
            })
        };
        // One of the rest may be missing; a named one is an error before this.
        let entries = self.entries(scope).into_iter();
        let found = entries.filter_map(|entry| known.iter().find(|set| set.entry == entry));
        let (named, rest): (Vec<BoundSet>, Vec<BoundSet>) = found
            .map(|set| (*set).clone())
            .partition(|set| scope.names(&set.entry.file));
        let (mut registry, mut bound) = (join(&named)?, named);
        let mut left_out = Vec::new();
        for set in rest {
            bound.push(set);
            match join(&bound) {
                Ok(wider) => registry = wider,
                Err(error) => {
                    let file = bound.pop().map(|set| set.entry.file);
                    left_out.extend(file.map(|file| (file, error)));
                }
            }
        }
        Ok(Plan {
            scope: Arc::clone(scope),
            bound,
            registry,
            left_out,
        })
    }

    fn entries(&self, scope: &ServedScope) -> Vec<ToolSetEntry> {
        if wants_rest(scope) {
            scope.entries(&self.folder())
        } else {
            scope.section.tool_sets.clone()
        }
    }

    /// One component as a scope has it.
    async fn bind(
        &self,
        scope: &ServedScope,
        entry: &ToolSetEntry,
        component: &Component,
    ) -> Result<BoundSet, BuildError> {
        let file = &entry.file;
        let settings = scope.settings(file)?;
        let grants = Grants {
            scope: Arc::clone(&scope.name),
            databases: scope.databases.clone(),
            writer: scope.writer.clone(),
            settings: settings.clone(),
            limits: scope.limits(),
            places: scope.places(file),
            sealing_key: *self.key.bytes(),
        };
        let loaded = WasmToolSet::load(&self.runtime, component, file, grants)
            .await
            .map_err(|source| BuildError::ToolSet {
                tool_set: file.clone(),
                scope: scope.name.to_string(),
                source,
            })?;
        let profile = Profile {
            tools: entry.tools.clone(),
            prefix: entry.prefix.clone(),
            rename: entry.rename.clone(),
        };
        let provider: Arc<dyn ToolProvider> = Arc::new(loaded);
        let provider = if profile.is_whole() {
            provider
        } else {
            let profiled = Profiled::new(provider, &profile);
            let profiled = profiled.map_err(|source| BuildError::Profile {
                tool_set: file.clone(),
                scope: scope.name.to_string(),
                source,
            })?;
            Arc::new(profiled)
        };
        Ok(BoundSet {
            entry: entry.clone(),
            described: lock::describe(&*provider),
            settings,
            provider,
        })
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
        let outcome = if parked { "parked" } else { "refused" };
        metrics::counter!("tool_set_reloads_total", "outcome" => outcome).increment(1);
        tracing::warn!(
            target: "audit",
            event = "reload",
            outcome,
            tool_set = file,
            digest,
            serving = self.statuses.all().get(file).and_then(|status| status.serving.clone()),
            "{error}"
        );
    }
}

impl ServedScope {
    /// Whether the file serves here, or would.
    fn uses(&self, file: &str) -> bool {
        self.names(file) || wants_rest(self)
    }
}

/// What it says of itself in each scope.
fn described(prepared: &Prepared) -> BTreeMap<String, Value> {
    let mut described: BTreeMap<String, Value> = BTreeMap::new();
    for (scope, bound) in prepared {
        // A scope may use a file twice, under two profiles.
        let all = described.entry(scope.to_string()).or_default();
        merge(all, &bound.described);
    }
    described
}

/// Adds the members of `more`, and those of objects in it, to `all`.
fn merge(all: &mut Value, more: &Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (name, value) in more {
                merge(all.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (all, more) => *all = more.clone(),
    }
}

fn using(scopes: &[Arc<ServedScope>], file: &str) -> Vec<Arc<ServedScope>> {
    let using = scopes.iter().filter(|scope| scope.uses(file));
    using.cloned().collect()
}

fn wants_rest(scope: &ServedScope) -> bool {
    scope.section.tool_sets.iter().any(ToolSetEntry::is_rest)
}

/// What every scope that uses a file lets compiling it take.
fn compile_limits(using: &[Arc<ServedScope>]) -> CompileLimits {
    let limits = using.iter().map(|scope| scope.limits().compile);
    limits
        .reduce(|one, other| CompileLimits {
            size: one.size.min(other.size),
            cpu: one.cpu.min(other.cpu),
            memory: one.memory.min(other.memory),
        })
        .unwrap_or_default()
}

/// A file that is pinned somewhere serves nowhere with another content.
fn check_pins(file: &str, wasm: &[u8], using: &[Arc<ServedScope>]) -> Result<(), BuildError> {
    let found = sha256(wasm);
    for scope in using {
        let entries = scope.section.tool_sets.iter();
        let pins = entries.filter(|entry| entry.file == file);
        for expected in pins.filter_map(|entry| entry.digest.as_ref()) {
            if *expected != found {
                return Err(BuildError::WrongDigest {
                    tool_set: file.to_owned(),
                    scope: scope.name.to_string(),
                    expected: expected.clone(),
                    found,
                });
            }
        }
    }
    Ok(())
}

/// Whether somebody may still be writing it.
fn is_young(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age < STILL_COMING)
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long a file that is no component may have been written last before that is
/// held against it.
const STILL_COMING: Duration = Duration::from_secs(1);
