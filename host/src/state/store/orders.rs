//! Orders: from a command to every node that runs, and back.

use std::time::Duration;

use serde_json::Value;

use super::Store;
use crate::state::records::{Order, Report, Task};
use crate::state::{Event, StoreError};

impl Store {
    /// Tells every node that runs to do this; the order's id.
    pub async fn order(&self, task: Task, scope: Option<&str>) -> Result<String, StoreError> {
        let order = Order {
            id: self.new_id()?,
            task,
            scope: scope.map(ToOwned::to_owned),
            expires_at: self.now().after(KEPT),
        };
        change!(self, |transaction| {
            transaction.put(&order)?;
            transaction.emit(Event::Ordered(order.id.clone()));
            Ok(())
        })?;
        Ok(order.id)
    }

    /// The order of that id.
    pub async fn ordered(&self, id: &str) -> Result<Option<Order>, StoreError> {
        self.reading().get(id).await
    }

    /// Says what came of an order at the node of that name, in place of what it said
    /// before.
    pub async fn report(
        &self,
        order: &str,
        node: &str,
        done: bool,
        said: Value,
    ) -> Result<(), StoreError> {
        let report = Report {
            order: order.to_owned(),
            node: node.to_owned(),
            done,
            said,
            expires_at: self.now().after(KEPT),
        };
        change!(self, |transaction| { transaction.put(&report) })
    }

    /// What nodes have said to an order so far, by their names.
    pub async fn reports(&self, order: &str) -> Result<Vec<Report>, StoreError> {
        let index = Report::of_order(order);
        let mut reports: Vec<Report> = self.reading().list(&index).await?;
        reports.sort_unstable_by(|one, other| one.node.cmp(&other.node));
        Ok(reports)
    }
}

/// Longer than any command waits.
const KEPT: Duration = Duration::from_secs(600);
