//! What keeps a product running, as processes: backup and restore, the caches of a
//! server that runs, what operators did, and the commands of the documentation.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use integration_tests::{Browser, McpClient, OAuthClient};
use serde_json::{Value, json};
use tokio::process::Command;

use super::binary::{Process, Site, free_address};
use super::redis::Redis;

const ANA: &str = "ana@example.com";
const PASSWORD: &str = "correct horse battery";
/// Nobody listens there: what counts is where a browser would be sent.
const REDIRECT: &str = "http://127.0.0.1/callback";

/// A site with people and an audit file, a server in it, and ana.
struct Scene {
    site: Site,
    text: String,
    address: SocketAddr,
}

impl Scene {
    async fn start() -> (Self, Process) {
        let site = Site::with_passwords().await;
        let address = free_address().await;
        let store = format!("sqlite:{}", site.path("state.db").display());
        let folder = site.path("").display().to_string();
        let folder = folder.trim_end_matches('/');
        let text = site.config(address, &store)
            + &format!(
                "audit = {{ file = \"{folder}/audit.jsonl\" }}\nrate_limit_per_minute = 100000\n"
            );
        let scene = Self {
            site,
            text,
            address,
        };
        let process = scene.serve().await;
        let file = scene.path("password");
        std::fs::write(&file, PASSWORD).expect("a file");
        let add = ["user", "add", ANA, "--password-file", &file];
        scene.site.ask(&process, &add).await;
        (scene, process)
    }

    async fn serve(&self) -> Process {
        self.site.start_with(self.address, &self.text).await
    }

