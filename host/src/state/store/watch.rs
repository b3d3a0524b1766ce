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
        })
    }
}

impl Watch {
    /// Waits up to `wait` for something to happen.
    pub async fn next(&mut self, wait: Duration) -> Result<Watched, StoreError> {
        let events = self.store.backend.events(self.position, wait).await?;
        self.position = events.position;
        Ok(if events.gap {
            Watched::Gap
        } else {
            Watched::Events(events.events)
        })
    }
}
