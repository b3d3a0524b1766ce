//! What the comment above a shell block says of it.

use std::path::Path;

use crate::markdown::Block;

/// What is done with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Run to its end, which must be good.
    Run,
    /// A server: started, and ended by the next one or with the document.
    Server,
    /// Not run, for a reason that holds.
    NotRun,
}

impl Mark {
    /// Of `block`; an error says what is wrong with the comment.
    pub(super) fn of(block: &Block, root: &Path) -> Result<Self, String> {
        let Some(mark) = &block.mark else {
            return Ok(Self::Run);
        };
        if mark == "run: server" {
            return Ok(Self::Server);
        }
        let reason = mark
            .strip_prefix("not run: ")
            .ok_or_else(|| format!("\"{mark}\" is no mark of docs/development.md"))?;
        if let Some(test) = reason.strip_prefix("shown only; run by ") {
            return match root.join(test).exists() {
                true => Ok(Self::NotRun),
                false => Err(format!("{test}, which is to run it, is not there")),
            };
        }
        match reason.strip_prefix("needs ") {
            Some(what) if NEEDS.contains(&what) => Ok(Self::NotRun),
            _ => Err(format!("\"{reason}\" is no reason of docs/development.md")),
        }
    }
}

/// What no test has.
const NEEDS: &[&str] = &["Docker", "SQL Server", "Claude Code"];

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: Option<&str>) -> Result<Mark, String> {
        let block = Block {
            line: 1,
            language: "sh".to_owned(),
            mark: text.map(ToOwned::to_owned),
            text: String::new(),
        };
        Mark::of(&block, &crate::root())
    }

    #[test]
    fn only_known_marks_and_reasons_that_hold_count() {
        assert_eq!(mark(None), Ok(Mark::Run));
        assert_eq!(mark(Some("run: server")), Ok(Mark::Server));
        for good in [
            "not run: needs Docker",
            "not run: shown only; run by host/tests/attack.rs",
        ] {
            assert_eq!(mark(Some(good)), Ok(Mark::NotRun), "{good}");
        }
        for bad in [
            "run",
            "not run",
            "not run: needs patience",
            "not run: shown only; run by host/tests/nowhere.rs",
        ] {
            assert!(mark(Some(bad)).is_err(), "{bad}");
        }
    }
}
