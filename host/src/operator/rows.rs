//! Figures and moments as people read them, and the rows of the page's tables.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::recorder::{Noted, Point};
use super::site::{Guests, ScopeState, ToolSetState};
use super::texts::OperatorTexts;
use crate::clock::Timestamp;

/// One scope.
#[derive(Debug)]
pub(super) struct ScopeRow {
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) read_only: bool,
    pub(super) tools: usize,
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) median: String,
    pub(super) p99: String,
    pub(super) guests: Guests,
    /// Label and use of each database.
    pub(super) pools: Vec<PoolRow>,
}

/// One database of a scope.
#[derive(Debug)]
pub(super) struct PoolRow {
    pub(super) label: String,
    pub(super) used: u32,
    pub(super) max: u32,
    pub(super) waiting: u64,
}

impl ScopeRow {
    pub(super) fn new(scope: ScopeState, minute: &Point) -> Self {
        let databases = scope.databases.into_iter();
        let pools = databases.map(|database| PoolRow {
            label: database.label,
            used: database.pool.used,
            max: database.pool.max,
            waiting: database.pool.waiting,
        });
        Self {
            name: scope.name,
            up: scope.up,
            read_only: scope.read_only,
            tools: scope.tools,
            calls: minute.calls,
            errors: minute.errors,
            median: latency(minute.p50),
            p99: latency(minute.p99),
            guests: scope.guests,
            pools: pools.collect(),
        }
    }
}

/// One tool set.
#[derive(Debug)]
pub(super) struct ToolSetRow {
    pub(super) set: ToolSetState,
}

impl ToolSetRow {
    /// The beginning of its digest: enough to compare by eye.
    pub(super) fn digest(&self) -> Option<&str> {
        let digest = self.set.digest.as_deref()?;
        digest.get(..12).or(Some(digest))
    }

    pub(super) fn state(&self, o: &OperatorTexts) -> &'static str {
        match (&self.set.problem, self.set.parked) {
            (Some(_), true) => o.parked,
            (Some(_), false) => o.problem,
            (None, _) => o.serves,
        }
    }
}

impl Noted {
    pub(super) fn time(&self) -> String {
        time(self.at)
    }

    /// As programs read it.
    pub(super) fn moment(&self) -> String {
        written(self.at, "%Y-%m-%dT%H:%M:%SZ")
    }

    /// What went wrong is set off.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.outcome, "refused" | "failed")
    }
}

/// Microseconds as people read them.
fn latency(microseconds: Option<u64>) -> String {
    match microseconds {
        None => "–".to_owned(),
        Some(time) if time < 10_000 => format!("{}.{} ms", time / 1_000, time % 1_000 / 100),
        Some(time) if time < 10_000_000 => format!("{} ms", time / 1_000),
        Some(time) => format!("{} s", time / 1_000_000),
    }
}

/// Hours and minutes, or days and hours.
pub(super) fn duration(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{} s", time.as_secs()),
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {hours} h"),
    }
}

/// To the second, without the day: the lists are of today.
fn time(at: Timestamp) -> String {
    written(at, "%H:%M:%S")
}

/// The day with hours and minutes.
pub(super) fn day(at: Timestamp) -> String {
    written(at, "%Y-%m-%d %H:%M")
}

fn written(at: Timestamp, form: &str) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    at.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_long_as_they_are_worth() {
        for (time, read) in [
            (None, "–"),
            (Some(0), "0.0 ms"),
            (Some(1_840), "1.8 ms"),
            (Some(123_456), "123 ms"),
            (Some(61_000_000), "61 s"),
        ] {
            assert_eq!(latency(time), read);
        }
        for (seconds, read) in [
            (59, "59 s"),
            (60, "1 min"),
            (3_700, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), read);
        }
    }
}
