//! The product in this process: embedded SQL Server, tool sets, HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use demo_sqlserver::DemoServer;
use demo_sqlserver::schema::{Database, Table};
use mssql_mcp::app::{App, AppHealth, AppSite, FileStatus, ToolSetFiles};
use mssql_mcp::audit::Observer;
use mssql_mcp::clock::Clock;
use mssql_mcp::config::Config;
use mssql_mcp::database::PoolState;
use mssql_mcp::oauth::{DocumentRules, OAuth, OidcSettings};
use mssql_mcp::operator::{self, OperatorConfig, OperatorState, Recorder};
use mssql_mcp::principal::Rights;
use mssql_mcp::runtime::Place;
use mssql_mcp::server::{
    self, Authentication, Edge, EdgeRules, Health, HostGuard, RenderMetrics, ServerConfig,
    ServerState,
};
use mssql_mcp::state::{HostKey, Store};
use mssql_mcp::telemetry;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::authorization::{Authorization, AuthorizationBuilder};
use crate::faulty::Faulty;
use crate::signals::Signals;
use crate::{EVERYTHING_GUEST, HOSTILE_GUEST, HOSTILE_WRITER, McpClient};

/// Where every product of the tests keeps compiled code: each file is compiled once.
const CACHE: &str = concat!(env!("OUT_DIR"), "/compiled");

/// The key that vouches for it, and whatever else a product seals.
fn key() -> HostKey {
    HostKey::load_or_create(Path::new(concat!(env!("OUT_DIR"), "/key"))).expect("a key")
}

/// Longer than a busy machine takes to compile anything of the tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running product; stops when dropped.
pub struct Product {
    /// Where its HTTP server listens.
    pub address: SocketAddr,
    /// Its application.
    pub app: Arc<App>,
    /// Its database server.
    pub server: Arc<DemoServer>,
    faulty: Option<Faulty>,
    authorization: Option<Authorization>,
    key: HostKey,
    serving: JoinHandle<()>,
    stop: DropGuard,
    /// Where its operator page is, if it has one.
    pub operator_page: Option<SocketAddr>,
    /// The folder of its tool sets.
    pub tool_sets: PathBuf,
    /// The configuration that it started with, in TOML.
    config: String,
    _folder: TempDir,
}

/// What a test makes of the sample company.
type Change = Box<dyn FnOnce(&mut Database) + Send>;

/// Changes to the product under test.
#[derive(Default)]
pub struct ProductBuilder {
    scope_settings: String,
    tool_set_settings: String,
    tool_set_files: Vec<(String, Vec<u8>)>,
    scopes: String,
    database_settings: Vec<(&'static str, String)>,
    authorization: Option<AuthorizationBuilder>,
    public_url: Option<String>,
    again: Option<(SocketAddr, HostKey)>,
    compiler: Option<Place>,
    faulty: bool,
    tables: Vec<Table>,
    company: Option<Change>,
    operator_page: bool,
    metrics: bool,
}

impl Product {
    /// With the demo's scopes, `/hostile` with the guest that misbehaves, and
    /// `/everything` with the one for the conformance suite.
    pub async fn start() -> Self {
        ProductBuilder::default().start().await
    }

    /// To be changed before it starts.
    pub fn builder() -> ProductBuilder {
        ProductBuilder::default()
    }

    /// Stops it as an operator would, and starts it again: at the same address, with
    /// the same key and nothing else. Without authentication.
    pub async fn restart(self) -> Self {
        let again = Some((self.address, self.key));
        self.stop.disarm().cancel();
        self.serving.await.expect("a server that ends");
        let builder = ProductBuilder {
            again,
            ..ProductBuilder::default()
        };
        builder.start().await
    }

    /// Puts `wasm` in place of the tool set `name`, as a program that copies with
    /// care does: whole, by a rename.
    pub fn replace(&self, name: &str, wasm: &[u8]) {
        let beside = self.tool_sets.join(".new");
        std::fs::write(&beside, wasm).expect("a file");
        std::fs::rename(beside, self.tool_sets.join(format!("{name}.wasm"))).expect("a rename");
    }

    /// Serves what the configuration that it started with says after `change`.
    pub async fn reconfigure(&self, change: impl FnOnce(String) -> String) -> Result<(), String> {
        let config = Config::parse(&change(self.config.clone()), "test");
        let config = config.map_err(|error| error.to_string())?;
        let changed = self.app.reconfigure(&config).await;
        changed.map_err(|error| error.to_string())
    }

