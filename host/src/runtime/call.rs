//! One call: a place, a store, the guest, its reply. However the guest ends,
//! the caller gets a sentence and the host goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wasmtime::{Store, UpdateDeadline};

use super::bindings::mssql_mcp::database::db_query::JsonShape;
use super::engine::Runtime;
use super::error::{CallFailure, LoadError};
use super::job::{CallTool, Describe, Described, Job, Replied, SelfTest};
use super::load::Component;
use super::meter::Meter;
use super::problem;
use super::reply;
use super::state::{Phase, StoreState};
use super::threads::Stopped;
use super::tool_set::{ToolSetScope, WasmToolSet};
use super::traced;
use crate::audit::{Call, Entry, Figures, NotWritten, Outcome};
use crate::excerpt::excerpt;
use crate::tools::{Access, Bill, CallContext, Output, Reply, Tool, ToolError};

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
        let ended = Ended::begin(&context);
        let cancel = context.cancel.clone();
        if let Err(error) = context.audit.ready() {
            return self.not_noted(error, &tool.name, ended).await;
        }
        let job = CallTool {
            name: tool.name.clone(),
            arguments: arguments.get().to_owned(),
            schema: self.results.get(&tool.name).cloned(),
        };
        let meter = Arc::clone(&ended.meter);
        let result = match self.guest(job, tool.access, context, meter).await {
            Ok(answered) => self.finish(tool, answered, &cancel, &ended.meter).await,
            Err(failure) => Err(problem::from_failure(&failure, &self.scope, &tool.name)),
        };
        let result = result.map_err(|error| match ended.meter.finality.has_changed() {
            true => problem::after_changes(error),
            false => error,
        });
        let status = match &result {
            Ok(Reply::Complete(_)) => "ok",
            Ok(Reply::Ask(_)) => "asks",
            Err(error) => error.code,
        };
        self.count(&tool.name, status, ended).await;
        result
    }

    /// Refuses what could not be noted.
    async fn not_noted<T>(
        &self,
        error: NotWritten,
        what: &str,
        ended: Ended,
    ) -> Result<T, ToolError> {
        let error = problem::not_noted(error);
        self.count(what, error.code, ended).await;
        Err(error)
    }

    /// Does something in the guest that is no call of a tool; `what` is its name in
    /// messages and figures.
    pub(super) async fn perform<J: Job>(
        &self,
        job: J,
        what: &str,
        context: CallContext,
    ) -> Result<J::Answer, ToolError> {
        let ended = Ended::begin(&context);
        if let Err(error) = context.audit.ready() {
            return self.not_noted(error, what, ended).await;
        }
        let meter = Arc::clone(&ended.meter);
        let answered = self.guest(job, Access::Read, context, meter).await;
        let result = answered
            .map(|answered| answered.answer)
            .map_err(|failure| problem::from_failure(&failure, &self.scope, what));
        let status = result.as_ref().map_or_else(|error| error.code, |_| "ok");
        self.count(what, status, ended).await;
        result
    }

    /// Makes the bill: for the figures, the audit, and whoever asked for it.
    async fn count(&self, what: &str, status: &'static str, ended: Ended) {
        let took = ended.started.elapsed();
        let bill = ended.meter.bill(self.component.shared_digest(), took);
        self.figures.add(what, status, took, &bill);
        let (outcome, code) = match status {
            "ok" => (Outcome::Ok, None),
            "asks" => (Outcome::Asks, None),
            code => (Outcome::of_error(code), Some(code)),
        };
        let call = Call {
            tool_set: self.scope.tool_set.clone(),
            digest: Arc::clone(&bill.digest),
            tool: what.to_owned(),
            figures: Some(figures(&bill)),
            statements: ended.meter.take_statements(),
        };
        let entry = ended.context.entry(outcome, call);
        let entry = Entry {
            code: code.map(Into::into),
            ..entry
        };
        let noted = ended.context.audit.record_call(entry);
        if let Some(slot) = &ended.context.bill {
            // A call that is made again after a question keeps its first bill.
            let _ = slot.set(bill);
        }
        noted.await;
    }

    /// Runs the guest, for who has that right.
    async fn guest<J: Job>(
        &self,
        job: J,
        access: Access,
        context: CallContext,
        meter: Arc<Meter>,
    ) -> Result<Answered<J::Answer>, CallFailure> {
        let limits = &self.scope.limits;
        let cancel = context.cancel.clone();
        let came = Instant::now();
        let place = self.places.enter(came + limits.wall, &cancel).await?;
        meter.queued(came.elapsed());
        let deadline = Instant::now() + limits.wall;
        let state = StoreState::new(
            Arc::clone(&self.scope),
            Phase::Call {
                context,
                deadline,
                access,
            },
            Arc::clone(&meter),
        );
        let component = self.component.clone();
        let store = store(&self.runtime, state);
        let work = async move {
            // Dropped in reverse: a place is free when its instance is, however
            // late the thread comes to unwind a call that was stopped.
            let place = place;
            let mut store = store;
            let answer = in_instance(job, &component, &mut store).await;
            let answer = answer.map_err(|error| {
                store.data_mut().settle();
                classify(&error, store.data())
            })?;
            Ok(Answered {
                answer,
                deadline,
                place,
            })
        };
        let share = Arc::clone(&self.places.share);
        let span = traced::guest(&self.scope);
        let used = Arc::clone(&meter);
        let run = self.runtime.threads.run(work, limits.cpu, meter, share);
        let run = run.instrument(span.clone());
        tokio::pin!(run);
        let mut stopped = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallFailure::Cancelled),
            result = tokio::time::timeout_at(deadline.into(), &mut run) => {
                result.map_err(|_| CallFailure::Wall(limits.wall))
            }
        };
        if stopped.is_err() && !used.finality.give_up() {
            let answer = tokio::time::timeout(FINAL, &mut run).await;
            stopped = answer.map_err(|_| CallFailure::Uncertain);
        }
        traced::used(&span, &used);
        match stopped? {
            Err(Stopped::Cpu) => Err(CallFailure::Cpu(limits.cpu)),
            Err(Stopped::Lost(reason)) => Err(CallFailure::Host(reason)),
            Ok(answered) => answered,
        }
    }

    /// Turns the guest's reply into the call's output; rows are encoded here,
    /// from the connection into the result, without the guest.
    async fn finish(
        &self,
        tool: &Tool,
        answered: Answered<<CallTool as Job>::Answer>,
        cancel: &CancellationToken,
        meter: &Meter,
    ) -> Result<Reply<Output>, ToolError> {
        let Answered {
            answer,
            deadline,
            place: _place,
        } = answered;
        let failed = |failure| problem::from_failure(&failure, &self.scope, &tool.name);
        let replied = answer.map_err(|failure| self.told(failure, &tool.name))?;
        let (reply, mut cursor) = match replied {
            Replied::Whole(reply) => {
                return reply.map_err(|reason| failed(CallFailure::Trap(reason)));
            }
            Replied::Rows(reply, cursor) => (reply, cursor),
        };
        let shape = self.shape_of(&tool.name);
        let document = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(failed(CallFailure::Cancelled)),
            document = tokio::time::timeout_at(deadline.into(), cursor.document(shape)) => document,
        };
        meter.statement(cursor.stats());
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

