//! Attacks by calls: several callers call the same tool again and again, and each
//! call must end as it should, in time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::attacks::{CallAttack, Ends};
use super::bait::Bait;
use super::client::{Ended, NO_ANSWER};
use super::others::Seen;
use super::plan::Plan;
use super::stage::Stage;

/// Attacks until the plan's time is over and every caller has had an end.
pub(super) async fn run(stage: &Stage, plan: &Plan, attack: &CallAttack) -> Seen {
    let arguments = (attack.arguments)(&plan.limits, &stage.bait);
    let until = Instant::now() + plan.least;
    let callers: Vec<_> = (0..plan.callers)
        .map(|_| {
            let client = stage.attacker.clone();
            let (tool, arguments) = (attack.tool, arguments.clone());
            let patience = plan.patience();
            stage.attackers.spawn(async move {
                let mut ends = Vec::new();
                loop {
                    ends.push(client.call(tool, &arguments, patience).await);
                    if Instant::now() >= until {
                        return ends;
                    }
                    tokio::time::sleep(BETWEEN).await;
                }
            })
        })
        .collect();
    let mut ends = Vec::new();
    for caller in callers {
        ends.extend(caller.await.unwrap_or_default());
    }
    let recovered = recovery(stage).await;
    let mut faults = judge(&ends, attack, &stage.bait);
    if recovered.is_none() {
        faults.push("the attacked scope answers no more".to_owned());
    }
    Seen {
        ended: summary(&ends),
        faults,
        recovered,
        attacks: ends.len(),
        memory: memory(plan),
    }
}

/// Until the attacked scope answers a good call; `None` if it does not.
pub(super) async fn recovery(stage: &Stage) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < RECOVERS {
        let ended = stage.attacker.call("echo", &json!({}), RECOVERS).await;
        if ended.is_ok() {
            return Some(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

/// What the callers may have together: guests, and what the host and the client, who
/// is in this process too, hold of their results.
fn memory(plan: &Plan) -> u64 {
    let limits = &plan.limits;
    let callers = u64::try_from(plan.callers).unwrap_or(u64::MAX);
    let each = limits.memory.as_u64() + limits.result.as_u64() * COPIES;
    callers.saturating_mul(each) + limits.cache.as_u64() + USUAL
}

fn judge(ends: &[Ended], attack: &CallAttack, bait: &Bait) -> Vec<String> {
    let mut faults = Vec::new();
    let wrong = ends.iter().filter(|ended| match attack.ends {
        Ends::Stopped(codes) => !codes.contains(&&*ended.how),
        Ends::Refused => !(ended.is_ok() && ended.text.starts_with("refused")),
        Ends::Says(text) => !(ended.is_ok() && ended.text == text),
        Ends::AsItLikes => ended.how == NO_ANSWER || ended.how.starts_with("http 5"),
    });
    let wrong: Vec<&Ended> = wrong.collect();
    if let Some(first) = wrong.first() {
        faults.push(format!(
            "{} of {} calls ended otherwise than they should: {}: {}",
            wrong.len(),
            ends.len(),
            first.how,
            first.text.chars().take(120).collect::<String>(),
        ));
    }
    if ends.iter().any(|ended| bait.is_told(&ended.text)) {
        faults.push("it read a secret".to_owned());
    }
    faults
}

/// `8 × timeout (CPU …)`, the most frequent end first.
fn summary(ends: &[Ended]) -> String {
    let mut kinds: BTreeMap<&str, (usize, &Ended)> = BTreeMap::new();
    for ended in ends {
        kinds.entry(&ended.how).or_insert((0, ended)).0 += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let longest = ends
        .iter()
        .map(|ended| ended.took)
        .max()
        .unwrap_or_default();
    let kinds = kinds.iter().map(|(how, (count, first))| match *how {
        "ok" => format!("{count} × ok: {}", shown(&first.text)),
        how => format!("{count} × {how}"),
    });
    format!(
        "{}; the longest after {longest:.1?}",
        kinds.collect::<Vec<_>>().join(", ")
    )
}

fn shown(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(SHOWN).collect::<String>().trim().to_owned()
}

/// For the table of attacks.
pub(super) fn nothing(_: &crate::config::LimitsSection, _: &Bait) -> Value {
    json!({})
}

/// Shared by attacks that are made in several ways.
pub(super) type Arguments = fn(&crate::config::LimitsSection, &Bait) -> Value;

/// Between two calls of a caller: the way there and back.
const BETWEEN: Duration = Duration::from_millis(20);
/// When a scope that does not answer is given up.
const RECOVERS: Duration = Duration::from_secs(10);
/// Of a result: in the host, six bytes of JSON for each, and in the client.
const COPIES: u64 = 16;
/// What the process gains and loses anyway.
const USUAL: u64 = 64 << 20;
const SHOWN: usize = 40;
