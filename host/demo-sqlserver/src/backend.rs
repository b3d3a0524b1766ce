//! The boundary between the wire and the SQL engine.

use std::sync::Arc;

use secrecy::SecretString;

use crate::value::{Parameter, Sink, SqlError};

/// What a log-in asks for (LOGIN7).
#[derive(Debug)]
pub struct LogIn {
    /// SQL log-in name
    pub user: String,
    /// Its password
    pub password: SecretString,
    /// An access token in place of both
    pub token: Option<SecretString>,
    /// The database to open; empty for the log-in's default
    pub database: String,
    /// What the client calls itself
    pub application: String,
    /// What the client calls its machine
    pub host: String,
    /// `ApplicationIntent=ReadOnly`
    pub read_only_intent: bool,
}

/// Opens sessions.
pub trait Backend: Send + Sync + 'static {
    /// Checks a log-in and opens its session. May block.
    ///
    /// # Errors
    /// 18456 where user or password are wrong, 4060 where the database cannot
    /// be opened.
    fn log_in(&self, log_in: &LogIn) -> Result<Box<dyn BackendSession>, SqlError>;
}

/// Stops what a session is running; callable from any thread, at any time and
/// more than once.
pub type Interrupter = Arc<dyn Fn() + Send + Sync>;

/// One connection's state in the engine. Every method may block.
pub trait BackendSession: Send {
    /// The current database.
    fn database(&self) -> &str;

    /// Runs a batch, or with `Some` parameters a statement of `sp_executesql`,
    /// whose SET options end with it.
    /// All it produces goes to `sink`; once that says [`crate::Flow::Stop`],
    /// the result no longer matters.
    ///
    /// # Errors
    /// What ends the batch: it becomes its ERROR token.
    fn execute(
        &mut self,
        sql: &str,
        parameters: Option<&[Parameter]>,
        sink: &mut dyn Sink,
    ) -> Result<(), SqlError>;

    /// `BEGIN TRANSACTION`
    ///
    /// # Errors
    /// Where the engine cannot.
    fn begin(&mut self) -> Result<(), SqlError>;

    /// `COMMIT TRANSACTION`
    ///
    /// # Errors
    /// 3902 without a transaction.
    fn commit(&mut self) -> Result<(), SqlError>;

    /// `ROLLBACK TRANSACTION`: the whole, or back to a savepoint.
    ///
    /// # Errors
    /// 3903 without a transaction, 6401 without that savepoint.
    fn rollback(&mut self, savepoint: Option<&str>) -> Result<(), SqlError>;

    /// `SAVE TRANSACTION name`
    ///
    /// # Errors
    /// 628 without a transaction.
    fn save(&mut self, name: &str) -> Result<(), SqlError>;

    /// `@@TRANCOUNT`
    fn transaction_count(&self) -> u32;

    /// Back to the state after log-in (RESETCONNECTION): open transactions are
    /// rolled back, settings and the database are as they were.
    fn reset(&mut self);

    /// What stops a running [`execute`](Self::execute) (Attention). Asked for
    /// once, after log-in.
    fn interrupter(&self) -> Interrupter;
}