    /// Waits until what is known of the tool set `name` is as `wanted`.
    pub async fn tool_set(&self, name: &str, wanted: impl Fn(&FileStatus) -> bool) -> FileStatus {
        let mut statuses = self.app.watch_tool_sets();
        let wait = statuses.wait_for(|all| all.get(name).is_some_and(&wanted));
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(all) => all.expect("a product that runs")[name].clone(),
            Err(_) => panic!("{name}: {:?}", self.app.tool_sets().get(name)),
        }
    }

    /// A client of the scope `name`; with OAuth on it has a token with every
    /// right that its person has there.
    pub fn client(&self, name: &str) -> McpClient {
        let authorization = self.authorization.as_ref();
        let token = authorization.map(|authorization| authorization.own_token(name).to_owned());
        self.client_with(name, token)
    }

    /// A client of the scope `name` that shows `token`.
    pub fn client_with(&self, name: &str, token: Option<String>) -> McpClient {
        McpClient::new(format!("{}/mcp", self.issuer(name)), token)
    }

    /// The issuer of the scope `name`.
    pub fn issuer(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// A new access token, as if `subject` had let a client of that name in.
    pub async fn token(&self, scope: &str, subject: &str, rights: Rights) -> String {
        self.authorization().token(scope, subject, rights).await
    }

    /// What stands between it and its database server.
    pub fn faulty(&self) -> &Faulty {
        self.faulty.as_ref().expect("a relay was asked for")
    }

    /// The pool of the scope `name`.
    pub fn pool(&self, name: &str) -> PoolState {
        let scope = self.app.scope(name).expect("a scope");
        let (_, database) = scope.databases.first().expect("a database");
        database.pool_state()
    }

    /// Connections that the pools of its scopes know of.
    pub fn connections(&self) -> usize {
        let scopes = self.app.scopes();
        let pools = scopes.iter().flat_map(|scope| &scope.databases);
        pools
            .map(|(_, database)| database.pool_state().connections as usize)
            .sum()
    }

    /// The authorization servers.
    pub fn oauth(&self) -> &OAuth {
        &self.authorization().oauth
    }

    /// The state behind them.
    pub fn store(&self) -> &Store {
        self.oauth().store()
    }

    /// Lets time pass for tokens and whatever else expires; nothing else does.
    pub fn advance(&self, by: Duration) {
        self.authorization().time.advance(by);
    }

    fn authorization(&self) -> &Authorization {
        self.authorization.as_ref().expect("OAuth is on")
    }
}

impl ProductBuilder {
    /// Changes the sample company before the database server starts.
    pub fn company(mut self, change: impl FnOnce(&mut Database) + Send + 'static) -> Self {
        self.company = Some(Box::new(change));
        self
    }

    /// Serves `/metrics`, which have the numbers of this whole process.
    pub fn metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    /// Adds keys to every scope, in TOML.
    pub fn scope_settings(mut self, toml: &str) -> Self {
        self.scope_settings.push_str(toml);
        self.scope_settings.push('\n');
        self
    }

    /// Compiles there, in place of this process.
    pub fn compiler(mut self, place: Place) -> Self {
        self.compiler = Some(place);
        self
    }

    /// Adds keys to `[tool_sets]`, in TOML.
    pub fn tool_set_settings(mut self, toml: &str) -> Self {
        self.tool_set_settings.push_str(toml);
        self.tool_set_settings.push('\n');
        self
    }

    /// Puts this in the folder of tool sets before it starts.
    pub fn tool_set_file(mut self, name: &str, wasm: &[u8]) -> Self {
        self.tool_set_files.push((name.to_owned(), wasm.to_vec()));
        self
    }

    /// Adds a scope on the demo's database, with these keys besides, in TOML.
    pub fn scope(mut self, name: &str, toml: &str) -> Self {
        self.scopes += &format!("[scopes.{name}]\ndatabases = [\"demo\"]\n{toml}\n");
        self
    }

    /// Has the database server have these tables besides.
    pub fn tables(mut self, tables: Vec<Table>) -> Self {
        self.tables = tables;
        self
    }

    /// Adds sections, in TOML. Log-ins are `demo` and `demo-writer`.
    pub fn sections(mut self, toml: &str) -> Self {
        self.scopes.push_str(toml);
        self.scopes.push('\n');
        self
    }

    /// Serves the component `wasm` too, in a scope of its own, both by that name.
    pub fn tool_set(
        mut self,
        name: &str,
        wasm: &[u8],
        settings: &BTreeMap<String, String>,
    ) -> Self {
        self.tool_set_files.push((name.to_owned(), wasm.to_vec()));
        self.scopes +=
            &format!("[scopes.{name}]\ntool_sets = [{name:?}]\ndatabases = [\"demo\"]\n");
        for (key, value) in settings {
            self.scopes += &format!("config.{name}.{key} = {value:?}\n");
        }
        self
    }

