//! Answers that the relay gives itself, and the packets that they travel in.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::Receiver;

use super::relay::Message;
use super::{Shared, Step, tokens};

/// How a connection goes on after a script.
#[derive(PartialEq, Eq)]
pub(super) enum After {
    Open,
    Closed,
}

/// Plays `steps` to the client, which may stop them with Attention.
pub(super) async fn play(
    steps: &[Step],
    client: &mut OwnedWriteHalf,
    messages: &mut Receiver<Message>,
    shared: &Shared,
) -> io::Result<After> {
    let mut deaf = false;
    for step in steps {
        let stopped = match step {
            Step::Tokens(bytes) => write(client, &packets(bytes, WHOLE), shared)
                .await
                .map(|()| false)?,
            Step::Raw(bytes) => write(client, bytes, shared).await.map(|()| false)?,
            Step::Times(bytes, times) => {
                repeat(bytes, Some(*times), client, messages, deaf, shared).await?
            }
            Step::Endless(bytes) => repeat(bytes, None, client, messages, deaf, shared).await?,
            Step::Wait => stop(messages, deaf, shared).await?,
            Step::Pause(time) => {
                tokio::select! {
                    () = tokio::time::sleep(*time) => false,
                    stopped = stop(messages, deaf, shared) => stopped?,
                }
            }
            Step::Deaf => {
                deaf = true;
                false
            }
            Step::Close => return Ok(After::Closed),
            Step::End => {
                client.write_all(&end(&[])).await?;
                return Ok(After::Open);
            }
        };
        if stopped {
            client.write_all(&end(&tokens::attention())).await?;
            return Ok(After::Open);
        }
    }
    client.write_all(&end(&tokens::last())).await?;
    Ok(After::Open)
}

/// Whether Attention stopped it.
async fn repeat(
    bytes: &[u8],
    times: Option<u64>,
    client: &mut OwnedWriteHalf,
    messages: &mut Receiver<Message>,
    deaf: bool,
    shared: &Shared,
) -> io::Result<bool> {
    // Some 64 KiB at a time, so that a loop is not made of small writes.
    let at_once = u64::try_from((64 << 10) / bytes.len().max(1) + 1).expect("few");
    let mut left = times;
    while left != Some(0) {
        let now = left.map_or(at_once, |left| left.min(at_once));
        left = left.map(|left| left - now);
        let framed = packets(&bytes.repeat(usize::try_from(now).expect("few")), WHOLE);
        tokio::select! {
            written = write(client, &framed, shared) => written?,
            stopped = stop(messages, deaf, shared) => return stopped,
        }
    }
    Ok(false)
}

/// Waits for an Attention that is heard; an error where the client is gone.
async fn stop(messages: &mut Receiver<Message>, deaf: bool, shared: &Shared) -> io::Result<bool> {
    loop {
        match messages.recv().await {
            None => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(message) if message.is_attention() => {
                shared.count(|counts| counts.attentions += 1);
                if !deaf {
                    return Ok(true);
                }
            }
            Some(_) => {}
        }
    }
}

async fn write(client: &mut OwnedWriteHalf, bytes: &[u8], shared: &Shared) -> io::Result<()> {
    for part in bytes.chunks(WHOLE) {
        client.write_all(part).await?;
        shared.count(|counts| counts.scripted += part.len() as u64);
    }
    Ok(())
}

/// Packets of up to `size` bytes of payload, behind which more follow.
pub(super) fn packets(payload: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + payload.len() / size * 8 + 8);
    for part in payload.chunks(size) {
        out.extend(packet(part, 0));
    }
    out
}

/// The packet that ends a message.
pub(super) fn end(payload: &[u8]) -> Vec<u8> {
    packet(payload, 1)
}

fn packet(payload: &[u8], status: u8) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).expect("a packet");
    let [high, low] = length.to_be_bytes();
    let mut out = vec![4, status, high, low, 0, 0, 1, 0];
    out.extend(payload);
    out
}

/// Payload of the packets that drivers ask for.
const WHOLE: usize = 4_096 - 8;
