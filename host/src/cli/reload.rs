//! A configuration that changes while it serves, and the certificate: at their files'
//! change, at SIGHUP, and when the operator page asks for it. What cannot change without
//! a restart is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::serve::{edge, tls_files};
use crate::app::{self, App, Fingerprint};
use crate::audit::{Entry, Event, Outcome, Reload};
use crate::config::{Config, Source};
use crate::oauth::OAuth;
use crate::server::{ServerState, Tls};

/// All that a new configuration reaches.
pub(super) struct Reloading {
    pub(super) source: Source,
    /// The file, as it was before it was read for what serves.
    pub(super) read: Option<Vec<u8>>,
    pub(super) config: Config,
    /// Files that a configuration needs which was refused, as they were then: with another
    /// of them it may serve.
    pub(super) missed: BTreeMap<PathBuf, Option<Fingerprint>>,
    pub(super) tls: Option<Tls>,
    pub(super) app: Arc<App>,
    pub(super) server: ServerState,
    pub(super) oauth: Option<OAuth>,
    /// Who else asks; each hears what came of it.
    pub(super) asked: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
}

impl Reloading {
    /// Looks at the files until `shutdown`.
    pub(super) fn watch(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let mut changes = app::watch_files(self.paths())?;
        let mut signal = Hangup::new()?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let (asked, answer) = tokio::select! {
                    () = shutdown.cancelled() => return,
                    Some(answer) = self.asked.recv() => (Asked::Operator, Some(answer)),
                    asked = next(&mut changes, &mut signal) => (asked, None),
                };
                let before = self.paths();
                let applied = self.heed(&asked).await;
                let after = self.paths();
                if after != before {
                    match app::watch_files(after) {
                        Ok(others) => changes = others,
                        Err(error) => tracing::error!(%error, "new files are not watched"),
                    }
                }
                if let Some(answer) = answer {
                    // Who asked may be gone.
                    let _ = answer.send(applied);
                }
            }
        });
        Ok(())
    }

    /// Every file that is looked at.
    fn paths(&self) -> BTreeSet<PathBuf> {
        let mut paths = self.tls.as_ref().map(Tls::paths).unwrap_or_default();
        paths.extend(self.source.file().map(Path::to_owned));
        let databases = self.config.databases.values();
        paths.extend(databases.flat_map(|database| database.files().map(Path::to_owned)));
        paths.extend(self.missed.keys().cloned());
        paths
    }

    async fn heed(&mut self, asked: &Asked) -> Result<(), String> {
        let file = self.source.file();
        let of_configuration = match asked {
            Asked::File(path) => file == Some(path.as_path()),
            Asked::Signal | Asked::Operator => true,
        };
        let by_file = matches!(asked, Asked::File(_));
        if !(of_configuration && by_file) {
            self.reload_certificate();
        }
        if let Asked::File(path) = asked
            && let Some(before) = self.missed.get(path)
            && *before != Fingerprint::of(path)
        {
            return self.reload().await;
        }
        if !of_configuration {
            // A password that was replaced comes as a file alone.
            return match self.app.has_new_database_files() {
                true => self.reload().await,
                false => Ok(()),
            };
        }
        let now = file.and_then(|file| std::fs::read(file).ok());
        // The file as it is at first is told of, too.
        if now == self.read && by_file {
            return Ok(());
        }
        self.read = now;
        self.reload().await
    }

    fn reload_certificate(&self) {
        if let Some(tls) = &self.tls {
            // It has told the log why it does not serve.
            let _ = tls.reload();
        }
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
        self.missed.clear();
        let config = self.source.read()?;
        let fixed = self.config.differs_for_good(&config);
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
        if self.config.tool_sets.watch {
            let files = app::needed_files(&config, &self.config.tool_sets.dir);
            // Before they are read: what changes in between is seen as changed.
            let files = files.into_iter().map(|path| {
                let now = Fingerprint::of(&path);
                (path, now)
            });
            self.missed = files.collect();
        }
        self.app.reconfigure(&config).await?;
        self.missed.clear();
        if let Some(oauth) = &self.oauth {
            oauth.set_scopes(access).await;
        }
        self.server.set_scopes(self.app.mcp_scopes())?;
        self.server.edge().set(edge(&config));
        if let (Some(tls), Some(section)) = (&self.tls, &config.http.tls) {
            tls.set_files(tls_files(section));
            self.reload_certificate();
        }
        self.config = config;
        Ok(())
    }
}

/// Who wants a file to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    File(PathBuf),
    Signal,
    Operator,
}

async fn next(changes: &mut UnboundedReceiver<PathBuf>, signal: &mut Hangup) -> Asked {
    tokio::select! {
        Some(path) = changes.recv() => Asked::File(path),
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
