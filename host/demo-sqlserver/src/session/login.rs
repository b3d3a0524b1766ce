//! From the first byte of a socket to a logged-in session: PRELOGIN, TLS,
//! LOGIN7 (MS-TDS §3.3.5.1 to §3.3.5.5).

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task;

use super::Stream;
use super::worker::Worker;
use crate::certificate::Acceptors;
use crate::server::{Event, Shared, Tls};
use crate::tds::ProtocolError;
use crate::tds::login::Login7;
use crate::tds::message::{HEADER_LENGTH, Message, MessageReader, MessageType};
use crate::tds::packet::PacketWriter;
use crate::tds::prelogin::{Encryption, PreLogin};
use crate::tds::tls::HandshakeStream;
use crate::tds::token::{self, Done, DoneToken, EnvironmentChange};
use crate::value::SqlError;

/// A connection that is ready for requests.
pub(crate) type LoggedIn = (Box<dyn Stream>, Box<Worker>);

/// Logs a client in; `None` where it went, or was refused and told so.
pub(crate) async fn log_in(
    socket: TcpStream,
    session: u64,
    shared: &Arc<Shared>,
    tls: Option<Acceptors>,
) -> Result<Option<LoggedIn>, ProtocolError> {
    socket.set_nodelay(true)?;
    let mut first = [0; 1];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first == [TLS_HANDSHAKE_RECORD] {
        let Some(tls) = tls else {
            return Ok(None);
        };
        let mut stream = Box::new(tls.strict.accept(socket).await?);
        let Some(asked) = pre_login(&mut stream).await? else {
            return Ok(None);
        };
        // Encrypted already; the client hears what it said.
        reply_pre_login(&mut stream, &asked, asked.encryption, shared).await?;
        return finish(stream, session, shared).await;
    }

    let mut socket = socket;
    let Some(asked) = pre_login(&mut socket).await? else {
        return Ok(None);
    };
    let encryption = match (&tls, shared.config.tls) {
        (None, _) | (_, Tls::Refused) => Encryption::NotSupported,
        (Some(_), Tls::AsAsked) => asked.encryption,
        (Some(_), Tls::Required) => Encryption::On,
    };
    reply_pre_login(&mut socket, &asked, encryption, shared).await?;
    let tls = match (encryption, tls) {
        (Encryption::NotSupported, _) | (_, None) => {
            return finish(Box::new(socket), session, shared).await;
        }
        (_, Some(tls)) => tls.wrapped,
    };
    let mut stream = Box::new(tls.accept(HandshakeStream::new(socket)).await?);
    stream.get_mut().0.end_handshake();
    if encryption == Encryption::On {
        return finish(stream, session, shared).await;
    }
    // Only the log-in itself is encrypted; what follows goes over the bare socket.
    let Some(login) = login7(&mut stream).await? else {
        return Ok(None);
    };
    let (wrapped, _) = stream.into_inner();
    answer(Box::new(wrapped.into_inner()), login, session, shared).await
}

async fn finish<S: Stream + 'static>(
    mut stream: Box<S>,
    session: u64,
    shared: &Arc<Shared>,
) -> Result<Option<LoggedIn>, ProtocolError> {
    match login7(&mut stream).await? {
        Some(login) => answer(stream, login, session, shared).await,
        None => Ok(None),
    }
}

async fn pre_login<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> Result<Option<PreLogin>, ProtocolError> {
    let message = read(stream, MessageType::PreLogin).await?;
    message
        .map(|message| PreLogin::decode(&message.payload))
        .transpose()
}

async fn login7<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<Login7>, ProtocolError> {
    let message = read(stream, MessageType::Login7).await?;
    message
        .map(|message| Login7::decode(&message.payload))
        .transpose()
}

async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    expected: MessageType,
) -> Result<Option<Message>, ProtocolError> {
    let message = MessageReader::new(stream, LOGIN_LIMIT).next().await?;
    match message {
        Some(message) if message.message_type != expected => Err(ProtocolError::Malformed(
            "the client did not log in as MS-TDS 7.2 and later do",
        )),
        message => Ok(message),
    }
}

async fn reply_pre_login<S: AsyncWrite + Unpin>(
    stream: &mut S,
    asked: &PreLogin,
    encryption: Encryption,
    shared: &Shared,
) -> Result<(), ProtocolError> {
    let mut out = PacketWriter::reply(Vec::new(), FIRST_PACKET_SIZE, 0);
    out.put(&asked.reply(encryption, shared.config.version));
    stream.write_all(&out.finish()).await?;
    stream.flush().await?;
    Ok(())
}

