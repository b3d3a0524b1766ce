//! POST: one message or a batch, and its reply: one JSON body, or a stream of
//! events from the moment that a call has something to tell before its end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, stream};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::ladder::{self, Inbound, Rejection};
use super::{Authority, InsufficientScope, Named, get, headers, listen};
use crate::mcp::asking::{Client, SessionClient};
use crate::mcp::batch::Batch;
use crate::mcp::dispatch::{Caller, answer, dispatch};
use crate::mcp::error::{Code, Failure, RpcError};
use crate::mcp::jsonrpc::{self, OneWay, Request};
use crate::mcp::lifecycle;
use crate::mcp::outlet::Outlet;
use crate::mcp::scope::McpScope;
use crate::mcp::session::Session;
use crate::mcp::stream::EventStream;
use crate::mcp::transport::event;
use crate::mcp::version::Revision;
use crate::tools::{Abilities, Progress};

/// Serves one body.
pub(super) async fn serve(
    scope: &Arc<McpScope>,
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InsufficientScope> {
    let (messages, mut told) = mpsc::channel(MESSAGES);
    let resumable = Arc::new(OnceLock::new());
    let shut_out = authority.shut_out();
    let exchange = Exchange {
        session: Named::of(&headers, scope, &authority),
        messages: get::accepts(&headers, get::EVENT_STREAM).then_some(messages),
        resumable: Arc::clone(&resumable),
        scope: Arc::clone(scope),
        authority,
    };
    // It may go on in the reply's stream, or in a task of its own.
    let work = async move { exchange.answer(&headers, &body).await };
    let mut work = work.in_current_span().boxed();
    let first = tokio::select! {
        biased;
        answered = &mut work => return answered.map(Answered::into_response),
        Some(first) = told.recv() => first,
    };
    let ongoing = Ongoing {
        work: Some(work),
        told,
        next: Some(first),
    };
    Ok(match resumable.get() {
        None => event::response(ongoing.events()),
        // The client may lose the connection and come back for the rest.
        Some((session, request)) => {
            let stream = session.open(request);
            let reader = stream.read(0);
            tokio::spawn(async move {
                tokio::select! {
                    biased;
                    () = shut_out => {}
                    () = ongoing.copy_to(&stream) => {}
                }
                stream.end();
            });
            event::response(get::replying(session.revision(), reader))
        }
    })
}

/// One POST and what it may use.
struct Exchange {
    scope: Arc<McpScope>,
    authority: Authority,
    session: Named,
    /// Where a call tells how it goes; none for a client that reads no events.
    messages: Option<mpsc::Sender<Told>>,
    /// Set to the session in which the call goes on without its connection, and the
    /// id of the request.
    resumable: Arc<OnceLock<(Arc<Session>, Box<RawValue>)>>,
}

/// What a call says.
enum Told {
    /// It may get lost.
    Progress(Bytes),
    /// The reply, or a question; somebody waits for it.
    Awaited(Bytes),
}

/// What goes back.
enum Answered {
    Message {
        status: StatusCode,
        body: Vec<u8>,
        /// `Mcp-Session-Id`
        session: Option<Arc<Session>>,
    },
    Accepted,
    /// 429, with the time until the next call.
    TooOften {
        body: Vec<u8>,
        wait: Duration,
    },
    /// A stream that stays open.
    Open(Response),
}

type Work = BoxFuture<'static, Result<Answered, InsufficientScope>>;

impl Exchange {
    async fn answer(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answered, InsufficientScope> {
        let unnamed = match &self.session {
            Named::Session(session) => session.revision(),
            Named::Nothing | Named::Unknown => Revision::UNNAMED,
        };
        let inbound = match ladder::classify(headers, body, unnamed) {
            Ok(inbound) => inbound,
            Err(rejection) => return Ok(rejection.into()),
        };
        match inbound {
            Inbound::Request(revision, _, request)
                if !revision.is_modern()
                    && request.method != "initialize"
                    && matches!(self.session, Named::Unknown) =>
            {
                Ok(Answered::unknown_session(Some(request.id)))
            }
            Inbound::Request(revision, abilities, request) => {
                self.request(revision, abilities, &request).await
            }
            Inbound::Batch(..) | Inbound::Told(_) if matches!(self.session, Named::Unknown) => {
                Ok(Answered::unknown_session(None))
            }
            Inbound::Told(told) => {
                self.hear(&told);
                Ok(Answered::Accepted)
            }
            Inbound::Ignored => Ok(Answered::Accepted),
            Inbound::Batch(revision, batch) => Ok(self.batch(revision, batch).await),
        }
    }

    async fn request(
        &self,
        revision: Revision,
        declared: Abilities,
        request: &Request<'_>,
    ) -> Result<Answered, InsufficientScope> {
        if revision.is_modern() && request.method == "subscriptions/listen" {
            return Ok(match listen::open(&self.scope, &self.authority, request) {
                Ok(response) => Answered::Open(response),
                Err(error) if error.code == Code::TooMany => Answered::TooOften {
                    body: jsonrpc::error(Some(request.id), &error),
                    wait: Duration::ZERO,
                },
                Err(error) => Answered::error(StatusCode::OK, request.id, &error),
            });
        }
        let session = match &self.session {
            Named::Session(session) if !revision.is_modern() => Some(session),
            _ => None,
        };
        let running = session.map(|session| session.run(request.id.get()));
        if let Some(None) = running {
            let error = RpcError::new(
                Code::InvalidRequest,
                "Invalid request: a request with this id is still running",
            );
            return Ok(Answered::error(StatusCode::OK, request.id, &error));
        }
        let running = running.flatten();
        let cancel = running
            .as_ref()
            .map_or_else(CancellationToken::new, |running| running.cancel.clone());
        let dropped = cancel.clone().drop_guard();
        if let Some(session) = session {
            // Nobody else sets it.
            let _ = self
                .resumable
                .set((Arc::clone(session), request.id.to_owned()));
        }
        let client = session.and_then(|session| self.client(session));
        let caller = Caller {
            progress: self.progress(revision, request),
            abilities: match (session, &client) {
                (Some(session), Some(_)) => session.abilities(),
                _ => declared,
            },
            client,
            ..self.caller(revision)
        };
        let answered = dispatch(&caller, request, cancel).await;
        dropped.disarm();
        match answered {
            Ok(reply) if request.method == "initialize" => Ok(self.initialized(request, reply)),
            Ok(body) => Ok(Answered::with(StatusCode::OK, body)),
            Err(Failure::InsufficientScope(scope)) => Err(InsufficientScope(scope)),
            Err(Failure::TooOften(wait)) => Ok(Answered::TooOften {
                body: jsonrpc::error(Some(request.id), &RpcError::too_often(wait)),
                wait,
            }),
            Err(Failure::Rpc(error)) => {
                let status = match error.code {
                    Code::MethodNotFound if revision.is_modern() => StatusCode::NOT_FOUND,
                    Code::MissingRequiredClientCapability => StatusCode::BAD_REQUEST,
                    _ => StatusCode::OK,
                };
                Ok(Answered::error(status, request.id, &error))
            }
        }
    }

    /// A handshake that succeeded begins a session.
    fn initialized(&self, request: &Request<'_>, body: Vec<u8>) -> Answered {
        let begun = lifecycle::negotiate(request).ok().and_then(|revision| {
            let owner = self.authority.principal.as_deref();
            match self
                .scope
                .begin(revision, lifecycle::declared(request, revision), owner)
            {
                Ok(session) => Some(session),
                Err(error) => {
                    // Without a session there are no streams; calls work.
                    tracing::error!(%error, "no session can be begun");
                    None
                }
            }
        });
        Answered::Message {
            status: StatusCode::OK,
            body,
            session: begun,
        }
    }

    fn hear(&self, told: &OneWay<'_>) {
        if let Named::Session(session) = &self.session {
            session.hear(told);
        }
    }

    async fn batch(&self, revision: Revision, batch: Batch<'_>) -> Answered {
        let cancel = CancellationToken::new();
        let dropped = cancel.clone().drop_guard();
        let caller = self.caller(revision);
        let caller = &caller;
        let one = |request| {
            let cancel = cancel.clone();
            async move { Some(answer(caller, &request, cancel).await) }
        };
        let replies = batch.answer(one, |told| self.hear(told));
        let replies = replies.await;
        dropped.disarm();
        match replies {
            Some(body) => Answered::with(StatusCode::OK, body),
            None => Answered::Accepted,
        }
    }

    fn caller(&self, revision: Revision) -> Caller<'_> {
        Caller {
            scope: &self.scope,
            principal: self.authority.principal.clone(),
            origin: self.authority.origin.clone(),
            revision,
            progress: None,
            abilities: Abilities::NONE,
            client: None,
        }
    }

    /// The client, where the reply can become a stream that asks it something.
    fn client(&self, session: &Arc<Session>) -> Option<Arc<dyn Client>> {
        let messages = self.messages.clone()?;
        let sink = move |message| messages.try_send(Told::Awaited(message)).is_ok();
        let stopping = self.scope.closing().clone();
        let client = SessionClient::new(Arc::clone(session), sink, stopping);
        Some(Arc::new(client))
    }

    /// Where the call tells how it goes, if the client wants to know.
    fn progress(&self, revision: Revision, request: &Request<'_>) -> Option<Arc<dyn Progress>> {
        let messages = self.messages.clone()?;
        let token = request.params.progress_token()?;
        let sink = move |message| {
            messages.capacity() > FOR_QUESTIONS
                && messages.try_send(Told::Progress(message)).is_ok()
        };
        Some(Arc::new(Outlet::new(token, revision, sink)))
    }
}

/// Work that has begun to tell how it goes.
struct Ongoing {
    /// None once it is done.
    work: Option<Work>,
    told: mpsc::Receiver<Told>,
    next: Option<Told>,
}

impl Ongoing {
    /// The next message; the reply is the last.
    async fn message(&mut self) -> Option<Told> {
        while let (None, Some(work)) = (&self.next, &mut self.work) {
            tokio::select! {
                biased;
                Some(message) = self.told.recv() => return Some(message),
                answered = work => {
                    self.work = None;
                    if let Ok(Answered::Message { body, .. }) = answered {
                        self.next = Some(Told::Awaited(body.into()));
                    }
                }
            }
        }
        if self.work.is_none()
            && let Ok(earlier) = self.told.try_recv()
        {
            return Some(earlier);
        }
        self.next.take()
    }

    async fn copy_to(mut self, stream: &EventStream) {
        while let Some(told) = self.message().await {
            match told {
                Told::Progress(message) => stream.tell(message),
                Told::Awaited(message) => stream.push(message),
            };
        }
    }

    /// Dropped with the connection, and the work with it.
    fn events(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, async |mut ongoing| {
            let (Told::Progress(message) | Told::Awaited(message)) = ongoing.message().await?;
            Some((event::message(None, &message), ongoing))
        })
    }
}

