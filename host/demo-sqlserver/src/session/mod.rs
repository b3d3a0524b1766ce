//! One connection: log in, then a request at a time, with Attention heard
//! while one runs.

mod cancel;
mod describe;
mod login;
mod prepared;
mod procedures;
mod reply;
mod requests;
mod worker;

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task;
use tokio_util::sync::CancellationToken;

use self::cancel::Cancel;
use self::requests::Incoming;
use self::worker::Worker;
use crate::certificate::Acceptors;
use crate::server::{Event, Shared};
use crate::tds::ProtocolError;
use crate::tds::message::{Message, MessageReader};

/// A socket or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Serves one connection to its end.
pub(crate) async fn serve(
    socket: TcpStream,
    session: u64,
    shared: Arc<Shared>,
    tls: Option<Acceptors>,
    shutdown: CancellationToken,
) {
    let limit = shared.config.log_in_timeout;
    let logging_in = async {
        tokio::time::timeout(limit, login::log_in(socket, session, &shared, tls))
            .await
            .map_err(|_| ProtocolError::TimedOut {
                seconds: limit.as_secs(),
            })?
    };
    let (stream, worker) = match shutdown.run_until_cancelled(logging_in).await {
        Some(Ok(Some(logged_in))) => logged_in,
        Some(Ok(None)) | None => return,
        Some(Err(error)) => {
            tracing::debug!(session, %error, "log-in broken off");
            return;
        }
    };
    let result = Connection::new(stream, worker, session, &shared, &shutdown)
        .run()
        .await;
    if let Err(error) = result {
        tracing::debug!(session, %error, "connection broken off");
    }
    shared.emit(Event::Closed { session });
}

/// A logged-in connection.
struct Connection {
    session: u64,
    shared: Arc<Shared>,
    writer: WriteHalf<Box<dyn Stream>>,
    incoming: mpsc::Receiver<Incoming>,
    /// Absent only while a request has it.
    worker: Option<Box<Worker>>,
    /// The client is gone or the server shuts down.
    closing: CancellationToken,
}

impl Connection {
    fn new(
        stream: Box<dyn Stream>,
        worker: Box<Worker>,
        session: u64,
        shared: &Arc<Shared>,
        shutdown: &CancellationToken,
    ) -> Self {
        let (reader, writer): (ReadHalf<_>, _) = tokio::io::split(stream);
        let closing = shutdown.child_token();
        let incoming = requests::read(
            MessageReader::new(reader, shared.config.request_limit),
            session,
            Arc::clone(shared),
            worker.interrupter(),
            closing.clone(),
        );
        Self {
            session,
            shared: Arc::clone(shared),
            writer,
            incoming,
            worker: Some(worker),
            closing,
        }
    }

    async fn run(mut self) -> Result<(), ProtocolError> {
        let closing = self.closing.clone();
        let _closed_at_the_end = closing.clone().drop_guard();
        while let Some(Some(incoming)) = closing.run_until_cancelled(self.incoming.recv()).await {
            let stays = match incoming {
                Incoming::Request(message, cancel) => self.request(message, cancel).await?,
                Incoming::Attention => {
                    self.acknowledge_attention().await?;
                    true
                }
            };
            if !stays {
                break;
            }
        }
        self.writer.shutdown().await?;
        Ok(())
    }

    /// Runs a request on a thread of its own and sends its packets as they
    /// come. Whether the connection stays open.
    async fn request(
        &mut self,
        message: Message,
        cancel: Arc<Cancel>,
    ) -> Result<bool, ProtocolError> {
        let Some(mut worker) = self.worker.take() else {
            return Ok(false);
        };
        self.shared.emit(Event::RequestStarted {
            session: self.session,
        });
        let (packets, mut produced) = mpsc::channel(PACKETS_AHEAD);
        let running = Arc::clone(&cancel);
        let mut job = task::spawn_blocking(move || {
            let stays_open = worker.serve(&message, packets, &running);
            (worker, stays_open)
        });
        let sent = {
            let sending = send(&mut self.writer, &mut produced);
            tokio::select! {
                sent = sending => sent,
                never = cancel.keep_interrupting() => match never {},
                () = self.closing.cancelled() => Ok(()),
            }
        };
        // Where nobody reads any more, the job sees it at its next packet.
        drop(produced);
        if sent.is_err() {
            cancel.stop();
        }
        let ended = tokio::select! {
            ended = &mut job => ended,
            never = cancel.keep_interrupting() => match never {},
        };
        let (worker, stays_open) = ended.map_err(|error| {
            tracing::error!(session = self.session, %error, "a request panicked");
            ProtocolError::Malformed("the request made the engine fail")
        })?;
        self.worker = Some(worker);
        self.shared.emit(Event::RequestEnded {
            session: self.session,
        });
        sent?;
        Ok(stays_open)
    }

    /// Answers an Attention; what it was for has ended by now.
    async fn acknowledge_attention(&mut self) -> Result<(), ProtocolError> {
        if let Some(worker) = &self.worker {
            self.writer.write_all(&worker.attention_reply()).await?;
            self.writer.flush().await?;
        }
        Ok(())
    }
}

/// Writes packets until the request has no more.
async fn send(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    produced: &mut mpsc::Receiver<Bytes>,
) -> Result<(), ProtocolError> {
    while let Some(packet) = produced.recv().await {
        writer.write_all(&packet).await?;
        if produced.is_empty() {
            writer.flush().await?;
        }
    }
    Ok(())
}

/// How far a statement may run ahead of its socket.
const PACKETS_AHEAD: usize = 16;