    fn path(&self, name: &str) -> String {
        let path = self.site.path(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    fn issuer(&self) -> String {
        format!("http://{}/claude", self.address)
    }

    async fn token(&self, process: &Process) -> String {
        let issue = ["token", "issue", "--scope", "claude", "--user", ANA];
        let issued = self.site.ask(process, &issue).await;
        text(&issued, "access_token")
    }

    fn client(&self, token: &str) -> McpClient {
        McpClient::new(format!("{}/mcp", self.issuer()), Some(token.to_owned()))
    }

    async fn status(&self, token: &str) -> u16 {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        self.client(token).post(&body).await.0
    }

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("audit.jsonl")).expect("the audit");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// As a fire would.
    fn destroy(&self, config: &Path) {
        for name in [
            "state.db",
            "state.db-wal",
            "state.db-shm",
            "state-key",
            "tool-sets.lock",
            "claude-tools.wasm",
        ] {
            // A log of SQLite may be gone already.
            let _ = std::fs::remove_file(self.path(name));
        }
        std::fs::remove_file(config).expect("the configuration was there");
    }
}

fn text(reply: &Value, name: &str) -> String {
    let text = reply[name].as_str();
    text.unwrap_or_else(|| panic!("no {name}: {reply}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fire_tokens_and_people_are_as_they_were_at_the_backup() {
    let (scene, process) = Scene::start().await;
    let browser = Browser::new();
    let client = OAuthClient::register(&scene.issuer(), "Claude", REDIRECT).await;
    let given = client.tokens(&browser, Some((ANA, PASSWORD))).await;
    let (access, refresh) = (text(&given, "access_token"), text(&given, "refresh_token"));

    let backup = scene.path("backup.tar");
    let started = Instant::now();
    let (code, said) = scene.site.run(&process, &["backup", &backup]).await;
    println!("backup: {:?}: {said}", started.elapsed());
    assert_eq!(code, 0, "{said}");
    let mode = std::fs::metadata(&backup)
        .expect("the backup")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let (code, said) = scene.site.run(&process, &["backup", &backup]).await;
    assert_eq!(code, 64, "{said}");
    // What comes after the backup is lost with the rest.
    let later = scene.token(&process).await;

    let config = process.config().to_owned();
    process.kill().await;
    scene.destroy(&config);
    let started = Instant::now();
    let (code, said) = scene.site.run_with(&config, &["restore", &backup]).await;
    println!("restore: {:?}: {said}", started.elapsed());
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        std::fs::read_to_string(&config).expect("it is back"),
        scene.text
    );
    assert!(scene.site.path("claude-tools.wasm").exists());

    let process = scene.serve().await;
    assert_eq!(scene.status(&access).await, 200);
    assert_eq!(scene.status(&later).await, 401);
    let (status, reply) = client.refresh(&refresh, &[]).await;
    assert_eq!(status, 200, "{reply}");
    // Ana is asked neither for her password nor for her consent.
    let page = client.authorize(&browser, None, &[]).await;
    assert!(page.parameter("code").is_some(), "{page:?}");
    process.kill().await;

    // The same file, into another kind of store.
    let redis = Redis::start().await;
    let before = format!("sqlite:{}", scene.path("state.db"));
    let text = scene.text.replace(&before, &redis.url());
    std::fs::write(&config, &text).expect("a file");
    let into = ["restore", &backup];
    let (code, said) = scene.site.run_with(&config, &into).await;
    assert_eq!(code, 0, "{said}");
    let process = scene.site.start_with(scene.address, &text).await;
    assert_eq!(scene.status(&access).await, 200);
    let (status, reply) = client.refresh(&refresh, &[]).await;
    assert_eq!(status, 200, "{reply}");

    // And back out of it.
    let other = scene.path("other.tar");
    let (code, said) = scene.site.run(&process, &["backup", &other]).await;
    assert_eq!(code, 0, "{said}");
    let events: Vec<_> = scene
        .audit()
        .iter()
        .map(|line| line["event"].clone())
        .collect();
    assert!(events.contains(&json!("backup")) && events.contains(&json!("restore")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_changes_nothing_that_it_should_not() {
    let (scene, process) = Scene::start().await;
    let backup = scene.path("backup.tar");
    assert_eq!(scene.site.run(&process, &["backup", &backup]).await.0, 0);
    let whole = std::fs::read(&backup).expect("the backup");
    let bad = scene.path("bad.tar");
    let restore = async |bytes: &[u8], arguments: &[&str]| {
        std::fs::write(&bad, bytes).expect("a file");
        let arguments = [&["restore", &bad], arguments].concat();
        scene.site.run(&process, &arguments).await
    };

    // Even with --force: it would not know what it serves.
    let (code, said) = restore(&whole, &["--force"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a server runs on this state"), "{said}");
    let newer = String::from_utf8_lossy(&whole).replace("\"format\": 1", "\"format\": 9");
    let mut damaged = whole.clone();
    let at = whole.windows(9).position(|nine| nine == b"{\"key\":\"p");
    damaged[at.expect("a person") + 12] ^= 1;
    let cut = &whole[..whole.len() / 2];
    for (bytes, told) in [
        (&b"hello"[..], "is no backup of mssql-mcp"),
        (cut, "is cut short"),
        (&damaged, "is damaged: state.jsonl"),
        (newer.as_bytes(), "restore it with that version"),
    ] {
        let (code, said) = restore(bytes, &["--force"]).await;
        assert!(code == 64 && said.contains(told), "{code}: {said}");
    }
    let nowhere = ["restore", "/nowhere.tar"];
    assert_eq!(scene.site.run(&process, &nowhere).await.0, 64);

    let config = process.config().to_owned();
    let token = scene.token(&process).await;
    process.kill().await;
    let again = ["restore", &*backup];
    let (code, said) = scene.site.run_with(&config, &again).await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("records already") && said.contains("--force"),
        "{said}"
    );
    let process = scene.serve().await;
    assert_eq!(scene.status(&token).await, 200);
    process.kill().await;
    let (code, said) = scene
        .site
        .run_with(&config, &["restore", &backup, "--force"])
        .await;
    assert_eq!(code, 0, "{said}");
    let process = scene.serve().await;
    assert_eq!(scene.status(&token).await, 401);
    process.kill().await;

    // From memory nothing can be taken.
    let before = format!("sqlite:{}", scene.path("state.db"));
    std::fs::write(&config, scene.text.replace(&before, "memory")).expect("a file");
    for command in ["backup", "restore"] {
        let file = if command == "backup" { &bad } else { &backup };
        let arguments = [command, file, "--force"];
        let (code, said) = scene.site.run_with(&config, &arguments).await;
        assert!(code == 64 && said.contains("memory"), "{code}: {said}");
    }
}

const TEMPLATES: &str = r#"
[[tool]]
name = "customers"
description = "Customers of a country."
sql = "SELECT CompanyName FROM dbo.Customers WHERE Country = @country"
cache = "10m"
parameters.country = { type = "string", description = "Country" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_caches_of_a_server_are_seen_emptied_and_filled_from_outside() {
    let (mut scene, process) = Scene::start().await;
    process.kill().await;
    let file = scene.path("templates.toml");
    std::fs::write(&file, TEMPLATES).expect("a file");
    scene.text = scene.text.replace(
        "tool_sets = [\"claude-tools\"]",
        &format!(
            "tool_sets = [\"claude-tools\", \"query-templates\"]\n\
             config = {{ query-templates = {{ file = \"{file}\" }} }}"
        ),
    );
    let process = scene.serve().await;
    let client = scene.client(&scene.token(&process).await);
    let ask = async || {
        let reply = client
            .call("customers", json!({"country": "Germany"}))
            .await;
        reply.structured().clone()
    };
    let results = async |command: &str| {
        let said = scene.site.ask(&process, &["cache", command]).await;
        let nodes = said["nodes"].as_object().expect("nodes").clone();
        assert_eq!(nodes.len(), 1, "{said}");
        let node = nodes.values().next().expect("a node").clone();
        node["scopes"]["claude"].clone()
    };
    let first = ask().await;
    assert_eq!(ask().await, first);
    let said = results("stats").await;
    let (entries, hits) = (&said["results"]["entries"], &said["results"]["hits"]);
    assert!(entries.as_u64() >= Some(1), "{said}");
    assert_eq!(hits, 1, "{said}");
    assert!(said["tool_sets"]["query-templates"].is_object(), "{said}");

    let warmed = results("warm").await;
    assert!(
        warmed["databases"]["demo"]["tables"].as_u64() > Some(5),
        "{warmed}"
    );
    assert!(warmed["databases"]["demo"]["connections"].as_u64() >= Some(1));
    results("clear").await;
    assert_eq!(results("stats").await["results"]["entries"], 0);
    assert_eq!(ask().await, first);
    assert_eq!(results("stats").await["results"]["hits"], 1);

    let (code, said) = scene
        .site
        .run(&process, &["cache", "stats", "--scope", "claude"])
        .await;
    assert!(code == 0 && said.contains("compiled code"), "{said}");
    let (code, said) = scene
        .site
        .run(&process, &["cache", "clear", "--scope", "x"])
        .await;
    assert!(code == 64 && said.contains("no such scope"), "{said}");
    let cleared = scene
        .audit()
        .iter()
        .any(|line| line["event"] == "cache_clear");
    assert!(cleared);
    let config = process.config().to_owned();
    process.kill().await;
    let (code, said) = scene.site.run_with(&config, &["cache", "stats"]).await;
    assert!(code == 1 && said.contains("no server"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_by_any_name_ends_tokens_within_a_second_and_is_audited() {
    let (scene, process) = Scene::start().await;
    let revocations = [
        vec!["--all"],
        vec!["--user", ANA],
        vec!["--client", "mssql-mcp token"],
        vec!["--scope", "claude"],
    ];
    for by in &revocations {
        let token = scene.token(&process).await;
        assert_eq!(scene.status(&token).await, 200);
        let arguments = [&["token", "revoke"], &**by].concat();
        let revoked = scene.site.ask(&process, &arguments).await;
        let since = Instant::now();
        assert_eq!(revoked["revoked"], 1, "{by:?}");
        while scene.status(&token).await != 401 {
            assert!(since.elapsed() < Duration::from_secs(1), "{by:?}");
        }
    }
    let add = ["client", "add", "--scope", "claude", "--name", "Script"];
    let add = [&add[..], &["--redirect-uri", REDIRECT]].concat();
    let client = text(&scene.site.ask(&process, &add).await, "client_id");
    for done in ["block", "unblock", "remove"] {
        scene.site.ask(&process, &["client", done, &client]).await;
    }
    scene
        .site
        .ask(&process, &["user", "groups", ANA, "analysts"])
        .await;
    scene.site.ask(&process, &["user", "remove", ANA]).await;

    let lines = scene.audit();
    let by_operator: Vec<&Value> = lines
        .iter()
        .filter(|line| line["by"] == "operator")
        .collect();
    let count = |event: &str| {
        by_operator
            .iter()
            .filter(|line| line["event"] == event)
            .count()
    };
    assert_eq!((count("token_issue"), count("revocation")), (4, 4));
    for event in [
        "person_add",
        "person_groups",
        "person_remove",
        "client_add",
        "client_block",
        "client_unblock",
        "client_remove",
    ] {
        assert_eq!(count(event), 1, "{event}: {by_operator:#?}");
    }
    let issued = by_operator
        .iter()
        .find(|line| line["event"] == "token_issue");
    let issued = issued.expect("a line");
    assert_eq!(
        (&issued["subject"], &issued["scope"]),
        (&json!(ANA), &json!("claude"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_read_by_people_programs_and_the_six_checks() {
    let (scene, process) = Scene::start().await;
    let client = scene.client(&scene.token(&process).await);
    client.sql("SELECT 1 AS one").await.structured();
    assert_eq!(
        client.sql("DELETE FROM dbo.Customers").await.code(),
        "write-not-allowed"
    );
    // Written within a moment of the reply, by a thread of its own.
    let written = || {
        scene
            .audit()
            .iter()
            .filter(|line| line["event"] == "tool_call")
            .count()
            == 2
    };
    let since = Instant::now();
    while !written() {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "the audit is not written"
        );
        tokio::task::yield_now().await;
    }

    let lines = async |arguments: &[&str]| -> Vec<String> {
        let (code, said) = scene.site.run(&process, arguments).await;
        assert_eq!(code, 0, "{said}");
        said.lines().map(ToOwned::to_owned).collect()
    };
    let refused = lines(&["audit", "--refused", "--json", "--since", "1h"]).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    let refused: Value = serde_json::from_str(&refused[0]).expect("JSON");
    assert_eq!(
        (&refused["subject"], &refused["outcome"]),
        (&json!(ANA), &json!("refused"))
    );
    let calls = lines(&[
        "audit",
        "--user",
        ANA,
        "--event",
        "tool_call",
        "--scope",
        "claude",
    ])
    .await;
    assert!(
        calls.iter().any(|line| line.contains("execute_sql")),
        "{calls:?}"
    );
    assert_eq!(lines(&["audit", "--user", "nobody"]).await, [""; 0]);
    let (code, said) = scene.site.run(&process, &["audit", "--scope", "x"]).await;
    assert!(code == 64 && said.contains("claude"), "{said}");
    let (code, said) = scene
        .site
        .run(&process, &["audit", "--since", "noon"])
        .await;
    assert!(code == 64 && said.contains("24h"), "{said}");

    let (code, said) = scene.site.run(&process, &["security-audit"]).await;
    assert_eq!(code, 1, "{said}");
    let found: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("FOUND"))
        .collect();
    assert_eq!(found.len(), 1, "{said}");
    assert!(found[0].contains("writes: a write was asked for and refused: ana@example.com"));
    assert!(
        said.contains("tokens: 1 active tokens, 1 grants of 1 people"),
        "{said}"
    );
    assert!(
        said.contains("operator: token_issue ana@example.com"),
        "{said}"
    );
    let later = ["security-audit", "--since", "2999-01-01", "--json"];
    let (code, said) = scene.site.run(&process, &later).await;
    assert_eq!(code, 0, "{said}");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["findings"], json!([]));
}

/// The lines of the blocks of `docs/NAME` that are for a shell.
fn commands(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the document");
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().expect("a block").lines());
    lines.map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_documents_do_what_they_say() {
    let (scene, process) = Scene::start().await;
    let token = scene.token(&process).await;
    let mut followed = Followed {
        config: process.config().to_owned(),
        process: Some(process),
        ran: 0,
    };
    for line in commands("backup.md") {
        followed.follow(&scene, &line).await;
    }
    assert!(followed.ran >= 9, "{}", followed.ran);
    assert_eq!(scene.status(&token).await, 200);
    for line in commands("keeping.md") {
        followed.follow(&scene, &line).await;
    }
    assert!(followed.ran >= 15, "{}", followed.ran);
    // Ana's tokens were revoked on the way, which the server hears within a second.
    let ended = async { while scene.status(&token).await != 401 {} };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended).await;
    ended.expect("a revocation");
}

/// How far a document was followed.
struct Followed {
    config: PathBuf,
    process: Option<Process>,
    ran: usize,
}

impl Followed {
    async fn follow(&mut self, scene: &Scene, line: &str) {
        // A comment says what happens besides, which is the test's own to do, or how the
        // command ends.
        let (line, comment) = line.split_once('#').unwrap_or((line, "exit 0"));
        match comment.trim() {
            "the server is stopped" => {
                if let Some(process) = self.process.take() {
                    process.kill().await;
                }
            }
            "the machine is lost" => scene.destroy(&self.config),
            "the server is started" => self.process = Some(scene.serve().await),
            _ => {}
        }
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        let config = self.config.to_str().expect("UTF-8");
        let line = line
            .replace("/etc/mssql-mcp/config.toml", config)
            .replace("/var/backups/", &scene.path(""));
        let path = std::env::var("PATH").expect("PATH");
        let path = format!("{}:{path}", scene.site.programs().display());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &line])
            .env("PATH", path)
            .kill_on_drop(true);
        let output = shell.output().await.expect("a shell");
        println!("{line}\n{}", String::from_utf8_lossy(&output.stdout));
        let code = comment.trim().strip_prefix("exit ").expect("an exit code");
        let code = code.parse().expect("an exit code");
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        self.ran += 1;
    }
}
