//! What commands have a running node do. They come through the state, as
//! revocations do, and so reach every node within a second.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::state::{Event, Order, Store, StoreError, Task, Watch, Watched};

impl App {
    /// Does what is ordered until `shutdown`. When this returns, orders are heard, or
    /// the state cannot be.
    pub async fn follow_orders(self: &Arc<Self>, store: Store, shutdown: &CancellationToken) {
        let mut node = Node {
            app: Arc::clone(self),
            name: node_name(),
            watch: store.watch().await.ok(),
            store,
        };
        let shutdown = shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(node.run()).await });
    }
}

/// One process that serves.
struct Node {
    app: Arc<App>,
    name: Arc<str>,
    store: Store,
    watch: Option<Watch>,
}

impl Node {
    async fn run(&mut self) {
        loop {
            if let Err(error) = self.listen().await {
                // The watcher of tokens says so loudly.
                tracing::debug!(%error, "orders cannot be heard");
                sleep(PAUSE).await;
            }
        }
    }

    async fn listen(&mut self) -> Result<(), StoreError> {
        let Some(watch) = &mut self.watch else {
            self.watch = Some(self.store.watch().await?);
            return Ok(());
        };
        // Of a gap nothing is known: who waits for this node hears nothing of it.
        let Watched::Events(events) = watch.next(WAIT).await? else {
            return Ok(());
        };
        for event in events {
            if let Event::Ordered(id) = event {
                self.follow(id);
            }
        }
        Ok(())
    }

    /// Beside the loop: what takes long keeps no other order waiting.
    fn follow(&self, id: String) {
        let (app, store, name) = (
            Arc::clone(&self.app),
            self.store.clone(),
            Arc::clone(&self.name),
        );
        tokio::spawn(async move {
            let done = async {
                let Some(order) = store.ordered(&id).await? else {
                    return Ok(());
                };
                if order.task == Task::CacheWarm {
                    store.report(&id, &name, false, Value::Null).await?;
                }
                let said = follow(&app, &order).await;
                store.report(&id, &name, true, said).await
            };
            let done: Result<(), StoreError> = done.await;
            if let Err(error) = done {
                tracing::warn!(%error, "an order of a command could not be answered");
            }
        });
    }
}

async fn follow(app: &App, order: &Order) -> Value {
    let scope = order.scope.as_deref();
    match order.task {
        Task::Answer => json!({ "version": env!("CARGO_PKG_VERSION") }),
        Task::CacheStats => json!(app.caches(scope)),
        Task::CacheClear => {
            tracing::info!(scope, "the caches are emptied by the operator");
            json!(app.clear_caches(scope))
        }
        Task::CacheWarm => json!({ "scopes": app.warm_caches(scope).await }),
    }
}

/// What an operator knows it by: the machine's name (of a container, its id) and the
/// process.
fn node_name() -> Arc<str> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.ok().map(|name| name.trim().to_owned());
    let host = host.filter(|name| !name.is_empty());
    let host = host.unwrap_or_else(|| "node".to_owned());
    format!("{host}/{}", process::id()).into()
}

/// How long one look waits for something to happen.
const WAIT: Duration = Duration::from_millis(500);
/// Until the next try.
const PAUSE: Duration = Duration::from_millis(250);
