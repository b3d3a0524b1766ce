//! What a command has every running node do, and what each of them says to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::state::backend::Index;
use crate::state::transaction::Record;

/// An order to every node that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub task: Task,
    /// In this scope alone.
    pub scope: Option<String>,
    /// When nobody waits for it any more.
    pub expires_at: Timestamp,
}

/// What a node can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Say that it runs.
    Answer,
    /// Say what its caches hold.
    CacheStats,
    /// Empty its caches.
    CacheClear,
    /// Fill its caches.
    CacheWarm,
}

/// What one node says to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The order's id.
    pub order: String,
    /// The node's name.
    pub node: String,
    /// Whether it is done; otherwise it has begun.
    pub done: bool,
    /// What came of it.
    pub said: Value,
    /// When nobody waits for it any more.
    pub expires_at: Timestamp,
}

impl Report {
    pub(crate) fn of_order(order: &str) -> Index {
        Index::new("reports-of", order)
    }
}

impl Record for Order {
    const KIND: &'static str = "order";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

impl Record for Report {
    const KIND: &'static str = "report";

    fn id(&self) -> String {
        format!("{}:{}", self.order, self.node)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn indexes(&self) -> Vec<Index> {
        vec![Self::of_order(&self.order)]
    }
}
