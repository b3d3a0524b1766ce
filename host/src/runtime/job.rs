//! What a guest is asked to do: one exported function of its component each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use super::bindings::exports::mssql_mcp::tools::{lifecycle, prompts, provider, resources};
use super::bindings::mssql_mcp::tools::types::Manifest;
use super::host::GuestCursor;
use super::reply::{self, Declared};
use super::state::StoreState;
use super::threads::leave_the_front_door;
use crate::database::Cursor;
use crate::tools::{Output, Reply, Schema};

/// Where a component's exported functions are.
#[derive(Clone)]
pub(super) struct Exports {
    provider: provider::GuestIndices,
    resources: Option<resources::GuestIndices>,
    prompts: Option<prompts::GuestIndices>,
    lifecycle: Option<lifecycle::GuestIndices>,
}

impl Exports {
    /// Finds them; the optional ones where the component has an instance of that
    /// name. The error is of one that lacks a function.
    pub(super) fn find(pre: &InstancePre<StoreState>) -> wasmtime::Result<Self> {
        let exported = |name: &str| pre.component().get_export_index(None, name).is_some();
        Ok(Self {
            provider: provider::GuestIndices::new(pre)?,
            resources: exported(RESOURCES)
                .then(|| resources::GuestIndices::new(pre))
                .transpose()?,
            prompts: exported(PROMPTS)
                .then(|| prompts::GuestIndices::new(pre))
                .transpose()?,
            lifecycle: exported(LIFECYCLE)
                .then(|| lifecycle::GuestIndices::new(pre))
                .transpose()?,
        })
    }

    fn resources(
        &self,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<resources::Guest> {
        loaded(self.resources.as_ref())?.load(store, instance)
    }

    /// Whether the component has resources.
    pub(super) fn has_resources(&self) -> bool {
        self.resources.is_some()
    }

    /// Whether the component can say that it does not work here.
    pub(super) fn has_self_test(&self) -> bool {
        self.lifecycle.is_some()
    }
}

/// A function to call in an instance that is there for this call alone.
pub(super) trait Job: Send + 'static {
    type Answer: Send + 'static;

    /// Calls it. The error is a trap.
    fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> impl Future<Output = wasmtime::Result<Self::Answer>> + Send;
}

/// `describe`, and what the optional exports say at load.
pub(super) struct Describe;

/// What a component says of itself.
pub(super) struct Described {
    pub(super) manifest: Manifest,
    pub(super) templates: Vec<resources::Template>,
    pub(super) prompts: Vec<prompts::Prompt>,
}

impl Job for Describe {
    type Answer = Described;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Described> {
        let provider = exports.provider.load(&mut *store, instance)?;
        let manifest = provider.call_describe(&mut *store).await?;
        let templates = match &exports.resources {
            Some(resources) => {
                let resources = resources.load(&mut *store, instance)?;
                resources.call_templates(&mut *store).await?
            }
            None => Vec::new(),
        };
        let prompts = match &exports.prompts {
            Some(prompts) => {
                let prompts = prompts.load(&mut *store, instance)?;
                prompts.call_list(&mut *store).await?
            }
            None => Vec::new(),
        };
        Ok(Described {
            manifest,
            templates,
            prompts,
        })
    }
}

/// `provider.call`
pub(super) struct CallTool {
    pub(super) name: String,
    pub(super) arguments: String,
    /// Of its structured result, where it declares one.
    pub(super) schema: Option<Arc<Schema>>,
}

/// A tool's reply, taken out of its store.
pub(super) enum Replied {
    /// Checked: where the guest ran and on its account, for megabytes of JSON take
    /// longer than the front door's threads have.
    Whole(Result<Reply<Output>, String>),
    /// With the rows that it hands over.
    Rows(provider::Reply, Box<Cursor>),
}

