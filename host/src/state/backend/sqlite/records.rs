//! What the backend asks and does, in SQL.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::clock::Timestamp;
use crate::state::backend::{Change, Commit, Events, Index, Key, Position, Stored, Write};
use crate::state::event::Event;

/// What a look at the log of events found.
pub(super) enum Look {
    /// Nothing after the position; the file was then at this `data_version`.
    Unchanged(i64),
    /// Something, or a gap.
    Changed(Events),
}

impl Look {
    pub(super) fn into_events(self, position: Position) -> Events {
        match self {
            Self::Changed(events) => events,
            Self::Unchanged(_) => Events {
                events: Vec::new(),
                position,
                gap: false,
            },
        }
    }
}

pub(super) fn read(
    connection: &mut Connection,
    keys: &[Key],
) -> rusqlite::Result<Vec<Option<Stored>>> {
    // All from one moment.
    let transaction = connection.transaction()?;
    let mut select = transaction
        .prepare_cached("SELECT version, body, expires_at FROM records WHERE key = ?1")?;
    let mut record = |key: &Key| {
        let found = select.query_row([key.as_str()], |row| {
            Ok(Stored {
                version: unsigned(row.get(0)?),
                body: row.get(1)?,
                expires_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
            })
        });
        found.optional()
    };
    keys.iter().map(&mut record).collect()
}

pub(super) fn members(
    connection: &Connection,
    index: &Index,
    now: Timestamp,
) -> rusqlite::Result<Vec<Key>> {
    connection
        .prepare_cached("SELECT key FROM indexes WHERE name = ?1 AND ends > ?2")?
        .query_map(params![index.as_str(), now.0], |row| {
            row.get(0).map(Key::from_text)
        })?
        .collect()
}

pub(super) fn count(
    connection: &Connection,
    index: &Index,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM indexes WHERE name = ?1 AND ends > ?2")?
        .query_row(params![index.as_str(), now.0], |row| row.get(0))
        .map(unsigned)
}

/// Applies changes one after the other, and keeps them with one write to the
/// disk: those that others ask for in the meantime share the next one.
pub(super) fn commit(
    connection: &mut Connection,
    changes: &[Change],
) -> rusqlite::Result<Vec<Commit>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let commits = changes
        .iter()
        .map(|change| apply(&transaction, change))
        .collect::<rusqlite::Result<Vec<Commit>>>()?;
    transaction.commit()?;
    Ok(commits)
}

/// Position of the newest event.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Position> {
    let newest = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    Ok(Position(newest.map_or(0, unsigned)))
}

/// Looks for events after `position`, unless the file is as it was `seen`.
pub(super) fn look(
    connection: &mut Connection,
    position: Position,
    seen: Option<i64>,
) -> rusqlite::Result<Look> {
    let version = connection
        .prepare_cached("PRAGMA data_version")?
        .query_row((), |row| row.get(0))?;
    if seen == Some(version) {
        return Ok(Look::Unchanged(version));
    }
    let transaction = connection.transaction()?;
    let newest = newest(&transaction)?;
    if newest == position {
        return Ok(Look::Unchanged(version));
    }
    let events: Vec<Event> = transaction
        .prepare_cached("SELECT event FROM events WHERE position > ?1 ORDER BY position")?
        .query_map([signed(position.0)], |row| {
            let text = row.get_ref(0)?.as_str()?;
            Ok(Event::from_json(text))
        })?
        .collect::<rusqlite::Result<_>>()?;
    // A position from the future: the file is another than it was.
    let missed = newest.0.checked_sub(position.0);
    Ok(Look::Changed(Events {
        gap: missed != Some(events.len() as u64),
        events,
        position: newest,
    }))
}

/// Every record that lives. One transaction that reads sees one moment, and keeps
/// nobody from writing (WAL).
pub(super) fn dump(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<Vec<Write>> {
    let transaction = connection.transaction()?;
    let mut listed =
        transaction.prepare_cached("SELECT name FROM indexes WHERE key = ?1 ORDER BY name")?;
    let mut select = transaction.prepare_cached(
        "SELECT key, body, expires_at FROM records WHERE expires_at IS NULL OR expires_at > ?1",
    )?;
    let mut rows = select.query([now.0])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let indexes = listed
            .query_map([&key], |row| row.get(0).map(Index::from_text))?
            .collect::<rusqlite::Result<_>>()?;
        records.push(Write {
            body: row.get(1)?,
            expires_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
            key: Key::from_text(key),
            indexes,
        });
    }
    Ok(records)
}

/// Deletes some of what expired before `now`; whether all of it.
pub(super) fn purge(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let expired: Vec<String> = transaction
        .prepare_cached(
            "DELETE FROM records WHERE key IN \
             (SELECT key FROM records WHERE expires_at <= ?1 LIMIT ?2) RETURNING key",
        )?
        .query_map(params![now.0, PURGED_AT_ONCE], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for key in &expired {
        unlist(&transaction, key)?;
    }
    transaction
        .prepare_cached("DELETE FROM events WHERE at <= ?1")?
        .execute([now.0.saturating_sub(EVENTS_KEPT_MS)])?;
    transaction.commit()?;
    Ok(expired.len() < usize::from(PURGED_AT_ONCE))
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<Commit> {
    for (key, expected) in &change.expected {
        let version = transaction
            .prepare_cached("SELECT version FROM records WHERE key = ?1")?
            .query_row([key.as_str()], |row| row.get(0))
            .optional()?;
        if version.map_or(0, unsigned) != *expected {
            return Ok(Commit::Conflict);
        }
    }
    for (index, expected) in &change.expected_counts {
        if count(transaction, index, change.at)? != *expected {
            return Ok(Commit::Conflict);
        }
    }
    let version: i64 = transaction
        .prepare_cached("UPDATE counter SET commits = commits + 1 RETURNING commits")?
        .query_row((), |row| row.get(0))?;
    for key in &change.deletes {
        transaction
            .prepare_cached("DELETE FROM records WHERE key = ?1")?
            .execute([key.as_str()])?;
        unlist(transaction, key.as_str())?;
    }
    for write in &change.writes {
        put(transaction, version, write)?;
    }
    for event in &change.events {
        transaction
            .prepare_cached("INSERT INTO events (at, event) VALUES (?1, ?2)")?
            .execute(params![change.at.0, event.to_json()])?;
    }
    if !change.events.is_empty() {
        let oldest = transaction.last_insert_rowid() - EVENTS_KEPT;
        transaction
            .prepare_cached("DELETE FROM events WHERE position <= ?1")?
            .execute([oldest])?;
    }
    Ok(Commit::Done)
}

fn put(transaction: &Transaction<'_>, version: i64, write: &Write) -> rusqlite::Result<()> {
    let key = write.key.as_str();
    let expires_at = write.expires_at.map(|end| end.0);
    unlist(transaction, key)?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO records (key, version, body, expires_at) \
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![key, version, write.body, expires_at])?;
    let ends = expires_at.unwrap_or(i64::MAX);
    for index in &write.indexes {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO indexes (name, ends, key) VALUES (?1, ?2, ?3)")?
            .execute(params![index.as_str(), ends, key])?;
    }
    Ok(())
}

fn unlist(transaction: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM indexes WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

/// SQLite knows no other numbers. Counters begin at 0 and do not come near the
/// end.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Another process waits no longer than that many deletes take.
const PURGED_AT_ONCE: u16 = 500;
/// A node that fell further behind asks the store about every token again.
const EVENTS_KEPT: i64 = 10_000;
const EVENTS_KEPT_MS: i64 = 3_600_000;
