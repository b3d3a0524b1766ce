//! One connection through the relay.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::script::{self, After};
use super::{Change, Fault, MARK, Shared, Stage, Step, tokens};

/// What the client sent: a message of TDS, or bytes of TLS.
pub(super) struct Message {
    kind: u8,
    payload: Vec<u8>,
    wire: Vec<u8>,
}

impl Message {
    pub(super) fn is_attention(&self) -> bool {
        self.kind == ATTENTION
    }

    fn holds(&self, text: &str) -> bool {
        let text = tokens::utf16(text);
        self.payload.windows(text.len()).any(|part| part == text)
    }
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        shared.count(|counts| {
            counts.open += 1;
            counts.connections += 1;
        });
        tokio::spawn(async move {
            let mut hang_up = shared.hang_up.subscribe();
            tokio::select! {
                _ = relay(client, &shared) => {}
                _ = hang_up.changed() => {}
            }
            shared.count(|counts| counts.open -= 1);
        });
    }
}

async fn relay(client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    let fault = shared.fault.borrow().clone();
    if matches!(fault, Fault::Refuse) {
        return Ok(());
    }
    let server = TcpStream::connect(shared.server).await?;
    server.set_nodelay(true)?;
    let (from_server, to_server) = server.into_split();
    let (from_client, to_client) = client.into_split();
    let (send, mut messages) = mpsc::channel(4);
    tokio::spawn(read(from_client, send));
    if matches!(fault, Fault::Mute) {
        while messages.recv().await.is_some() {}
        return Ok(());
    }
    Connection {
        shared,
        from_server,
        to_server,
        to_client,
        messages,
        pre_logins: 0,
        set_up: false,
        pending: Pending::Nothing,
        reply: Vec::new(),
    }
    .run()
    .await
}

struct Connection<'a> {
    shared: &'a Shared,
    from_server: OwnedReadHalf,
    to_server: OwnedWriteHalf,
    to_client: OwnedWriteHalf,
    messages: mpsc::Receiver<Message>,
    pre_logins: usize,
    set_up: bool,
    pending: Pending,
    /// Of the server's reply, while it is held back.
    reply: Vec<u8>,
}

/// What happens to the server's reply that comes next.
enum Pending {
    Nothing,
    NoTls,
    Change(Change),
}

impl Connection<'_> {
    async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            tokio::select! {
                message = self.messages.recv() => {
                    let Some(message) = message else { return Ok(()) };
                    if self.message(message).await? == After::Closed {
                        return Ok(());
                    }
                }
                read = self.from_server.read(&mut buffer) => {
                    let length = read?;
                    if length == 0 || self.reply(&buffer[..length]).await? == After::Closed {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn message(&mut self, message: Message) -> io::Result<After> {
        let fault = self.shared.fault.borrow().clone();
        let stage = self.stage(&message);
        let marked = stage.is_none() && message.kind == RPC && message.holds(MARK);
        if message.is_attention() {
            self.shared.count(|counts| counts.attentions += 1);
        }
        self.pending = Pending::Nothing;
        match fault {
            Fault::CloseAt(at) if stage == Some(at) => return Ok(After::Closed),
            Fault::DelayAt(at, time) if stage == Some(at) => {
                // A client that waits for an answer says nothing but that it goes.
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    _ = self.messages.recv() => return Ok(After::Closed),
                }
            }
            Fault::AnswerAt(at, steps) if stage == Some(at) => {
                return self.play(&steps).await;
            }
            Fault::NoTls if stage == Some(Stage::PreLogin) => self.pending = Pending::NoTls,
            Fault::SplitAll if message.kind != TLS => {
                self.pending = Pending::Change(Change::Split(1));
            }
            Fault::Script(steps) if marked => {
                let mut all = Vec::with_capacity(steps.len() + 1);
                if message.holds("@mcp_statement") {
                    all.push(Step::Tokens(tokens::no_description()));
                }
                all.extend(steps);
                return self.play(&all).await;
            }
            Fault::Reply(change) if marked => self.pending = Pending::Change(change),
            _ => {}
        }
        self.to_server.write_all(&message.wire).await?;
        Ok(After::Open)
    }

    fn stage(&mut self, message: &Message) -> Option<Stage> {
        match message.kind {
            PRE_LOGIN => {
                self.pre_logins += 1;
                match self.pre_logins {
                    1 => Some(Stage::PreLogin),
                    2 => Some(Stage::Tls),
                    _ => None,
                }
            }
            LOGIN7 => Some(Stage::LogIn),
            BATCH if !self.set_up => {
                self.set_up = true;
                Some(Stage::SetUp)
            }
            // Behind ALL_HEADERS, of 22 bytes (MS-TDS 2.2.6.9).
            TRANSACTION if message.payload.get(22..24) == Some([7, 0].as_slice()) => {
                Some(Stage::Commit)
            }
            _ => None,
        }
    }

    async fn play(&mut self, steps: &[Step]) -> io::Result<After> {
        script::play(steps, &mut self.to_client, &mut self.messages, self.shared).await
    }

    /// Passes on what the server says.
    async fn reply(&mut self, bytes: &[u8]) -> io::Result<After> {
        if matches!(self.pending, Pending::Nothing) {
            self.to_client.write_all(bytes).await?;
            return Ok(After::Open);
        }
        self.reply.extend(bytes);
        let Some(payload) = whole(&self.reply) else {
            return Ok(After::Open);
        };
        let wire = std::mem::take(&mut self.reply);
        self.shared
            .count(|counts| counts.longest = counts.longest.max(wire.len()));
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => {}
            Pending::NoTls => {
                let reply = script::end(&without_tls(payload));
                self.to_client.write_all(&reply).await?;
            }
            Pending::Change(Change::Split(size)) => {
                let (last, head) = payload.split_last().expect("a reply");
                let mut split = script::packets(head, size);
                split.extend(script::end(&[*last]));
                for byte in split {
                    self.to_client.write_all(&[byte]).await?;
                }
            }
            Pending::Change(Change::Cut(length)) => {
                self.to_client
                    .write_all(&wire[..length.min(wire.len())])
                    .await?;
                return Ok(After::Closed);
            }
            Pending::Change(Change::Garble(seed)) => {
                let garbled = garbled(payload, seed);
                let (last, head) = garbled.split_last().expect("a reply");
                let mut reply = script::packets(head, 4_088);
                reply.extend(script::end(&[*last]));
                self.to_client.write_all(&reply).await?;
            }
            Pending::Change(Change::Delay(time)) => {
                tokio::select! {
                    () = tokio::time::sleep(time) => self.to_client.write_all(&wire).await?,
                    message = self.messages.recv() => {
                        let gone: io::Error = io::ErrorKind::ConnectionReset.into();
                        let message = message.ok_or(gone)?;
                        return Box::pin(self.message(message)).await;
                    }
                }
            }
        }
        Ok(After::Open)
    }
}

