//! The side of a connection that may block: runs one request against the
//! engine.

use std::sync::Arc;

use super::cancel::Cancel;
use super::login::database_changed;
use super::prepared::{PreparedStatements, error};
use super::reply::Reply;
use crate::backend::{BackendSession, Interrupter};
use crate::server::Shared;
use crate::tds::ProtocolError;
use crate::tds::message::{Message, MessageType};
use crate::tds::packet::{PacketOut, PacketWriter};
use crate::tds::request::{self, TransactionRequest};
use crate::tds::token::{self, Done, DoneToken, EnvironmentChange};
use crate::value::{Parameter, Sink, SqlError};

/// A session of the engine with what the protocol remembers of it.
pub(crate) struct Worker {
    pub(super) session: Box<dyn BackendSession>,
    pub(super) prepared: PreparedStatements,
    shared: Arc<Shared>,
    packet_size: u16,
    number: u16,
    /// Descriptor of the open transaction.
    transaction: Option<u64>,
    database: String,
    /// The engine sent an error that ends the connection.
    fatal: bool,
}

impl Worker {
    pub(crate) fn new(
        session: Box<dyn BackendSession>,
        shared: Arc<Shared>,
        packet_size: u16,
        number: u16,
    ) -> Self {
        Self {
            database: session.database().to_owned(),
            session,
            prepared: PreparedStatements::default(),
            shared,
            packet_size,
            number,
            transaction: None,
            fatal: false,
        }
    }

    pub(crate) fn interrupter(&self) -> Interrupter {
        self.session.interrupter()
    }

    /// Answers `message` into `packets`. Whether the connection goes on.
    pub(crate) fn serve<O: PacketOut>(
        &mut self,
        message: &Message,
        packets: O,
        cancel: &Cancel,
    ) -> bool {
        let out = PacketWriter::reply(packets, usize::from(self.packet_size), self.number);
        let shared = Arc::clone(&self.shared);
        let server = &shared.config.server_name;
        let mut reply = Reply::new(out, cancel, server, self.session.database());
        let mut stays_open = true;
        if message.ignored {
            reply.batch_done(true);
        } else if cancel.is_stopped() {
            // Nothing began, so nothing needs undoing.
        } else {
            if message.reset {
                self.reset();
                reply.environment_change(EnvironmentChange::Reset);
            }
            if let Err(error) = self.dispatch(message, &mut reply) {
                stays_open = matches!(error, ProtocolError::Unsupported(_));
                reply.message(&protocol_error(&error));
                reply.batch_done(true);
            }
        }
        reply.finish(self.session.transaction_count() > 0);
        stays_open && !self.fatal
    }

    /// What answers an Attention, once nothing runs.
    pub(crate) fn attention_reply(&self) -> Vec<u8> {
        let mut out = PacketWriter::reply(Vec::new(), usize::from(self.packet_size), self.number);
        let done = Done {
            token: DoneToken::Done,
            status: token::DONE_ATTENTION,
            command: COMMAND_ATTENTION,
            rows: 0,
        };
        token::done(&mut out, done);
        out.finish()
    }

    fn dispatch<O: PacketOut>(
        &mut self,
        message: &Message,
        reply: &mut Reply<'_, O>,
    ) -> Result<(), ProtocolError> {
        match message.message_type {
            MessageType::SqlBatch => {
                let sql = request::sql_batch(&message.payload)?;
                let failed = self.execute(&sql, None, reply).is_err();
                reply.batch_done(failed);
            }
            MessageType::Rpc => {
                for call in request::rpc(&message.payload)? {
                    self.call(call, reply);
                }
            }
            MessageType::TransactionManager => {
                let request = request::transaction(&message.payload)?;
                let failed = self.transaction(&request, reply).is_err();
                reply.batch_done(failed);
            }
            MessageType::BulkLoad => return Err(ProtocolError::Unsupported("bulk load")),
            _ => return Err(ProtocolError::Malformed("a message that is no request")),
        }
        Ok(())
    }

