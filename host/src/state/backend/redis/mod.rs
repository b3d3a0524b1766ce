//! State in Redis: several nodes behind one address.
//!
//! Reads are one round trip, a commit is one script. Records end by themselves,
//! a while after the host's clock says so: that clock judges, Redis only cleans
//! up. A commit lasts as well as that Redis is set up to keep what it
//! acknowledged (`appendonly yes`, and `maxmemory-policy noeviction`).

mod server;

#[cfg(test)]
#[cfg(all(unix, feature = "outside"))]
mod tests;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{Pipeline, Script};

use super::{Backend, Change, Commit, Events, Index, Key, Position, Stored, Write};
use crate::clock::Timestamp;
use crate::state::StoreError;
use crate::state::event::Event;
use server::Server;

/// Records in hashes, indexes in sorted sets, events in a stream.
pub(crate) struct Redis {
    server: Server,
    commit: Script,
    dump: Script,
    /// What every key begins with. In braces, so that a cluster keeps all of
    /// them on one node, where a script can reach them.
    prefix: String,
}

impl Redis {
    /// Connects to `redis://…` or `rediss://…`.
    ///
    /// # Errors
    /// The address is wrong, or nobody answers there.
    pub(crate) async fn open(address: &str) -> Result<Self, StoreError> {
        let redis = Self::with_prefix(address, "{mssql-mcp}:")?;
        redis.server.check().await?;
        Ok(redis)
    }

    fn with_prefix(address: &str, prefix: &str) -> Result<Self, StoreError> {
        Ok(Self {
            server: Server::new(address)?,
            commit: Script::new(include_str!("commit.lua")),
            dump: Script::new(include_str!("dump.lua")),
            prefix: prefix.to_owned(),
        })
    }

    fn record(&self, key: &Key) -> String {
        format!("{}record:{}", self.prefix, key.as_str())
    }

    fn index(&self, index: &Index) -> String {
        format!("{}index:{}", self.prefix, index.as_str())
    }

    fn log(&self) -> String {
        format!("{}events", self.prefix)
    }

    async fn ask<T: redis::FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let mut connection = self.server.connect().await?;
        let answer = pipeline.query_async(connection.inner()).await;
        self.server.settle(connection, answer).await
    }

    /// Events after `position` that are there by now.
    async fn look(&self, position: Position) -> Result<Events, StoreError> {
        let log = self.log();
        let mut pipeline = redis::pipe();
        // The newest one, whatever its position: the state may be another than
        // it was, and be further back.
        pipeline.atomic().xrevrange_count(&log, "+", "-", 1);
        pipeline.xrange(&log, format!("{}-0", position.0.saturating_add(1)), "+");
        let (newest, later): (StreamRangeReply, StreamRangeReply) = self.ask(&pipeline).await?;
        let newest = newest.ids.first().map_or(0, number);
        let missed = newest.checked_sub(position.0);
        Ok(Events {
            gap: missed != Some(later.ids.len() as u64),
            position: Position(newest),
            events: later.ids.iter().map(event).collect(),
        })
    }
}

