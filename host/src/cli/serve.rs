//! `mssql-mcp serve`: what a configuration file names, until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exit::print;
use crate::app::{self, App, AppHealth, BuildError, ToolSetFiles};
use crate::clock::Clock;
use crate::config::{Config, SignIn};
use crate::entropy::Entropy;
use crate::server::{self, Authentication, HostGuard, ServerConfig, ServerState};
use crate::state::HostKey;
use crate::telemetry;

pub(super) async fn run(path: &Path) -> anyhow::Result<()> {
    let config = Config::from_file(path)?;
    let shutdown = stop_signal()?;
    let key = app::host_key(&config)?;
    let authentication = authentication(&config, &key).await?;
    let app = Arc::new(app(&config, &key).await?);
    let listener = bind(config.http.listen, "http.listen").await?;
    let guard = HostGuard::new(listener.local_addr()?, config.http.public_url.as_deref())?;
    let ready = format!("mssql-mcp is ready on http://{}", listener.local_addr()?);
    let state = state(&app, &config, guard, authentication, &shutdown).await?;
    print(&ready)?;
    server::serve(listener, state, shutdown).await;
    Ok(())
}

/// The parts that `config` names, with the components from where it says.
pub(super) async fn app(config: &Config, key: &HostKey) -> Result<App, BuildError> {
    let files = ToolSetFiles::Folder(config.tool_sets.dir.clone());
    App::build(config, &files, key).await
}

/// Who is let in. What would let nobody in is said.
async fn authentication(config: &Config, key: &HostKey) -> anyhow::Result<Authentication> {
    if !config.oauth.enabled {
        return Ok(Authentication::Off);
    }
    let store = app::open_store(config, key, Clock::system(), Entropy::system()).await?;
    let oauth = app::oauth(config, store)?;
    for (name, scope) in &config.scopes {
        if scope.people.is_empty() {
            tracing::warn!(
                scope = name,
                "nobody may enter: scopes.{name}.people is empty"
            );
        }
    }
    if config.oauth.sign_in == SignIn::Password {
        let people = oauth.store().people().await?;
        if people.iter().all(|person| person.password.is_none()) {
            tracing::warn!(
                "nobody can sign in yet; invite the first person with: mssql-mcp user invite NAME"
            );
        }
    }
    Ok(Authentication::OAuth(oauth))
}

/// Binds `address`; `setting` is what the operator changes to have another.
pub(super) async fn bind(address: SocketAddr, setting: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!(
                "{address} cannot be bound: {error}; stop the program that has it, or choose \
                 another address with {setting}"
            ),
        )
    })
}

/// Everything that requests share, for `app` behind `guard`.
pub(super) async fn state(
    app: &Arc<App>,
    config: &Config,
    guard: HostGuard,
    authentication: Authentication,
    shutdown: &CancellationToken,
) -> anyhow::Result<ServerState> {
    let metrics = telemetry::start_metrics()?;
    Ok(ServerState::new(ServerConfig {
        scopes: app
            .scopes()
            .iter()
            .map(|scope| Arc::clone(&scope.mcp))
            .collect(),
        default_scope: Arc::clone(app.default_scope()),
        authentication,
        guard,
        trusted_proxies: config.http.trusted_proxies.clone(),
        health: AppHealth::watch(Arc::clone(app), shutdown.clone()).await,
        metrics: Some(Arc::new(move || metrics.render())),
        max_body_bytes: ServerConfig::MAX_BODY_BYTES,
    })?)
}

/// Cancelled by Ctrl-C or SIGTERM.
pub(super) fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        stopped.cancel();
    });
    Ok(stop)
}
