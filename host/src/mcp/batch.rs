//! What came over a transport that knows its revision: one message, or a batch,
//! which 2025-03-26 asks servers to accept and every other revision forbids.

use std::future::Future;

use futures_util::future::join_all;
use serde_json::value::RawValue;

use super::claim::Claim;
use super::error::{Code, RpcError};
use super::jsonrpc::{self, Body, Invalid, Message, OneWay, Request};

/// One message or a batch.
pub(crate) enum Inbound<'a> {
    Message(Message<'a>),
    Batch(Batch<'a>),
}

impl<'a> Inbound<'a> {
    /// Reads what came; a batch only where there are any.
    pub(crate) fn read(
        bytes: &'a [u8],
        has_batches: impl FnOnce() -> bool,
    ) -> Result<Self, Invalid<'a>> {
        match Body::read(bytes)? {
            Body::Single(text) => Ok(Self::Message(jsonrpc::message(text)?)),
            Body::Array(text) => {
                let batch = Batch::read(text)?;
                if !has_batches() {
                    return Err(Batch::out_of_place());
                }
                Ok(Self::Batch(batch))
            }
        }
    }

    /// As [`Message::answer`], whichever it is.
    pub(crate) async fn answer<R>(
        self,
        request: impl Fn(Request<'a>) -> R,
        one_way: impl Fn(&OneWay<'a>),
    ) -> Option<Vec<u8>>
    where
        R: Future<Output = Option<Vec<u8>>>,
    {
        match self {
            Self::Message(message) => message.answer(request, one_way).await,
            Self::Batch(batch) => batch.answer(request, one_way).await,
        }
    }
}

/// The messages of an array body, each of which may be none.
pub(crate) struct Batch<'a>(Vec<Result<Message<'a>, Invalid<'a>>>);

impl<'a> Batch<'a> {
    /// Reads the elements. Modern messages have no batches, so one of them
    /// refuses the whole.
    pub(crate) fn read(text: &'a str) -> Result<Self, Invalid<'a>> {
        let messages: Vec<_> = jsonrpc::elements(text)?
            .into_iter()
            .map(|element: &'a RawValue| jsonrpc::message(element.get()))
            .collect();
        if messages.iter().flatten().any(is_modern) {
            return Err(Self::refused("2026-07-28 has no batches"));
        }
        Ok(Self(messages))
    }

    /// The error of an array where there must be none.
    pub(crate) fn out_of_place() -> Invalid<'a> {
        Self::refused("only revision 2025-03-26 has batches")
    }

    fn refused(why: &'static str) -> Invalid<'a> {
        Invalid {
            id: None,
            error: RpcError::new(Code::InvalidRequest, format!("Invalid request: {why}")),
        }
    }

    /// Answers each message as [`Message::answer`] does, all at once; replies keep
    /// their order. `None` when nothing asked for a reply.
    pub(crate) async fn answer<R>(
        self,
        request: impl Fn(Request<'a>) -> R,
        one_way: impl Fn(&OneWay<'a>),
    ) -> Option<Vec<u8>>
    where
        R: Future<Output = Option<Vec<u8>>>,
    {
        let (request, one_way) = (&request, &one_way);
        let replies = join_all(self.0.into_iter().map(|message| async move {
            match message {
                Ok(Message::Request(asked)) if asked.method == "initialize" => {
                    let error = RpcError::new(
                        Code::InvalidRequest,
                        "Invalid request: \"initialize\" cannot be part of a batch",
                    );
                    Some(jsonrpc::error(Some(asked.id), &error))
                }
                Ok(message) => message.answer(request, one_way).await,
                Err(invalid) => Some(jsonrpc::error(invalid.id, &invalid.error)),
            }
        }))
        .await;
        let replies: Vec<Vec<u8>> = replies.into_iter().flatten().collect();
        (!replies.is_empty()).then(|| {
            let mut array = b"[".to_vec();
            array.extend_from_slice(&replies.join(&b','));
            array.push(b']');
            array
        })
    }
}

fn is_modern(message: &Message<'_>) -> bool {
    let params = match message {
        Message::Request(request) => &request.params,
        Message::OneWay(OneWay::Notification(notification)) => &notification.params,
        Message::OneWay(OneWay::Response(_)) => return false,
    };
    !matches!(Claim::of(params), Ok(None))
}
