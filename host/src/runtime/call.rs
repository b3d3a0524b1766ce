//! One call: a place, a store, the guest, its reply. However the guest ends,
//! the caller gets a sentence and the host goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};

use super::bindings::mssql_mcp::database::db_query::JsonShape;
use super::engine::Runtime;
use super::error::{CallFailure, LoadError};
use super::job::{CallTool, Describe, Described, Job, Replied};
use super::limits::Limits;
use super::load::Component;
use super::problem;
use super::reply;
use super::state::{Phase, StoreState};
use super::threads::Stopped;
use super::tool_set::{ToolSetScope, WasmToolSet};
use crate::tools::{Access, CallContext, Output, Reply, Tool, ToolError};

/// An answer on its way to the caller.
struct Answered<T> {
    answer: T,
    /// Until when its rows may be read.
    deadline: Instant,
    /// The call's place, kept until its rows are read too.
    place: OwnedSemaphorePermit,
}

impl WasmToolSet {
    /// Calls a tool.
    pub(super) async fn run(
        &self,
        tool: &Tool,
        arguments: &RawValue,
        context: CallContext,
    ) -> Result<Reply<Output>, ToolError> {
        let started = Instant::now();
        let cancel = context.cancel.clone();
        let job = CallTool {
            name: tool.name.clone(),
            arguments: arguments.get().to_owned(),
        };
        let result = match self.guest(job, tool.access, context).await {
            Ok(answered) => self.finish(tool, answered, &cancel).await,
            Err(failure) => Err(problem::from_failure(&failure, &self.scope, &tool.name)),
        };
        let status = match &result {
            Ok(Reply::Complete(_)) => "ok",
            Ok(Reply::Ask(_)) => "asks",
            Err(error) => error.code,
        };
        self.count(&tool.name, status, started);
        result
    }

    /// Does something in the guest that is no call of a tool; `what` is its name in
    /// messages and figures.
    pub(super) async fn perform<J: Job>(
        &self,
        job: J,
        what: &str,
        context: CallContext,
    ) -> Result<J::Answer, ToolError> {
        let started = Instant::now();
        let answered = self.guest(job, Access::Read, context).await;
        let result = answered
            .map(|answered| answered.answer)
            .map_err(|failure| problem::from_failure(&failure, &self.scope, what));
        let status = result.as_ref().map_or_else(|error| error.code, |_| "ok");
        self.count(what, status, started);
        result
    }

    fn count(&self, what: &str, status: &'static str, started: Instant) {
        let labels = [
            ("scope", self.scope.scope.to_string()),
            ("tool_set", self.scope.tool_set.clone()),
            ("tool_name", what.to_owned()),
            ("status", status.to_owned()),
        ];
        metrics::counter!("tool_executions_total", &labels).increment(1);
        metrics::histogram!("tool_execution_seconds", &labels).record(started.elapsed());
    }

    /// Runs the guest, for who has that right.
    async fn guest<J: Job>(
        &self,
        job: J,
        access: Access,
        context: CallContext,
    ) -> Result<Answered<J::Answer>, CallFailure> {
        let limits = &self.scope.limits;
        let cancel = context.cancel.clone();
        let place = self
            .bulkhead
            .enter(Instant::now() + limits.wall, &cancel)
            .await?;
        let deadline = Instant::now() + limits.wall;
        let state = StoreState::new(
            Arc::clone(&self.scope),
            Phase::Call {
                context,
                deadline,
                access,
            },
        );
        let component = self.component.clone();
        let store = store(&self.runtime, state);
        let work = async move {
            // Dropped in reverse: a place is free when its instance is, however
            // late the thread comes to unwind a call that was stopped.
            let place = place;
            let mut store = store;
            let answer = in_instance(job, &component, &mut store).await;
            let answer = answer.map_err(|error| classify(&error, store.data()))?;
            Ok(Answered {
                answer,
                deadline,
                place,
            })
        };
        let run = self.runtime.threads.run(work, limits.cpu);
        let stopped = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(CallFailure::Cancelled),
            result = tokio::time::timeout_at(deadline.into(), run) => result,
        };
        match stopped {
            Err(_) => Err(CallFailure::Wall(limits.wall)),
            Ok((Err(Stopped::Cpu), _)) => Err(CallFailure::Cpu(limits.cpu)),
            Ok((Err(Stopped::Lost(reason)), _)) => Err(CallFailure::Host(reason)),
            Ok((Ok(answered), _)) => answered,
        }
    }

    /// Turns the guest's reply into the call's output; rows are encoded here,
    /// from the connection into the result, without the guest.
    async fn finish(
        &self,
        tool: &Tool,
        answered: Answered<<CallTool as Job>::Answer>,
        cancel: &CancellationToken,
    ) -> Result<Reply<Output>, ToolError> {
        let Answered {
            answer,
            deadline,
            place: _place,
        } = answered;
        let failed = |failure| problem::from_failure(&failure, &self.scope, &tool.name);
        let Replied { reply, cursor } = answer.map_err(|failure| self.told(failure, &tool.name))?;
        let Some(mut cursor) = cursor else {
            let schema = self.results.get(&tool.name);
            return reply::of_tool(reply, None, schema)
                .map_err(|reason| failed(CallFailure::Trap(reason)));
        };
        let shape = self.shape_of(&tool.name);
        let document = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(failed(CallFailure::Cancelled)),
            document = tokio::time::timeout_at(deadline.into(), cursor.document(shape)) => document,
        };
        let rows = document
            .map_err(|_| failed(CallFailure::Wall(self.scope.limits.wall)))?
            .map_err(problem::from_database)?;
        reply::of_tool(reply, Some(rows), None).map_err(|reason| failed(CallFailure::Host(reason)))
    }

    /// A failure that the guest reported of `what`.
    pub(super) fn told(&self, failure: reply::Failure, what: &str) -> ToolError {
        reply::failure(failure, what).unwrap_or_else(|reason| self.broke(reason, what))
    }

    /// What the guest handed over for `what` cannot be sent.
    pub(super) fn broke(&self, reason: String, what: &str) -> ToolError {
        problem::from_failure(&CallFailure::Trap(reason), &self.scope, what)
    }

    fn shape_of(&self, tool: &str) -> crate::database::JsonShape {
        match self.rows.iter().find(|(name, _)| name == tool) {
            Some((_, JsonShape::Arrays)) => crate::database::JsonShape::Arrays,
            _ => crate::database::JsonShape::Objects,
        }
    }
}

