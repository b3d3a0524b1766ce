//! From a request to its reply, whatever the transport.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::asking::Client;
use super::error::{Failure, RpcError};
use super::jsonrpc::{self, Request};
use super::places::Place;
use super::scope::McpScope;
use super::version::Revision;
use super::{lifecycle, prompts, resources, tools, traced};
use crate::audit::{Entry, Event, Origin, Outcome};
use crate::principal::{OAuthScope, Principal};
use crate::tools::{Abilities, CallContext, Progress, Round};

/// Who asks, where, and in which revision.
#[derive(Clone)]
pub(crate) struct Caller<'a> {
    pub(crate) scope: &'a McpScope,
    /// `None` only where authentication is off.
    pub(crate) principal: Option<Arc<Principal>>,
    /// The request, where there is one.
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) revision: Revision,
    /// Where the call tells how it goes, if the client wants to know.
    pub(crate) progress: Option<Arc<dyn Progress>>,
    /// What the client can be asked for.
    pub(crate) abilities: Abilities,
    /// The client, where it is asked while its call waits.
    pub(crate) client: Option<Arc<dyn Client>>,
}

impl Caller<'_> {
    /// Counts one call, whose place is to be held for as long as it works.
    pub(crate) fn admitted(&self) -> Result<Place, Failure> {
        let admitted = self.scope.admit(self.principal.as_deref());
        admitted.map_err(|wait| {
            let principal = self.principal.as_deref();
            let scope = self.scope.name().to_string();
            metrics::counter!("refusals_total", "scope" => scope, "code" => TOO_MANY_CALLS)
                .increment(1);
            self.scope.audit().record_of_anybody(Entry {
                scope: Some(Arc::clone(self.scope.name())),
                code: Some(TOO_MANY_CALLS.into()),
                subject: principal.map(|principal| principal.subject.clone()),
                client_id: principal.map(|principal| principal.client.clone()),
                origin: self.origin.clone(),
                ..Entry::new(Event::Access, Outcome::Refused)
            });
            Failure::TooOften(wait)
        })
    }

    /// For whatever reads the database.
    pub(crate) fn may_read(&self) -> Result<(), Failure> {
        match &self.principal {
            Some(principal) if !principal.has(OAuthScope::Read) => {
                Err(Failure::InsufficientScope(OAuthScope::Read))
            }
            _ => Ok(()),
        }
    }

    /// What a tool set learns of the call.
    pub(crate) fn context(&self, cancel: CancellationToken, round: Round) -> CallContext {
        CallContext {
            scope: Arc::clone(self.scope.name()),
            principal: self.principal.clone(),
            cancel,
            progress: self.progress.clone(),
            abilities: self.abilities,
            round,
            bill: None,
            audit: self.scope.audit(),
            origin: self.origin.clone(),
        }
    }
}

/// The methods that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Initialize,
    Ping,
    Discover,
    ListTools,
    CallTool,
    ListResources,
    ListResourceTemplates,
    ReadResource,
    ListPrompts,
    GetPrompt,
}

/// Answers `request`: one encoded response, or why there is none. Cancelling
/// `cancel` stops the work; dropping the future does not, by itself.
pub(crate) async fn dispatch(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let method = Method::named(&request.method, caller.revision)
        .ok_or_else(|| RpcError::method_not_found(&request.method))?;
    let span = traced::request(caller, request);
    let done = perform(method, caller, request, cancel)
        .instrument(span.clone())
        .await;
    if let Err(failure) = &done {
        traced::failed(&span, failure);
    }
    done
}

async fn perform(
    method: Method,
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let Caller {
        scope, revision, ..
    } = *caller;
    match method {
        Method::Initialize => Ok(lifecycle::initialize(scope, request)?),
        Method::Ping => Ok(lifecycle::ping(request.id)),
        Method::Discover => Ok(lifecycle::discover(scope, revision, request.id)),
        Method::ListTools => Ok(tools::list(caller, request)?),
        Method::CallTool => tools::call(caller, request, cancel).await,
        Method::ListResources => resources::list(caller, request, cancel).await,
        Method::ListResourceTemplates => resources::templates(caller, request),
        Method::ReadResource => resources::read(caller, request, cancel).await,
        Method::ListPrompts => Ok(prompts::list(caller, request)?),
        Method::GetPrompt => prompts::get(caller, request, cancel).await,
    }
}

/// As [`dispatch`], for replies that have no status code beside them.
pub(crate) async fn answer(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Vec<u8> {
    match dispatch(caller, request, cancel).await {
        Ok(reply) => reply,
        Err(Failure::Rpc(error)) => jsonrpc::error(Some(request.id), &error),
        Err(Failure::TooOften(wait)) => {
            jsonrpc::error(Some(request.id), &RpcError::too_often(wait))
        }
        Err(Failure::InsufficientScope(scope)) => {
            tools::insufficient_scope(caller, request.id, scope)
        }
    }
}

impl Method {
    /// 2026-07-28 removed the handshake and `ping`.
    fn named(name: &str, revision: Revision) -> Option<Self> {
        Some(match (name, revision.is_modern()) {
            ("initialize", false) => Self::Initialize,
            ("ping", false) => Self::Ping,
            ("server/discover", true) => Self::Discover,
            ("tools/list", _) => Self::ListTools,
            ("tools/call", _) => Self::CallTool,
            ("resources/list", _) => Self::ListResources,
            ("resources/templates/list", _) => Self::ListResourceTemplates,
            ("resources/read", _) => Self::ReadResource,
            ("prompts/list", _) => Self::ListPrompts,
            ("prompts/get", _) => Self::GetPrompt,
            _ => return None,
        })
    }
}

const TOO_MANY_CALLS: &str = "too-many-calls";
