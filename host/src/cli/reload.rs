//! A configuration that changes while it serves: at its file's change, and at
//! SIGHUP. What cannot change without a restart is named.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App};
use crate::audit::{Entry, Event, Outcome, Reload};
use crate::config::Config;
use crate::oauth::OAuth;
use crate::server::ServerState;

/// All that a new configuration reaches.
pub(super) struct Reloading {
    pub(super) path: PathBuf,
    /// The file, as it was before it was read for what serves.
    pub(super) read: Option<Vec<u8>>,
    pub(super) config: Config,
    pub(super) app: Arc<App>,
    pub(super) server: ServerState,
    pub(super) oauth: Option<OAuth>,
}

impl Reloading {
    /// Looks at the file until `shutdown`.
    pub(super) fn watch(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let paths = BTreeSet::from([self.path.clone()]);
        let mut changes = app::watch_files(paths)?;
        let mut signal = Hangup::new()?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let asked = tokio::select! {
                    () = shutdown.cancelled() => return,
                    asked = next(&mut changes, &mut signal) => asked,
                };
                let now = std::fs::read(&self.path).ok();
                // The file as it is at first is told of, too.
                if now == self.read && asked == Asked::ByFile {
                    continue;
                }
                self.read = now;
                self.reload().await;
            }
        });
        Ok(())
    }

    async fn reload(&mut self) {
        let applied = self.apply().await;
        let (outcome, reason) = match &applied {
            Ok(()) => (Outcome::Serves, None),
            Err(error) => {
                let reason = format!("{error}; the configuration of before stays in force");
                (Outcome::Refused, Some(reason))
            }
        };
        metrics::counter!("configuration_reloads_total", "outcome" => outcome.name()).increment(1);
        let reload = Reload {
            scopes: self.config.scopes.len(),
            ..Reload::default()
        };
        self.app.audit().record(Entry {
            reason,
            reload: Some(Box::new(reload)),
            ..Entry::new(Event::Configuration, outcome)
        });
    }

    async fn apply(&mut self) -> anyhow::Result<()> {
        let config = Config::from_file(&self.path)?;
        let fixed = self.config.differs_beyond_scopes(&config);
        if !fixed.is_empty() {
            tracing::warn!("restart to have the changes of {}", fixed.join(", "));
        }
        let access = app::access(&config)?;
        let default_scope = self.app.default_scope();
        if !config.scopes.contains_key(&*default_scope) {
            anyhow::bail!(
                "the scope \"{default_scope}\", which the root serves, cannot go without a restart"
            );
        }
        self.app.reconfigure(&config).await?;
        if let Some(oauth) = &self.oauth {
            oauth.set_scopes(access);
        }
        self.server.set_scopes(self.app.mcp_scopes())?;
        self.config = config;
        Ok(())
    }
}

/// Who wants the file to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    ByFile,
    BySignal,
}

async fn next(changes: &mut UnboundedReceiver<PathBuf>, signal: &mut Hangup) -> Asked {
    tokio::select! {
        Some(_) = changes.recv() => Asked::ByFile,
        () = signal.received() => Asked::BySignal,
    }
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