/// For the answer to a COMMIT that is under way, which the database bounds itself, and
/// for what the guest makes of it.
const FINAL: Duration = Duration::from_secs(12);

/// What the audit tells of a bill.
fn figures(bill: &Bill) -> Figures {
    Figures {
        rows: bill.rows,
        bytes: bill.bytes,
        wall_us: bill.wall_us,
        queue_us: bill.queue_us,
        instantiation_us: bill.instantiation_us,
        database_us: bill.database_us,
        cpu_us: bill.cpu_us,
        memory_bytes: bill.memory_bytes,
    }
}

/// Asks a component for its tools.
pub(super) async fn describe(
    runtime: &Runtime,
    component: &Component,
    scope: &Arc<ToolSetScope>,
) -> Result<Described, LoadError> {
    let away = Arc::default();
    at_load(runtime, component, scope, Describe, Phase::Describe, &away)
        .await
        .map_err(LoadError::Describe)
}

/// Lets a component that can say so say whether it works here. Where a database is away
/// nobody knows: what it said then comes back, and is no error.
pub(super) async fn self_test(
    runtime: &Runtime,
    component: &Component,
    scope: &Arc<ToolSetScope>,
) -> Result<Option<String>, LoadError> {
    if !component.exports.has_self_test() {
        return Ok(None);
    }
    let cancel = CancellationToken::new();
    // Statements that the guest leaves behind end with it.
    let _stop = cancel.clone().drop_guard();
    let phase = Phase::Call {
        context: CallContext::new(Arc::clone(&scope.scope), None, cancel),
        deadline: Instant::now() + LOAD_WALL,
        access: Access::Read,
    };
    let away = Arc::default();
    let sentence = match at_load(runtime, component, scope, SelfTest, phase, &away).await {
        Ok(Ok(())) => return Ok(None),
        Ok(Err(sentence)) => excerpt(&sentence, MAX_SENTENCE).to_owned(),
        Err(failure) => failure,
    };
    if away.load(Ordering::Relaxed) {
        return Ok(Some(sentence));
    }
    Err(LoadError::SelfTest(sentence))
}