impl Answered {
    fn error(status: StatusCode, id: &RawValue, error: &RpcError) -> Self {
        Self::with(status, jsonrpc::error(Some(id), error))
    }

    fn with(status: StatusCode, body: Vec<u8>) -> Self {
        Self::Message {
            status,
            body,
            session: None,
        }
    }

    /// The client is to begin a new one (2025-11-25, basic/transports §Session
    /// Management).
    fn unknown_session(id: Option<&RawValue>) -> Self {
        let error = RpcError::new(
            Code::InvalidRequest,
            "Session not found: it has ended, or is another caller's; send \"initialize\" again",
        );
        Self::with(StatusCode::NOT_FOUND, jsonrpc::error(id, &error))
    }

    fn into_response(self) -> Response {
        match self {
            Self::Accepted => StatusCode::ACCEPTED.into_response(),
            Self::Open(response) => response,
            Self::TooOften { body, wait } => {
                let seconds = (wait.as_secs() + 1).to_string();
                let headers = [
                    (header::CONTENT_TYPE, "application/json"),
                    (header::RETRY_AFTER, seconds.as_str()),
                ];
                (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
            }
            Self::Message {
                status,
                body,
                session,
            } => {
                let fixed = [
                    (header::CONTENT_TYPE, "application/json"),
                    (header::CACHE_CONTROL, "no-store"),
                ];
                let mut response = (status, fixed, body).into_response();
                if let Some(session) = session
                    && let Ok(id) = HeaderValue::from_str(session.id())
                {
                    response.headers_mut().insert(headers::SESSION_ID, id);
                }
                response
            }
        }
    }
}

impl From<Rejection<'_>> for Answered {
    fn from(Rejection { id, error }: Rejection<'_>) -> Self {
        Self::with(StatusCode::BAD_REQUEST, jsonrpc::error(id, &error))
    }
}

/// What a slow client may leave unread; more is not told.
const MESSAGES: usize = 64;
/// Of those, what progress leaves to questions.
const FOR_QUESTIONS: usize = 8;
