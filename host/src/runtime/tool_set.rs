//! A component bound to one scope: what the scope grants it, and its tools as
//! a [`ToolProvider`].

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use tracing::Instrument as _;

use super::bindings::mssql_mcp::database::db_query::JsonShape;
use super::engine::Runtime;
use super::error::LoadError;
use super::figures::Figures;
use super::host::{GuestCache, Sealer};
use super::job::Described;
use super::limits::Limits;
use super::load::Component;
use super::places::Places;
use super::{manifest, offers, traced};
use crate::database::Database;
use crate::tools::{
    CallContext, Conversation, Manifest, Output, Prompt, Reply, ResourceProvider, ResourceTemplate,
    Schema, Tool, ToolError, ToolProvider,
};

/// What a scope gives to a tool set.
pub struct Grants {
    /// The scope's name.
    pub scope: Arc<str>,
    /// Label and pool of each database that may be read; the first is the
    /// default.
    pub databases: Vec<(String, Database)>,
    /// Pool for writing, under another log-in; `None` in a read-only scope.
    pub writer: Option<Database>,
    /// Whether a query answers each person differently, so that nothing of one
    /// may be cached for another.
    pub by_person: bool,
    /// The tool set's settings.
    pub settings: HashMap<String, String>,
    /// Its limits.
    pub limits: Limits,
    /// Places for its calls, shared with its other versions.
    pub places: Places,
    /// The host's key for sealed values.
    pub sealing_key: [u8; 32],
}

/// A tool set as one scope serves it.
pub struct WasmToolSet {
    pub(super) runtime: Runtime,
    pub(super) component: Component,
    pub(super) scope: Arc<ToolSetScope>,
    pub(super) places: Places,
    manifest: Manifest,
    pub(super) rows: Vec<(String, JsonShape)>,
    pub(super) results: HashMap<String, Arc<Schema>>,
    pub(super) templates: Vec<ResourceTemplate>,
    prompts: Vec<Prompt>,
    untested: Option<String>,
    pub(super) figures: Figures,
}

/// What every call of a tool set in a scope shares.
pub(super) struct ToolSetScope {
    pub(super) scope: Arc<str>,
    pub(super) tool_set: String,
    pub(super) databases: Vec<(String, Database)>,
    pub(super) writer: Option<Database>,
    pub(super) by_person: bool,
    pub(super) settings: HashMap<String, String>,
    pub(super) limits: Limits,
    pub(super) cache: GuestCache,
    pub(super) sealer: Sealer,
}

impl ToolSetScope {
    /// Whether somebody waits for a connection to a database that has none.
    pub(super) fn waits_for_a_database(&self) -> bool {
        let mut databases = self.databases.iter();
        databases.any(|(_, database)| {
            let pool = database.pool_state();
            pool.connections == 0 && pool.waiting > 0
        })
    }
}

impl WasmToolSet {
    /// Binds `component` to a scope and asks it for its tools. `name` is the
    /// tool set's name in the configuration.
    pub async fn load(
        runtime: &Runtime,
        component: &Component,
        name: &str,
        grants: Grants,
    ) -> Result<Self, LoadError> {
        if let (Some(import), None) = (component.write_import(), &grants.writer) {
            return Err(LoadError::Writes {
                import: import.to_owned(),
                scope: grants.scope.to_string(),
            });
        }
        let sealer = Sealer::new(&grants.sealing_key, &grants.scope, name)
            .map_err(|error| LoadError::Contract(error.to_string()))?;
        let scope = Arc::clone(&grants.scope);
        let scope = Arc::new(ToolSetScope {
            scope: Arc::clone(&scope),
            tool_set: name.to_owned(),
            databases: grants.databases,
            writer: grants.writer,
            by_person: grants.by_person,
            settings: grants.settings,
            cache: GuestCache::new(&scope, name, grants.limits.cache),
            limits: grants.limits,
            sealer,
        });
        if component.size() > scope.limits.compile.size {
            return Err(LoadError::TooLarge(scope.limits.compile.size));
        }
        let Described {
            manifest,
            templates,
            prompts,
        } = super::call::describe(runtime, component, &scope).await?;
        // Compiling 64 schemas takes seconds at worst, which no thread that serves has.
        let can_write = component.write_import().is_some();
        let checked = tokio::task::spawn_blocking(move || manifest::check(manifest, can_write));
        let checked = checked.await.map_err(|error| {
            LoadError::Describe(format!("what it returned cannot be checked: {error}"))
        })?;
        let manifest::Checked {
            manifest,
            rows,
            results,
        } = checked?;
        let untested = super::call::self_test(runtime, component, &scope).await?;
        Ok(Self {
            untested,
            figures: Figures::new(&scope, &manifest),
            runtime: runtime.clone(),
            component: component.clone(),
            places: grants.places,
            scope,
            manifest,
            rows,
            results,
            templates: offers::templates(templates)?,
            prompts: offers::prompts(prompts)?,
        })
    }

    /// The values that it keeps from call to call.
    pub fn cache(&self) -> GuestCache {
        self.scope.cache.clone()
    }

    /// What its self-test said while a database was away, which is no verdict.
    pub fn untested(&self) -> Option<&str> {
        self.untested.as_deref()
    }

    /// SHA-256 of the component's file, in hexadecimal.
    pub fn digest(&self) -> &str {
        self.component.digest()
    }

    /// The component that it is made of.
    pub fn component(&self) -> &Component {
        &self.component
    }
}

impl ToolProvider for WasmToolSet {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        let span = traced::tool(&self.scope, &tool.name, self.component.digest());
        let noted = span.clone();
        let called = async move {
            let called = self.run(tool, arguments, context).await;
            if let Err(error) = &called {
                traced::failed(&noted, error.code);
            }
            called
        };
        called.instrument(span).boxed()
    }

    fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    fn prompt<'a>(
        &'a self,
        prompt: &'a Prompt,
        arguments: Vec<(String, String)>,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Conversation>, ToolError>> {
        self.fill_in(prompt, arguments, context).boxed()
    }

    fn resources(&self) -> Option<&dyn ResourceProvider> {
        self.component.exports.has_resources().then_some(self)
    }
}
