//! Builds every long-lived part from the configuration, in order: sandbox,
//! scopes with their databases, tool sets; and changes them while they serve.

mod audit;
mod caches;
mod database_files;
mod databases;
mod error;
mod health;
mod measure;
mod oauth;
mod operator;
mod orders;
mod records;
mod resources;
mod scope;
mod tool_sets;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

pub use caches::{Caches, ScopeCaches, Warmed, WarmedDatabase};
pub use error::BuildError;
pub use health::AppHealth;
pub use oauth::{access, host_key, nobody_signs_in, oauth, open_store};
pub use operator::{AppSite, AskToReload};
pub use scope::ServedScope;
pub use tool_sets::watch::Fingerprint;
pub use tool_sets::{
    FileStatus, Lock, LockError, ParkedVersion, Problem, ToolSetFiles, Verdict, Version, changes,
};

use crate::audit::Audit;
use crate::config::{Config, DEFAULT_CACHE, StoreKind};
use crate::mcp::McpScope;
use crate::runtime::{Capacity, Compiler, NativeCache, Place, Runtime};
use crate::state::HostKey;
use tool_sets::watch::{self, Watched};
use tool_sets::{LOADED_AT_ONCE, ToolSets};

/// The running product, without its listener.
pub struct App {
    /// By name.
    scopes: ArcSwap<BTreeMap<Arc<str>, Arc<ServedScope>>>,
    default_scope: ArcSwap<Arc<str>>,
    tool_sets: ToolSets,
    audit: Audit,
    watched: Watched,
    key: HostKey,
    /// What serves, to tell what a new configuration changes.
    config: ArcSwap<Config>,
    /// Told when the scopes are others.
    reconfigured: Notify,
}

impl App {
    /// Builds the parts that `config` names. Databases need not be up: a scope
    /// whose database is down answers so. `key` is the host's sealing key;
    /// components are compiled at `place`.
    pub async fn build(
        config: &Config,
        files: &ToolSetFiles,
        key: &HostKey,
        place: Place,
    ) -> Result<Self, BuildError> {
        let audit = audit::audit();
        audit.configure(&audit::settings(config));
        let parts = (lock(config), audit);
        Box::pin(Self::of_parts(config, files, key, place, parts)).await
    }

    /// The same for who only wants to know whether it can be built, beside a server perhaps:
    /// the lock and the audit's files stay as they are.
    pub async fn check(
        config: &Config,
        files: &ToolSetFiles,
        key: &HostKey,
        place: Place,
    ) -> Result<Self, BuildError> {
        let parts = (lock(config).map(Lock::read_only), audit::audit());
        Box::pin(Self::of_parts(config, files, key, place, parts)).await
    }

    async fn of_parts(
        config: &Config,
        files: &ToolSetFiles,
        key: &HostKey,
        place: Place,
        (lock, audit): (Option<Lock>, Audit),
    ) -> Result<Self, BuildError> {
        let needed = capacity(config);
        let runtime = Runtime::start(needed.memory, needed.calls.saturating_mul(2))?;
        let compiler = Compiler::new(place, cache(config, key)?);
        let tool_sets = ToolSets::new(runtime, compiler, files.clone(), key, lock, audit.clone());
        let mut scopes = BTreeMap::new();
        for (name, section) in &config.scopes {
            let scope = ServedScope::new(config, name, section, key, None)?;
            scopes.insert(Arc::clone(&scope.name), Arc::new(scope));
        }
        let list: Vec<_> = scopes.values().cloned().collect();
        databases::check_log_ins(&list).await?;
        tool_sets.start(&list).await?;
        hand_out(&audit, &list);
        Ok(Self {
            scopes: ArcSwap::from_pointee(scopes),
            default_scope: ArcSwap::from_pointee(default_scope(config)),
            tool_sets,
            audit,
            watched: Watched::default(),
            key: *key,
            config: ArcSwap::from_pointee(config.clone()),
            reconfigured: Notify::new(),
        })
    }

    /// The scopes, in the order of their names.
    pub fn scopes(&self) -> Vec<Arc<ServedScope>> {
        self.scopes.load().values().cloned().collect()
    }

    /// The scope named `name`.
    pub fn scope(&self, name: &str) -> Option<Arc<ServedScope>> {
        self.scopes.load().get(name).cloned()
    }

    /// The scopes, as the protocol serves them.
    pub fn mcp_scopes(&self) -> Vec<Arc<McpScope>> {
        let scopes = self.scopes();
        scopes.iter().map(|scope| Arc::clone(&scope.mcp)).collect()
    }

    /// Name of the scope that the root serves.
    pub fn default_scope(&self) -> Arc<str> {
        Arc::clone(&self.default_scope.load())
    }

