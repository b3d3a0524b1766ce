//! What the file holds, and how an older one comes to hold it.

use rusqlite::{Connection, TransactionBehavior};

/// Why a file cannot be brought up to date.
#[derive(Debug)]
pub(super) enum MigrationError {
    /// A newer version of this program wrote it.
    TooNew { found: u32, known: u32 },
    /// SQLite refuses.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Runs the migrations that the file has not seen, all or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    run(connection, MIGRATIONS)
}

fn run(connection: &mut Connection, migrations: &[&str]) -> Result<(), MigrationError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    // Without the lock for writing, which a running server may hold.
    if version(connection)? == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(MigrationError::TooNew { found, known });
    }
    for migration in migrations.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Each takes a file one version further. None of them changes once it was in a
/// release.
const MIGRATIONS: &[&str] = &[include_str!("schema-1.sql")];

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> u32 {
        let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
        connection.query_row(count, (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_file_gets_only_what_it_lacks() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
        run(&mut connection, &[first]).unwrap();
        run(&mut connection, &[first, "CREATE TABLE b (x);"]).unwrap();
        run(&mut connection, &[first, "CREATE TABLE b (x);"]).unwrap();
        assert_eq!(tables(&connection), 2);
        assert_eq!(version(&connection).unwrap(), 2);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let failed = run(&mut connection, &["CREATE TABLE a (x);", "CREATE TABLE;"]);
        assert!(matches!(failed, Err(MigrationError::Sqlite(_))));
        assert_eq!(tables(&connection), 0);
        assert_eq!(version(&connection).unwrap(), 0);
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(MigrationError::TooNew {
                found: 99,
                known: 1
            })
        ));
    }
}
