//! Stopping a running request from another task.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backend::Interrupter;

/// Whether one request is to stop, and how its engine hears of it.
pub(crate) struct Cancel {
    stopped: CancellationToken,
    attention: AtomicBool,
    interrupter: Interrupter,
}

impl Cancel {
    /// Stops with `closing`, too.
    pub(crate) fn new(interrupter: Interrupter, closing: &CancellationToken) -> Self {
        Self {
            stopped: closing.child_token(),
            attention: AtomicBool::new(false),
            interrupter,
        }
    }

    /// The client sent Attention.
    pub(crate) fn attention(&self) {
        self.attention.store(true, Ordering::Release);
        self.stop();
    }

    /// Nobody wants the rest.
    pub(crate) fn stop(&self) {
        self.stopped.cancel();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Whether the reply has to end with DONE_ATTN.
    pub(crate) fn is_attention(&self) -> bool {
        self.attention.load(Ordering::Acquire)
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
