//! Stopping a running request from another task.

use std::convert::Infallible;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backend::Interrupter;

/// Whether one request is to stop, and how its engine hears of it.
pub(crate) struct Cancel {
    stopped: CancellationToken,
    interrupter: Interrupter,
}

impl Cancel {
    /// Stops with `closing`, too.
    pub(crate) fn new(interrupter: Interrupter, closing: &CancellationToken) -> Self {
        Self {
            stopped: closing.child_token(),
            interrupter,
        }
    }

    /// The client sent Attention, or nobody wants the rest.
    pub(crate) fn stop(&self) {
        self.stopped.cancel();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Once stopped, interrupts the engine over and over: an interrupt that
    /// comes just before its statement starts is lost.
    pub(crate) async fn keep_interrupting(&self) -> Infallible {
        self.stopped.cancelled().await;
        loop {
            (self.interrupter)();
            tokio::time::sleep(INTERRUPT_EVERY).await;
        }
    }
}

const INTERRUPT_EVERY: Duration = Duration::from_millis(20);
