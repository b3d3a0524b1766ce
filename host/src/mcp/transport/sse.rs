//! HTTP with SSE, the transport of 2024-11-05: a GET opens the stream that
//! carries every reply, and names the address that messages are posted to.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::event;
use super::streamable_http::{Authority, listening, too_many};
use crate::http_error::HttpError;
use crate::mcp::asking::SessionClient;
use crate::mcp::batch::Inbound;
use crate::mcp::dispatch::{Caller, answer};
use crate::mcp::jsonrpc::{self, Request};
use crate::mcp::lifecycle::{declared, negotiate};
use crate::mcp::outlet::Outlet;
use crate::mcp::scope::McpScope;
use crate::mcp::session::Session;
use crate::mcp::stream::EventStream;
use crate::mcp::version::Revision;
use crate::tools::Abilities;

/// Opens a stream; its first event is the address to post to.
pub(super) fn open(scope: &Arc<McpScope>, authority: &Authority, path: &str) -> Response {
    let owner = authority.principal.as_deref();
    let Some(place) = scope.take_place(owner) else {
        return too_many();
    };
    // Until the handshake says otherwise.
    let session = match scope.begin(Revision::V2024_11_05, Abilities::NONE, owner) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "no session can be begun");
            return HttpError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "No stream can be opened; try again later.",
            )
            .into_response();
        }
    };
    let endpoint = event::endpoint(&format!("{path}?sessionId={}", session.id()));
    let reader = session.listen().read(0);
    let ends = EndsWithItsStream {
        scope: Arc::clone(scope),
        session: Arc::clone(&session),
    };
    let events = listening(Arc::clone(scope), session, reader)
        .map(|next| event::message(None, &next.message));
    let events = stream::iter([endpoint])
        .chain(events)
        .inspect(move |_| _ = (&ends, &place));
    event::response(events)
}

/// Takes what was posted to the address of a stream; the reply goes there.
pub(super) async fn post(
    scope: &Arc<McpScope>,
    authority: Authority,
    session: &str,
    body: Bytes,
) -> Response {
    let session = scope.find(session, authority.principal.as_deref());
    let Some((session, stream)) = session.and_then(|session| {
        let stream = session.listener().filter(|stream| stream.is_read())?;
        Some((session, stream))
    }) else {
        return HttpError::new(
            StatusCode::NOT_FOUND,
            "session_not_found",
            "There is no such stream of yours; open a new one with GET.",
        )
        .into_response();
    };
    let peer = Peer {
        scope: Arc::clone(scope),
        authority,
        session,
        stream,
    };
    let (judge, judged) = oneshot::channel();
    // The reply goes elsewhere, so the work does not end with this request.
    tokio::spawn(peer.serve(body, judge).in_current_span());
    match judged.await {
        Ok(Err(refusal)) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::BAD_REQUEST, json, refusal).into_response()
        }
        Ok(Ok(())) | Err(_) => (StatusCode::ACCEPTED, "Accepted").into_response(),
    }
}

/// Ends the session, and what runs in it, when the stream is dropped.
struct EndsWithItsStream {
    scope: Arc<McpScope>,
    session: Arc<Session>,
}

impl Drop for EndsWithItsStream {
    fn drop(&mut self) {
        self.scope.forget(&self.session);
    }
}

/// Who posted, and where the reply goes.
struct Peer {
    scope: Arc<McpScope>,
    authority: Authority,
    session: Arc<Session>,
    stream: Arc<EventStream>,
}

impl Peer {
    async fn serve(self, body: Bytes, judge: oneshot::Sender<Result<(), Vec<u8>>>) {
        let shut_out = self.authority.shut_out();
        let over = self.session.over().clone();
        let work = async {
            let read = Inbound::read(&body, || self.session.revision().has_batches());
            let refusal = read.as_ref().err();
            let refusal = refusal.map(|invalid| jsonrpc::error(invalid.id, &invalid.error));
            // Who posted may be gone already, and wait for the reply all the same.
            let _ = judge.send(refusal.map_or(Ok(()), Err));
            let reply = match read {
                Ok(inbound) => {
                    let answered = inbound.answer(
                        |request| self.request(request),
                        |told| self.session.hear(told),
                    );
                    answered.await
                }
                Err(_) => None,
            };
            if let Some(reply) = reply {
                self.stream.push(reply);
            }
        };
        let work = Box::pin(over.run_until_cancelled(work));
        tokio::select! {
            biased;
            () = shut_out => {}
            _ = work => {}
        }
    }

    async fn request(&self, request: Request<'_>) -> Option<Vec<u8>> {
        if request.method == "initialize"
            && let Ok(revision) = negotiate(&request)
        {
            self.session.settle(revision, declared(&request, revision));
        }
        let revision = self.session.revision();
        // Two of one id cannot be told apart by their replies either.
        let running = self.session.run(request.id.get())?;
        let asking = Arc::clone(&self.stream);
        let ask = move |message: Bytes| asking.push(message);
        let telling = Arc::clone(&self.stream);
        let tell = move |message| telling.tell(message);
        let progress = request.params.progress_token();
        let progress = progress.map(|token| Arc::new(Outlet::new(token, revision, tell)) as _);
        let stopping = self.scope.closing().clone();
        let client = SessionClient::new(Arc::clone(&self.session), ask, stopping);
        let caller = Caller {
            scope: &self.scope,
            principal: self.authority.principal.clone(),
            origin: self.authority.origin.clone(),
            revision,
            progress,
            abilities: self.session.abilities(),
            client: Some(Arc::new(client)),
        };
        let answered = pin!(answer(&caller, &request, running.cancel.clone()));
        running.reply(answered).await
    }
}