    /// Replaces a key of the database section, in TOML.
    pub fn database_setting(mut self, key: &'static str, toml: impl Into<String>) -> Self {
        self.database_settings.push((key, toml.into()));
        self
    }

    /// Puts a relay that can break the protocol before the database server; without
    /// TLS, which it could not read, unless `encrypt` is set.
    pub fn faulty(mut self) -> Self {
        self.faulty = true;
        self
    }

    /// Asks callers for access tokens. Nobody signs in: there is one person,
    /// `local`.
    pub fn oauth(mut self) -> Self {
        self.authorization();
        self
    }

    /// Asks callers for access tokens; these people sign in with these passwords.
    pub fn people(mut self, people: &[(&str, &str)]) -> Self {
        self.authorization().people(people);
        self
    }

    /// Opens the operator page. Everybody of `people` is an operator.
    pub fn operator_page(mut self, people: &[(&str, &str)]) -> Self {
        self.operator_page = true;
        self.authorization().people(people);
        self.authorization().operators(people);
        self
    }

    /// Asks callers for access tokens; people sign in at this provider.
    pub fn provider(mut self, provider: OidcSettings) -> Self {
        self.authorization().provider(provider);
        self
    }

    /// How metadata documents of clients are fetched, in place of the rules of
    /// production.
    pub fn documents(mut self, rules: DocumentRules) -> Self {
        self.authorization().documents(rules);
        self
    }

    /// Is reached at this address, through a proxy on 127.0.0.1.
    pub fn behind(mut self, public_url: &str) -> Self {
        self.public_url = Some(public_url.to_owned());
        self
    }

    /// Who may enter the scope `name`, in place of everybody.
    pub fn scope_people(mut self, name: &str, people: &[&str]) -> Self {
        self.authorization().scope_people(name, people);
        self
    }

    /// Who may write in the scope `name`, in place of nobody.
    pub fn scope_writers(mut self, name: &str, writers: &[&str]) -> Self {
        self.authorization().scope_writers(name, writers);
        self
    }

    fn authorization(&mut self) -> &mut AuthorizationBuilder {
        self.authorization.get_or_insert_default()
    }

    /// Starts it.
    pub async fn start(mut self) -> Product {
        crate::prepare_clients();
        // Before anything is there to be counted.
        let metrics = self
            .metrics
            .then(|| telemetry::start_metrics().expect("a recorder"));
        let tables = std::mem::take(&mut self.tables);
        let change = self.company.take();
        let server = DemoServer::start_with(move |database| {
            for table in tables {
                if !database.schemas.contains(&table.schema) {
                    database.schemas.push(table.schema.clone());
                }
                database.tables.push(table);
            }
            if let Some(change) = change {
                change(database);
            }
        })
        .await
        .expect("the demo server starts");
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = folder.path().join("ca.pem");
        std::fs::write(&certificate, server.certificate_pem()).expect("a file");
        let faulty = match self.faulty {
            true => Some(Faulty::before(server.address()).await),
            false => None,
        };
        let port = faulty
            .as_ref()
            .map_or(server.address(), Faulty::address)
            .port();
        let text = self.config(&server, port, &certificate.display().to_string());
        let config = Config::parse(&text, "test").expect("a good configuration");
        let tool_sets = folder.path().join("tool-sets");
        std::fs::create_dir(&tool_sets).expect("a folder");
        let bundle = plugin_bundle::ALL
            .iter()
            .map(|component| (component.name, component.wasm));
        let guests = [
            ("hostile", HOSTILE_GUEST),
            ("hostile-write", HOSTILE_WRITER),
            ("everything", EVERYTHING_GUEST),
        ];
        for (name, wasm) in bundle.chain(guests) {
            std::fs::write(tool_sets.join(format!("{name}.wasm")), wasm).expect("a file");
        }
        for (name, wasm) in &self.tool_set_files {
            std::fs::write(tool_sets.join(format!("{name}.wasm")), wasm).expect("a file");
        }
        let files = ToolSetFiles::Folder(tool_sets.clone());
        let (address, key) = self.again.unwrap_or_else(|| {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            (any, key())
        });
        let app = Arc::new(
            App::build(&config, &files, &key, self.compiler.unwrap_or(Place::Here))
                .await
                .expect("the product starts"),
        );
        let everything = app.scope("everything").expect("a scope");
        let signals = Signals::new(&everything.mcp);
        let tools = everything.tools.load().with(Arc::new(signals));
        everything
            .tools
            .store(Arc::new(tools.expect("a name of its own")));
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let authorization = match &self.authorization {
            Some(builder) => {
                let public_url = self.public_url.as_deref();
                Some(builder.start(&app, &key, public_url).await)
            }
            None => None,
        };
        if let Some(authorization) = &authorization {
            authorization.oauth.set_audit(app.audit().clone());
        }
        let health = AppHealth::watch(Arc::clone(&app), stop.clone()).await;
        let measured = Arc::clone(&health);
        let state = ServerState::new(ServerConfig {
            scopes: app.mcp_scopes(),
            default_scope: app.default_scope(),
            authentication: match &authorization {
                Some(authorization) => Authentication::OAuth(authorization.oauth.clone()),
                None => Authentication::Off,
            },
            guard: HostGuard::new(address, self.public_url.as_deref()).expect("a guard"),
            edge: Edge::new(EdgeRules {
                trusted_proxies: match &self.public_url {
                    Some(_) => vec!["127.0.0.1/32".parse().expect("a network")],
                    None => Vec::new(),
                },
                deny: Vec::new(),
            }),
            health: Arc::clone(&health) as Arc<dyn Health>,
            metrics: metrics.map(|metrics| -> RenderMetrics {
                Arc::new(move || {
                    measured.measure();
                    metrics.render()
                })
            }),
            max_body_bytes: ServerConfig::MAX_BODY_BYTES,
        })
        .expect("a server");
        state.set_audit(app.audit().clone());
        app.watch(&stop).expect("a thread");
        let operator_page = match &authorization {
            Some(authorization) if self.operator_page => {
                Some(open_operator_page(&app, health, &authorization.oauth, &stop).await)
            }
            _ => None,
        };
        let serving = tokio::spawn(server::serve(listener, state, stop.clone()));
        Product {
            address,
            app,
            server: Arc::new(server),
            faulty,
            authorization,
            key,
            serving,
            stop: stop.drop_guard(),
            operator_page,
            tool_sets,
            config: text,
            _folder: folder,
        }
    }

