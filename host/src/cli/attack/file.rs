//! Attacks by files: one comes to the folder of tool sets while it serves, and must be
//! refused with a sentence.

use std::time::{Duration, Instant};

use super::attacks::FileAttack;
use super::call::recovery;
use super::others::Seen;
use super::plan::Plan;
use super::stage::Stage;
use crate::runtime::WALL_TO_CPU;

pub(super) async fn run(stage: &Stage, plan: &Plan, attack: &FileAttack) -> anyhow::Result<Seen> {
    let wasm = (attack.wasm)();
    let size = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
    let path = stage.folder().join(attack.file).with_extension("wasm");
    // Complete from its first moment on, as a careful operator copies.
    let beside = path.with_extension("part");
    std::fs::write(&beside, wasm)?;
    std::fs::rename(&beside, &path)?;
    let started = Instant::now();
    let patience = patience(plan);
    let mut faults = Vec::new();
    let refused = loop {
        let status = stage.app.tool_sets().remove(attack.file);
        let (problem, serves) = status.map_or((None, false), |status| {
            (status.problem, status.serving.is_some())
        });
        if let Some(problem) = problem {
            break Some(problem.sentence);
        }
        if serves || started.elapsed() > patience {
            faults.push(if serves {
                "it serves".to_owned()
            } else {
                format!("not refused within {patience:.0?}")
            });
            break None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let took = started.elapsed();
    let recovered = recovery(stage).await;
    if recovered.is_none() {
        faults.push("the attacked scope answers no more".to_owned());
    }
    let said = refused.as_deref().unwrap_or_default();
    if refused.is_some() && !attack.refused.iter().any(|reason| said.contains(reason)) {
        faults.push(format!("refused for another reason: {said}"));
    }
    std::fs::remove_file(&path)?;
    let ended = match refused {
        Some(sentence) => format!("refused after {took:.1?}: {}", reason(&sentence)),
        None => format!("not refused, after {took:.1?}"),
    };
    Ok(Seen {
        ended,
        faults,
        recovered,
        attacks: 1,
        // The file as it is read and handed to the compiler, and an instance.
        memory: plan.limits.memory.as_u64() + size * 4 + USUAL,
    })
}

/// The sentence without what every sentence begins with.
fn reason(sentence: &str) -> String {
    let reason = sentence
        .split_once(": ")
        .map_or(sentence, |(_, reason)| reason);
    reason.chars().take(SHOWN).collect()
}

/// A compiler has its processor time, which takes longer on a busy machine; then the
/// file has a few seconds to say what it is.
fn patience(plan: &Plan) -> Duration {
    plan.limits.compile_time * WALL_TO_CPU + DESCRIBES
}

const DESCRIBES: Duration = Duration::from_secs(6);
const USUAL: u64 = 64 << 20;
const SHOWN: usize = 90;
