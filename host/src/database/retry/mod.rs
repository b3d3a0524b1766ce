//! Which failures of a read are worth another try, and when.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use super::error::Error;

/// The further tries that one read may have, within its time.
pub(super) struct Retries {
    left: u32,
    /// Connections that may have died of idleness: after a restart of the server
    /// every idle one has.
    idle: u32,
    /// When the first try had its connection.
    started: Option<Instant>,
    /// Of all tries together.
    time: Duration,
}

impl Retries {
    /// `time` is for all tries together; a pool has `idle` connections at most.
    pub(super) fn new(time: Duration, idle: u32) -> Self {
        Self {
            left: MOST,
            idle,
            started: None,
            time,
        }
    }

    /// A try begins: what is left of the time.
    pub(super) fn begin(&mut self) -> Duration {
        self.started.get_or_insert_with(Instant::now);
        self.time_left()
    }

    fn time_left(&self) -> Duration {
        let spent = self.started.map(|started| started.elapsed());
        self.time.saturating_sub(spent.unwrap_or_default())
    }

    /// How long to wait before the next try after `error`, which came before the
    /// first row; `None`: it is final. A connection that was `reused` may have
    /// died of idleness, and the next one need not wait.
    pub(super) fn after(&mut self, error: &Error, reused: bool) -> Option<Duration> {
        let reason = match error {
            Error::Server(error) if error.retryable => "transient",
            error if error.is_lost() => "connection",
            _ => return None,
        };
        let pause = if reason == "connection" && reused && self.idle > 0 {
            self.idle -= 1;
            Duration::ZERO
        } else {
            let number = MOST - self.left;
            self.left = self.left.checked_sub(1)?;
            pause(number, RandomState::new().build_hasher().finish())
        };
        if pause >= self.time_left() {
            return None;
        }
        metrics::counter!("database_retries_total", "reason" => reason).increment(1);
        Some(pause)
    }
}

/// From half of 50 ms × 4ⁿ to one and a half of it: those who failed together
/// do not come back together.
fn pause(number: u32, random: u64) -> Duration {
    let base = FIRST * 4_u32.saturating_pow(number);
    let percent = u32::try_from(random % 100).unwrap_or_default();
    base / 2 + base * percent / 100
}

/// Further tries of one statement.
const MOST: u32 = 2;
const FIRST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
