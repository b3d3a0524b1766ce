//! Input that a call wants through the client. In 2026-07-28 the call is answered
//! with what is wanted, and the client makes it again with the answers
//! (basic/patterns/mrtr); in the revisions before, the client is asked while its
//! call waits, and the call is made again here.

mod abilities;
mod client;
mod state;

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

pub(crate) use self::abilities::abilities;
pub(crate) use self::client::{Client, SessionClient, Unanswered};
pub(crate) use self::state::{Bound, RequestStates};
use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError};
use super::jsonrpc::{Reply as Written, Request, write_string};
use super::tools::input_required;
use crate::tools::{CallContext, Question, Reply, Round, ToolError};

/// What became of a call that may ask.
pub(crate) enum Settled<T> {
    Complete(T),
    /// A reply that says what is wanted.
    Required(Vec<u8>),
    /// The client was asked in vain.
    Unanswered(ToolError),
}

/// Makes a call, with `attempt`, until it asks nothing more or it is the client's
/// turn. `name` is that of the tool or prompt.
pub(crate) async fn settle<T, E, F>(
    caller: &Caller<'_>,
    request: &Request<'_>,
    name: &str,
    cancel: CancellationToken,
    attempt: impl Fn(CallContext) -> F,
) -> Result<Result<Settled<T>, E>, Failure>
where
    F: Future<Output = Result<Reply<T>, E>>,
{
    let modern = caller.revision.is_modern();
    let bound = || Bound::to(caller, &request.method, name, request.params.arguments);
    let mut round = if modern {
        brought(caller, request, bound)?
    } else {
        Round::default()
    };
    for _ in 0..MAX_ROUNDS {
        let question = match attempt(caller.context(cancel.clone(), round)).await {
            Ok(Reply::Complete(done)) => return Ok(Ok(Settled::Complete(done))),
            Ok(Reply::Ask(question)) => question,
            Err(error) => return Ok(Err(error)),
        };
        let lacking = question
            .requests
            .iter()
            .map(|asked| asked.method)
            .find(|method| !caller.abilities.has(*method));
        if modern {
            if let Some(method) = lacking {
                return Err(RpcError::missing_capability(method.capability()).into());
            }
            let reply = required(caller, request.id, &question, bound)?;
            return Ok(Ok(Settled::Required(reply)));
        }
        let client = caller.client.as_ref().filter(|_| lacking.is_none());
        let Some(client) = client else {
            let capability = lacking.map_or("elicitation", |method| method.capability());
            return Ok(Ok(Settled::Unanswered(cannot_ask(name, capability))));
        };
        let asked = answered(&**client, &question);
        let asked = cancel.run_until_cancelled(asked).await;
        match asked.unwrap_or(Err(Unanswered::Cancelled)) {
            Ok(answers) => {
                round = Round {
                    answers: Some(answers.into()),
                    state: (!question.state.is_empty()).then(|| question.state.into()),
                };
            }
            Err(unanswered) => {
                return Ok(Ok(Settled::Unanswered(in_vain(name, &unanswered))));
            }
        }
    }
    Ok(Ok(Settled::Unanswered(ToolError {
        message: format!("{name} kept asking: it was stopped after {MAX_ROUNDS} rounds."),
        code: "crashed",
        hint: Some("The tool set has a fault; tell the operator.".to_owned()),
        number: None,
        id: None,
    })))
}

/// Asks one after the other, as a person answers, and gathers the answers by key.
async fn answered(client: &dyn Client, question: &Question) -> Result<String, Unanswered> {
    let mut answers = b"{".to_vec();
    for asked in &question.requests {
        let answer = client.ask(asked.method, &asked.params).await?;
        if answers.len() > 1 {
            answers.push(b',');
        }
        let key = serde_json::to_string(&asked.key).unwrap_or_default();
        answers.extend_from_slice(key.as_bytes());
        answers.push(b':');
        answers.extend_from_slice(answer.get().as_bytes());
    }
    answers.push(b'}');
    Ok(String::from_utf8_lossy(&answers).into_owned())
}

/// `inputResponses` and `requestState`
fn brought<'a>(
    caller: &Caller<'_>,
    request: &Request<'_>,
    bound: impl FnOnce() -> Bound<'a>,
) -> Result<Round, RpcError> {
    let params = &request.params;
    let answers = params.input_responses.map(|answers| {
        serde_json::from_str::<std::collections::HashMap<String, &RawValue>>(answers.get())
            .ok()
            .filter(|each| each.values().all(|answer| answer.get().starts_with('{')))
            .map(|_| Arc::from(answers.get()))
            .ok_or_else(|| {
                RpcError::invalid_params(
                    "Invalid params: \"inputResponses\" is not an object of objects",
                )
            })
    });
    let state = params.request_state.map(|state| {
        super::jsonrpc::string(state)
            .and_then(|state| caller.scope.states().open(&bound(), &state))
            .map(Arc::from)
            .ok_or_else(|| {
                RpcError::invalid_params(
                    "Invalid params: \"requestState\" is not what this server gave for this call, \
                     or is too old; make the call again without it",
                )
            })
    });
    Ok(Round {
        answers: answers.transpose()?,
        state: state.transpose()?,
    })
}

/// An `InputRequiredResult`.
fn required<'a>(
    caller: &Caller<'_>,
    id: &RawValue,
    question: &Question,
    bound: impl FnOnce() -> Bound<'a>,
) -> Result<Vec<u8>, RpcError> {
    let mut reply = Written::to(id, REPLY_BYTES);
    if !question.requests.is_empty() {
        let buffer = reply.name("inputRequests");
        for (at, asked) in question.requests.iter().enumerate() {
            buffer.push(if at == 0 { b'{' } else { b',' });
            write_string(buffer, &asked.key);
            buffer.extend_from_slice(b":{\"method\":\"");
            buffer.extend_from_slice(asked.method.as_str().as_bytes());
            buffer.extend_from_slice(b"\",\"params\":");
            buffer.extend_from_slice(asked.params.get().as_bytes());
            buffer.push(b'}');
        }
        buffer.push(b'}');
    }
    if !question.state.is_empty() {
        let state = caller.scope.states().seal(&bound(), &question.state);
        let state = state.map_err(|error| {
            tracing::error!(%error, "the state of a question cannot be sealed");
            RpcError::new(
                Code::InternalError,
                "Nothing can be asked at the moment; try again later",
            )
        })?;
        reply.string("requestState", &state);
    }
    Ok(input_required(caller, reply))
}

fn cannot_ask(name: &str, capability: &str) -> ToolError {
    ToolError {
        message: format!(
            "{name} has a question, which this client cannot pass on (it lacks \"{capability}\")."
        ),
        code: "unsupported",
        hint: Some("Use another tool, or a client that can ask.".to_owned()),
        number: None,
        id: None,
    }
}

fn in_vain(name: &str, unanswered: &Unanswered) -> ToolError {
    ToolError {
        message: format!("{name} had a question: {unanswered}."),
        code: "cancelled",
        hint: Some("Make the call again to be asked again.".to_owned()),
        number: None,
        id: None,
    }
}

impl RpcError {
    /// -32021
    fn missing_capability(capability: &'static str) -> Self {
        Self {
            data: Some(ErrorData::Capabilities {
                required: [(capability, serde_json::Map::new())].into(),
            }),
            ..Self::new(
                Code::MissingRequiredClientCapability,
                format!("This needs a client with the capability \"{capability}\""),
            )
        }
    }
}

/// Questions of one call; the next is a tool's mistake.
const MAX_ROUNDS: usize = 8;
const REPLY_BYTES: usize = 1024;
