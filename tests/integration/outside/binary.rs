//! The product as its users start it: the program, in a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use demo_sqlserver::DemoServer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// A folder with all that processes of the product share: the configuration, the
/// tool sets, and a database server.
pub(super) struct Site {
    program: &'static Path,
    pub(super) server: DemoServer,
    folder: TempDir,
    sign_in: &'static str,
    log: Option<File>,
    environment: Vec<(&'static str, String)>,
}

/// A process; killed when dropped.
pub(super) struct Process {
    /// Where it listens.
    pub(super) address: SocketAddr,
    config: PathBuf,
    child: Child,
}

impl Site {
    pub(super) async fn new() -> Self {
        integration_tests::prepare_clients();
        let program = binary().await;
        let server = DemoServer::start().await.expect("the demo server starts");
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            std::fs::write(folder.path().join(name), content).expect("a file");
        };
        write("ca.pem", server.certificate_pem().as_bytes());
        for component in plugin_bundle::ALL {
            write(&format!("{}.wasm", component.name), component.wasm);
        }
        Self {
            program,
            server,
            folder,
            sign_in: "consent",
            log: None,
            environment: Vec::new(),
        }
    }

    /// One whose processes have this variable, and append to the file `log`.
    pub(super) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((variable, value.into()));
        if self.log.is_none() {
            self.log = Some(File::create(self.path("log")).expect("a file"));
            self.environment.push(("LOG_LEVEL", String::new()));
        }
        self
    }

    /// One where people have passwords.
    pub(super) async fn with_passwords() -> Self {
        Self {
            sign_in: "password",
            ..Self::new().await
        }
    }

    /// The same, where every process and command appends all that it has to tell,
    /// down to the finest, to the file `log`.
    pub(super) async fn telling_all() -> Self {
        let site = Self::with_passwords().await;
        let log = File::create(site.path("log")).expect("a file");
        Self {
            log: Some(log),
            ..site
        }
    }

    /// The folder of the program.
    pub(super) fn programs(&self) -> &Path {
        self.program.parent().expect("a folder")
    }

    /// What was appended to the file `log`.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).expect("the log, in UTF-8")
    }

    /// The password with which it reads the database.
    pub(super) fn database_password(&self) -> &str {
        &self.server.reader().password
    }

    /// A file of this folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a process at `address` that keeps its state in `store`, and waits
    /// until it serves.
    pub(super) async fn start(&self, address: SocketAddr, store: &str) -> Process {
        self.start_with(address, &self.config(address, store)).await
    }

    /// Starts a process with a configuration that [`Self::start`] wrote, changed.
    pub(super) async fn start_with(&self, address: SocketAddr, text: &str) -> Process {
        let config = self.path(&format!("{}.toml", address.port()));
        std::fs::write(&config, text).expect("a file");
        let command = self.command(&config);
        Self::launch(address, config, command).await
    }

    /// Starts a process at `address` that has its configuration from variables alone.
    pub(super) async fn start_from(
        &self,
        address: SocketAddr,
        variables: &[(String, String)],
    ) -> Process {
        Self::launch(address, PathBuf::new(), self.command_from(variables)).await
    }

    /// Runs a command with these variables; its exit code and what it printed.
    pub(super) async fn run_from(
        &self,
        variables: &[(String, String)],
        arguments: &[&str],
    ) -> (i32, String) {
        said(self.command_from(variables).args(arguments)).await
    }

    fn command_from(&self, variables: &[(String, String)]) -> Command {
        let mut command = self.command(Path::new(""));
        command.envs(variables.iter().cloned());
        command
    }

    async fn launch(address: SocketAddr, config: PathBuf, mut command: Command) -> Process {
        command.arg("serve").stdout(Stdio::piped());
        let mut child = command.spawn().expect("mssql-mcp starts");
        let mut printed = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = async {
            while let Some(line) = printed.next_line().await.expect("its output") {
                if line.contains("is ready on") {
                    return;
                }
            }
            panic!("mssql-mcp ended before it was ready");
        };
        timeout(PATIENCE, ready).await.expect("it is ready in time");
        // The rest is read too, or the process would block on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = printed.next_line().await {} });
        Process {
            address,
            config,
            child,
        }
    }

    /// Starts a process that is expected to end by itself; its exit code.
    pub(super) async fn refused(&self, address: SocketAddr) -> i32 {
        let config = self.path("refused.toml");
        let text = self.config(address, "memory");
        std::fs::write(&config, text).expect("a file");
        let mut command = self.command(&config);
        let ended = timeout(PATIENCE, command.arg("serve").status()).await;
        let ended = ended.expect("it ends in time").expect("mssql-mcp starts");
        ended.code().expect("it was not killed")
    }

    /// What a command answers, in JSON, about the state that `process` uses too.
    pub(super) async fn ask(&self, process: &Process, arguments: &[&str]) -> Value {
        let mut command = self.command(&process.config);
        command.args(arguments).arg("--json");
        let output = command.output().await.expect("mssql-mcp starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs a command about what `process` serves; its exit code and what it printed.
    pub(super) async fn run(&self, process: &Process, arguments: &[&str]) -> (i32, String) {
        self.run_with(&process.config, arguments).await
    }

    /// The same, about what a configuration file names.
    pub(super) async fn run_with(&self, config: &Path, arguments: &[&str]) -> (i32, String) {
        said(self.command(config).args(arguments)).await
    }

    fn command(&self, config: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.env("MSSQL_MCP_CONFIG", config).kill_on_drop(true);
        if let Some(log) = &self.log {
            let log = log.try_clone().expect("the log");
            command.env("LOG_LEVEL", ALL).stderr(log);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What [`config`](Self::config) says, in the customer's variables.
    pub(super) fn variables(&self, address: SocketAddr) -> Vec<(String, String)> {
        let reader = self.server.reader();
        let file = |name: &str| self.path(name).display().to_string();
        let pairs = [
            ("MSSQL_HOST", "127.0.0.1".to_owned()),
            ("MSSQL_PORT", self.server.address().port().to_string()),
            ("MSSQL_DATABASE", self.server.database().to_owned()),
            ("MSSQL_USER", reader.user.clone()),
            ("MSSQL_PASSWORD", reader.password.clone()),
            ("PEOPLE", "*".to_owned()),
            ("MSSQL_MCP__HTTP__LISTEN", address.to_string()),
            ("MSSQL_MCP__DATABASES__DEFAULT__CA_FILE", file("ca.pem")),
            ("MSSQL_MCP__OAUTH__SIGN_IN", self.sign_in.to_owned()),
            (
                "MSSQL_MCP__STATE__STORE",
                format!("sqlite:{}", file("state.db")),
            ),
            ("MSSQL_MCP__TOOL_SETS__DIR", file("")),
            ("MSSQL_MCP__TOOL_SETS__CACHE", file("compiled")),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The configuration of a process at `address` that keeps its state in `store`.
    pub(super) fn config(&self, address: SocketAddr, store: &str) -> String {
        let folder = self.folder.path();
        let server = &self.server;
        let database = server.section("demo", server.reader(), &folder.join("ca.pem"));
        let folder = folder.display();
        format!(
            r#"
default_scope = "claude"

[http]
listen = "{address}"

[state]
store = "{store}"
key_file = "{folder}/state-key"

[oauth]
sign_in = "{sign_in}"

[tool_sets]
dir = "{folder}"
cache = "{folder}/compiled"

{database}
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["demo"]
people = ["*"]
"#,
            sign_in = self.sign_in,
        )
    }
}

impl Process {
    /// Its configuration.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Tells it to read its configuration again (SIGHUP).
    pub(super) async fn hang_up(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-HUP", &id]).status().await;
        assert!(told.expect("kill runs").success());
    }

    /// Ends it as an operator does (SIGTERM), and waits until it has.
    pub(super) async fn terminate(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").arg(&id).status().await;
        assert!(told.expect("kill runs").success());
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends in time").expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// Ends it as nothing can be prepared for (SIGKILL), and waits until it has.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("it was running");
    }
}

/// The exit code of a command, and what it printed.
async fn said(command: &mut Command) -> (i32, String) {
    let output = command.output().await.expect("mssql-mcp starts");
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code().expect("it was not killed");
    (code, String::from_utf8(said).expect("text"))
}

/// An address that was free a moment ago, for what is to come back at the same.
pub(super) async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

/// Builds the command: cargo hands out paths only of the package under test.
/// Together with this test, so that their dependencies are the same and not
/// compiled a second time with other features.
pub(super) async fn binary() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_init(build).await
}

/// `MSSQL_MCP` names one that is there already, such as a release build.
async fn build() -> PathBuf {
    if let Some(program) = std::env::var_os("MSSQL_MCP") {
        return PathBuf::from(program);
    }
    let test = std::env::current_exe().expect("the path of this test");
    // <target>/<profile>/deps/<test>
    let profile = test.ancestors().nth(2).expect("a profile's folder");
    let target = profile.parent().expect("a target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--bin", "mssql-mcp"]);
    cargo.args(["--test", "integration", "--features", "outside"]);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo.arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().await.expect("cargo runs");
    assert!(status.success(), "mssql-mcp cannot be built: {status}");
    profile
        .join("mssql-mcp")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// All but what a compiler of components tells, which is gigabytes.
const ALL: &str = "trace,wasmtime=info,cranelift=info,regalloc2=info";
/// Components are compiled at the first start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
