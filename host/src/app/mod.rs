//! Builds every long-lived part from the configuration, in order: sandbox,
//! databases, tool sets, scopes.

mod databases;
mod error;
mod health;
mod oauth;
mod resources;
mod tool_sets;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

pub use error::BuildError;
pub use health::AppHealth;
pub use oauth::{host_key, oauth, open_store};
pub use tool_sets::ToolSetFiles;

use crate::clock::Clock;
use crate::config::{Config, LimitsSection, ScopeSection};
use crate::database::Database;
use crate::entropy::Entropy;
use crate::mcp::McpScope;
use crate::runtime::{Component, Grants, Limits, Runtime, WasmToolSet};
use crate::state::{HostKey, Secrets};
use crate::tools::{ToolProvider, ToolRegistry};

/// The running product, without its listener.
pub struct App {
    scopes: Vec<ServedScope>,
    default_scope: Arc<str>,
}

/// One scope with all that answers for it.
pub struct ServedScope {
    /// Its name, which is its path.
    pub name: Arc<str>,
    /// Whether nothing in it may write.
    pub read_only: bool,
    /// Label and pool of each database; the first is the default.
    pub databases: Vec<(String, Database)>,
    /// Its tools; swapped whole.
    pub tools: Arc<ArcSwap<ToolRegistry>>,
    /// The same, as the protocol serves it.
    pub mcp: Arc<McpScope>,
}

impl App {
    /// Builds the parts that `config` names. Databases need not be up: a scope
    /// whose database is down answers so. `key` is the host's sealing key.
    pub async fn build(
        config: &Config,
        files: &ToolSetFiles,
        key: &HostKey,
    ) -> Result<Self, BuildError> {
        let runtime = start_runtime(config)?;
        let components = tool_sets::compile(&runtime, files, config).await?;
        let mut scopes = Vec::new();
        for (name, section) in &config.scopes {
            scopes.push(build_scope(config, name, section, &runtime, &components, key).await?);
        }
        let default_scope = config.default_scope().unwrap_or_default().into();
        Ok(Self {
            scopes,
            default_scope,
        })
    }

    /// The scopes, in the order of their names.
    pub fn scopes(&self) -> &[ServedScope] {
        &self.scopes
    }

    /// The scope named `name`.
    pub fn scope(&self, name: &str) -> Option<&ServedScope> {
        self.scopes.iter().find(|scope| &*scope.name == name)
    }

    /// Name of the scope that the root serves.
    pub fn default_scope(&self) -> &Arc<str> {
        &self.default_scope
    }
}

/// One engine for all scopes: as much memory a call as the most generous of
/// them gives, places for the calls of all.
fn start_runtime(config: &Config) -> Result<Runtime, BuildError> {
    let scopes = config.scopes.values();
    let memory = scopes
        .clone()
        .map(|scope| bytes(scope.limits.memory))
        .max()
        .unwrap_or_default();
    let calls: usize = scopes
        .map(|scope| scope.limits.concurrency * scope.tool_sets.len())
        .sum();
    // One more for a `describe` while every place is taken.
    Ok(Runtime::start(
        memory,
        u32::try_from(calls + 1).unwrap_or(u32::MAX),
    )?)
}

async fn build_scope(
    config: &Config,
    name: &str,
    section: &ScopeSection,
    runtime: &Runtime,
    components: &HashMap<String, Component>,
    key: &HostKey,
) -> Result<ServedScope, BuildError> {
    let io = Handle::current();
    let open = |label: &String, read_only| databases::open(config, label, section, read_only, &io);
    let databases = section
        .databases
        .iter()
        .map(|label| Ok((label.clone(), open(label, true)?)))
        .collect::<Result<Vec<_>, BuildError>>()?;
    let writer = section
        .write_database
        .as_ref()
        .map(|label| open(label, false))
        .transpose()?;
    let scope: Arc<str> = name.into();
    let mut providers: Vec<Arc<dyn ToolProvider>> = Vec::new();
    for tool_set in &section.tool_sets {
        let failed = |source| BuildError::ToolSet {
            tool_set: tool_set.clone(),
            scope: name.to_owned(),
            source,
        };
        let component = components
            .get(tool_set)
            .ok_or_else(|| BuildError::Missing(tool_set.clone()))?;
        let grants = Grants {
            scope: Arc::clone(&scope),
            databases: databases.clone(),
            writer: writer.clone(),
            settings: settings(section, tool_set),
            limits: limits(&section.limits),
            cache: CACHE_BYTES,
            sealing_key: *key.bytes(),
        };
        let loaded = WasmToolSet::load(runtime, component, tool_set, grants)
            .await
            .map_err(failed)?;
        tracing::info!(
            scope = name,
            tool_set,
            digest = loaded.digest(),
            "tool set serves"
        );
        providers.push(Arc::new(loaded));
    }
    let registry = ToolRegistry::new(providers).map_err(|source| BuildError::Registry {
        scope: name.to_owned(),
        source,
    })?;
    let tools = Arc::new(ArcSwap::from_pointee(registry));
    let mcp = McpScope::new(
        Arc::clone(&scope),
        &format!("SQL Server ({name})"),
        Arc::clone(&tools),
        Secrets::new(key, Entropy::system()),
        Clock::system(),
    );
    let resources = Arc::new(resources::Tables(databases.clone()));
    Ok(ServedScope {
        mcp: Arc::new(
            mcp.with_resources(resources)
                .with_rate_limit(section.rate_limit_per_minute),
        ),
        name: scope,
        read_only: section.read_only,
        databases,
        tools,
    })
}

/// What the scope's own keys tell its tool sets, and what the operator set for
/// this one, which wins.
fn settings(section: &ScopeSection, tool_set: &str) -> HashMap<String, String> {
    let mut settings = HashMap::from([
        (
            "max_search_results".to_owned(),
            section.max_search_results.to_string(),
        ),
        (
            "cache_ttl".to_owned(),
            section.cache_ttl.as_secs().to_string(),
        ),
        ("record_url".to_owned(), section.record_url.clone()),
    ]);
    let own: Option<&BTreeMap<String, String>> = section.config.get(tool_set);
    settings.extend(
        own.into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    settings
}

fn limits(section: &LimitsSection) -> Limits {
    Limits {
        memory: bytes(section.memory),
        cpu: section.cpu,
        wall: section.wall,
        concurrency: section.concurrency,
        queue: section.queue,
        ..Limits::default()
    }
}

fn bytes(size: bytesize::ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

/// Cache of one tool set in one scope, in bytes.
const CACHE_BYTES: u64 = 16 << 20;
