//! What has happened lately, in memory: it sees each audit entry, and keeps figures
//! of the last ten minutes and the last refusals and sign-ins. All of it is bounded;
//! a call pays for a lock and a few additions.

mod latency;
mod noted;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latency::Latency;
pub(super) use noted::Noted;

use super::site::{ScopeState, Site};
use crate::audit::{Entry, Event, Observer, Outcome};
use crate::clock::{Clock, Timestamp};

/// Sees what happens. One for a process.
pub struct Recorder {
    clock: Clock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of the sample under way, by scope.
    now: BTreeMap<Arc<str>, Interval>,
    samples: VecDeque<Sample>,
    /// How many samples there ever were.
    taken: u64,
    codes: BTreeMap<(&'static str, String), u64>,
    refusals: VecDeque<Noted>,
    happened: VecDeque<Noted>,
}

#[derive(Default)]
struct Interval {
    calls: u64,
    errors: u64,
    latency: Latency,
}

/// What was between two moments.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its end.
    pub(super) at: Timestamp,
    /// By scope.
    pub(super) points: BTreeMap<Arc<str>, Point>,
}

/// One scope in a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) calls: u64,
    /// Of these, refused or failed.
    pub(super) errors: u64,
    /// Microseconds; none without a call.
    pub(super) p50: Option<u64>,
    pub(super) p99: Option<u64>,
    pub(super) guests: u64,
    pub(super) connections: u64,
    /// Of the last minute only.
    latency: Option<Box<Latency>>,
}

impl Recorder {
    /// One that has seen nothing yet.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            kept: Mutex::default(),
        })
    }

    /// Takes a sample every [`EVERY`], for ever.
    pub(super) async fn measure(&self, site: &dyn Site) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.sample(&site.scopes());
        }
    }

    /// Ends the sample under way.
    pub(super) fn sample(&self, scopes: &[ScopeState]) {
        let at = self.clock.now();
        let mut kept = self.kept();
        let mut now = std::mem::take(&mut kept.now);
        let points = scopes.iter().map(|scope| {
            let interval = now.remove(scope.name.as_str()).unwrap_or_default();
            let used = scope.databases.iter().map(|one| u64::from(one.pool.used));
            let point = Point {
                calls: interval.calls,
                errors: interval.errors,
                p50: interval.latency.quantile(500),
                p99: interval.latency.quantile(990),
                guests: u64::try_from(scope.guests.running).unwrap_or(u64::MAX),
                connections: used.sum(),
                latency: (interval.calls > 0).then(|| Box::new(interval.latency)),
            };
            (scope.name.as_str().into(), point)
        });
        let points = points.collect();
        kept.taken += 1;
        let number = kept.taken;
        kept.samples.push_back(Sample { number, at, points });
        if kept.samples.len() > SAMPLES {
            kept.samples.pop_front();
        }
        let older = kept.samples.iter_mut().rev().nth(MINUTE);
        for point in older.into_iter().flat_map(|old| old.points.values_mut()) {
            point.latency = None;
        }
    }

    /// The samples after the one of that number.
    pub(super) fn samples(&self, after: u64) -> Vec<Sample> {
        let kept = self.kept();
        let new = kept.samples.iter().filter(|sample| sample.number > after);
        new.cloned().collect()
    }

    /// The number of the last sample.
    pub(super) fn last(&self) -> u64 {
        self.kept().taken
    }

    /// The last minute of a scope, as one point.
    pub(super) fn minute(&self, scope: &str) -> Point {
        let kept = self.kept();
        let (mut sum, mut latency) = (Point::default(), Latency::default());
        let last = kept.samples.iter().rev().take(MINUTE);
        for point in last.filter_map(|sample| sample.points.get(scope)) {
            sum.calls += point.calls;
            sum.errors += point.errors;
            if let Some(of_point) = &point.latency {
                latency.merge(of_point);
            }
        }
        Point {
            p50: latency.quantile(500),
            p99: latency.quantile(990),
            ..sum
        }
    }

    /// How often each code came, with its outcome; the most frequent first.
    pub(super) fn codes(&self) -> Vec<(&'static str, String, u64)> {
        let kept = self.kept();
        let codes = kept.codes.iter();
        let mut codes: Vec<_> = codes
            .map(|((outcome, code), count)| (*outcome, code.clone(), *count))
            .collect();
        codes.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        codes
    }

    /// Calls and requests that were refused or failed, newest first.
    pub(super) fn refusals(&self) -> Vec<Noted> {
        self.kept().refusals.iter().rev().cloned().collect()
    }

    /// Sign-ins, registrations, changes, newest first.
    pub(super) fn happened(&self) -> Vec<Noted> {
        self.kept().happened.iter().rev().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn noted(&self, entry: &Entry) {
        let wrong = matches!(entry.outcome, Outcome::Refused | Outcome::Failed);
        // What is to be copied is copied before the lock.
        let noted = (wrong || is_change(entry.event)).then(|| Noted::of(entry));
        let code = entry.code.as_ref().filter(|_| wrong);
        let code = code.map(|code| (entry.outcome.name(), code.to_string()));
        let mut kept = self.kept();
        if entry.event == Event::ToolCall
            && let Some(scope) = &entry.scope
        {
            let interval = kept.now.entry(Arc::clone(scope)).or_default();
            interval.calls += 1;
            interval.errors += u64::from(wrong);
            if let Some(figures) = entry.call.as_deref().and_then(|call| call.figures) {
                let time = figures.queue_us.saturating_add(figures.wall_us);
                interval.latency.add(time);
            }
        }
        if let Some(code) = code
            && (kept.codes.len() < CODES || kept.codes.contains_key(&code))
        {
            *kept.codes.entry(code).or_default() += 1;
        }
        if let Some(noted) = noted {
            let list = if is_change(entry.event) {
                &mut kept.happened
            } else {
                &mut kept.refusals
            };
            list.push_back(noted);
            if list.len() > LAST {
                list.pop_front();
            }
        }
    }
}

/// What is told of even where it went well.
fn is_change(event: Event) -> bool {
    match event {
        Event::SignIn
        | Event::Registration
        | Event::Consent
        | Event::Revocation
        | Event::Password
        | Event::Withdrawal
        | Event::Reload
        | Event::Configuration
        | Event::Operator
        | Event::TokenIssue
        | Event::PersonAdd
        | Event::PersonInvite
        | Event::PersonGroups
        | Event::PersonRemove
        | Event::ClientAdd
        | Event::ClientBlock
        | Event::ClientUnblock
        | Event::ClientRemove
        | Event::CacheClear
        | Event::Backup
        | Event::Restore => true,
        Event::ToolCall
        | Event::RecordPage
        | Event::RememberedConsent
        | Event::CodeExchange
        | Event::Refresh
        | Event::Access => false,
    }
}

/// Between two samples, and between two questions of the page.
pub(super) const EVERY: Duration = Duration::from_secs(2);
/// Ten minutes.
const SAMPLES: usize = 300;
/// Samples in a minute.
pub(super) const MINUTE: usize = 30;
/// Codes are ours, some fifty.
const CODES: usize = 100;
/// Of each list.
const LAST: usize = 50;

#[cfg(test)]
mod tests;
