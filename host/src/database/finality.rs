//! Who gives up a call and who makes its change final, in one order: never both.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Whether a call may still be given up, and whether it may have changed something.
#[derive(Debug, Default)]
pub struct Finality {
    state: AtomicU8,
    changed: AtomicBool,
}

impl Finality {
    /// Before a COMMIT is sent; `None` where the call was given up. Until what it gives
    /// is dropped nobody gives it up.
    pub(super) fn begin(&self) -> Option<Final<'_>> {
        self.turn(OPEN, COMMITTING).then(|| Final(self))
    }

    /// Before a call is dropped: whether it may be. If so, no COMMIT is sent any more;
    /// if not, who gave up would not know whether the change was made.
    pub fn give_up(&self) -> bool {
        self.turn(OPEN, GIVEN_UP) || self.state.load(Ordering::Acquire) == GIVEN_UP
    }

    /// Whether a change was made, or may have been.
    pub fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// While a COMMIT is under way.
pub(super) struct Final<'a>(&'a Finality);

impl Final<'_> {
    /// The server did not say that nothing was changed.
    pub(super) fn changed(&self) {
        self.0.changed.store(true, Ordering::Release);
    }
}

impl Drop for Final<'_> {
    fn drop(&mut self) {
        self.0.state.store(OPEN, Ordering::Release);
    }
}

const OPEN: u8 = 0;
const COMMITTING: u8 = 1;
const GIVEN_UP: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_given_up_or_its_change_made_final_and_never_both() {
        let finality = Finality::default();
        let under_way = finality.begin();
        assert!(!finality.give_up());
        under_way.unwrap().changed();
        assert!(finality.has_changed());
        assert!(finality.give_up() && finality.give_up());
        assert!(finality.begin().is_none());
    }
}
