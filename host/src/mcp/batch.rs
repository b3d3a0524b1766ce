//! JSON-RPC batches, which 2025-03-26 asks servers to accept and every other
//! revision forbids.

use std::future::Future;

use futures_util::future::join_all;
use serde_json::value::RawValue;

use super::claim::Claim;
use super::error::{Code, RpcError};
use super::jsonrpc::{self, Invalid, Message};

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
    pub(crate) fn refused(why: &'static str) -> Invalid<'a> {
        Invalid {
            id: None,
            error: RpcError::new(Code::InvalidRequest, format!("Invalid request: {why}")),
        }
    }

    /// Answers each message with `one`, all at once; replies keep their order.
    /// `None` when nothing asked for a reply.
    pub(crate) async fn answer<F, R>(self, one: F) -> Option<Vec<u8>>
    where
        F: Fn(Message<'a>) -> R,
        R: Future<Output = Option<Vec<u8>>>,
    {
        let one = &one;
        let replies = join_all(self.0.into_iter().map(|message| async move {
            match message {
                Ok(Message::Request(request)) if request.method == "initialize" => {
                    let error = RpcError::new(
                        Code::InvalidRequest,
                        "Invalid request: \"initialize\" cannot be part of a batch",
                    );
                    Some(jsonrpc::error(Some(request.id), &error))
                }
                Ok(message) => one(message).await,
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
        Message::Notification(notification) => &notification.params,
        Message::Response => return false,
    };
    !matches!(Claim::of(params), Ok(None))
}
