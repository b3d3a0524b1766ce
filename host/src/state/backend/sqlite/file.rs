//! The file: made for one user alone, opened so that what was answered stays.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema;
use crate::state::StoreError;

/// A connection to the file with the newest schema.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    // A name such as `:memory:` would mean something else to SQLite.
    let absolute = std::path::absolute(path).map_err(|error| not_opened(path, &error))?;
    create(&absolute).map_err(|error| not_opened(path, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&absolute, flags).and_then(|connection| {
        set_up(&connection)?;
        Ok(connection)
    });
    let mut connection = opened.map_err(|error| not_opened(path, &error))?;
    match schema::migrate(&mut connection) {
        Ok(()) => Ok(connection),
        Err(schema::MigrationError::TooNew { found, known }) => {
            Err(StoreError::TooNew { found, known })
        }
        Err(schema::MigrationError::Sqlite(error)) => Err(not_opened(path, &error)),
    }
}

pub(super) fn not_opened(path: &Path, error: &dyn std::error::Error) -> StoreError {
    StoreError::NotOpened {
        store: format!("the file {}", path.display()),
        message: error.to_string(),
    }
}

/// Makes the file if there is none. SQLite gives its mode to the files beside it.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent()
        && !folder.is_dir()
    {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    write_ahead(connection)?;
    // FULL: every commit is on the disk before it is answered.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What was deleted was about people: nothing of it stays in free pages.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Two processes that both turn the log on at once would wait for each other,
/// so SQLite refuses one of them without waiting.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == ErrorCode::DatabaseBusy && start.elapsed() < BUSY =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

/// How long a commit waits for those of other processes.
const BUSY: Duration = Duration::from_secs(5);
