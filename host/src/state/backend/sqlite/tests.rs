use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::state::backend::Write;
use crate::state::backend::contract::{Place, every_backend};
use crate::state::event::Event;

struct OneFile(TempDir);

impl OneFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state.db")
    }
}

impl Place for OneFile {
    async fn node(&self) -> Arc<dyn Backend> {
        Arc::new(Sqlite::open(&self.path()).await.unwrap())
    }
}

every_backend!(OneFile::new());

#[tokio::test]
async fn many_who_open_a_new_file_at_once_all_get_it() {
    let place = OneFile::new();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let path = place.path();
            tokio::spawn(async move { Sqlite::open(&path).await.map(|_| ()) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let place = OneFile::new();
    drop(Sqlite::open(&place.path()).await.unwrap());
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(
        Sqlite::open(&place.path()).await,
        Err(StoreError::TooNew {
            found: 99,
            known: 1
        })
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_what_it_makes() {
    use std::os::unix::fs::PermissionsExt;
    let place = OneFile::new();
    let folder = place.0.path().join("new");
    let path = folder.join("state.db");
    let store = Sqlite::open(&path).await.unwrap();
    store.commit(numbered(1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_purge_frees_records_indexes_and_old_events() {
    let place = OneFile::new();
    let store = Sqlite::open(&place.path()).await.unwrap();
    for number in 0..3 {
        store.commit(numbered(number)).await.unwrap();
    }
    let rows = || {
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        ["records", "indexes", "events"].map(|table| {
            let count = format!("SELECT count(*) FROM {table}");
            connection
                .query_row(&count, (), |row| row.get::<_, i64>(0))
                .unwrap()
        })
    };
    assert_eq!(rows(), [3, 3, 3]);
    let position = store.position().await.unwrap();
    store.purge(Timestamp(END.0 - 1)).await.unwrap();
    assert_eq!(rows(), [3, 3, 3]);
    store.purge(END).await.unwrap();
    assert_eq!(rows(), [0, 0, 0]);
    assert_eq!(store.position().await.unwrap(), position);
    let late = store.events(Position(0), Duration::ZERO).await.unwrap();
    assert!(late.gap);
}

#[tokio::test]
async fn a_write_that_waits_for_another_process_keeps_no_reader_waiting() {
    let place = OneFile::new();
    let store = Arc::new(Sqlite::open(&place.path()).await.unwrap());
    store.commit(numbered(1)).await.unwrap();
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(numbered(2)).await }
    });
    let read = store.read(&[key(1)]).await.unwrap();
    assert!(read[0].is_some());
    assert!(!writing.is_finished());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(writing.await.unwrap().unwrap(), Commit::Done);
}

/// Runs itself as a child that commits and says so, and kills it: SIGKILL, which
/// no process can prepare for.
#[cfg(unix)]
#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    const PATH: &str = "MSSQL_MCP_TEST_COMMITS_TO";
    if let Some(path) = std::env::var_os(PATH) {
        return commit_until_killed(Path::new(&path)).await;
    }
    let place = OneFile::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--test-threads=1"])
            .arg("state::backend::sqlite::tests::what_was_answered_survives_kill_9")
            .env(PATH, place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut answered = Vec::new();
        let answer =
            |line: &str| -> Option<u64> { line.trim().strip_prefix("done ")?.parse().ok() };
        while answered.len() < 60 {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the child has ended");
            answered.extend(answer(&line));
        }
        child.kill().unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        // The last line may be cut off.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        answered.extend(whole.lines().filter_map(answer));
        child.wait().unwrap();

        let store = Sqlite::open(&place.path()).await.unwrap();
        let keys: Vec<Key> = answered.iter().map(|number| key(*number)).collect();
        let read = store.read(&keys).await.unwrap();
        assert!(read.iter().all(Option::is_some), "round {round}");
        // No more than those that were under way, and each of them whole.
        let count = store.count(&index(), Timestamp(0)).await.unwrap();
        let events = store.events(Position(0), Duration::ZERO).await.unwrap();
        assert_eq!(events.events.len() as u64, count);
    }
}

#[cfg(unix)]
async fn commit_until_killed(path: &Path) {
    let store = Arc::new(Sqlite::open(path).await.unwrap());
    let first = store.count(&index(), Timestamp(0)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in (first * 4 + task..).step_by(4) {
                store.commit(numbered(number)).await.unwrap();
                println!("done {number}");
            }
        });
    }
    tasks.join_all().await;
}

fn numbered(number: u64) -> Change {
    Change {
        at: Timestamp(1),
        writes: vec![Write {
            key: key(number),
            body: number.to_string().into_bytes(),
            expires_at: Some(END),
            indexes: vec![index()],
        }],
        events: vec![Event::PersonChanged(number.to_string())],
        ..Change::default()
    }
}

fn key(number: u64) -> Key {
    Key::new("numbered", number)
}

fn index() -> Index {
    Index::new("numbered", "all")
}

/// An hour after the events happened.
const END: Timestamp = Timestamp(3_600_001);
