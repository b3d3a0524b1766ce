//! A component in the scopes that use it: asked what it is in each, and joined with
//! the other tool sets there, before anything is swapped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::uses::Use;
use super::{ToolSets, Version, lock, wants_rest};
use crate::app::BuildError;
use crate::app::scope::{BoundSet, ServedScope};
use crate::config::ToolSetEntry;
use crate::runtime::{Component, Grants, LoadError, WasmToolSet};
use crate::tools::{Profile, Profiled, ToolProvider, ToolRegistry};

/// Tool sets for one scope, ready to be swapped in.
pub(super) struct Plan {
    pub(super) scope: Arc<ServedScope>,
    pub(super) bound: Vec<BoundSet>,
    pub(super) registry: ToolRegistry,
}

/// One file as the scopes that use it have it.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) bound: Vec<(Arc<str>, BoundSet)>,
    /// Where it cannot serve in scopes that only take what is left in the folder.
    pub(super) left_out: Vec<LeftOut>,
    /// The same for the lock.
    pub(super) silent: Vec<Silent>,
}

/// A file that a scope does without.
pub(super) struct LeftOut {
    scope: Arc<str>,
    file: String,
    pub(super) error: BuildError,
}

/// A file where it is left out, for the lock.
pub(super) struct Silent {
    scope: Arc<str>,
    file: String,
    /// What it was given there, if it is left out by its own doing.
    given: Value,
}

impl Prepared {
    pub(super) fn extend(&mut self, other: Self) {
        self.bound.extend(other.bound);
        self.left_out.extend(other.left_out);
        self.silent.extend(other.silent);
    }

    /// `component` as the lock sees it.
    pub(super) fn version(&self, file: &str, component: &Component) -> Version {
        let bound = self.bound.iter().map(|(scope, bound)| (scope, bound));
        Version::new(component, described(file, bound, &self.silent))
    }
}

impl ToolSets {
    /// Binds a component to every scope that uses it; with `keep` only where it does
    /// not serve already. A scope that names the file needs it; one that takes the
    /// rest of the folder does without, unless nobody else would have it.
    pub(super) async fn prepare(
        &self,
        file: &str,
        component: &Component,
        uses: &[Use],
        keep: bool,
    ) -> Result<Prepared, BuildError> {
        let mut prepared = Prepared::default();
        let mut kept = false;
        for used in uses {
            let scope = &used.scope;
            // One after the other: a file has one guest at a time to be waited for.
            for entry in &used.entries {
                if keep && used.serving.contains(entry) {
                    kept = true;
                    continue;
                }
                match self.bind(scope, entry, component).await {
                    Ok(bound) => prepared.bound.push((Arc::clone(&scope.name), bound)),
                    Err(error) if scope.names(file) => return Err(error),
                    Err(error) => {
                        prepared.silent.push(Silent::new(scope, entry, &error));
                        prepared.left_out.push(LeftOut::new(scope, file, error));
                    }
                }
            }
        }
        if prepared.bound.is_empty() && !kept {
            return Err(match prepared.left_out.pop() {
                Some(left_out) => left_out.error,
                None => BuildError::Missing(file.to_owned()),
            });
        }
        Ok(prepared)
    }

    /// The tool sets of one scope: those that are prepared, and else those that serve
    /// of files that are not in `replaced`. What does not fit beside the others is
    /// moved from `prepared` to what it leaves out.
    pub(super) fn plan(
        &self,
        scope: &Arc<ServedScope>,
        prepared: &mut Prepared,
        replaced: &BTreeSet<String>,
    ) -> Result<Plan, BuildError> {
        let before = scope.bound();
        let unfit = |source| BuildError::Registry {
            scope: scope.name.to_string(),
            source,
        };
        let of_scope = prepared.bound.iter();
        let of_scope = of_scope.filter(|(name, _)| *name == scope.name);
        let staying = before
            .iter()
            .filter(|set| !replaced.contains(&set.entry.file));
        let known: Vec<&BoundSet> = of_scope.map(|(_, bound)| bound).chain(staying).collect();
        // One of the rest may be missing; a named one is an error before this.
        let entries = self.entries(scope).into_iter();
        let found = entries.filter_map(|entry| known.iter().find(|set| set.entry == entry));
        let (named, rest): (Vec<BoundSet>, Vec<BoundSet>) = found
            .map(|set| (*set).clone())
            .partition(|set| scope.names(&set.entry.file));
        let providers = named.iter().map(|set| Arc::clone(&set.provider)).collect();
        let mut registry = ToolRegistry::new(providers).map_err(unfit)?;
        let mut bound = named;
        for set in rest {
            match registry.add(Arc::clone(&set.provider)) {
                Ok(()) => bound.push(set),
                Err(source) => {
                    prepared.bound.retain(|(name, prepared)| {
                        *name != scope.name || prepared.entry != set.entry
                    });
                    let left_out = LeftOut::new(scope, &set.entry.file, unfit(source));
                    prepared.left_out.push(left_out);
                    prepared.silent.push(Silent {
                        scope: Arc::clone(&scope.name),
                        file: set.entry.file,
                        given: json!({}),
                    });
                }
            }
        }
        Ok(Plan {
            scope: Arc::clone(scope),
            bound,
            registry,
        })
    }