/// Hands on the client's messages until it is gone.
async fn read(mut client: OwnedReadHalf, send: mpsc::Sender<Message>) -> io::Result<()> {
    let (mut payload, mut wire) = (Vec::new(), Vec::new());
    loop {
        let kind = client.read_u8().await?;
        if (0x14..=0x17).contains(&kind) {
            let mut head = [0; 4];
            client.read_exact(&mut head).await?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let mut record = vec![0; length];
            client.read_exact(&mut record).await?;
            let wire = [&[kind][..], &head, &record].concat();
            let payload = Vec::new();
            let message = Message {
                kind: TLS,
                payload,
                wire,
            };
            if send.send(message).await.is_err() {
                return Ok(());
            }
            continue;
        }
        let mut head = [0; 7];
        client.read_exact(&mut head).await?;
        let length = usize::from(u16::from_be_bytes([head[1], head[2]])).saturating_sub(8);
        let mut part = vec![0; length];
        client.read_exact(&mut part).await?;
        wire.push(kind);
        wire.extend(head);
        wire.extend(&part);
        payload.extend(part);
        if head[0] & 1 == 1 {
            let message = Message {
                kind,
                payload: std::mem::take(&mut payload),
                wire: std::mem::take(&mut wire),
            };
            if send.send(message).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// The payload of a message, if it is there to its end.
fn whole(mut wire: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    loop {
        let head = wire.first_chunk::<8>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let last = head[1] & 1 == 1;
        payload.extend(wire.get(8..length)?);
        if last {
            return Some(payload);
        }
        wire = &wire[length..];
    }
}

/// The PRELOGIN reply with ENCRYPT_NOT_SUP (MS-TDS §2.2.6.5).
fn without_tls(mut payload: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while payload[at] != 0xFF {
        if payload[at] == 1 {
            let offset = usize::from(u16::from_be_bytes([payload[at + 1], payload[at + 2]]));
            payload[offset] = 2;
        }
        at += 5;
    }
    payload
}

/// Some bytes of `payload` replaced, the same ones for the same seed.
fn garbled(mut payload: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits")
    };
    let length = payload.len();
    for _ in 0..=next() % 4 {
        payload[next() % length] = u8::try_from(next() % 256).expect("a byte");
    }
    payload
}

const BATCH: u8 = 0x01;
const TRANSACTION: u8 = 0x0E;
const RPC: u8 = 0x03;
const ATTENTION: u8 = 0x06;
const LOGIN7: u8 = 0x10;
const PRE_LOGIN: u8 = 0x12;
/// Not TDS: a record of TLS after its handshake.
const TLS: u8 = 0;