    /// Where it is noted what happens.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What is known of each tool set's file.
    pub fn tool_sets(&self) -> BTreeMap<String, FileStatus> {
        self.tool_sets.statuses()
    }

    /// The same, now and whenever it changes.
    pub fn watch_tool_sets(&self) -> Receiver<BTreeMap<String, FileStatus>> {
        self.tool_sets.subscribe()
    }

    /// The version of a tool set that waits to be accepted.
    ///
    /// # Errors
    /// The lock cannot be read.
    pub fn parked(&self, tool_set: &str) -> Result<Option<ParkedVersion>, LockError> {
        let lock = self.tool_sets.lock();
        lock.map_or(Ok(None), |lock| lock.parked(tool_set))
    }

    /// Lets that version serve; false if what waits is another, or nothing.
    ///
    /// # Errors
    /// The lock cannot be read or written.
    pub fn accept(&self, tool_set: &str, digest: &str) -> Result<bool, LockError> {
        let lock = self.tool_sets.lock();
        lock.map_or(Ok(false), |lock| lock.accept(tool_set, digest))
    }

    /// Loads a tool set's file again, if a scope uses it.
    pub async fn reload(&self, tool_set: &str) {
        self.tool_sets.reload(tool_set).await;
    }

    /// Loads files again that were refused for a reason that may pass, where that is due
    /// at `now`.
    pub async fn try_again(&self, now: Instant) {
        self.tool_sets.try_again(now).await;
    }

    /// The version of a tool set that serves, as a lock sees it.
    pub async fn version(&self, tool_set: &str) -> Option<Version> {
        self.tool_sets.serving(tool_set).await
    }

    /// Serves what `config` says from now on: scopes come and go, and those that
    /// stay keep their clients. On an error nothing has changed.
    pub async fn reconfigure(&self, config: &Config) -> Result<(), BuildError> {
        let (needed, has) = (capacity(config), self.tool_sets.runtime.capacity());
        if needed.memory > has.memory || needed.calls > has.calls {
            return Err(BuildError::Capacity { needed, has });
        }
        let before = self.config.load_full();
        let serving = self.scopes.load_full();
        let mut scopes = BTreeMap::new();
        for (name, section) in &config.scopes {
            let old = serving.get(&**name);
            let scope = match old {
                Some(old) if is_same(&before, config, name) && !old.files.have_changed() => {
                    Arc::clone(old)
                }
                _ => {
                    let old = old.map(|old| &**old);
                    Arc::new(ServedScope::new(config, name, section, &self.key, old)?)
                }
            };
            scopes.insert(Arc::clone(&scope.name), scope);
        }
        let list: Vec<_> = scopes.values().cloned().collect();
        let new = list.iter().filter(|scope| {
            let old = serving.get(&scope.name);
            old.is_none_or(|old| !Arc::ptr_eq(old, scope))
        });
        databases::check_log_ins(new).await?;
        self.tool_sets.start(&list).await?;
        self.audit.configure(&audit::settings(config));
        hand_out(&self.audit, &list);
        for (name, gone) in serving.iter() {
            if !scopes.contains_key(name) {
                gone.mcp.close();
            }
        }
        self.scopes.store(Arc::new(scopes));
        self.config.store(Arc::new(config.clone()));
        self.watch_what_serves();
        self.reconfigured.notify_one();
        Ok(())
    }

    /// Whether a file that a database was opened with holds something else now, such as
    /// another password; [`App::reconfigure`] takes it.
    pub fn has_new_database_files(&self) -> bool {
        let scopes = self.scopes.load();
        scopes.values().any(|scope| scope.files.have_changed())
    }

    /// Loads files again when they change, until `shutdown`.
    ///
    /// # Errors
    /// There is no thread to look at files with.
    pub fn watch(self: &Arc<Self>, shutdown: &CancellationToken) -> std::io::Result<()> {
        if !self.config.load().tool_sets.watch {
            return Ok(());
        }
        self.watch_what_serves();
        let mut changes = watch::start(self.watched.clone())?;
        let (app, shutdown) = (Arc::clone(self), shutdown.clone());
        let (trying, stop) = (Arc::clone(self), shutdown.clone());
        tokio::spawn(async move {
            let wait = || tokio::time::sleep(BETWEEN_TRIES);
            while stop.run_until_cancelled(wait()).await.is_some() {
                trying.try_again(Instant::now()).await;
                trying.watch_what_serves();
            }
        });
        tokio::spawn(async move {
            while let Some(Some(path)) = shutdown.run_until_cancelled(changes.recv()).await {
                let app = Arc::clone(&app);
                // What takes long to compile keeps no other file waiting.
                tokio::spawn(async move {
                    app.changed(&path).await;
                    app.watch_what_serves();
                });
            }
        });
        Ok(())
    }