    /// Tells of what `plans` make of `files`: of the scopes that do without one of them,
    /// and of what could not be tried there.
    pub(super) fn tell(&self, prepared: &Prepared, plans: &[Plan], files: &BTreeSet<String>) {
        for file in files {
            let bound = plans.iter().flat_map(|plan| {
                let bound = plan.bound.iter().filter(|set| set.entry.file == *file);
                bound.map(|set| (plan.scope.name.to_string(), set))
            });
            let untested = bound.filter_map(|(scope, set)| Some((scope, set.untested.clone()?)));
            self.statuses.everywhere(file, untested.collect());
        }
        for LeftOut { scope, file, error } in &prepared.left_out {
            tracing::warn!(scope = &**scope, tool_set = file, "left out: {error}");
            self.statuses.left_out(file, scope, error.to_string());
        }
    }

    /// The tool sets of a scope, with every file of the folder where it asks for the
    /// rest.
    pub(super) fn entries(&self, scope: &ServedScope) -> Vec<ToolSetEntry> {
        if wants_rest(scope) {
            let names = self.listing.names(&self.files);
            scope.entries(&names.into_iter().collect::<Vec<_>>())
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
        let _asking = self.asking.acquire().await;
        let settings = scope.settings(file)?;
        let grants = Grants {
            scope: Arc::clone(&scope.name),
            databases: scope.databases.clone(),
            writer: scope.writer.clone(),
            by_person: scope.section.session_context.is_some(),
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
        let cache = loaded.cache();
        let untested = loaded.untested().map(str::to_owned);
        if let Some(sentence) = &untested {
            tracing::warn!(
                scope = &*scope.name,
                tool_set = file,
                sentence,
                "its self-test found a database away, which is held against no version"
            );
        }
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
            cache,
            untested,
        })
    }
}

impl LeftOut {
    fn new(scope: &ServedScope, file: &str, error: BuildError) -> Self {
        Self {
            scope: Arc::clone(&scope.name),
            file: file.to_owned(),
            error,
        }
    }
}

impl Silent {
    fn new(scope: &ServedScope, entry: &ToolSetEntry, error: &BuildError) -> Self {
        let settings = scope.settings(&entry.file).ok();
        let given = settings.filter(|_| is_its_own_doing(error));
        Self {
            scope: Arc::clone(&scope.name),
            file: entry.file.clone(),
            given: given.map_or_else(|| json!({}), |given| lock::given_to(entry, &given)),
        }
    }
}

/// Whether a tool set could fail so on purpose. What it imports and how large it is
/// do not change by themselves.
fn is_its_own_doing(error: &BuildError) -> bool {
    let BuildError::ToolSet { source, .. } = error else {
        return false;
    };
    matches!(
        source,
        LoadError::Describe(_) | LoadError::SelfTest(_) | LoadError::Manifest(_)
    )
}

/// What the tool set `file` says of itself in each scope, and what it is given there.
pub(super) fn described<'a>(
    file: &str,
    bound: impl Iterator<Item = (&'a Arc<str>, &'a BoundSet)>,
    silent: &[Silent],
) -> BTreeMap<String, Value> {
    let mut described: BTreeMap<String, Value> = BTreeMap::new();
    for (scope, bound) in bound.filter(|(_, bound)| bound.entry.file == file) {
        // A scope may use a file twice, under two profiles.
        let all = described.entry(scope.to_string()).or_default();
        merge(all, &bound.described);
        merge(all, &lock::given_to(&bound.entry, &bound.settings));
    }
    for silent in silent.iter().filter(|silent| silent.file == file) {
        let said = described.entry(silent.scope.to_string());
        said.or_insert_with(|| silent.given.clone());
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
