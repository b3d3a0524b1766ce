//! What others feel: small queries of the honest scope, timed before an attack and
//! beside it, and the marks that an attack must not leave on the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use serde_json::json;
use tokio::task::JoinHandle;

use super::client::Client;
use super::gauge::{self, Peak};
use super::plan::Plan;
use super::report::{Others, Row};
use super::stage::Stage;
use crate::telemetry;

/// An attack under watch.
pub(super) struct Watch {
    calm: Others,
    resident: Option<u64>,
    logged: u64,
    came: usize,
    peak: Peak,
    beside: Beside,
}

/// What the attackers saw.
#[derive(Default)]
pub(super) struct Seen {
    /// How it ended, in a line.
    pub(super) ended: String,
    /// What says that nothing contained it, a sentence each.
    pub(super) faults: Vec<String>,
    /// From the end of the attack to the first good call of the attacked scope.
    pub(super) recovered: Option<Duration>,
    /// Attacks that were made.
    pub(super) attacks: usize,
    /// Bytes of memory that it may have taken.
    pub(super) memory: u64,
}

impl Watch {
    /// Measures the calm, and goes on measuring.
    pub(super) async fn begin(stage: &Stage, plan: &Plan) -> anyhow::Result<Self> {
        let calm = Beside::begin(stage, plan.calls).end().await;
        anyhow::ensure!(calm.failed == 0, "the honest scope does not answer");
        Ok(Self {
            calm,
            resident: gauge::resident(),
            logged: telemetry::logged(),
            came: stage.bait.came(),
            peak: Peak::begin()?,
            beside: Beside::begin(stage, plan.calls),
        })
    }

    /// Judges.
    pub(super) async fn end(self, stage: &Stage, plan: &Plan, name: &str, seen: Seen) -> Row {
        let mut faults = seen.faults;
        let during = self.beside.end().await;
        if during.failed > 0 {
            faults.push(format!("{} calls of others failed", during.failed));
        }
        let bound = (self.calm.p99 * 2).max(self.calm.p99 + plan.floor);
        let waited = during.p99 > bound;
        if waited {
            faults.push(format!(
                "others waited {:.1?}; {bound:.1?} would do",
                during.p99
            ));
        }
        let (mut peak, mut after) = (None, None);
        if let Some(before) = self.resident {
            let grown = self.peak.most().saturating_sub(before);
            if grown > seen.memory {
                faults.push(format!(
                    "{} of memory; the limits allow {}",
                    ByteSize(grown),
                    ByteSize(seen.memory)
                ));
            }
            let left = settled(before).await;
            if left > KEPT {
                faults.push(format!("{} of memory are not given back", ByteSize(left)));
            }
            (peak, after) = (Some(grown), Some(left));
        }
        let logged = telemetry::logged().saturating_sub(self.logged);
        let attacks = u64::try_from(seen.attacks).unwrap_or(u64::MAX);
        let others = u64::try_from(during.calls).unwrap_or(u64::MAX);
        let loggable = (plan.limits.log.as_u64() * 4 + LINES_OF_THE_HOST) * attacks.max(1)
            + others * LINES_OF_THE_HOST;
        if logged > loggable {
            faults.push(format!(
                "{} of log; the limits allow {}",
                ByteSize(logged),
                ByteSize(loggable)
            ));
        }
        if stage.bait.came() > self.came {
            faults.push("it reached a socket".to_owned());
        }
        Row {
            attack: name.to_owned(),
            contained: faults.is_empty(),
            tries: 1,
            only_others_waited: waited && faults.len() == 1,
            ended: seen.ended,
            faults,
            attacks: seen.attacks,
            recovered: seen.recovered,
            calm: self.calm,
            during,
            memory: peak,
            memory_left: after,
            logged,
        }
    }
}

/// How much more memory than `before` there is when it has settled.
async fn settled(before: u64) -> u64 {
    let started = Instant::now();
    loop {
        let left = gauge::resident().unwrap_or(before).saturating_sub(before);
        if left <= KEPT || started.elapsed() > SETTLES {
            return left;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody else's calls, one after the other.
struct Beside {
    stop: Arc<AtomicBool>,
    calling: JoinHandle<Others>,
}

impl Beside {
    /// Calls until it is ended, and `least` times at least.
    fn begin(stage: &Stage, least: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let client = stage.honest.clone();
        let calling = stage.bystanders.spawn(async move {
            let mut times = Vec::new();
            let mut failed = 0;
            while times.len() < least || !stopped.load(Ordering::Relaxed) {
                times.push(once(&client, &mut failed).await);
                tokio::time::sleep(THINKS).await;
            }
            Others::of(times, failed)
        });
        Self { stop, calling }
    }

    async fn end(self) -> Others {
        self.stop.store(true, Ordering::Relaxed);
        self.calling.await.unwrap_or_else(|_| Others {
            failed: 1,
            ..Others::default()
        })
    }
}

async fn once(client: &Client, failed: &mut usize) -> Duration {
    let query = json!({"query": "SELECT TOP 1 ProductName FROM Products"});
    let ended = client.call("execute_sql", &query, GIVES_UP).await;
    *failed += usize::from(!ended.is_ok());
    ended.took
}

/// Between two calls, so that measuring is no load of its own.
const THINKS: Duration = Duration::from_millis(2);
const GIVES_UP: Duration = Duration::from_secs(20);
/// Memory that pools and allocators keep for the next call.
const KEPT: u64 = 96 << 20;
const SETTLES: Duration = Duration::from_secs(5);
/// Bytes of what the host itself logs of one call.
const LINES_OF_THE_HOST: u64 = 4 << 10;
