//! Orders to the nodes that run, and what they say.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::state::{Report, Store, StoreError, Task};

/// Has every node do it, and waits for those that have heard of it: for new ones as
/// long as hearing takes, for those that have begun up to `patience`.
pub(super) async fn give(
    store: &Store,
    task: Task,
    scope: Option<&str>,
    patience: Duration,
) -> Result<Vec<Report>, StoreError> {
    let id = store.order(task, scope).await?;
    let given = Instant::now();
    loop {
        sleep(LOOK_EVERY).await;
        let reports = store.reports(&id).await?;
        let waited = given.elapsed();
        let all_heard = waited >= ANSWERED_WITHIN;
        let all_done = reports.iter().all(|report| report.done);
        if all_heard && (all_done || waited >= patience) {
            return Ok(reports);
        }
    }
}

/// A node hears within 650 ms, as it does of a revocation, and answers at once; on a
/// busy machine later.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);
const LOOK_EVERY: Duration = Duration::from_millis(50);
