//! The threads that own the connections.

use std::io;
use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::records;
use crate::clock::Timestamp;
use crate::state::StoreError;
use crate::state::backend::{Change, Commit};

/// Runs what it is given, in order.
pub(super) struct Reader {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Reader {
    pub(super) fn start(mut connection: Connection) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        spawn("state-reader", move || {
            for job in queue {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            // Nobody waits for it any more: that is for whoever asked to know.
            let _ = answer.send(job(connection).map_err(|error| unavailable(&error)));
        };
        self.jobs.send(Box::new(job)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

/// Commits changes, several at once when several wait.
pub(super) struct Writer {
    tasks: mpsc::Sender<Task>,
}

enum Task {
    Commit(Change, oneshot::Sender<Result<Commit, StoreError>>),
    /// Some of it; whether that was all.
    Purge(Timestamp, oneshot::Sender<Result<bool, StoreError>>),
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        committed: watch::Sender<u64>,
    ) -> io::Result<Self> {
        let (tasks, queue) = mpsc::channel();
        spawn("state-writer", move || {
            while let Ok(first) = queue.recv() {
                let waiting = queue.try_iter().take(COMMITTED_AT_ONCE - 1);
                let tasks = std::iter::once(first).chain(waiting).collect();
                work(&mut connection, tasks, &committed);
            }
        })?;
        Ok(Self { tasks })
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        let (answer, answered) = oneshot::channel();
        let task = Task::Commit(change, answer);
        self.tasks.send(task).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }

    /// In small parts, so that commits get in between.
    pub(super) async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let (answer, answered) = oneshot::channel();
            let task = Task::Purge(now, answer);
            self.tasks.send(task).map_err(|_| ended())?;
            if answered.await.map_err(|_| ended())?? {
                return Ok(());
            }
        }
    }
}

fn work(connection: &mut Connection, tasks: Vec<Task>, committed: &watch::Sender<u64>) {
    let mut changes = Vec::new();
    let mut answers = Vec::new();
    let mut purges = Vec::new();
    for task in tasks {
        match task {
            Task::Commit(change, answer) => {
                changes.push(change);
                answers.push(answer);
            }
            Task::Purge(now, answer) => purges.push((now, answer)),
        }
    }
    if !changes.is_empty() {
        commit(connection, &changes, answers, committed);
    }
    for (now, answer) in purges {
        let purged = records::purge(connection, now);
        let _ = answer.send(purged.map_err(|error| unavailable(&error)));
    }
}

fn commit(
    connection: &mut Connection,
    changes: &[Change],
    answers: Vec<oneshot::Sender<Result<Commit, StoreError>>>,
    committed: &watch::Sender<u64>,
) {
    match records::commit(connection, changes) {
        Ok(commits) => {
            if changes.iter().any(|change| !change.events.is_empty()) {
                committed.send_modify(|count| *count += 1);
            }
            for (answer, commit) in answers.into_iter().zip(commits) {
                let _ = answer.send(Ok(commit));
            }
        }
        Err(error) => {
            for answer in answers {
                let _ = answer.send(Err(unavailable(&error)));
            }
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // Ends when the last sender is gone.
    thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(())
}

fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(format!("the file of state.store: {error}"))
}

fn ended() -> StoreError {
    StoreError::Unavailable("the thread of state.store has ended".to_owned())
}

/// What one write to the disk keeps; the next who waits shares the next one.
const COMMITTED_AT_ONCE: usize = 64;
