//! `mssql-mcp serve`: what a configuration names, until it is told to stop.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::exit::print;
use super::operator::OperatorPage;
use super::reload::Reloading;
use crate::app::{self, App, AppHealth, BuildError, ToolSetFiles};
use crate::clock::Clock;
use crate::config::{Config, SignIn, Source, TlsSection};
use crate::entropy::Entropy;
use crate::oauth::OAuth;
use crate::runtime::Place;
use crate::server::{
    self, Authentication, Edge, EdgeRules, Health, HostGuard, ServerConfig, ServerState, Tls,
    TlsError, TlsFiles,
};
use crate::state::{HostKey, Person};
use crate::telemetry;

pub(super) async fn run(source: Source) -> anyhow::Result<()> {
    let read = source.file().and_then(|file| std::fs::read(file).ok());
    let config = source.read()?;
    let tls = tls(&config)?;
    let shutdown = stop_signal()?;
    // What is done until it serves is counted too.
    telemetry::start_metrics()?;
    let key = app::host_key(&config)?;
    let (authentication, missing) = authentication(&config, &source, &key).await?;
    let app = Arc::new(app(&config, &key).await?);
    let listener = bind(config.http.listen, "http.listen").await?;
    let metrics = match config.http.metrics_listen {
        Some(address) => Some(bind(address, "http.metrics_listen").await?),
        None => None,
    };
    let guard = HostGuard::new(listener.local_addr()?, config.http.public_url.as_deref())?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let ready = format!(
        "mssql-mcp is ready on {scheme}://{}",
        listener.local_addr()?
    );
    let oauth = match &authentication {
        Authentication::OAuth(oauth) => Some(oauth.clone()),
        Authentication::Off => None,
    };
    let health = AppHealth::watch(Arc::clone(&app), shutdown.clone()).await;
    let state = state(&app, &config, guard, authentication, &health)?;
    if let Some(tls) = &tls {
        state.set_tls(tls.clone());
    }
    app.watch(&shutdown)?;
    let (ask, asked) = mpsc::channel(1);
    let page = OperatorPage {
        app: &app,
        health: &health,
        oauth: oauth.as_ref(),
        edge: state.edge(),
        reload: Some(ask),
    };
    let operator = page.open(&config, &key, &shutdown).await?;
    if let Some(oauth) = &oauth {
        app.follow_orders(oauth.store().clone(), &shutdown).await;
    }
    let reloading = Reloading {
        source,
        read,
        tls,
        config,
        missed: BTreeMap::new(),
        app: Arc::clone(&app),
        server: state.clone(),
        oauth,
        asked,
    };
    reloading.watch(&shutdown)?;
    print(&ready)?;
    for sentence in missing {
        print(&sentence)?;
    }
    if let Some(address) = operator {
        print(&format!("The operator page is on http://{address}"))?;
    }
    // How it drains is seen, too.
    let drained = CancellationToken::new();
    let metrics = metrics.map(|listener| {
        tokio::spawn(server::serve_metrics(
            listener,
            state.clone(),
            drained.clone(),
        ))
    });
    server::serve(listener, state, shutdown).await;
    drained.cancel();
    if let Some(metrics) = metrics {
        metrics.await?;
    }
    app.audit().close().await;
    Ok(())
}

/// The certificate that the listener serves with, if it speaks TLS.
pub(super) fn tls(config: &Config) -> Result<Option<Tls>, TlsError> {
    let files = config.http.tls.as_ref().map(tls_files);
    files
        .map(|files| Tls::open(files, Clock::system()))
        .transpose()
}

/// Where the configuration has it.
pub(super) fn tls_files(section: &TlsSection) -> TlsFiles {
    TlsFiles {
        certificate: section.certificate.clone(),
        key: section.key.clone(),
    }
}

/// Whom the configuration trusts, and whom it refuses.
pub(super) fn edge(config: &Config) -> EdgeRules {
    EdgeRules {
        trusted_proxies: config.http.trusted_proxies.clone(),
        deny: config.http.deny.clone(),
    }
}

/// The parts that `config` names, with the components from where it says.
pub(super) async fn app(config: &Config, key: &HostKey) -> Result<App, BuildError> {
    let files = ToolSetFiles::Folder(config.tool_sets.dir.clone());
    App::build(config, &files, key, compiler()).await
}

/// Components are compiled by this program in a process of its own.
pub(super) fn compiler() -> Place {
    // On Linux this is the running program, even when its file was replaced.
    let itself = Path::new("/proc/self/exe");
    if itself.exists() {
        return Place::Child(itself.to_owned());
    }
    match std::env::current_exe() {
        Ok(program) => Place::Child(program),
        Err(error) => {
            tracing::warn!(%error, "tool sets are compiled in this process, without limits");
            Place::Here
        }
    }
}