/// Asks a component for its tools, under the scope's limits but at most
/// [`DESCRIBE_WALL`].
pub(super) async fn describe(
    runtime: &Runtime,
    component: &Component,
    scope: &Arc<ToolSetScope>,
) -> Result<Described, LoadError> {
    let mut store = store(runtime, StoreState::new(Arc::clone(scope), Phase::Describe));
    let component = component.clone();
    let work = async move {
        let described = in_instance(Describe, &component, &mut store).await;
        described.map_err(|error| classify(&error, store.data()).to_string())
    };
    let run = runtime.threads.run(work, scope.limits.cpu);
    let failed = |reason: String| Err(LoadError::Describe(reason));
    match tokio::time::timeout(DESCRIBE_WALL, run).await {
        Err(_) => failed(CallFailure::Wall(DESCRIBE_WALL).to_string()),
        Ok((Err(Stopped::Cpu), _)) => failed(CallFailure::Cpu(scope.limits.cpu).to_string()),
        Ok((Err(Stopped::Lost(reason)), _)) => failed(reason),
        Ok((Ok(Err(reason)), _)) => failed(reason),
        Ok((Ok(Ok(described)), _)) => Ok(described),
    }
}

/// Makes an instance and does `job` in it.
async fn in_instance<J: Job>(
    job: J,
    component: &Component,
    store: &mut Store<StoreState>,
) -> wasmtime::Result<J::Answer> {
    let instance = component.pre.instantiate_async(&mut *store).await?;
    job.run(&component.exports, &instance, store).await
}

/// A store with every limit on.
fn store(runtime: &Runtime, state: StoreState) -> Store<StoreState> {
    let transfer = state.scope.limits.transfer;
    let mut store = Store::new(&runtime.engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(transfer);
    store.set_max_component_handles(MAX_HANDLES);
    // Each tick gives control back; whether the guest goes on is decided by
    // its meter (see `threads`), so host and waiting time are not billed here.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| {
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
    store
}

/// Names the reason for which wasmtime ended a call.
fn classify(error: &wasmtime::Error, state: &StoreState) -> CallFailure {
    if state.memory.exceeded() {
        return CallFailure::Memory(state.memory.limit());
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallFailure::Queue;
    }
    let text = format!("{error:#}");
    // The engine's error for it has no public type.
    if text.contains("fuel allocated for hostcalls") {
        return CallFailure::Transfer(state.scope.limits.transfer);
    }
    CallFailure::Trap(match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => text,
    })
}

/// The places of one tool set in one scope: as many calls as may run at once,
/// and a bounded queue.
pub(super) struct Bulkhead {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

impl Bulkhead {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.concurrency)),
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
        }
    }

    async fn enter(
        &self,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, CallFailure> {
        let places = Arc::clone(&self.places);
        if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::join(&self.waiting, self.queue)?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallFailure::Cancelled),
            place = tokio::time::timeout_at(deadline.into(), places.acquire_owned()) => match place {
                Ok(Ok(permit)) => Ok(permit),
                Ok(Err(_)) | Err(_) => Err(CallFailure::Queue),
            },
        }
    }
}

/// A place in the queue, given back on drop.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, limit: usize) -> Result<Self, CallFailure> {
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < limit).then_some(waiting + 1)
            })
            .map(|_| Self(count))
            .map_err(|_| CallFailure::Queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Component handles of one call, the engine's default being 100 000.
const MAX_HANDLES: usize = 1_000;
/// How long `describe` may take, whatever a call may.
const DESCRIBE_WALL: Duration = Duration::from_secs(5);