    fn watch_what_serves(&self) {
        self.watched.set(|| self.tool_sets.paths(&self.scopes()));
    }

    async fn changed(&self, path: &Path) {
        let scopes = self.scopes();
        let mut concerned = self.tool_sets.concerned(path, &scopes);
        if self.tool_sets.is_lock(path) {
            concerned.extend(self.tool_sets.parked());
        }
        let reloads = concerned.iter().map(|file| self.tool_sets.reload(file));
        join_all(reloads).await;
        if path.is_dir() {
            self.tool_sets.reload_rest().await;
        }
    }
}

/// Looks at what may be tried again.
const BETWEEN_TRIES: Duration = Duration::from_secs(10);

/// Has the scopes note what happens where the configuration says.
fn hand_out(audit: &Audit, scopes: &[Arc<ServedScope>]) {
    for scope in scopes {
        scope.mcp.set_audit(audit.scope(&scope.name));
    }
}

/// Tells of these files when they change, and once of each as it is now. Looking
/// ends when the receiver is dropped.
///
/// # Errors
/// There is no thread to look at files with.
pub fn watch_files(paths: BTreeSet<PathBuf>) -> std::io::Result<UnboundedReceiver<PathBuf>> {
    let watched = Watched::default();
    watched.set(|| paths);
    watch::start(watched)
}

/// Every file that the scopes of `config` need, there or not: of tool sets, which are in
/// the folder `dir`, of their settings, and of databases.
pub fn needed_files(config: &Config, dir: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for section in config.scopes.values() {
        let named = section.tool_sets.iter().filter(|entry| !entry.is_rest());
        files.extend(named.map(|entry| dir.join(format!("{}.wasm", entry.file))));
        let settings = section.config.values().flatten();
        let settings = settings.filter(|(key, _)| scope::is_file(key));
        files.extend(settings.map(|(_, path)| PathBuf::from(path)));
    }
    let databases = config.databases.values();
    files.extend(databases.flat_map(|database| database.files().map(Path::to_owned)));
    files
}

/// What the scopes of a configuration need: as much memory a call as the most
/// generous of them gives, places for the calls of all.
fn capacity(config: &Config) -> Capacity {
    let scopes = config.scopes.values();
    let memory = scopes
        .clone()
        .map(|scope| bytes(scope.limits.memory))
        .max()
        .unwrap_or_default();
    let calls: usize = scopes
        .map(|scope| scope.limits.concurrency * scope.tool_sets.len())
        .sum();
    Capacity {
        memory,
        // More for versions that are being loaded while every place is taken.
        calls: u32::try_from(calls + LOADED_AT_ONCE).unwrap_or(u32::MAX),
    }
}

/// The cache that is configured must work; the usual one need not.
fn cache(config: &Config, key: &HostKey) -> Result<Option<NativeCache>, BuildError> {
    let configured = config.tool_sets.cache.as_deref();
    let folder = configured.unwrap_or(Path::new(DEFAULT_CACHE));
    match NativeCache::open(folder, key.bytes()) {
        Ok(cache) => Ok(Some(cache)),
        Err(source) if configured.is_some() => Err(BuildError::Cache {
            path: folder.to_owned(),
            source,
        }),
        Err(error) => {
            tracing::info!(
                folder = DEFAULT_CACHE,
                %error,
                "compiled tool sets are not kept; name a folder with tool_sets.cache"
            );
            Ok(None)
        }
    }
}

/// The lock that is configured, or the one beside the state.
pub fn lock(config: &Config) -> Option<Lock> {
    let path = match &config.tool_sets.lock {
        Some(path) if path.as_os_str() == "off" => return None,
        Some(path) => path.clone(),
        None if config.state.kind() == Some(StoreKind::Memory) => return None,
        None => config.state.key_file()?.with_file_name("tool-sets.lock"),
    };
    let copies = path.with_extension("accepted");
    Some(Lock::new(path, copies))
}

/// Whether nothing that a scope is made of differs.
fn is_same(before: &Config, after: &Config, name: &str) -> bool {
    let (Some(one), Some(other)) = (before.scopes.get(name), after.scopes.get(name)) else {
        return false;
    };
    let mut labels = one.databases.iter().chain(&one.write_database);
    one == other
        && before.record_url(name) == after.record_url(name)
        && labels.all(|label| {
            let (one, other) = (before.databases.get(label), after.databases.get(label));
            one.zip(other)
                .is_some_and(|(one, other)| one.is_same(other))
        })
}

fn default_scope(config: &Config) -> Arc<str> {
    config.default_scope().unwrap_or_default().into()
}

fn bytes(size: bytesize::ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}
