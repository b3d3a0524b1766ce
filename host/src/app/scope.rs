//! One scope while it serves: what its section of the configuration granted it,
//! and the tool sets of this moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::runtime::Handle;

use super::database_files::DatabaseFiles;
use super::{BuildError, bytes, databases, records, resources};
use crate::clock::Clock;
use crate::config::{Config, LimitsSection, ScopeSection, ToolSetEntry};
use crate::database::{Database, ResultCache};
use crate::entropy::Entropy;
use crate::mcp::McpScope;
use crate::runtime::{CompileLimits, GuestCache, Limits, Places};
use crate::state::{HostKey, Secrets};
use crate::tools::{ToolProvider, ToolRegistry};

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
    pub(super) section: ScopeSection,
    pub(super) files: DatabaseFiles,
    /// Where a record can be looked at; empty where that is not known.
    record_url: String,
    pub(super) writer: Option<Database>,
    /// Results of its statements.
    pub(super) results: ResultCache,
    places: Mutex<HashMap<String, Places>>,
    bound: Mutex<Vec<BoundSet>>,
    /// What its clients read in their lists, which another section need not change.
    listed: Arc<Mutex<Vec<Value>>>,
}

/// A tool set as the scope serves it.
#[derive(Clone)]
pub(super) struct BoundSet {
    pub(super) entry: ToolSetEntry,
    pub(super) provider: Arc<dyn ToolProvider>,
    /// What it was given besides.
    pub(super) settings: HashMap<String, String>,
    /// The values that it keeps from call to call.
    pub(super) cache: GuestCache,
    /// What a model reads of it, where that is watched over.
    pub(super) described: Value,
    /// What its self-test said while a database was away.
    pub(super) untested: Option<String>,
}

impl ServedScope {
    /// Opens what the section names; nothing is connected and no tool is served yet.
    /// `before` is the scope of that name which serves now: its clients stay.
    pub(super) fn new(
        config: &Config,
        name: &str,
        section: &ScopeSection,
        key: &HostKey,
        before: Option<&Self>,
    ) -> Result<Self, BuildError> {
        let io = Handle::current();
        // Before the pools read them: what changes in between is seen as changed.
        let files = DatabaseFiles::read(config, section);
        let results = ResultCache::new(name, section.limits.cache.as_u64(), section.cache_ttl);
        let open = |label: &String, read_only| {
            let opened = databases::open(config, label, (name, section), read_only, &io);
            opened.map(|database| database.keeping(label, results.clone()))
        };
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
        let (tools, mcp, listed) = match before {
            Some(before) => (
                Arc::clone(&before.tools),
                Arc::clone(&before.mcp),
                Arc::clone(&before.listed),
            ),
            None => {
                let tools = Arc::new(ArcSwap::from_pointee(ToolRegistry::default()));
                let mcp = McpScope::new(
                    Arc::clone(&scope),
                    &format!("SQL Server ({name})"),
                    Arc::clone(&tools),
                    Secrets::new(key, Entropy::system()),
                    Clock::system(),
                );
                (tools, Arc::new(mcp), Arc::default())
            }
        };
        Ok(Self {
            name: scope,
            read_only: section.read_only,
            databases,
            tools,
            mcp,
            section: section.clone(),
            files,
            record_url: config.record_url(name),
            writer,
            results,
            // Calls of before still have theirs.
            places: Mutex::new(
                before.map_or_else(HashMap::new, |before| before.places_for(section)),
            ),
            bound: Mutex::default(),
            listed,
        })
    }

    /// The pool that writes go through, where the scope may write.
    pub fn writer(&self) -> Option<&Database> {
        self.writer.as_ref()
    }

    /// The claims about a person that its databases are told.
    pub fn claims(&self) -> BTreeSet<String> {
        self.section.claims()
    }

    /// The names of the files that it serves, with every file of the folder where
    /// it asks for the rest.
    pub(super) fn entries(&self, folder: &[String]) -> Vec<ToolSetEntry> {
        let named: Vec<&str> = self
            .section
            .tool_sets
            .iter()
            .map(|entry| &*entry.file)
            .collect();
        let mut entries = Vec::new();
        for entry in &self.section.tool_sets {
            if entry.is_rest() {
                let rest = folder.iter().filter(|file| !named.contains(&&***file));
                entries.extend(rest.map(ToolSetEntry::named));
            } else {
                entries.push(entry.clone());
            }
        }
        entries
    }

    /// Whether it names the file itself, so that it is nothing without it.
    pub(super) fn names(&self, file: &str) -> bool {
        self.section
            .tool_sets
            .iter()
            .any(|entry| entry.file == file)
    }

