//! What a load came to.

use std::collections::BTreeMap;
use std::time::Duration;

/// One call.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) tool: &'static str,
    pub(crate) took: Duration,
    /// Why there is no result.
    pub(crate) failed: Option<String>,
}

/// Many calls.
#[derive(Default)]
pub(crate) struct Figures {
    outcomes: Vec<Outcome>,
    took: Duration,
}

pub(crate) const HEAD: &str = "\
| clients | calls | errors | calls a second | mean | median | p95 | p99 | longest |\n\
|---|---|---|---|---|---|---|---|---|";
pub(crate) const TOOLS_HEAD: &str = "\
| tool, all of the above | calls | errors | calls a second | mean | median | p95 | p99 | longest |\n\
|---|---|---|---|---|---|---|---|---|";

impl Figures {
    pub(crate) fn new(mut outcomes: Vec<Outcome>, took: Duration) -> Self {
        outcomes.sort_by_key(|outcome| outcome.took);
        Self { outcomes, took }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.extend(other.outcomes.iter().cloned());
        *self = Self::new(outcomes, self.took + other.took);
    }

    pub(crate) fn by_tool(&self) -> BTreeMap<String, Self> {
        let mut tools: BTreeMap<String, Self> = BTreeMap::new();
        for outcome in &self.outcomes {
            let figures = tools.entry(outcome.tool.to_owned()).or_default();
            figures.outcomes.push(outcome.clone());
            figures.took = self.took;
        }
        tools
    }

    /// How often which failure was.
    pub(crate) fn failures(&self) -> BTreeMap<String, usize> {
        let mut failures = BTreeMap::new();
        for code in self.outcomes.iter().filter_map(|one| one.failed.clone()) {
            *failures.entry(code).or_default() += 1;
        }
        failures
    }

    /// A row of the table; errors count among the times, as their callers waited too.
    pub(crate) fn row(&self, name: &str) -> String {
        let calls = self.outcomes.len();
        let failed = self.outcomes.iter().filter(|one| one.failed.is_some());
        let errors = failed.count() as f64 / calls as f64;
        let total: Duration = self.outcomes.iter().map(|one| one.took).sum();
        let mean = total.as_secs_f64() / calls as f64;
        let rate = calls as f64 / self.took.as_secs_f64();
        let [median, p95, p99, longest] = [50, 95, 99, 100].map(|share| self.at(share));
        format!(
            "| {name} | {calls} | {:.2} % | {rate:.0} | {} | {} | {} | {} | {} |",
            errors * 100.0,
            ms(Duration::from_secs_f64(mean)),
            ms(median),
            ms(p95),
            ms(p99),
            ms(longest),
        )
    }

    fn at(&self, share: usize) -> Duration {
        let last = self.outcomes.len().saturating_sub(1);
        let at = self.outcomes.get(last * share / 100);
        at.map(|outcome| outcome.took).unwrap_or_default()
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
