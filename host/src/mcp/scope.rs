//! One scope as the protocol sees it: a name, a title and the current tools.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::asking::RequestStates;
use super::jsonrpc::encode;
use super::places::{Place, Places};
use super::rate::CallRate;
use super::session::{Session, Sessions};
use super::tools::Listings;
use super::version::Revision;
use crate::audit::{Origin, ScopeAudit};
use crate::clock::Clock;
use crate::entropy::EntropyError;
use crate::principal::Principal;
use crate::state::Secrets;
use crate::tools::{
    Abilities, CallContext, Record, RecordProvider, ResourceProvider, ToolError, ToolRegistry,
};

/// What clients of a scope have open at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Sessions in memory.
    pub sessions: usize,
    /// Streams that listen.
    pub streams: usize,
    /// Calls under way.
    pub calls: usize,
}

/// What a path serves. Shared by every transport and request.
pub struct McpScope {
    name: Arc<str>,
    tools: Arc<ArcSwap<ToolRegistry>>,
    listings: Listings,
    resources: ArcSwapOption<Arc<dyn ResourceProvider>>,
    records: ArcSwapOption<Arc<dyn RecordProvider>>,
    rate: ArcSwapOption<CallRate>,
    audit: ArcSwap<ScopeAudit>,
    sessions: Sessions,
    states: RequestStates,
    streams: Arc<Places>,
    calls: Arc<Places>,
    questions: Arc<Places>,
    /// Counts the changes of the tools.
    changes: watch::Sender<u64>,
    /// Cancelled when the server is about to stop.
    closing: CancellationToken,
    untitled: String,
    titled: String,
}

impl McpScope {
    /// `name` is the scope's path without the slash; `title` is what people
    /// see in their client; `tools` may be swapped at any time, followed by
    /// [`tools_changed`](Self::tools_changed). Ids of sessions are vouched for by
    /// `secrets`.
    pub fn new(
        name: impl Into<Arc<str>>,
        title: &str,
        tools: Arc<ArcSwap<ToolRegistry>>,
        secrets: Secrets,
        clock: Clock,
    ) -> Self {
        let name = name.into();
        let mut untitled = br#"{"name":"mssql-mcp","version":"#.to_vec();
        encode(&mut untitled, env!("CARGO_PKG_VERSION"));
        let mut titled = untitled.clone();
        titled.extend_from_slice(br#","title":"#);
        encode(&mut titled, title);
        for object in [&mut untitled, &mut titled] {
            object.push(b'}');
        }
        Self {
            sessions: Sessions::new(secrets.clone(), clock.clone(), &name),
            states: RequestStates::new(secrets, clock, &name),
            streams: Places::new(MAX_STREAMS_OF_ONE_CALLER),
            calls: Places::new(MAX_CALLS_OF_ONE_CALLER),
            questions: Places::new(MAX_QUESTIONS_OF_ONE_CALLER),
            changes: watch::Sender::new(0),
            closing: CancellationToken::new(),
            name,
            tools,
            listings: Listings::default(),
            resources: ArcSwapOption::empty(),
            records: ArcSwapOption::empty(),
            rate: ArcSwapOption::empty(),
            audit: ArcSwap::from_pointee(ScopeAudit::in_log()),
            untitled: String::from_utf8_lossy(&untitled).into_owned(),
            titled: String::from_utf8_lossy(&titled).into_owned(),
        }
    }

    /// Serves these resources from now on.
    pub fn set_resources(&self, resources: Arc<dyn ResourceProvider>) {
        self.resources.store(Some(Arc::new(resources)));
    }

    /// Shows these records from now on.
    pub fn set_records(&self, records: Arc<dyn RecordProvider>) {
        self.records.store(Some(Arc::new(records)));
    }

    /// The record of that id as that person sees it, which counts as a call; `None` when
    /// there is none.
    pub(crate) async fn record(
        &self,
        id: &str,
        principal: Option<Arc<Principal>>,
    ) -> Result<Option<Record>, ToolError> {
        let Some(records) = self.records.load().as_deref().cloned() else {
            return Ok(None);
        };
        let _place = self.admit(principal.as_deref()).map_err(|_| ToolError {
            message: "Too many calls.".to_owned(),
            code: "busy",
            hint: None,
            number: None,
            id: None,
        })?;
        // Who closes the page drops this, and the statement with it.
        let cancel = CancellationToken::new();
        let context = CallContext {
            audit: self.audit(),
            origin: Origin::current(),
            ..CallContext::new(Arc::clone(&self.name), principal, cancel)
        };
        records.record(id, context).await
    }

    /// A person's client may call only so often from now on.
    pub fn set_rate_limit(&self, per_minute: NonZeroU32) {
        self.rate.store(Some(Arc::new(CallRate::new(per_minute))));
    }

    /// What happens is noted there from now on; before, in the log.
    pub fn set_audit(&self, audit: ScopeAudit) {
        self.audit.store(Arc::new(audit));
    }

    /// Where it is noted what happens.
    pub(crate) fn audit(&self) -> ScopeAudit {
        ScopeAudit::clone(&self.audit.load())
    }

    /// What its clients have open.
    pub fn open(&self) -> Open {
        Open {
            sessions: self.sessions.len(),
            streams: self.streams.taken(),
            calls: self.calls.taken(),
        }
    }

    /// The scope's path without the slash.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Tells every client that listens: the tools are others now.
    pub fn tools_changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Ends the streams in good order: no call comes after this.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closing.is_cancelled()
    }

