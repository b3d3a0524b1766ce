//! How to attack: the limits that are to hold, how hard, and how long.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::cli::serve;
use crate::config::LimitsSection;
use crate::runtime::Place;

/// How to attack.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is to hold.
    pub limits: LimitsSection,
    /// What the attacked scope is given. The same, but to see whether an attack that
    /// nothing contains is found.
    pub given: LimitsSection,
    /// Where components are compiled.
    pub place: Place,
    /// Calls of an attack at once.
    pub callers: usize,
    /// How long each attack goes on at least.
    pub least: Duration,
    /// Calls of others that are measured at least, before an attack and beside it.
    pub calls: usize,
    /// What a percentile of small numbers may move by.
    pub floor: Duration,
    /// Only attacks whose names contain one of these; without any all of them.
    pub only: Vec<String>,
}

impl Plan {
    /// Attacks on a scope with these limits.
    pub fn under(limits: &LimitsSection) -> Self {
        let cores = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let limits = LimitsSection {
            // A file that takes for ever is as good an attack after five seconds.
            compile_time: limits.compile_time.min(SHORT_COMPILE),
            ..*limits
        };
        Self {
            callers: (CALLERS_A_CORE * cores).min(limits.concurrency),
            given: limits,
            limits,
            place: serve::compiler(),
            least: Duration::from_secs(2),
            calls: 200,
            floor: FLOOR,
            only: Vec::new(),
        }
    }

    /// When a call must have ended.
    pub(super) fn patience(&self) -> Duration {
        self.limits.wall + SLACK
    }
}

/// More calls than cores, so that threads alone do not contain them.
const CALLERS_A_CORE: usize = 4;
/// A few turns of a scheduler.
const FLOOR: Duration = Duration::from_millis(20);
/// Five times what the hostile tool set itself takes a debug build on a busy machine.
const SHORT_COMPILE: Duration = Duration::from_secs(5);
/// Beyond the wall limit: the way of a reply on a busy machine.
const SLACK: Duration = Duration::from_secs(2);