impl Job for CallTool {
    type Answer = Result<Replied, provider::Failure>;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Self::Answer> {
        let provider = exports.provider.load(&mut *store, instance)?;
        let Self {
            name,
            arguments,
            schema,
        } = self;
        let reply = match provider.call_call(&mut *store, &name, &arguments).await? {
            Ok(reply) => reply,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Some(cursor) = take_cursor(&reply, store) {
            return Ok(Ok(Replied::Rows(reply, Box::new(cursor))));
        }
        let checked = whole(reply, schema.as_deref(), store).await?;
        Ok(Ok(Replied::Whole(checked)))
    }
}

/// Checks a reply, in the memory that the call has left. The outer error is that it has
/// not enough.
async fn whole(
    reply: provider::Reply,
    schema: Option<&Schema>,
    store: &mut Store<StoreState>,
) -> wasmtime::Result<Result<Reply<Output>, String>> {
    let size = reply::size(&reply);
    if size > QUICK_TO_READ || schema.is_some_and(|schema| !schema.is_quick(size)) {
        let meter = Arc::clone(&store.data().meter);
        leave_the_front_door(&meter).await;
    }
    let began = Instant::now();
    let memory = &mut store.data_mut().memory;
    let declared = schema.map(|schema| Declared { schema, memory });
    let checked = reply::of_tool(reply, None, declared);
    if began.elapsed() > LONG {
        // Nothing stopped it, but what it took is held against the call's limit here.
        tokio::task::yield_now().await;
    }
    match checked {
        Err(reason) if store.data().memory.exceeded() => {
            let scope = &store.data().scope;
            let (scope, tool_set) = (&*scope.scope, scope.tool_set.as_str());
            tracing::warn!(
                scope,
                tool_set,
                reason,
                "a result is too large to be checked"
            );
            Err(wasmtime::format_err!("{reason}"))
        }
        checked => Ok(checked),
    }
}

/// `lifecycle.self-test`
pub(super) struct SelfTest;

impl Job for SelfTest {
    type Answer = Result<(), String>;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Self::Answer> {
        let lifecycle = loaded(exports.lifecycle.as_ref())?.load(&mut *store, instance)?;
        lifecycle.call_self_test(&mut *store).await
    }
}

/// `resources.list`
pub(super) struct ListResources;

impl Job for ListResources {
    type Answer = Result<Vec<resources::Entry>, provider::Failure>;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Self::Answer> {
        let resources = exports.resources(instance, store)?;
        resources.call_list(&mut *store).await
    }
}

/// `resources.read`
pub(super) struct ReadResource {
    pub(super) uri: String,
}

impl Job for ReadResource {
    type Answer = Result<Option<Vec<resources::Contents>>, provider::Failure>;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Self::Answer> {
        let resources = exports.resources(instance, store)?;
        resources.call_read(&mut *store, &self.uri).await
    }
}

/// `prompts.get`
pub(super) struct GetPrompt {
    pub(super) name: String,
    pub(super) arguments: Vec<(String, String)>,
}

impl Job for GetPrompt {
    type Answer = Result<prompts::Reply, provider::Failure>;

    async fn run(
        self,
        exports: &Exports,
        instance: &Instance,
        store: &mut Store<StoreState>,
    ) -> wasmtime::Result<Self::Answer> {
        let prompts = loaded(exports.prompts.as_ref())?.load(&mut *store, instance)?;
        let Self { name, arguments } = self;
        prompts.call_get(&mut *store, &name, &arguments).await
    }
}

fn loaded<T>(export: Option<&T>) -> wasmtime::Result<&T> {
    export.ok_or_else(|| wasmtime::format_err!("the component does not export it"))
}

/// Takes a cursor that the guest handed back out of the store's table.
fn take_cursor(reply: &provider::Reply, store: &mut Store<StoreState>) -> Option<Cursor> {
    let provider::Reply::Output(output) = reply else {
        return None;
    };
    let Some(provider::Structured::Rows(handle)) = &output.structured else {
        return None;
    };
    let handle = Resource::<GuestCursor>::new_own(handle.rep());
    store
        .data_mut()
        .table
        .delete(handle)
        .ok()
        .map(GuestCursor::into_inner)
}

/// Bytes of JSON that are read in some 50 µs.
const QUICK_TO_READ: usize = 16 << 10;
/// Time from which checking a reply is worth a look at what the call has used.
const LONG: Duration = Duration::from_millis(1);

pub(super) const PROVIDER: &str = "mssql-mcp:tools/provider@1.0.0";
pub(super) const RESOURCES: &str = "mssql-mcp:tools/resources@1.0.0";
pub(super) const PROMPTS: &str = "mssql-mcp:tools/prompts@1.0.0";
pub(super) const LIFECYCLE: &str = "mssql-mcp:tools/lifecycle@1.0.0";
