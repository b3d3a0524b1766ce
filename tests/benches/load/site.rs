//! Where the load goes: a product that runs, or one that is started for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use demo_sqlserver::DemoServer;
use mssql_mcp::app;
use mssql_mcp::clock::Clock;
use mssql_mcp::config::Config;
use mssql_mcp::entropy::Entropy;
use mssql_mcp::oauth::LOCAL_SUBJECT;
use mssql_mcp::principal::Rights;
use mssql_mcp::state::{SecretKind, Tokens};
use tempfile::TempDir;

/// An MCP endpoint and who may call it.
pub(crate) struct Site {
    pub(crate) url: String,
    tokens: Vec<String>,
    _started: Option<Started>,
}

/// The product in a process of its own, and its database server in this one.
struct Started {
    program: Child,
    _server: DemoServer,
    _folder: TempDir,
}

impl Site {
    /// One that runs.
    pub(crate) fn running(url: &str, token: Option<String>) -> Self {
        Self {
            url: url.to_owned(),
            tokens: token.into_iter().collect(),
            _started: None,
        }
    }

    /// Starts `program serve` on the sample company, with a token for each of so many
    /// clients: one of them alone may not have as many calls under way.
    pub(crate) async fn start(program: Option<&Path>, clients: usize) -> Self {
        let server = DemoServer::start().await.expect("the demo server starts");
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            std::fs::write(folder.path().join(name), content).expect("a file");
        };
        write("ca.pem", server.certificate_pem().as_bytes());
        for component in [
            plugin_bundle::CLAUDE_TOOLS,
            plugin_bundle::CHATGPT_SEARCH_FETCH,
        ] {
            write(&format!("{}.wasm", component.name), component.wasm);
        }
        let address = free_address();
        let text = config(address, &server, folder.path());
        write("config.toml", text.as_bytes());
        let config = Config::parse(&text, "the load's configuration").expect("a good one");
        let tokens = tokens(&config, clients).await;
        let program = program.map_or_else(own_program, Path::to_owned);
        let mut child = Command::new(&program)
            .args(["serve", "--config"])
            .arg(folder.path().join("config.toml"))
            .env("LOG_LEVEL", "warn,audit=off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut printed = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = printed.any(|line| line.expect("text").contains("is ready on"));
        assert!(ready, "the product ended before it was ready");
        Self {
            url: format!("http://{address}/load/mcp"),
            tokens,
            _started: Some(Started {
                program: child,
                _server: server,
                _folder: folder,
            }),
        }
    }

    /// The token of a client.
    pub(crate) fn token(&self, number: usize) -> Option<String> {
        let count = self.tokens.len().max(1);
        self.tokens.get(number % count).cloned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself, which the figures show.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The usual settings, but that a client may call as often as it can, and that there
/// are places for a hundred of them to wait in.
fn config(address: SocketAddr, server: &DemoServer, folder: &Path) -> String {
    let database = server.section("demo", server.reader(), &folder.join("ca.pem"));
    let folder = folder.display();
    format!(
        r#"
default_scope = "load"

[http]
listen = "{address}"

[state]
store = "sqlite:{folder}/state.db"

[oauth]
sign_in = "consent"

[tool_sets]
dir = "{folder}"
cache = "{folder}/compiled"

{database}
[scopes.load]
tool_sets = ["claude-tools", "chatgpt-search-fetch"]
databases = ["demo"]
people = ["*"]
rate_limit_per_minute = 1000000
limits = {{ queue = 128 }}
audit = {{ file = "{folder}/audit.jsonl" }}
"#
    )
}

async fn tokens(config: &Config, clients: usize) -> Vec<String> {
    let key = app::host_key(config).expect("a key");
    let store = app::open_store(config, &key, Clock::system(), Entropy::system());
    let store = store.await.expect("a store");
    let mut tokens = Vec::with_capacity(clients);
    for number in 0..clients {
        let secret = store.secrets().issue(SecretKind::AccessToken);
        let secret = secret.expect("a secret");
        let life = Tokens::access_only(secret.hash, LIFE);
        let client = format!("load-{number}");
        let issued = store.issue_token("load", LOCAL_SUBJECT, &client, Rights::READ, life);
        issued.await.expect("a grant");
        tokens.push(secret.expose().to_owned());
    }
    tokens
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// The program of this build.
fn own_program() -> PathBuf {
    let bench = std::env::current_exe().expect("the path of this bench");
    // <target>/<profile>/deps/<bench>
    let folder = bench.ancestors().nth(2).expect("a folder");
    let program = folder.join("mssql-mcp");
    assert!(program.exists(), "build {} first", program.display());
    program
}

const LIFE: Duration = Duration::from_secs(24 * 3_600);
