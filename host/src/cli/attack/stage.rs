//! The product in this process: the embedded SQL Server, an honest scope, the scope
//! under attack, HTTP on loopback, and threads of their own for whoever calls.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use demo_sqlserver::DemoServer;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::attacks::{ATTACKS, Kind};
use super::bait::Bait;
use super::client::Client;
use super::plan::Plan;
use crate::app::{App, AppHealth, ToolSetFiles};
use crate::config::{Config, LimitsSection};
use crate::server::{self, Authentication, Edge, HostGuard, ServerConfig, ServerState};
use crate::state::HostKey;

/// Everything that is attacked, and who attacks it.
pub(super) struct Stage {
    pub(super) app: Arc<App>,
    /// Calls the scope that misbehaves.
    pub(super) attacker: Client,
    /// Calls the scope beside it.
    pub(super) honest: Client,
    /// Where the attackers' side of a call runs: on other machines in life, so it gives
    /// way to all else here.
    pub(super) attackers: Threads,
    /// Where the others' side runs.
    pub(super) bystanders: Threads,
    pub(super) bait: Bait,
    stop: DropGuard,
    tool_sets: PathBuf,
    _server: DemoServer,
    _folder: TempDir,
}

impl Stage {
    pub(super) async fn set(plan: &Plan) -> anyhow::Result<Self> {
        // It is there already if the program was set up for https before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = DemoServer::start().await?;
        let folder = tempfile::tempdir()?;
        let tool_sets = folder.path().join("tool-sets");
        std::fs::create_dir(&tool_sets)?;
        for component in [plugin_bundle::CLAUDE_TOOLS, plugin_bundle::HOSTILE] {
            let path = tool_sets.join(component.name).with_extension("wasm");
            std::fs::write(path, component.wasm)?;
        }
        let mut config = config(&server, folder.path(), &plan.given)?;
        config.tool_sets.dir.clone_from(&tool_sets);
        config.tool_sets.cache = Some(folder.path().join("cache"));
        let files = ToolSetFiles::Folder(tool_sets.clone());
        let key = HostKey::random()?;
        let app = Arc::new(App::build(&config, &files, &key, plan.place.clone()).await?);
        let stop = CancellationToken::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = ServerState::new(ServerConfig {
            scopes: app.mcp_scopes(),
            default_scope: app.default_scope(),
            authentication: Authentication::Off,
            guard: HostGuard::new(address, None)?,
            edge: Edge::default(),
            health: AppHealth::watch(Arc::clone(&app), stop.clone()).await,
            metrics: None,
            max_body_bytes: ServerConfig::MAX_BODY_BYTES,
        })?;
        app.watch(&stop)?;
        tokio::spawn(server::serve(listener, state, stop.clone()));
        Ok(Self {
            app,
            attacker: Client::new(format!("http://{address}/{ATTACKED}/mcp"))?,
            honest: Client::new(format!("http://{address}/{HONEST}/mcp"))?,
            attackers: Threads::start("attackers", 2, give_way)?,
            bystanders: Threads::start("others", 1, || ())?,
            bait: Bait::lay().await?,
            stop: stop.drop_guard(),
            tool_sets,
            _server: server,
            _folder: folder,
        })
    }

    /// The folder whose components serve.
    pub(super) fn folder(&self) -> &Path {
        &self.tool_sets
    }

    /// Stops serving.
    pub(super) fn end(self) {
        self.stop.disarm().cancel();
    }
}

/// A runtime of its own; dropping it ends what runs there.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    fn start(name: &str, threads: usize, on_start: fn()) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .on_thread_start(on_start)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A runtime may not be dropped inside another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Below all that serves.
#[cfg(target_os = "linux")]
fn give_way() {
    // Without it the attackers' own work is felt as well.
    let _ = rustix::process::nice(19);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

fn config(server: &DemoServer, folder: &Path, given: &LimitsSection) -> anyhow::Result<Config> {
    let certificate = folder.join("demo.pem");
    std::fs::write(&certificate, server.certificate_pem())?;
    let mut text = format!(
        "default_scope = {HONEST:?}\n[oauth]\nenabled = false\n[state]\nstore = \"memory\"\n{}",
        server.section("embedded", server.reader(), &certificate),
    );
    // Attackers may be many people: what the limit of one person holds back is not
    // what is measured.
    for (scope, tool_sets) in [
        (HONEST, "\"claude-tools\""),
        (ATTACKED, "\"hostile\", \"*\""),
    ] {
        write!(
            text,
            "[scopes.{scope}]\ntool_sets = [{tool_sets}]\ndatabases = [\"embedded\"]\n\
             rate_limit_per_minute = 1000000000\n"
        )?;
    }
    for attack in ATTACKS {
        if let Kind::File(file) = &attack.kind
            && let Some(lie) = file.lie
        {
            write!(
                text,
                "[scopes.{ATTACKED}.config.{}]\nlie = {lie:?}\n",
                file.file
            )?;
        }
    }
    let mut config = Config::parse(&text, "the configuration of the attack")?;
    let attacked = config.scopes.get_mut(ATTACKED);
    attacked.context("there is no scope to attack")?.limits = *given;
    Ok(config)
}

const HONEST: &str = "honest";
const ATTACKED: &str = "attacked";
