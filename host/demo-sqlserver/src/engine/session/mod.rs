//! A session: its connection, transactions and variables, and the statements of
//! a batch run one after another.

mod execute_sql;
mod json;
mod run;

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::Shared;
use super::error::{Result, error, from_sqlite};
use crate::value::{Parameter, Sink, SqlType, Value};

/// What compiled statements know of their session.
#[derive(Debug)]
pub(crate) struct Context {
    /// The login.
    pub(crate) user: String,
    /// Whether it may change data.
    pub(crate) may_write: bool,
    /// The server process id.
    pub(crate) spid: u16,
    /// The statement's instant.
    pub(crate) now: i64,
    /// Parameters and variables; SQLite's `?1` is the first.
    pub(crate) variables: Vec<Variable>,
    /// @@TRANCOUNT
    pub(crate) transactions: u32,
    /// @@ROWCOUNT
    pub(crate) row_count: i64,
    /// SCOPE_IDENTITY()
    pub(crate) identity: Option<i64>,
    /// sp_set_session_context: key, value, and whether it is so for good.
    pub(crate) session_values: Vec<(String, Value, bool)>,
}

impl Context {
    /// Who compiles defaults, checks and computed columns.
    pub(crate) fn nobody() -> Self {
        Self {
            user: String::new(),
            may_write: false,
            spid: 0,
            now: 0,
            variables: Vec::new(),
            transactions: 0,
            row_count: 0,
            identity: None,
            session_values: Vec::new(),
        }
    }
}

/// A parameter or a declared variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// With the `@`.
    pub(crate) name: String,
    /// Declared type.
    pub(crate) sql_type: SqlType,
    /// Current value.
    pub(crate) value: Value,
}

/// One connection's session. Not shared, but may move between threads.
pub struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    context: Context,
    options: Options,
    cancel: Arc<(Mutex<bool>, Condvar)>,
    last_identity: Arc<Mutex<Option<i64>>>,
}

/// What SET says, until the end of `sp_executesql` where that says it.
#[derive(Clone, Copy, Default)]
struct Options {
    /// SET ROWCOUNT, 0 for all.
    row_limit: u64,
    no_count: bool,
    implicit: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        context: Context,
        last_identity: Arc<Mutex<Option<i64>>>,
    ) -> Self {
        Self {
            shared,
            connection,
            context,
            options: Options::default(),
            cancel: Arc::default(),
            last_identity,
        }
    }

    /// Runs a batch. With parameters it is `sp_executesql`: its variables and SET
    /// options end with it.
    ///
    /// # Errors
    /// The first error of the batch; what came before it was sent to `sink`.
    pub fn execute(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        sink: &mut dyn Sink,
    ) -> std::result::Result<(), crate::value::SqlError> {
        *self.cancel.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let options = self.options;
        self.context.variables = parameters
            .iter()
            .map(|p| Variable {
                name: p.name.clone(),
                sql_type: p.sql_type,
                value: p.value.clone(),
            })
            .collect();
        let result = self.run_batch(sql, sink);
        if !parameters.is_empty() {
            self.options = options;
        }
        self.context.variables.clear();
        result
    }

    /// Runs the statement of `sp_executesql`: as [`Self::execute`], but SET options
    /// are restored at its end whether it has parameters or not.
    ///
    /// # Errors
    /// As for [`Self::execute`].
    pub fn execute_sql(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        sink: &mut dyn Sink,
    ) -> std::result::Result<(), crate::value::SqlError> {
        let options = self.options;
        let result = self.execute(sql, parameters, sink);
        self.options = options;
        result
    }

    /// BEGIN TRANSACTION: opens one or counts one more.
    ///
    /// # Errors
    /// SQLite's, in SQL Server's words.
    pub fn begin(&mut self) -> Result<()> {
        if self.context.transactions == 0 {
            self.sqlite("BEGIN")?;
        }
        self.context.transactions += 1;
        Ok(())
    }

    /// COMMIT: ends the innermost, and the transaction with the outermost.
    ///
    /// # Errors
    /// 3902 without a transaction, 1205 where another session was first.
    pub fn commit(&mut self) -> Result<()> {
        match self.context.transactions {
            0 => {
                return Err(error(
                    3902,
                    "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
                ));
            }
            1 => self.sqlite("COMMIT")?,
            _ => {}
        }
        self.context.transactions -= 1;
        Ok(())
    }

    /// ROLLBACK of everything.
    ///
    /// # Errors
    /// 3903 without a transaction.
    pub fn rollback(&mut self) -> Result<()> {
        if self.context.transactions == 0 {
            return Err(error(
                3903,
                "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            ));
        }
        self.context.transactions = 0;
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.sqlite("ROLLBACK")
        }
    }

    /// ROLLBACK to a savepoint.
    ///
    /// # Errors
    /// 6401 where there is no such savepoint.
    pub fn rollback_to(&mut self, name: &str) -> Result<()> {
        self.sqlite(&format!(
            "ROLLBACK TO \"{}\"",
            name.to_lowercase().replace('"', "\"\"")
        ))
        .map_err(|_| {
            error(
                6401,
                format!(
                    "Cannot roll back {name}. No transaction or savepoint of that name was found."
                ),
            )
        })
    }

    /// SAVE TRANSACTION
    ///
    /// # Errors
    /// 628 without a transaction.
    pub fn save(&mut self, name: &str) -> Result<()> {
        if self.context.transactions == 0 {
            return Err(error(
                628,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            ));
        }
        self.sqlite(&format!(
            "SAVEPOINT \"{}\"",
            name.to_lowercase().replace('"', "\"\"")
        ))
    }

    /// @@TRANCOUNT
    #[must_use]
    pub fn transaction_count(&self) -> u32 {
        self.context.transactions
    }

    /// Makes the session as new (`sp_reset_connection`): rolls back, forgets options.
    pub fn reset(&mut self) {
        if self.context.transactions > 0 {
            let _ = self.rollback();
        }
        self.options = Options::default();
        self.context.session_values.clear();
        self.context.identity = None;
        self.context.row_count = 0;
    }

    /// A function that stops the running statement from another thread.
    #[must_use]
    pub fn interrupter(&self) -> Arc<dyn Fn() + Send + Sync> {
        let handle = self.connection.get_interrupt_handle();
        let cancel = Arc::clone(&self.cancel);
        Arc::new(move || {
            *cancel.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            cancel.1.notify_all();
            handle.interrupt();
        })
    }

    fn sqlite(&self, sql: &str) -> Result<()> {
        self.connection
            .execute_batch(sql)
            .map_err(|e| from_sqlite(&e))
    }
}
