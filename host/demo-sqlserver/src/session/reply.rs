//! The reply to one request: what a statement produces, as tokens.

use super::cancel::Cancel;
use crate::tds::encode;
use crate::tds::packet::{PacketOut, PacketWriter};
use crate::tds::token::{self, Done, DoneToken, EnvironmentChange};
use crate::value::{Column, Flow, Parameter, Sink, SqlError, Value};

/// Writes tokens in the order of MS-TDS §2.2.7. A DONE is held back until it
/// is known whether another follows.
pub(crate) struct Reply<'a, O> {
    out: PacketWriter<O>,
    cancel: &'a Cancel,
    server: &'a str,
    /// The current database, which names the types of CLR columns.
    database: String,
    columns: Vec<Column>,
    lengths: Vec<usize>,
    held: Option<Done>,
    /// The DONE of a statement: a batch's or a procedure's.
    statement: DoneToken,
    selecting: bool,
    /// The engine broke the contract of [`Sink`]; ends the request.
    broken: Option<SqlError>,
}

impl<'a, O: PacketOut> Reply<'a, O> {
    pub(crate) fn new(
        out: PacketWriter<O>,
        cancel: &'a Cancel,
        server: &'a str,
        database: &str,
    ) -> Self {
        Self {
            out,
            cancel,
            server,
            database: database.to_owned(),
            columns: Vec::new(),
            lengths: Vec::new(),
            held: None,
            statement: DoneToken::Done,
            selecting: false,
            broken: None,
        }
    }

    /// Statements from here on are inside a procedure.
    pub(crate) fn enter_procedure(&mut self) {
        self.statement = DoneToken::InProcedure;
    }

    pub(crate) fn environment_change(&mut self, change: EnvironmentChange<'_>) {
        token::environment_change(&mut self.out, change);
    }

    pub(crate) fn message(&mut self, error: &SqlError) {
        self.release(token::DONE_MORE);
        token::message(&mut self.out, error, self.server, "");
    }

    /// What the engine could not have meant, once a statement ended.
    pub(crate) fn take_broken(&mut self) -> Option<SqlError> {
        self.broken.take()
    }

    /// Ends a procedure with its status and output parameters.
    pub(crate) fn procedure_done(&mut self, status: i32, outputs: &[(u16, Parameter)]) {
        self.release(token::DONE_MORE);
        token::return_status(&mut self.out, status);
        for (ordinal, parameter) in outputs {
            token::return_value(&mut self.out, *ordinal, parameter, &self.database);
        }
        self.held = Some(Done {
            token: DoneToken::Procedure,
            status: if status == 0 { 0 } else { token::DONE_ERROR },
            command: COMMAND_EXECUTE,
            rows: 0,
        });
    }

    /// Ends a batch, after an error or not.
    pub(crate) fn batch_done(&mut self, failed: bool) {
        if failed {
            self.release(token::DONE_MORE);
            self.held = Some(plain_done(token::DONE_ERROR));
        } else if self.held.is_none() {
            self.held = Some(plain_done(0));
        }
    }

    /// Ends the reply. One that was stopped ends as failed; the answer to an
    /// Attention is a message of its own, as SQL Server sends it and tedious
    /// needs it.
    pub(crate) fn finish(mut self, in_transaction: bool) {
        let transaction = if in_transaction {
            token::DONE_IN_TRANSACTION
        } else {
            0
        };
        if self.cancel.is_stopped() {
            self.held = Some(plain_done(token::DONE_ERROR));
        } else if self.held.is_none() {
            self.held = Some(plain_done(0));
        }
        self.release(transaction);
        self.out.finish();
    }

    fn release(&mut self, status: u16) {
        if let Some(mut done) = self.held.take() {
            done.status |= status;
            token::done(&mut self.out, done);
        }
    }

    fn flow(&self) -> Flow {
        if self.cancel.is_stopped() || !self.out.is_wanted() || self.broken.is_some() {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }

    fn break_off(&mut self, message: String) -> Flow {
        self.broken = Some(SqlError {
            number: INTERNAL_ERROR,
            state: 1,
            severity: 16,
            message,
            line: 1,
        });
        Flow::Stop
    }
}

impl<O: PacketOut> Sink for Reply<'_, O> {
    fn columns(&mut self, columns: &[Column]) -> Flow {
        let Some(count) = u16::try_from(columns.len())
            .ok()
            .filter(|&count| count < u16::MAX)
        else {
            return self.break_off("A result has more than 65,534 columns.".to_owned());
        };
        self.release(token::DONE_MORE);
        token::column_metadata(&mut self.out, count, columns, &self.database);
        self.columns.clear();
        self.columns.extend_from_slice(columns);
        self.selecting = true;
        self.flow()
    }

    fn row(&mut self, values: &[Value]) -> Flow {
        if self.flow() == Flow::Stop {
            return Flow::Stop;
        }
        if values.len() != self.columns.len() {
            return self.break_off(format!(
                "The embedded database made a row of {} values for {} columns.",
                values.len(),
                self.columns.len()
            ));
        }
        self.lengths.clear();
        for (column, value) in self.columns.iter().zip(values) {
            let Ok(length) = encode::length(column.sql_type, value) else {
                let message = format!(
                    "A value of column '{}' does not fit its type {:?}.",
                    column.name, column.sql_type
                );
                return self.break_off(message);
            };
            self.lengths.push(length);
        }
        let cells = self
            .columns
            .iter()
            .zip(values)
            .zip(&self.lengths)
            .map(|((column, value), length)| (column.sql_type, value, *length));
        token::row(&mut self.out, cells);
        self.flow()
    }

    fn done(&mut self, rows: Option<u64>) -> Flow {
        self.release(token::DONE_MORE);
        let command = if self.selecting {
            COMMAND_SELECT
        } else if rows.is_some() {
            COMMAND_UPDATE
        } else {
            0
        };
        self.selecting = false;
        self.held = Some(Done {
            token: self.statement,
            status: if rows.is_some() { token::DONE_COUNT } else { 0 },
            command,
            rows: rows.unwrap_or_default(),
        });
        self.flow()
    }

    fn info(&mut self, message: &SqlError) -> Flow {
        self.message(message);
        self.flow()
    }
}

fn plain_done(status: u16) -> Done {
    Done {
        token: DoneToken::Done,
        status,
        command: 0,
        rows: 0,
    }
}

const COMMAND_SELECT: u16 = 0xC1;
const COMMAND_UPDATE: u16 = 0xC5;
const COMMAND_EXECUTE: u16 = 0xE0;
/// A fault of the server itself.
const INTERNAL_ERROR: i32 = 50_000;
