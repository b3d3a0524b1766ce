//! What other nodes and commands changed, as it happens.

use std::time::Duration;

use super::Store;
use crate::state::backend::Position;
use crate::state::{Event, StoreError};

/// Reads the log of events from where it began.
#[derive(Debug)]
pub struct Watch {
    store: Store,
    position: Position,
    /// A look has failed since the last answer.
    failed: bool,
}

/// One look at the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// What happened since the last look, in order; often nothing.
    Events(Vec<Event>),
    /// Some of it is no longer known: nothing that was cached is to be believed.
    Gap,
}

impl Store {
    /// Begins to watch; sees everything that commits from now on.
    pub async fn watch(&self) -> Result<Watch, StoreError> {
        Ok(Watch {
            store: self.clone(),
            position: self.backend.position().await?,
            failed: false,
        })
    }
}

impl Watch {
    /// Waits up to `wait` for something to happen. To be called again after an
    /// error, too: the next answer is then [`Watched::Gap`], since a store that
    /// was away may have come back without what it last said.
    pub async fn next(&mut self, wait: Duration) -> Result<Watched, StoreError> {
        // An answer that follows a failure is worth more than one that has news.
        let wait = if self.failed { Duration::ZERO } else { wait };
        // Until there is an answer: who waits may give up before.
        let failed = std::mem::replace(&mut self.failed, true);
        let events = self.store.backend.events(self.position, wait).await?;
        self.failed = false;
        self.position = events.position;
        Ok(if events.gap || failed {
            Watched::Gap
        } else {
            Watched::Events(events.events)
        })
    }
}