#[async_trait]
impl Backend for Redis {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for key in keys {
            let fields = ["version", "body", "expires_at"];
            pipeline.cmd("HMGET").arg(self.record(key)).arg(&fields);
        }
        let records: Vec<(Option<u64>, Option<Vec<u8>>, Option<i64>)> = self.ask(&pipeline).await?;
        let stored = records.into_iter().map(|(version, body, expires_at)| {
            Some(Stored {
                version: version?,
                body: body?,
                expires_at: expires_at.map(Timestamp),
            })
        });
        Ok(stored.collect())
    }

    async fn members(&self, index: &Index, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline.zrangebyscore(self.index(index), format!("({}", now.0), "+inf");
        let (keys,): (Vec<String>,) = self.ask(&pipeline).await?;
        Ok(keys.into_iter().map(Key::from_text).collect())
    }

    async fn count(&self, index: &Index, now: Timestamp) -> Result<u64, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline.zcount(self.index(index), format!("({}", now.0), "+inf");
        let (count,) = self.ask(&pipeline).await?;
        Ok(count)
    }

    async fn commit(&self, change: Change) -> Result<Commit, StoreError> {
        let mut script = self.commit.prepare_invoke();
        script.key(format!("{}commits", self.prefix));
        script.arg(change.at.0);
        script.arg(change.at.0.saturating_sub(SLACK_MS));
        script.arg(change.expected.len());
        for (key, version) in &change.expected {
            script.arg(key.as_str()).arg(*version);
        }
        script.arg(change.expected_counts.len());
        for (index, count) in &change.expected_counts {
            script.arg(index.as_str()).arg(*count);
        }
        script.arg(change.deletes.len());
        for key in &change.deletes {
            script.arg(key.as_str());
        }
        script.arg(change.writes.len());
        for write in &change.writes {
            let indexes: Vec<&str> = write.indexes.iter().map(Index::as_str).collect();
            script.arg(write.key.as_str()).arg(&write.body);
            script.arg(text(write.expires_at.map(|end| end.0)));
            script.arg(text(life(write, change.at)));
            script.arg(serde_json::json!(indexes).to_string());
        }
        script.arg(EVENTS_KEPT).arg(change.events.len());
        for event in &change.events {
            script.arg(event.to_json());
        }
        let mut connection = self.server.connect().await?;
        // What a restore writes takes longer than any request may.
        let many = change.writes.len() + change.deletes.len() > AT_ONCE;
        if many {
            connection.be_patient();
        }
        let answer = script.invoke_async(connection.inner()).await;
        let done: bool = self.server.settle(connection, answer).await?;
        Ok(if done { Commit::Done } else { Commit::Conflict })
    }

    async fn position(&self) -> Result<Position, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline.xrevrange_count(self.log(), "+", "-", 1);
        let (newest,): (StreamRangeReply,) = self.ask(&pipeline).await?;
        Ok(Position(newest.ids.first().map_or(0, number)))
    }

    async fn events(&self, position: Position, wait: Duration) -> Result<Events, StoreError> {
        let start = Instant::now();
        loop {
            let events = self.look(position).await?;
            let left = wait.saturating_sub(start.elapsed());
            if events.gap || !events.events.is_empty() || left.is_zero() {
                return Ok(events);
            }
            self.server
                .wait_for_entry(&self.log(), &format!("{}-0", position.0), left)
                .await?;
        }
    }

    async fn dump(&self, now: Timestamp) -> Result<Vec<Write>, StoreError> {
        let mut script = self.dump.prepare_invoke();
        script.key(format!("{}commits", self.prefix));
        let mut connection = self.server.connect().await?;
        connection.be_patient();
        let answer = script.invoke_async(connection.inner()).await;
        let records: Vec<Dumped> = self.server.settle(connection, answer).await?;
        let records = records
            .into_iter()
            .map(|(key, body, expires_at, indexes)| {
                let names: Vec<String> =
                    serde_json::from_str(&indexes).map_err(|error| StoreError::Corrupt {
                        key: key.clone(),
                        message: error.to_string(),
                    })?;
                Ok(Write {
                    key: Key::from_text(key),
                    body,
                    expires_at: expires_at.parse().ok().map(Timestamp),
                    indexes: names.into_iter().map(Index::from_text).collect(),
                })
            })
            .collect::<Result<Vec<Write>, StoreError>>()?;
        // Redis keeps them a while longer than they live.
        let lives = |record: &Write| record.expires_at.is_none_or(|end| end > now);
        Ok(records.into_iter().filter(lives).collect())
    }

    /// Records and whole indexes end by themselves, and a commit trims the
    /// indexes that it adds to.
    async fn purge(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Key, body, end or nothing, names of indexes in JSON.
type Dumped = (String, Vec<u8>, String, String);

/// For how long Redis keeps what is written, in milliseconds; `None` for good.
///
/// It counts from now, as the host's clock has it: the two need not agree.
fn life(write: &Write, now: Timestamp) -> Option<i64> {
    let left = write.expires_at?.0.saturating_sub(now.0);
    (left < LONGEST_LIFE_MS).then(|| left.max(0) + SLACK_MS)
}

fn text(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Events are numbered by the first part of their ids.
fn number(entry: &StreamId) -> u64 {
    let number = entry.id.split('-').next();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn event(entry: &StreamId) -> Event {
    let text: Option<String> = entry.get("event");
    text.map_or(Event::EverythingChanged, |text| Event::from_json(&text))
}

/// A node whose clock is behind by less still finds what lives for it.
const SLACK_MS: i64 = 600_000;
/// A century; Redis refuses lives that end past the range of its numbers.
const LONGEST_LIFE_MS: i64 = 3_155_760_000_000;
/// A node that fell further behind asks the store about every token again.
const EVENTS_KEPT: u64 = 10_000;
/// More changes than a request makes.
const AT_ONCE: usize = 1_000;