    /// Cancelled when the server is about to stop.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Waits until the server is about to stop.
    pub(crate) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Counts the changes of the tools from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A place for one more stream of that caller, while there is one.
    pub(crate) fn take_place(&self, caller: Option<&Principal>) -> Option<Place> {
        self.streams.take(caller)
    }

    /// A place for one more question to that caller, while there is one.
    pub(crate) fn take_question(&self, caller: Option<&Principal>) -> Option<Place> {
        self.questions.take(caller)
    }

    /// A new session of that caller.
    pub(crate) fn begin(
        &self,
        revision: Revision,
        abilities: Abilities,
        owner: Option<&Principal>,
    ) -> Result<Arc<Session>, EntropyError> {
        let change = *self.changes.borrow();
        self.sessions.begin(revision, abilities, owner, change)
    }

    /// The caller's session of that id.
    pub(crate) fn find(&self, id: &str, owner: Option<&Principal>) -> Option<Arc<Session>> {
        self.sessions.find(id, owner, *self.changes.borrow())
    }

    /// Ends the caller's session of that id; whether there was one.
    pub(crate) fn end(&self, id: &str, owner: Option<&Principal>) -> bool {
        self.sessions.end(id, owner)
    }

    /// Ends a session that cannot be come back to.
    pub(crate) fn forget(&self, session: &Session) {
        self.sessions.forget(session);
    }

    /// The tools of this moment.
    pub(crate) fn registry(&self) -> Arc<ToolRegistry> {
        self.tools.load_full()
    }

    /// Counts one call of that caller, which has a place for as long as it runs;
    /// the error says when the next may come. Without authentication there is
    /// nobody to count.
    pub(crate) fn admit(&self, caller: Option<&Principal>) -> Result<Place, Duration> {
        let place = self.calls.take(caller).ok_or(WHILE_CALLS_RUN)?;
        if let (Some(rate), Some(caller)) = (&*self.rate.load(), caller) {
            rate.admit(caller)?;
        }
        Ok(place)
    }

    /// Whether anything can be read without a call: in the scope, or in a tool set.
    pub(crate) fn has_resources(&self, registry: &ToolRegistry) -> bool {
        self.resources.load().is_some() || registry.resources().next().is_some()
    }

    /// What of the scope's own can be read without a call.
    pub(crate) fn resources(&self) -> Option<Arc<dyn ResourceProvider>> {
        self.resources.load().as_deref().cloned()
    }

    /// What calls have their clients keep.
    pub(crate) fn states(&self) -> &RequestStates {
        &self.states
    }

    /// Prepared `tools/list` results.
    pub(crate) fn listings(&self) -> &Listings {
        &self.listings
    }

    /// MCP `Implementation`, encoded. `title` came with 2025-06-18.
    pub(crate) fn server_info(&self, revision: Revision) -> &str {
        if revision >= Revision::V2025_06_18 {
            &self.titled
        } else {
            &self.untitled
        }
    }
}

/// The notification of every revision with a handshake.
pub(crate) const TOOLS_CHANGED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
/// One person's client needs one or two; ten windows of it, twenty.
const MAX_STREAMS_OF_ONE_CALLER: usize = 64;
/// As many as run at once in a scope by default: nobody else waits behind more.
const MAX_CALLS_OF_ONE_CALLER: usize = 16;
/// More than anybody has before their eyes.
const MAX_QUESTIONS_OF_ONE_CALLER: usize = 16;
/// Whoever has as many under way as may be tries again after that.
const WHILE_CALLS_RUN: Duration = Duration::from_secs(1);
