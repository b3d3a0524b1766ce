//! The reading half of a connection, which hears Attention while a request
//! runs.

use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cancel::Cancel;
use crate::backend::Interrupter;
use crate::server::{Event, Shared};
use crate::tds::message::{Message, MessageReader, MessageType};

/// What a client sent, in order. An Attention follows the request it is for.
pub(crate) enum Incoming {
    Request(Message, Arc<Cancel>),
    Attention,
}

/// Reads in a task of its own until the client goes or `closing`; cancels
/// `closing` when the client goes.
pub(crate) fn read<R>(
    mut reader: MessageReader<R>,
    session: u64,
    shared: Arc<Shared>,
    interrupter: Interrupter,
    closing: CancellationToken,
) -> mpsc::Receiver<Incoming>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let (incoming, received) = mpsc::channel(REQUESTS_AHEAD);
    tokio::spawn(async move {
        let mut current: Option<Arc<Cancel>> = None;
        let reading = async {
            loop {
                let message = match reader.next().await {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(session, %error, "cannot read a request");
                        break;
                    }
                };
                let next = if message.message_type == MessageType::Attention {
                    tracing::info!(session, "Attention");
                    shared.emit(Event::Attention { session });
                    if let Some(current) = current.take() {
                        current.stop();
                    }
                    Incoming::Attention
                } else {
                    let cancel = Arc::new(Cancel::new(Arc::clone(&interrupter), &closing));
                    current = Some(Arc::clone(&cancel));
                    Incoming::Request(message, cancel)
                };
                if incoming.send(next).await.is_err() {
                    break;
                }
            }
        };
        closing.run_until_cancelled(reading).await;
        closing.cancel();
    });
    received
}

/// A client waits for its answer, so more is not usual.
const REQUESTS_AHEAD: usize = 2;