/// Who is let in, and what keeps everybody out.
async fn authentication(
    config: &Config,
    source: &Source,
    key: &HostKey,
) -> anyhow::Result<(Authentication, Vec<String>)> {
    if !config.oauth.enabled {
        return Ok((Authentication::Off, Vec::new()));
    }
    let store = app::open_store(config, key, Clock::system(), Entropy::system()).await?;
    let oauth = app::oauth(config, store)?;
    let people = oauth.store().people().await?;
    let missing = missing(config, source, &oauth, &people);
    Ok((Authentication::OAuth(oauth), missing))
}

/// What is still to be done before people can come in, a sentence each.
fn missing(config: &Config, source: &Source, oauth: &OAuth, people: &[Person]) -> Vec<String> {
    let enters = |scope: &str, person: &Person| {
        let scope = oauth.scope(scope);
        scope.is_some_and(|scope| {
            let rights = scope.rights_of(&person.subject, &person.groups);
            !rights.is_empty()
        })
    };
    let empty = config
        .scopes
        .iter()
        .filter(|(_, scope)| scope.people.is_empty());
    let mut sentences: Vec<String> = empty
        .map(|(name, _)| {
            let or = match source.file() {
                Some(_) => "",
                None => ", or set PEOPLE for all scopes",
            };
            format!(
                "Nobody may enter {name}: scopes.{name}.people is empty; list people or \"*\"{or}."
            )
        })
        .collect();
    let somebody = || {
        let mut able = people.iter().filter(|person| person.password.is_some());
        able.any(|person| config.scopes.keys().any(|scope| enters(scope, person)))
    };
    if config.oauth.sign_in == SignIn::Password && !somebody() {
        sentences.push(format!(
            "Nobody who may enter has a password; invite the first person with: mssql-mcp user \
             invite NAME{}",
            source.option()
        ));
    }
    sentences
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
pub(super) fn state(
    app: &Arc<App>,
    config: &Config,
    guard: HostGuard,
    authentication: Authentication,
    health: &Arc<AppHealth>,
) -> anyhow::Result<ServerState> {
    let metrics = telemetry::start_metrics()?;
    let measured = Arc::clone(health);
    if let Authentication::OAuth(oauth) = &authentication {
        oauth.set_audit(app.audit().clone());
    }
    let state = ServerState::new(ServerConfig {
        scopes: app.mcp_scopes(),
        default_scope: app.default_scope(),
        authentication,
        guard,
        edge: Edge::new(edge(config)),
        health: Arc::clone(health) as Arc<dyn Health>,
        metrics: Some(Arc::new(move || {
            measured.measure();
            metrics.render()
        })),
        max_body_bytes: ServerConfig::MAX_BODY_BYTES,
    })?;
    state.set_audit(app.audit().clone());
    Ok(state)
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

#[cfg(test)]
mod tests {
    use super::super::site::testing::site;
    use super::*;
    use crate::config::Environment;

    #[tokio::test]
    async fn the_first_person_is_asked_for_until_somebody_can_sign_in() {
        let mut test = site("").await;
        let file = Some("/etc/mssql-mcp.toml".into());
        let source = Source::new(file, Environment::default());
        let nobody = std::collections::BTreeSet::new();
        for (name, password, asked) in [
            ("ana", None, true),
            ("zoe", Some("admitted nowhere"), true),
            ("bob", Some("admitted to sales"), false),
        ] {
            let store = test.site.store();
            store.add_person(name, password, &nobody).await.unwrap();
            let people = store.people().await.unwrap();
            let said = missing(&test.site.config, &source, &test.site.oauth, &people).join("");
            let command = "mssql-mcp user invite NAME --config /etc/mssql-mcp.toml";
            assert_eq!(said.contains(command), asked, "{name}: {said}");
        }
        let people = test.site.store().people().await.unwrap();
        let scope = test.site.config.scopes.get_mut("claude").unwrap();
        scope.people.clear();
        let said = missing(&test.site.config, &source, &test.site.oauth, &people);
        assert!(
            said[0].contains("scopes.claude.people is empty"),
            "{said:?}"
        );
        let source = Source::new(None, Environment::default());
        let said = missing(&test.site.config, &source, &test.site.oauth, &[]).join("");
        assert!(
            said.contains("set PEOPLE") && said.ends_with("invite NAME"),
            "{said}"
        );
    }
}
