//! The SQL engine: T-SQL in, typed result sets out. Statements are compiled, with
//! SQL Server's types, to SQLite; what cannot be answered exactly is refused.

mod batch;
mod catalog;
mod collation;
mod compile;
mod convert;
mod datetime;
mod decimal;
mod dialect;
mod error;
mod functions;
mod like;
mod load;
mod session;
mod storage;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use self::catalog::Catalog;
use self::compile::write::Write;
use self::error::into_sqlite;
use self::session::Context;
use crate::schema::{Database, Table, View};
use crate::value::{SqlError, SqlType};

pub use self::session::Session;

/// Gives the current instant in UTC as units of 100 ns since 0001-01-01.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Whether INSERT, UPDATE and DELETE are granted.
    pub may_write: bool,
}

/// Why a database could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The private directory could not be made.
    #[error("the embedded database has no temporary directory: {0}")]
    Directory(#[from] std::io::Error),
    /// SQLite refused.
    #[error("the embedded database could not be made: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A view, default or constraint of the description is not understood.
    #[error("{object} of the embedded database is not understood: {source}")]
    Description {
        /// Its name.
        object: String,
        /// What is wrong with it.
        source: SqlError,
    },
}

/// A database that sessions share. Clones are the same database.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    catalog: Catalog,
    clock: Clock,
    directory: tempfile::TempDir,
    next_spid: AtomicU16,
    /// Last value and increment of each IDENTITY, by table.
    identities: HashMap<String, (AtomicI64, i64)>,
    row_version: AtomicI64,
    /// Keeps the file's schema warm and the write-ahead log in place.
    _keeper: Mutex<Connection>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("database", &self.shared.catalog.database)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes the tables of `database` and of its catalogue (`system`) in a private
    /// SQLite database, which goes with the last clone and session.
    ///
    /// # Errors
    /// Where the description or the temporary directory is at fault.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the description is not needed any more once the tables exist"
    )]
    pub fn open(database: Database, system: Vec<Table>, clock: Clock) -> Result<Self, EngineError> {
        let directory = tempfile::tempdir()?;
        let keeper = connect(directory.path())?;
        let loaded = load::load(&keeper, &database, &system)?;
        Ok(Self {
            shared: Arc::new(Shared {
                catalog: loaded.catalog,
                clock,
                directory,
                next_spid: AtomicU16::new(51),
                identities: loaded.identities,
                row_version: AtomicI64::new(loaded.row_version),
                _keeper: Mutex::new(keeper),
            }),
        })
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.shared.catalog.database
    }

    /// Opens a session for a user who has signed in.
    ///
    /// # Errors
    /// Where SQLite cannot open its file once more.
    pub fn session(&self, user: User) -> Result<Session, EngineError> {
        let connection = connect(self.shared.directory.path())?;
        let last_identity = Arc::new(Mutex::new(None));
        register_counters(&connection, &self.shared, &last_identity)?;
        let context = Context {
            user: user.name,
            may_write: user.may_write,
            spid: self.shared.next_spid.fetch_add(1, Ordering::Relaxed),
            now: (self.shared.clock)(),
            variables: Vec::new(),
            transactions: 0,
            row_count: 0,
            identity: None,
            session_values: Vec::new(),
        };
        Ok(Session::new(
            Arc::clone(&self.shared),
            connection,
            context,
            last_identity,
        ))
    }
}

/// The columns of a view: name, type and whether NULL can occur, which follow
/// from its SELECT.
///
/// # Errors
/// Where the view's definition is not understood.
pub fn view_columns(
    database: &Database,
    view: &View,
) -> Result<Vec<(String, SqlType, bool)>, EngineError> {
    let catalog = load::describe(database, &[])?;
    let described = |source| EngineError::Description {
        object: format!("{}.{}", view.schema, view.name),
        source,
    };
    let query = batch::parse_query(&view.definition).map_err(described)?;
    let context = Context::nobody();
    let compiled = compile::Compiler::new(&catalog, &context)
        .query(&query)
        .map_err(described)?;
    Ok(compiled
        .columns
        .into_iter()
        .map(|c| (c.name, c.sql_type, c.nullable))
        .collect())
}

impl Shared {
    /// Puts SQL Server's names into the message of a violated constraint.
    fn explain(&self, e: SqlError, write: &Write) -> SqlError {
        let (schema, table) = write.table.split_once('.').unwrap_or(("dbo", &write.table));
        let info = self.catalog.table(schema, table);
        match e.number {
            2627 => {
                let key = info
                    .and_then(|i| i.primary_key.as_ref())
                    .map_or("", |k| k.name.as_str());
                SqlError {
                    message: format!(
                        "Violation of PRIMARY KEY or UNIQUE KEY constraint '{key}'. Cannot insert duplicate key in object '{}'.",
                        write.table
                    ),
                    ..e
                }
            }
            515 => {
                let position = e
                    .message
                    .rsplit_once(".c")
                    .and_then(|(_, n)| n.parse::<usize>().ok());
                let column = position
                    .and_then(|p| info.and_then(|i| i.columns.get(p)))
                    .map_or("", |c| c.name.as_str());
                SqlError {
                    message: format!(
                        "Cannot insert the value NULL into column '{column}', table '{}.{}'; column does not allow nulls. {} fails.",
                        self.catalog.database, write.table, write.verb
                    ),
                    ..e
                }
            }
            547 => SqlError {
                message: format!(
                    "The {} statement conflicted with a constraint of table \"{}\", database \"{}\". {}",
                    write.verb, write.table, self.catalog.database, e.message
                ),
                ..e
            },
            _ => e,
        }
    }
}

fn connect(directory: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(directory.join("data.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "recursive_triggers", "OFF")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    functions::register(&connection)?;
    Ok(connection)
}

/// `next_identity(table)` and `next_rowversion()`: counters of the whole database.
fn register_counters(
    connection: &Connection,
    shared: &Arc<Shared>,
    last: &Arc<Mutex<Option<i64>>>,
) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8;
    // Weak: the connection lies inside the session that holds the database.
    let (counters, last) = (Arc::downgrade(shared), Arc::clone(last));
    connection.create_scalar_function("next_identity", 1, flags, move |context| {
        let table: String = context.get(0)?;
        let shared = counters.upgrade();
        let Some((counter, step)) = shared.as_ref().and_then(|s| s.identities.get(&table)) else {
            return Err(into_sqlite(&error::error(
                8106,
                format!("Table '{table}' does not have the identity property."),
            )));
        };
        let value = counter.fetch_add(*step, Ordering::Relaxed) + step;
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(value)
    })?;
    let counters = Arc::downgrade(shared);
    connection.create_scalar_function("next_rowversion", 0, flags, move |_| {
        let value = counters
            .upgrade()
            .map_or(0, |s| s.row_version.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(value.to_be_bytes().to_vec())
    })
}

/// Gives a parameter its declared type, as an implicit conversion does; one of a
/// type that is not known here stays as it came.
pub(crate) fn declare(
    parameter: &mut crate::value::Parameter,
    declared: &str,
) -> std::result::Result<(), crate::value::SqlError> {
    let Ok(to) = types::parse(declared, 1) else {
        return Ok(());
    };
    if parameter.sql_type != to {
        let value = std::mem::replace(&mut parameter.value, crate::value::Value::Null);
        parameter.value = convert::convert(value, parameter.sql_type, to, None)?;
        parameter.sql_type = to;
    }
    Ok(())
}
