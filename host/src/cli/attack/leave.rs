//! Clients that leave in the middle of a call: all places of the attacked scope are
//! taken by calls that do not end, and then every connection is closed.

use std::time::{Duration, Instant};

use serde_json::json;

use super::call::recovery;
use super::gauge;
use super::others::Seen;
use super::plan::Plan;
use super::stage::Stage;

pub(super) async fn run(stage: &Stage, plan: &Plan, tool: &'static str) -> Seen {
    let until = Instant::now() + plan.least;
    let mut seen = Seen {
        memory: plan.limits.memory.as_u64() + USUAL,
        ..Seen::default()
    };
    let mut worst = Duration::ZERO;
    let mut quiet = Duration::ZERO;
    while seen.attacks == 0 || Instant::now() < until {
        let callers: Vec<_> = (0..plan.limits.concurrency)
            .map(|_| {
                let client = stage.attacker.clone();
                let patience = plan.patience();
                let call = async move { client.call(tool, &json!({}), patience).await };
                stage.attackers.spawn(call)
            })
            .collect();
        tokio::time::sleep(GOES_ON).await;
        seen.attacks += callers.len();
        for caller in &callers {
            caller.abort();
        }
        match recovery(stage).await {
            Some(took) => worst = worst.max(took),
            None => seen.faults.push("no place came free".to_owned()),
        }
        match quietness().await {
            Some(took) => quiet = quiet.max(took),
            None => seen.faults.push("it goes on computing".to_owned()),
        }
        if !seen.faults.is_empty() {
            break;
        }
    }
    if worst > SOON {
        seen.faults
            .push(format!("a place came free after {worst:.1?}"));
    }
    seen.recovered = Some(worst);
    seen.ended = format!(
        "{} clients left; a place was free after {worst:.1?}, the processor after {quiet:.1?}",
        seen.attacks
    );
    seen
}

/// How long until the process uses little of the processor; `None` if it goes on.
async fn quietness() -> Option<Duration> {
    let started = Instant::now();
    loop {
        let Some(before) = gauge::processor() else {
            return Some(Duration::ZERO);
        };
        let passed = started.elapsed();
        tokio::time::sleep(WINDOW).await;
        let used = gauge::processor()?.saturating_sub(before);
        // A guest alone would use all of a core; others are being measured meanwhile.
        if used < WINDOW * 9 / 10 {
            return Some(passed);
        }
        if started.elapsed() > SOON * 2 {
            return None;
        }
    }
}

/// Long enough that every call has its place.
const GOES_ON: Duration = Duration::from_millis(200);
const WINDOW: Duration = Duration::from_millis(50);
/// Until a place must be free.
const SOON: Duration = Duration::from_secs(1);
/// A guest that is already gone may still be counted.
const USUAL: u64 = 256 << 20;