    /// Runs SQL and reports its error, if any, and what it changed around it.
    pub(super) fn execute<O: PacketOut>(
        &mut self,
        sql: &str,
        parameters: Option<&[Parameter]>,
        reply: &mut Reply<'_, O>,
    ) -> Result<(), SqlError> {
        let result = self
            .session
            .execute(sql, parameters, reply as &mut dyn Sink);
        let result = match reply.take_broken() {
            Some(broken) => Err(broken),
            None => result,
        };
        if let Err(error) = &result {
            reply.message(error);
            self.fatal |= error.severity >= FATAL_SEVERITY;
        }
        let rolled_back = result.is_err() || contains_ignoring_case(sql, "rollback");
        self.report_transaction(rolled_back, reply);
        self.report_database(reply);
        result
    }

    fn transaction<O: PacketOut>(
        &mut self,
        request: &TransactionRequest,
        reply: &mut Reply<'_, O>,
    ) -> Result<(), SqlError> {
        let (result, then_begin) = match request {
            TransactionRequest::Begin => (self.session.begin(), false),
            TransactionRequest::Commit { then_begin } => (self.session.commit(), *then_begin),
            TransactionRequest::Rollback {
                savepoint,
                then_begin,
            } => {
                let savepoint = Some(savepoint.as_str()).filter(|name| !name.is_empty());
                (self.session.rollback(savepoint), *then_begin)
            }
            TransactionRequest::Save { name } => (self.session.save(name), false),
            TransactionRequest::Unsupported => (
                Err(error(
                    8_528,
                    "not supported by the embedded database: distributed transactions".to_owned(),
                )),
                false,
            ),
        };
        let rolled_back = matches!(request, TransactionRequest::Rollback { .. });
        self.report_transaction(rolled_back, reply);
        let result = match (result, then_begin) {
            (Ok(()), true) => {
                let begun = self.session.begin();
                self.report_transaction(false, reply);
                begun
            }
            (result, _) => result,
        };
        if let Err(error) = &result {
            reply.message(error);
        }
        result
    }

    pub(super) fn reset(&mut self) {
        self.session.reset();
        self.prepared.clear();
        self.transaction = None;
        self.session.database().clone_into(&mut self.database);
    }

    /// ENVCHANGE where a transaction began or ended, also by SQL text.
    fn report_transaction<O: PacketOut>(&mut self, rolled_back: bool, reply: &mut Reply<'_, O>) {
        match (self.transaction, self.session.transaction_count()) {
            (None, 1..) => {
                let transaction = self.shared.next_transaction();
                self.transaction = Some(transaction);
                reply.environment_change(EnvironmentChange::Begin(transaction));
            }
            (Some(transaction), 0) => {
                self.transaction = None;
                reply.environment_change(if rolled_back {
                    EnvironmentChange::Rollback(transaction)
                } else {
                    EnvironmentChange::Commit(transaction)
                });
            }
            _ => {}
        }
    }

    fn report_database<O: PacketOut>(&mut self, reply: &mut Reply<'_, O>) {
        let database = self.session.database();
        if database != self.database {
            reply.environment_change(EnvironmentChange::Database {
                new: database,
                old: &self.database,
            });
            reply.message(&database_changed(database));
            database.clone_into(&mut self.database);
        }
    }
}

/// What a client hears of its own broken bytes.
fn protocol_error(cause: &ProtocolError) -> SqlError {
    match cause {
        ProtocolError::Unsupported(_) => error(40_510, cause.to_string()),
        _ => error(
            4_002,
            format!(
                "The incoming tabular data stream (TDS) protocol stream is incorrect: {cause}."
            ),
        ),
    }
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes()
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

const FATAL_SEVERITY: u8 = 20;
/// CurCmd as SQL Server sets it where it answers an Attention.
const COMMAND_ATTENTION: u16 = 0xFD;