    /// What the scope's own keys tell a tool set, and what the operator set for
    /// this one, which wins. A setting named `file`, or that ends in `_file`, is
    /// handed over as the content of that file: a tool set has none.
    pub(super) fn settings(&self, tool_set: &str) -> Result<HashMap<String, String>, BuildError> {
        let section = &self.section;
        let mut settings = HashMap::from([
            (
                "max_search_results".to_owned(),
                section.max_search_results.to_string(),
            ),
            (
                "cache_ttl".to_owned(),
                section.cache_ttl.as_secs().to_string(),
            ),
            ("record_url".to_owned(), self.record_url.clone()),
            ("databases".to_owned(), section.databases.join(",")),
        ]);
        let own: Option<&BTreeMap<String, String>> = section.config.get(tool_set);
        for (key, value) in own.into_iter().flatten() {
            let value = if is_file(key) {
                std::fs::read_to_string(value).map_err(|source| BuildError::SettingFile {
                    key: format!("scopes.{}.config.{tool_set}.{key}", self.name),
                    path: value.into(),
                    source,
                })?
            } else {
                value.clone()
            };
            settings.insert(key.clone(), value);
        }
        Ok(settings)
    }

    /// Files that settings of a tool set name.
    pub(super) fn setting_files(&self, tool_set: &str) -> impl Iterator<Item = PathBuf> {
        let own = self.section.config.get(tool_set).into_iter().flatten();
        let files = own.filter(|(key, _)| is_file(key));
        files.map(|(_, value)| PathBuf::from(value))
    }

    pub(super) fn limits(&self) -> Limits {
        limits(&self.section.limits)
    }

    /// The places under other settings, if these leave them as they are.
    fn places_for(&self, section: &ScopeSection) -> HashMap<String, Places> {
        let limits = |section: &ScopeSection| (section.limits.concurrency, section.limits.queue);
        if limits(&self.section) != limits(section) {
            return HashMap::new();
        }
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.clone()
    }

    /// The places of a tool set, the same for each of its versions. What is not named
    /// shares the places of one: as many are reserved.
    pub(super) fn places(&self, file: &str) -> Places {
        let file = if self.names(file) { file } else { "*" };
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let of_file = places.entry(file.to_owned());
        of_file
            .or_insert_with(|| Places::new(&self.limits()))
            .clone()
    }

    /// The places of all tool sets that were ever asked for some.
    pub(super) fn all_places(&self) -> Vec<Places> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.values().cloned().collect()
    }

    /// The tool sets that serve now.
    pub(super) fn bound(&self) -> Vec<BoundSet> {
        self.bound
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether that entry is one of them.
    pub(super) fn has_bound(&self, entry: &ToolSetEntry) -> bool {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.iter().any(|set| set.entry == *entry)
    }

    /// Serves these instead; clients hear of it if a list is another.
    pub(super) fn serve(&self, bound: Vec<BoundSet>, registry: ToolRegistry) {
        let lists: Vec<Value> = bound.iter().map(|set| set.described.clone()).collect();
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = bound;
        self.tools.store(Arc::new(registry));
        let changed = {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = *listed != lists;
            *listed = lists;
            changed
        };
        if changed {
            self.mcp.tools_changed();
        }
    }

    /// What the protocol serves beside tools is that of this section.
    pub(super) fn take_over(&self) {
        let tables = resources::Tables(self.databases.clone());
        self.mcp.set_resources(Arc::new(tables));
        let records = records::Records(self.databases.clone());
        self.mcp.set_records(Arc::new(records));
        self.mcp.set_rate_limit(self.section.rate_limit_per_minute);
    }
}

pub(super) fn is_file(key: &str) -> bool {
    key == "file" || key.ends_with("_file")
}

pub(super) fn limits(section: &LimitsSection) -> Limits {
    Limits {
        memory: bytes(section.memory),
        cpu: section.cpu,
        wall: section.wall,
        concurrency: section.concurrency,
        queue: section.queue,
        transfer: bytes(section.result),
        log: bytes(section.log),
        cache: section.cache.as_u64(),
        handles: section.handles,
        compile: CompileLimits {
            size: bytes(section.file),
            cpu: section.compile_time,
            memory: section
                .compile_memory
                .map_or_else(|| CompileLimits::default().memory, bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;

    #[test]
    fn what_is_written_of_memory_for_compiling_counts_on_every_machine() {
        let memory = |compile_memory| {
            let section = LimitsSection {
                compile_memory,
                ..LimitsSection::default()
            };
            limits(&section).compile.memory
        };
        assert_eq!(memory(None), CompileLimits::default().memory);
        for gib in [1, 8, 64] {
            assert_eq!(memory(Some(ByteSize::gib(gib))), bytes(ByteSize::gib(gib)));
        }
    }
}