    fn config(&self, server: &DemoServer, port: u16, certificate: &str) -> String {
        let setting = |key: &str, default: String| {
            let found = self.database_settings.iter().find(|(name, _)| *name == key);
            found.map_or(default, |(_, value)| value.clone())
        };
        let encrypt = if self.faulty { "off" } else { "required" };
        let log_in = |label: &str, user: &str, password: &str| {
            format!(
                "[databases.{label}]\nhost = \"127.0.0.1\"\nport = {}\ndatabase = {}\nuser = {}\npassword = {}\nca_file = {}\nencrypt = {}\npool = {}\n",
                setting("port", port.to_string()),
                setting("database", format!("{:?}", server.database())),
                setting("user", format!("{user:?}")),
                setting("password", format!("{password:?}")),
                setting("ca_file", format!("'{certificate}'")),
                setting("encrypt", format!("{encrypt:?}")),
                setting("pool", "{}".to_owned()),
            )
        };
        let (reader, writer) = (server.reader(), server.writer());
        let mut settings = self.scope_settings.clone();
        if !settings.contains("rate_limit_per_minute") {
            // Tests are no people.
            settings += "rate_limit_per_minute = 1000000\n";
        }
        let mut config = format!(
            "default_scope = \"claude\"\n[state]\nstore = \"memory\"\n[tool_sets]\ncache = '{CACHE}'\n{}",
            self.tool_set_settings
        );
        config += &log_in("demo", &reader.user, &reader.password);
        config += &log_in("demo-writer", &writer.user, &writer.password);
        for (scope, tool_sets) in [
            ("claude", "\"claude-tools\""),
            ("chatgpt", "\"chatgpt-search-fetch\""),
            ("demo", "\"claude-tools\", \"chatgpt-search-fetch\""),
            ("hostile", "\"hostile\""),
            ("everything", "\"everything\""),
        ] {
            config += &format!(
                "[scopes.{scope}]\ntool_sets = [{tool_sets}]\ndatabases = [\"demo\"]\n{settings}"
            );
        }
        config += &format!(
            "[scopes.writer]\ntool_sets = [\"claude-tools-write\", \"hostile-write\"]\ndatabases = [\"demo\"]\nread_only = false\nwrite_database = \"demo-writer\"\n{settings}"
        );
        config + &self.scopes
    }
}

/// As `serve` does.
async fn open_operator_page(
    app: &Arc<App>,
    health: Arc<AppHealth>,
    oauth: &OAuth,
    stop: &CancellationToken,
) -> SocketAddr {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let recorder = Recorder::new(Clock::system());
    app.audit()
        .observe(Arc::clone(&recorder) as Arc<dyn Observer>);
    let state = OperatorState::new(OperatorConfig {
        oauth: oauth.clone(),
        tokens: true,
        site: Arc::new(AppSite::new(Arc::clone(app), health, None)),
        recorder,
        edge: Edge::default(),
    });
    tokio::spawn(operator::serve(listener, state, stop.clone()));
    address
}
