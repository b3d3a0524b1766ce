//! A configuration that changes while it serves: at its file's change, at SIGHUP, and
//! when the operator page asks for it. What cannot change without a restart is named.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
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
    /// Who else asks; each hears what came of it.
    pub(super) asked: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
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
                let (asked, answer) = tokio::select! {
                    () = shutdown.cancelled() => return,
                    Some(answer) = self.asked.recv() => (Asked::Operator, Some(answer)),
                    asked = next(&mut changes, &mut signal) => (asked, None),
                };
                let now = std::fs::read(&self.path).ok();
                // The file as it is at first is told of, too.
                if now == self.read && asked == Asked::File {
                    continue;
                }
                self.read = now;
                let applied = self.reload().await;
                if let Some(answer) = answer {
                    // Who asked may be gone.
                    let _ = answer.send(applied);
                }
            }
        });
        Ok(())
    }

    async fn reload(&mut self) -> Result<(), String> {
        let applied = self.apply().await.map_err(|error| error.to_string());
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
        applied
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
    File,
    Signal,
    Operator,
}

async fn next(changes: &mut UnboundedReceiver<PathBuf>, signal: &mut Hangup) -> Asked {
    tokio::select! {
        Some(_) = changes.recv() => Asked::File,
        () = signal.received() => Asked::Signal,
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