/// Does `job` outside any call, under the scope's limits but within [`LOAD_WALL`];
/// `away` is set where a database did not answer it.
async fn at_load<J: Job>(
    runtime: &Runtime,
    component: &Component,
    scope: &Arc<ToolSetScope>,
    job: J,
    phase: Phase,
    away: &Arc<AtomicBool>,
) -> Result<J::Answer, String> {
    let meter = Arc::new(Meter::default());
    let mut state = StoreState::new(Arc::clone(scope), phase, Arc::clone(&meter));
    state.away = Arc::clone(away);
    let mut store = store(runtime, state);
    let component = component.clone();
    let work = async move {
        let done = in_instance(job, &component, &mut store).await;
        done.map_err(|error| {
            let failure = classify(&error, store.data()).to_string();
            match store.data().log.last_words() {
                Some(words) => format!("{failure}; it wrote: {words}"),
                None => failure,
            }
        })
    };
    let share = Arc::default();
    let run = runtime.threads.run(work, scope.limits.cpu, meter, share);
    tokio::pin!(run);
    match tokio::time::timeout(LOAD_WALL, &mut run).await {
        Err(_) => {
            // Of one that takes connections and says nothing there is no answer by now.
            if scope.waits_for_a_database() {
                away.store(true, Ordering::Relaxed);
            }
            Err(CallFailure::Wall(LOAD_WALL).to_string())
        }
        Ok(Err(Stopped::Cpu)) => Err(CallFailure::Cpu(scope.limits.cpu).to_string()),
        Ok(Err(Stopped::Lost(reason))) => Err(reason),
        Ok(Ok(done)) => done,
    }
}

/// What is known of a call from its begin to its end.
struct Ended {
    started: Instant,
    meter: Arc<Meter>,
    context: CallContext,
}

impl Ended {
    fn begin(context: &CallContext) -> Self {
        Self {
            started: Instant::now(),
            meter: Arc::default(),
            context: context.clone(),
        }
    }
}

/// Makes an instance and does `job` in it.
async fn in_instance<J: Job>(
    job: J,
    component: &Component,
    store: &mut Store<StoreState>,
) -> wasmtime::Result<J::Answer> {
    let started = Instant::now();
    let instance = component.pre.instantiate_async(&mut *store).await?;
    store.data().meter.instantiated(started.elapsed());
    job.run(&component.exports, &instance, store).await
}

/// A store with every limit on.
fn store(runtime: &Runtime, state: StoreState) -> Store<StoreState> {
    let transfer = state.scope.limits.transfer;
    let handles = state.scope.limits.handles;
    let mut store = Store::new(&runtime.engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(transfer);
    store.set_max_component_handles(handles);
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

/// How long `describe` and `self-test` may take, whatever a call may.
const LOAD_WALL: Duration = Duration::from_secs(5);
/// Characters of what a self-test says.
const MAX_SENTENCE: usize = 2_000;