/// Opens the session and tells the client.
async fn answer(
    mut stream: Box<dyn Stream>,
    login: Login7,
    session: u64,
    shared: &Arc<Shared>,
) -> Result<Option<LoggedIn>, ProtocolError> {
    let packet_size = packet_size(login.packet_size, shared.config.packet_size_limit);
    let opened = if login.tds_version < OLDEST_VERSION && login.tds_version != TDS_8 {
        Err(refusal("The server supports TDS 7.2 and later."))
    } else if login.foreign_authentication {
        Err(refusal(
            "Login failed. The embedded database knows SQL Server authentication only.",
        ))
    } else {
        let shared = Arc::clone(shared);
        task::spawn_blocking(move || {
            let opened = shared.backend.log_in(&login.log_in);
            opened.map(|opened| (opened, login))
        })
        .await
        .map_err(|_| ProtocolError::Malformed("the log-in made the engine fail"))?
    };
    // Its low 16 bits, as @@SPID has.
    let number = u16::try_from(session & 0xFFFF).unwrap_or_default();
    let mut out = PacketWriter::reply(Vec::new(), FIRST_PACKET_SIZE, number);
    let mut status = 0;
    let worker = match opened {
        Ok((opened, login)) => {
            greet(&mut out, &login, opened.database(), packet_size, shared);
            tracing::info!(
                session,
                user = login.log_in.user,
                application = login.log_in.application,
                "logged in"
            );
            shared.emit(Event::LoggedIn {
                session,
                user: login.log_in.user,
                read_only_intent: login.log_in.read_only_intent,
            });
            Some(Worker::new(opened, Arc::clone(shared), packet_size, number))
        }
        Err(error) => {
            tracing::info!(session, error = %error, "log-in refused");
            token::message(&mut out, &error, &shared.config.server_name, "");
            status = token::DONE_ERROR;
            None
        }
    };
    token::done(
        &mut out,
        Done {
            token: DoneToken::Done,
            status,
            command: 0,
            rows: 0,
        },
    );
    stream.write_all(&out.finish()).await?;
    stream.flush().await?;
    if worker.is_none() {
        stream.shutdown().await?;
    }
    Ok(worker.map(|worker| (stream, Box::new(worker))))
}

fn greet(
    out: &mut PacketWriter<Vec<u8>>,
    login: &Login7,
    database: &str,
    packet_size: u16,
    shared: &Shared,
) {
    let server = &shared.config.server_name;
    let database_change = EnvironmentChange::Database {
        new: database,
        old: "master",
    };
    token::environment_change(out, database_change);
    token::message(out, &database_changed(database), server, "");
    token::environment_change(out, EnvironmentChange::Collation);
    token::environment_change(out, EnvironmentChange::Language("us_english"));
    let language = information(5703, "Changed language setting to us_english.".to_owned());
    token::message(out, &language, server, "");
    let version = match login.tds_version {
        TDS_8 => TDS_8,
        asked => asked.min(TDS_74),
    };
    token::login_ack(out, version, shared.config.version);
    token::environment_change(
        out,
        EnvironmentChange::PacketSize {
            new: &packet_size.to_string(),
            old: &FIRST_PACKET_SIZE.to_string(),
        },
    );
    if let Some(features) = &login.features {
        token::feature_extension_ack(out, features.utf8);
    }
}

/// INFO 5701.
pub(crate) fn database_changed(database: &str) -> SqlError {
    information(5701, format!("Changed database context to '{database}'."))
}

fn information(number: i32, message: String) -> SqlError {
    SqlError {
        number,
        state: 1,
        severity: 0,
        message,
        line: 1,
    }
}

fn refusal(message: &str) -> SqlError {
    SqlError {
        number: 18_456,
        state: 1,
        severity: 14,
        message: message.to_owned(),
        line: 1,
    }
}

fn packet_size(asked: u32, limit: u16) -> u16 {
    let asked = match asked {
        0 => 4_096,
        asked => u16::try_from(asked).unwrap_or(u16::MAX),
    };
    asked.clamp(512, limit.clamp(512, 32_767))
}

const TLS_HANDSHAKE_RECORD: u8 = 0x16;
const FIRST_PACKET_SIZE: usize = 4_096;
/// LOGIN7 is at most 128 KiB long.
const LOGIN_LIMIT: usize = 128 * 1_024 + HEADER_LENGTH;
const OLDEST_VERSION: u32 = 0x7209_0002;
const TDS_74: u32 = 0x7400_0004;
const TDS_8: u32 = 0x0800_0000;
