//! What came of the attacks: a table for people, JSON for programs.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Value, json};

use crate::config::LimitsSection;

/// All attacks.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was to hold.
    pub limits: LimitsSection,
    /// Calls at once.
    pub callers: usize,
    /// One for each attack.
    pub rows: Vec<Row>,
}

/// One attack.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub attack: String,
    /// Whether nothing speaks against it.
    pub contained: bool,
    /// Which try this is: one of which others alone felt too much is made again.
    pub tries: usize,
    /// Whether all that speaks against it is what others felt.
    pub(super) only_others_waited: bool,
    /// How it ended.
    pub ended: String,
    /// What speaks against it, a sentence each.
    pub faults: Vec<String>,
    /// How often it was made.
    pub attacks: usize,
    /// From its end to the first good call of the attacked scope.
    pub recovered: Option<Duration>,
    /// Calls of others before it.
    pub calm: Others,
    /// Calls of others beside it.
    pub during: Others,
    /// Bytes of memory that the process had more at most, where that can be seen.
    pub memory: Option<u64>,
    /// Of these, bytes that it still has some time later.
    pub memory_left: Option<u64>,
    /// Bytes that were logged meanwhile.
    pub logged: u64,
}

/// Calls of others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Others {
    /// How many.
    pub calls: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// All but one of a hundred took no longer.
    pub p99: Duration,
}

impl Others {
    pub(super) fn of(mut times: Vec<Duration>, failed: usize) -> Self {
        times.sort_unstable();
        let at = |share: usize| {
            let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
            times.get(index).copied().unwrap_or_default()
        };
        Self {
            calls: times.len(),
            failed,
            p50: at(50),
            p99: at(99),
        }
    }
}

impl Report {
    /// Whether everything is contained.
    pub fn all_contained(&self) -> bool {
        self.rows.iter().all(|row| row.contained)
    }

    /// For programs.
    pub fn json(&self) -> String {
        let limits = &self.limits;
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({
            "contained": self.all_contained(),
            "callers": self.callers,
            "limits": {
                "memory_bytes": limits.memory.as_u64(),
                "cpu_ms": ms(limits.cpu),
                "wall_ms": ms(limits.wall),
                "concurrency": limits.concurrency,
                "result_bytes": limits.result.as_u64(),
                "log_bytes": limits.log.as_u64(),
                "cache_bytes": limits.cache.as_u64(),
                "handles": limits.handles,
                "compile_time_ms": ms(limits.compile_time),
            },
            "attacks": rows,
        })
        .to_string()
    }

    /// For people: a line for each attack, after [`head`] and before [`Self::sum`].
    pub fn table(&self) -> String {
        let rows = self.rows.iter().map(line);
        let lines = [head(&self.limits, self.callers)].into_iter().chain(rows);
        lines.chain([self.sum()]).collect::<Vec<_>>().join("\n")
    }

    /// What to remember.
    pub(super) fn sum(&self) -> String {
        match self.rows.iter().filter(|row| !row.contained).count() {
            0 => format!("\nAll {} attacks are contained.", self.rows.len()),
            open => format!("\n{open} of {} attacks are NOT CONTAINED.", self.rows.len()),
        }
    }
}

/// Above the rows.
pub(super) fn head(limits: &LimitsSection, callers: usize) -> String {
    format!(
        "Limits: {} of memory, {:?} of CPU and {:?} a call, {} a result. {callers} calls at once.\n\
         Others: p99 of a small query of another scope, before the attack and beside it.\n\n\
         {:<26} {:<13} {:>9}  {:>20}  {:>10}  how it ended",
        limits.memory,
        limits.cpu,
        limits.wall,
        limits.result,
        "attack",
        "",
        "recovery",
        "others",
        "memory",
    )
}

/// A row for people, and what speaks against it below.
pub(super) fn line(row: &Row) -> String {
    let verdict = if row.contained {
        "contained"
    } else {
        "NOT CONTAINED"
    };
    let others = format!("{} → {}", short(row.calm.p99), short(row.during.p99));
    let memory = row.memory.map_or_else(String::new, |grown| {
        format!("+{} MiB", ByteSize(grown).as_u64() >> 20)
    });
    let mut text = format!(
        "{:<26} {verdict:<13} {:>9}  {others:>20}  {memory:>10}  {}",
        row.attack,
        row.recovered.map_or_else(|| "never".to_owned(), short),
        printable(&row.ended)
    );
    if row.tries > 1 {
        text.push_str(&format!(" (try {})", row.tries));
    }
    for fault in &row.faults {
        text.push_str(&format!("\n{:>26}   {}", "!", printable(fault)));
    }
    text
}

fn row(row: &Row) -> Value {
    let others = |others: &Others| {
        json!({
            "calls": others.calls,
            "failed": others.failed,
            "p50_ms": ms(others.p50),
            "p99_ms": ms(others.p99),
        })
    };
    json!({
        "attack": row.attack,
        "contained": row.contained,
        "tries": row.tries,
        "ended": row.ended,
        "faults": row.faults,
        "attacks": row.attacks,
        "recovery_ms": row.recovered.map(ms),
        "others_calm": others(&row.calm),
        "others_during": others(&row.during),
        "memory_bytes": row.memory,
        "memory_left_bytes": row.memory_left,
        "logged_bytes": row.logged,
    })
}

fn ms(time: Duration) -> f64 {
    // Microseconds are fine enough.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn short(time: Duration) -> String {
    format!("{:.1} ms", ms(time))
}

/// What a guest said may not write to the terminal as it likes.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(faults: &[&str]) -> Report {
        let ms = |n| Duration::from_millis(n);
        Report {
            limits: LimitsSection::default(),
            callers: 8,
            rows: vec![Row {
                attack: "loop".to_owned(),
                contained: faults.is_empty(),
                tries: 2,
                only_others_waited: false,
                ended: "8 × timeout\u{1b}".to_owned(),
                faults: faults.iter().map(|&fault| fault.to_owned()).collect(),
                attacks: 8,
                recovered: Some(ms(3)),
                calm: Others::of((1..=100).map(ms).collect(), 0),
                during: Others::of(vec![ms(1)], 0),
                memory: Some(3 << 20),
                memory_left: Some(0),
                logged: 1,
            }],
        }
    }

    #[test]
    fn the_table_says_what_is_contained_and_what_speaks_against_it() {
        let good = report(&[]).table();
        assert!(
            good.contains("contained        3.0 ms     100.0 ms → 1.0 ms"),
            "{good}"
        );
        assert!(good.contains("8 × timeout\u{fffd} (try 2)"), "{good}");
        assert!(good.ends_with("All 1 attacks are contained."), "{good}");
        let bad = report(&["it reached a socket"]).table();
        assert!(bad.contains("NOT CONTAINED"), "{bad}");
        assert!(bad.contains("!   it reached a socket"), "{bad}");
    }

    #[test]
    fn programs_read_the_same() {
        let said: Value = serde_json::from_str(&report(&["no"]).json()).unwrap();
        assert_eq!(said["contained"], false);
        assert_eq!(said["attacks"][0]["others_calm"]["p99_ms"], 100.0);
        assert_eq!(said["attacks"][0]["recovery_ms"], 3.0);
    }
}
