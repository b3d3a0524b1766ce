//! What was found, step by step: what was asked, what came, and why that fails.

/// The steps of one walk.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    verdict: Verdict,
    /// What was asked and what came.
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

    /// A line a step, and one below it with what to change.
    pub(super) fn text(&self, colour: bool) -> String {
        let mut text = String::new();
        for step in &self.steps {
            let (mark, sequence) = match step.verdict {
                Verdict::Good => ("ok  ", "\u{1b}[32m"),
                Verdict::Doubtful => ("note", "\u{1b}[33m"),
                Verdict::Bad => ("FAIL", "\u{1b}[31m"),
            };
            let (begin, end) = if colour {
                (sequence, "\u{1b}[0m")
            } else {
                ("", "")
            };
            text.push_str(&format!("  {begin}{mark}{end}  {}\n", step.what));
            if let Some(advice) = &step.advice {
                text.push_str(&format!("        {advice}\n"));
            }
        }
        text
    }

    fn push(&mut self, verdict: Verdict, what: impl Into<String>, advice: Option<String>) {
        self.steps.push(Step {
            verdict,
            what: printable(&what.into()),
            advice: advice.map(|advice| printable(&advice)),
        });
    }
}

/// What a server sends may not write to the terminal as it likes.
fn printable(text: &str) -> String {
    let one_line = text.replace(char::is_control, "\u{fffd}");
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => one_line.get(..end).unwrap_or_default().to_owned() + "…",
        None => one_line,
    }
}

/// Characters of a line; an authorization address is some 400.
const LONGEST: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_line_with_its_mark_and_what_to_change() {
        let mut report = Report::default();
        report.good("GET /a → 200");
        report.doubtful("b", "perhaps");
        report.check(false, "c\u{1b}[2J", "change it");
        assert_eq!(
            report.text(false),
            "  ok    GET /a → 200\n  note  b\n        perhaps\n  FAIL  c\u{fffd}[2J\n        change \
             it\n"
        );
        assert!(report.text(true).contains("\u{1b}[31mFAIL\u{1b}[0m  c"));
        assert_eq!(report.failures(), 1);
    }

    #[test]
    fn what_a_server_sends_cannot_fill_the_screen() {
        let mut report = Report::default();
        report.good("é".repeat(5_000));
        assert!(report.text(false).chars().count() < 700);
    }
}
