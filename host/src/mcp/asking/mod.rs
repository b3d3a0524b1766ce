//! Input that a call wants through the client. In 2026-07-28 the call is answered
//! with what is wanted, and the client makes it again with the answers
//! (basic/patterns/mrtr); in the revisions before, the client is asked while its
//! call waits, and the call is made again here.

mod abilities;
mod client;
mod state;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub(crate) use self::abilities::abilities;
pub(crate) use self::client::{Client, SessionClient, Unanswered};
pub(crate) use self::state::{Bound, RequestStates};
use super::dispatch::Caller;
use super::error::{Code, ErrorData, Failure, RpcError};
use super::jsonrpc::{Reply as Written, Request, quoted, write_string};
use super::tools::input_required;
use crate::entries::Entries;
use crate::tools::{Abilities, CallContext, InputMethod, Question, Reply, Round, ToolError};

/// What became of a call that may ask.
pub(crate) enum Settled<T> {
    Complete(T),
    /// A reply that says what is wanted.
    Required(Vec<u8>),
    /// The client was asked in vain.
    Unanswered(ToolError),
}

/// Makes a call, with `attempt`, until it asks nothing more or it is the client's
/// turn. `name` is that of the tool or prompt. Its place is free while it waits for
/// answers.
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
    let mut until = None;
    for _ in 0..MAX_ROUNDS {
        let place = caller.admitted()?;
        let question = match attempt(caller.context(cancel.clone(), round)).await {
            Ok(Reply::Complete(done)) => return Ok(Ok(Settled::Complete(done))),
            Ok(Reply::Ask(question)) => question,
            Err(error) => return Ok(Err(error)),
        };
        drop(place);
        if modern {
            let lacking = lacking(caller.abilities, &question);
            if !lacking.is_empty() {
                return Err(RpcError::missing_capabilities(&lacking).into());
            }
            let reply = required(caller, request.id, &question, bound)?;
            return Ok(Ok(Settled::Required(reply)));
        }
        let until = *until.get_or_insert_with(|| Instant::now() + ANSWERS_WITHIN);
        let asked = answers(caller, &question);
        let asked = cancel.run_until_cancelled(timeout_at(until, asked)).await;
        let answers = match asked {
            Some(Ok(answered)) => answered,
            Some(Err(_)) => Err(Unanswered::TooLate),
            None => Err(Unanswered::Cancelled),
        };
        match answers {
            Ok(answers) => {
                round = Round {
                    answers,
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

/// What of the question the client has not said that it can pass on.
fn lacking(abilities: Abilities, question: &Question) -> Vec<InputMethod> {
    let asked = |method: &InputMethod| question.requests.iter().any(|r| r.method == *method);
    let mut lacking = InputMethod::ALL.to_vec();
    lacking.retain(|method| asked(method) && !abilities.has(*method));
    lacking
}

/// Asks the client, where there is anything to ask.
async fn answers(caller: &Caller<'_>, question: &Question) -> Result<Option<Arc<str>>, Unanswered> {
    if question.requests.is_empty() {
        return Ok(None);
    }
    let client = caller.client.as_ref();
    let client = client.filter(|_| lacking(caller.abilities, question).is_empty());
    let client = client.ok_or(Unanswered::Unable)?;
    let place = caller.scope.take_question(caller.principal.as_deref());
    let _place = place.ok_or(Unanswered::TooMany)?;
    answered(&**client, question).await.map(Some)
}

/// Asks one after the other, as a person answers, and gathers the answers by key.
async fn answered(client: &dyn Client, question: &Question) -> Result<Arc<str>, Unanswered> {
    let mut answers = String::from("{");
    for asked in &question.requests {
        let answer = client.ask(asked.method, &asked.params).await?;
        if answers.len() > 1 {
            answers.push(',');
        }
        answers.push_str(&quoted(&asked.key));
        answers.push(':');
        answers.push_str(answer.get());
    }
    answers.push('}');
    Ok(answers.into())
}

/// `inputResponses` and `requestState`
fn brought<'a>(
    caller: &Caller<'_>,
    request: &Request<'_>,
    bound: impl FnOnce() -> Bound<'a>,
) -> Result<Round, RpcError> {
    let params = &request.params;
    let answers = params.input_responses.map(|answers| {
        serde_json::from_str::<Entries<&RawValue>>(answers.get())
            .ok()
            .filter(Entries::has_no_key_twice)
            .filter(|each| {
                each.0
                    .iter()
                    .all(|(_, answer)| answer.get().starts_with('{'))
            })
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

fn in_vain(name: &str, unanswered: &Unanswered) -> ToolError {
    ToolError {
        message: format!("{name} had a question: {unanswered}."),
        code: match unanswered {
            Unanswered::Unable => "unsupported",
            Unanswered::TooMany => "busy",
            _ => "cancelled",
        },
        hint: Some(match unanswered {
            Unanswered::Unable => "Use another tool, or a client that can ask.".to_owned(),
            _ => "Make the call again to be asked again.".to_owned(),
        }),
        number: None,
        id: None,
    }
}

impl RpcError {
    /// -32021
    fn missing_capabilities(lacking: &[InputMethod]) -> Self {
        let names: Vec<&str> = lacking.iter().map(|method| method.capability()).collect();
        let required = lacking.iter().map(|method| {
            let modes = match method {
                // Addresses to go to, its other mode, are never asked for.
                InputMethod::Elicitation => json!({"form": {}}),
                InputMethod::Sampling | InputMethod::Roots => json!({}),
            };
            (method.capability(), modes)
        });
        Self {
            data: Some(ErrorData::Capabilities {
                required: required.collect(),
            }),
            ..Self::new(
                Code::MissingRequiredClientCapability,
                format!("This needs a client with {}", names.join(" and ")),
            )
        }
    }
}

/// Questions of one call; the next is a tool's mistake.
const MAX_ROUNDS: usize = 8;
/// All of one call: people read before they answer; after that they have gone.
const ANSWERS_WITHIN: Duration = Duration::from_secs(600);
const REPLY_BYTES: usize = 1024;
