//! Where a document's commands run: a folder with a configuration onto the embedded SQL
//! Server, people, tool sets, and the program on the path.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use demo_sqlserver::DemoServer;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// One document's.
pub(super) struct Site {
    folder: TempDir,
    address: SocketAddr,
    server: Option<Child>,
    database: DemoServer,
}

impl Site {
    /// With ana and eva, who have passwords and a token each.
    pub(super) async fn new() -> Self {
        let database = DemoServer::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Given back at once, for a server that is told to take it.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let site = Self {
            folder,
            address,
            server: None,
            database,
        };
        site.write("ca.pem", site.database.certificate_pem().as_bytes());
        site.write("password", PASSWORD.as_bytes());
        fs::create_dir(site.path("tool-sets")).unwrap();
        for component in plugin_bundle::ALL {
            site.write(
                &format!("tool-sets/{}.wasm", component.name),
                component.wasm,
            );
        }
        // By the two names that documents give it.
        for name in ["config.toml", "mssql-mcp.toml"] {
            site.write(name, site.config().as_bytes());
        }
        let prepared = site.run(PEOPLE).await;
        assert_eq!(prepared, Ok(()));
        site
    }

    /// Runs a block; an error says how it ended and what it printed.
    pub(super) async fn run(&self, block: &str) -> Result<(), String> {
        let mut shell = self.shell(block);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // Most commands ask for nothing and leave it unread.
        let _ = input.write_all(PASSWORD.as_bytes()).await;
        drop(input);
        let Ok(output) = timeout(PATIENCE, child.wait_with_output()).await else {
            return Err(format!("still running after {PATIENCE:?}:\n{block}"));
        };
        let output = output.unwrap();
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "{}:\n{block}{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    /// Starts the server of a block in place of the one before, and waits until it is
    /// ready.
    pub(super) async fn serve(&mut self, block: &str) -> Result<(), String> {
        if let Some(mut before) = self.server.take() {
            before.kill().await.unwrap();
        }
        let log = self.path("server.log");
        // In place of the shell, which would not hand on that it is to end.
        let mut shell = self.shell(&format!("exec {}", block.trim()));
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap());
        let mut child = shell.spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = printed.next_line().await.unwrap() {
                if line.contains("is ready on") {
                    return true;
                }
            }
            false
        };
        if timeout(PATIENCE, ready).await != Ok(true) {
            let log = fs::read_to_string(&log).unwrap();
            return Err(format!("it is not ready:\n{block}\n{log}"));
        }
        // The rest is read too, or the server would wait for its reader.
        tokio::spawn(async move { while let Ok(Some(_)) = printed.next_line().await {} });
        self.server = Some(child);
        Ok(())
    }

    fn shell(&self, script: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_mssql-mcp"));
        let programs = program.parent().unwrap().display().to_string();
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", &self.here(script)])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{programs}:{path}"))
            .env("HOME", self.folder.path())
            .env("MSSQL_MCP_CONFIG", self.path("config.toml"))
            .kill_on_drop(true);
        shell
    }

    /// What documents name, as it is here.
    fn here(&self, script: &str) -> String {
        let folder = format!("{}/", self.folder.path().display());
        script
            .replace("/etc/mssql-mcp/", &folder)
            .replace("/var/backups/", &folder)
            .replace("https://data.example.com", &self.url())
            .replace("127.0.0.1:8008", &self.address.to_string())
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn config(&self) -> String {
        let (server, certificate) = (&self.database, self.path("ca.pem"));
        format!(
            r#"
default_scope = "claude"

[http]
listen = "{address}"

[state]
store = "sqlite:{folder}/state.db"
key_file = "{shared}/docs-key"

[tool_sets]
dir = "{folder}/tool-sets"
cache = "{shared}/docs-compiled"
lock = "{folder}/tool-sets.lock"

{database}
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["sales"]
people = ["*"]
audit = {{ file = "{folder}/audit.jsonl" }}

[scopes.chatgpt]
tool_sets = ["chatgpt-search-fetch"]
databases = ["sales"]
people = ["*"]
audit = {{ file = "{folder}/audit.jsonl" }}
"#,
            address = self.address,
            folder = self.folder.path().display(),
            // Compiled code of one document serves the next: the key vouches for it.
            shared = env!("CARGO_TARGET_TMPDIR"),
            database = server.section("sales", server.reader(), &certificate),
        )
    }
}

/// What a block that asks for a password is given.
const PASSWORD: &str = "correct horse battery\n";

const PEOPLE: &str = "\
mssql-mcp user add ana@example.com --password-file password
mssql-mcp user add eva@example.com --password-file password
mssql-mcp token issue --scope claude --user ana@example.com
mssql-mcp token issue --scope claude --user eva@example.com
";

/// Tool sets are compiled at the first start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
