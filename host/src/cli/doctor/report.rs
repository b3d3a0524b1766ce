//! What was found, step by step.

use std::fmt;

/// The steps of one walk.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    verdict: Verdict,
    what: String,
    /// Why it matters and what to change; nothing when all is well.
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Doubtful,
    Bad,
}

impl Report {
    /// As it should be.
    pub(super) fn good(&mut self, what: impl Into<String>) {
        self.push(Verdict::Good, what, None);
    }

    /// Works with some clients.
    pub(super) fn doubtful(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.push(Verdict::Doubtful, what, Some(advice.into()));
    }

    /// A client fails here.
    pub(super) fn bad(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.push(Verdict::Bad, what, Some(advice.into()));
    }

    /// Good if `holds`, else bad with `advice`.
    pub(super) fn check(
        &mut self,
        holds: bool,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        if holds {
            self.good(what);
        } else {
            self.bad(what, advice);
        }
    }

    /// How many steps fail.
    pub(super) fn failures(&self) -> usize {
        let bad = |step: &&Step| step.verdict == Verdict::Bad;
        self.steps.iter().filter(bad).count()
    }

    fn push(&mut self, verdict: Verdict, what: impl Into<String>, advice: Option<String>) {
        self.steps.push(Step {
            verdict,
            what: what.into(),
            advice,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let mark = match step.verdict {
                Verdict::Good => "  ok    ",
                Verdict::Doubtful => "  note  ",
                Verdict::Bad => "  FAIL  ",
            };
            writeln!(f, "{mark}{}", step.what)?;
            if let Some(advice) = &step.advice {
                writeln!(f, "        {advice}")?;
            }
        }
        Ok(())
    }
}
