//! Tool sets that change while they serve: good versions, bad ones, and those that
//! wait for the operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use integration_tests::faulty::tokens::{self, Kind};
use integration_tests::faulty::{Fault, MARK, Step};
use integration_tests::{HOSTILE_GUEST, HOSTILE_WRITER, McpClient, Product};
use mssql_mcp::app::FileStatus;
use mssql_mcp::runtime::sha256;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The same tool set with another digest: a section that means nothing is added.
pub(crate) fn version(wasm: &[u8], number: u8) -> Vec<u8> {
    let section = [0, 5, 3, b'v', b'0', b'0' + number / 10, b'0' + number % 10];
    [wasm, &section].concat()
}

/// The same with `from` in place of `to`, of the same length, wherever it stands.
pub(crate) fn patched(wasm: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = wasm.to_vec();
    let mut found = 0;
    for at in 0..=wasm.len() - from.len() {
        if wasm[at..].starts_with(from.as_bytes()) {
            patched[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "{from} is not in it");
    patched
}

/// The version that answers.
pub(crate) async fn digest(client: &McpClient) -> String {
    let params = json!({
        "name": "execute_sql",
        "arguments": {"query": "SELECT 1 AS one"},
        "_meta": {"mssql-mcp/bill": true}
    });
    let result = client.request("tools/call", params).await;
    let bill = &result["_meta"]["mssql-mcp/bill"];
    assert_eq!(bill["rows"], 1, "{result}");
    bill["digest"].as_str().expect("a digest").to_owned()
}

pub(crate) fn serves(digest: &str) -> impl Fn(&FileStatus) -> bool {
    move |status| status.serving.as_deref() == Some(digest) && status.problem.is_none()
}

pub(crate) const CLAUDE: &[u8] = plugin_bundle::CLAUDE_TOOLS.wasm;

#[tokio::test(flavor = "multi_thread")]
async fn versions_come_and_go_under_load_and_no_call_fails() {
    let product = Product::start().await;
    let stop = CancellationToken::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let load: Vec<_> = (0..8)
        .map(|n| {
            let client = product.client(if n % 2 == 0 { "claude" } else { "demo" });
            let (stop, calls) = (stop.clone(), Arc::clone(&calls));
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    client.sql("SELECT 1 AS one").await.structured();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for number in 1..=6 {
        let wasm = version(CLAUDE, number);
        product.replace("claude-tools", &wasm);
        let wanted = sha256(&wasm);
        product.tool_set("claude-tools", serves(&wanted)).await;
        // Both scopes that use the file have it at once.
        for scope in ["claude", "demo"] {
            assert_eq!(digest(&product.client(scope)).await, wanted);
        }
    }
    stop.cancel();
    for task in load {
        task.await.expect("every call was answered");
    }
    let status = product.tool_set("claude-tools", |_| true).await;
    assert_eq!((status.reloads, status.refusals), (6, 0));
    assert!(calls.load(Ordering::Relaxed) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_serve_is_explained_and_disturbs_nothing() {
    let product = Product::start().await;
    let client = product.client("claude");
    let good = sha256(CLAUDE);
    let truncated = &CLAUDE[..CLAUDE.len() / 2];
    let interface = "mssql-mcp:database/db-catalog@1.0.0";
    for (what, wasm, said) in [
        (
            "truncated",
            truncated.to_vec(),
            "not a WebAssembly component",
        ),
        ("empty", Vec::new(), "the file is empty"),
        (
            "no wasm",
            b"#!/bin/sh\n".to_vec(),
            "does not begin as WebAssembly does",
        ),
        (
            "a core module",
            b"\0asm\x01\0\0\0".to_vec(),
            "it is a core module; build it for the target wasm32-wasip2",
        ),
        (
            "no tool set at all",
            b"\0asm\x0d\0\x01\0".to_vec(),
            "does not fit the contract",
        ),
        (
            "another world",
            patched(
                CLAUDE,
                "mssql-mcp:tools/provider@",
                "mssql-mcp:tools/provided@",
            ),
            "mssql-mcp:tools/provided@1.0.0, which this host does not know",
        ),
        (
            "an unknown import",
            patched(CLAUDE, interface, "mssql-mcp:database/db-secrets@1.0.0"),
            "mssql-mcp:database/db-secrets@1.0.0",
        ),
        (
            "a bad schema",
            patched(CLAUDE, r#""type": "object""#, r#""type": "objekt""#),
            "schema of tool",
        ),
        (
            "world write-tools",
            plugin_bundle::CLAUDE_TOOLS_WRITE.wasm.to_vec(),
            "scope \"claude\" is read-only: build the tool set for world `read-tools`",
        ),
    ] {
        product.replace("claude-tools", &wasm);
        let new = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.sentence.contains(said))
        };
        let status = product.tool_set("claude-tools", new).await;
        let problem = status.problem.expect("a problem");
        println!("{what}: {}", problem.sentence);
        assert!(!problem.parked);
        assert_eq!(status.serving.as_deref(), Some(&*good), "{what}");
        assert_eq!(digest(&client).await, good, "{what}");
        let health = reqwest::get(format!("http://{}/health", product.address));
        let health: Value = health.await.unwrap().json().await.unwrap();
        assert_eq!(health["status"], "degraded", "{what}");
        let check = &health["checks"]["tool_sets"];
        assert_eq!(check["problems"][0], problem.sentence, "{what}");
    }
    product.replace("claude-tools", CLAUDE);
    product.tool_set("claude-tools", serves(&good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_file_serves_with_its_digest_alone() {
    let pin = format!(
        "tool_sets = [{{ file = \"claude-tools\", digest = \"sha256:{}\" }}]",
        sha256(CLAUDE)
    );
    let product = Product::builder().scope("pinned", &pin).start().await;
    let other = version(CLAUDE, 1);
    product.replace("claude-tools", &other);
    let refused = |status: &FileStatus| status.problem.is_some();
    let status = product.tool_set("claude-tools", refused).await;
    let sentence = status.problem.unwrap().sentence;
    assert!(sentence.contains(&sha256(&other)), "{sentence}");
    // Everywhere, not only where it is pinned: one file, one version.
    for scope in ["pinned", "claude"] {
        assert_eq!(digest(&product.client(scope)).await, sha256(CLAUDE));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_describes_itself_otherwise_waits_for_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool-sets.lock");
    let setting = format!("lock = '{}'", path.display());
    let product = Product::builder().tool_set_settings(&setting).start().await;
    let client = product.client("claude");
    // Another build of the same needs nobody.
    let rebuilt = version(CLAUDE, 1);
    product.replace("claude-tools", &rebuilt);
    product
        .tool_set("claude-tools", serves(&sha256(&rebuilt)))
        .await;

    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    product.replace("claude-tools", &changed);
    let parked = |status: &FileStatus| {
        status
            .problem
            .as_ref()
            .is_some_and(|problem| problem.parked)
    };
    let status = product.tool_set("claude-tools", parked).await;
    let sentence = status.problem.unwrap().sentence;
    println!("{sentence}");
    assert!(sentence.contains("Ignore others;"), "{sentence}");
    assert!(
        sentence.contains("plugin accept claude-tools"),
        "{sentence}"
    );
    assert_eq!(digest(&client).await, sha256(&rebuilt));

    let lock = mssql_mcp::app::Lock::new(path.clone(), path.with_extension("accepted"));
    assert_eq!(lock.waiting().unwrap(), ["claude-tools"]);
    assert!(lock.accept("claude-tools", &sha256(&changed)).unwrap());
    product
        .tool_set("claude-tools", serves(&sha256(&changed)))
        .await;
    assert_eq!(digest(&client).await, sha256(&changed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_bad_file_serves_what_was_accepted_last() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("tool-sets.lock");
    let setting = format!("lock = '{}'", lock.display());
    let first = Product::builder().tool_set_settings(&setting).start().await;
    drop(first);
    let product = Product::builder()
        .tool_set_settings(&setting)
        .tool_set_file("claude-tools", b"half a fi")
        .start()
        .await;
    let status = product
        .tool_set("claude-tools", |status| status.problem.is_some())
        .await;
    assert_eq!(status.serving, Some(sha256(CLAUDE)));
    assert_eq!(digest(&product.client("claude")).await, sha256(CLAUDE));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_into_the_folder_serve_and_go_with_it() {
    let product = Product::builder()
        .scope("rest", "tool_sets = [\"claude-tools\", \"*\"]")
        .tool_set_file("broken", b"")
        .start()
        .await;
    let client = product.client("rest");
    let before = client.tools().await;
    assert!(before.contains(&"search".to_owned()), "{before:?}");
    // One that fails by itself, and one whose names are taken: the others serve.
    product
        .tool_set("broken", |status| status.problem.is_some())
        .await;
    product.replace("another", CLAUDE);
    let taken = product
        .tool_set("another", |status| status.problem.is_some())
        .await;
    let sentence = taken.problem.unwrap().sentence;
    assert!(sentence.contains("both have a tool"), "{sentence}");
    assert_eq!(client.tools().await, before);
    std::fs::remove_file(product.tool_sets.join("chatgpt-search-fetch.wasm")).unwrap();
    // Other scopes name it: it goes on serving, and says so.
    let named = product
        .tool_set("chatgpt-search-fetch", |status| status.problem.is_some())
        .await;
    assert!(named.serving.is_some());
    assert!(named.problem.unwrap().sentence.contains("cannot be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_chooses_tools_and_their_names() {
    let tool_sets = r#"tool_sets = [
        { file = "claude-tools", tools = ["execute_sql", "list_tables"], rename = { execute_sql = "sql" } },
        { file = "claude-tools", prefix = "other_" },
    ]"#;
    let product = Product::builder().scope("profile", tool_sets).start().await;
    let client = product.client("profile");
    assert_eq!(
        client.tools().await,
        [
            "sql",
            "list_tables",
            "other_list_tables",
            "other_describe_table",
            "other_execute_sql",
            "other_get_table_sample"
        ]
    );
    for name in ["sql", "other_execute_sql"] {
        let reply = client.call(name, json!({"query": "SELECT 1 AS one"})).await;
        assert_eq!(reply.structured()["row_count"], 1);
    }
    let new = version(CLAUDE, 1);
    product.replace("claude-tools", &new);
    product
        .tool_set("claude-tools", serves(&sha256(&new)))
        .await;
    assert_eq!(client.tools().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writing_tool_set_never_comes_into_a_read_only_scope() {
    let product = Product::start().await;
    product.replace("hostile", HOSTILE_WRITER);
    let status = product
        .tool_set("hostile", |status| status.problem.is_some())
        .await;
    let sentence = status.problem.unwrap().sentence;
    assert!(
        sentence.contains("db-execute@1.0.0, which is world `write-tools`"),
        "{sentence}"
    );
    assert!(
        !product
            .client("hostile")
            .tools()
            .await
            .contains(&"sneak".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_set_that_fails_to_describe_itself_keeps_what_it_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lie");
    std::fs::write(&file, "").unwrap();
    let setting = format!(
        "tool_sets = [\"hostile\"]\nlimits = {{ cpu = \"300ms\" }}\n\
         config = {{ hostile = {{ lie_file = '{}' }} }}",
        file.display()
    );
    let product = Product::builder().scope("liar", &setting).start().await;
    let client = product.client("liar");
    let honest = client.tools().await;
    for (lie, said) in [
        ("trap", "describe() failed: trapped"),
        (
            "spin",
            "describe() failed: used more than 300ms of CPU time",
        ),
        ("schema", "input schema of tool \"odd\""),
        ("writes", "does not import db-execute"),
        ("hidden", "U+202E"),
        ("veiled", "U+E0139"),
        ("meta", "U+00AD"),
        ("header", "x-mcp-header"),
        ("many", "at most 64"),
    ] {
        std::fs::write(&file, lie).unwrap();
        let new = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.sentence.contains(said))
        };
        let status = product.tool_set("hostile", new).await;
        println!("{lie}: {}", status.problem.unwrap().sentence);
        assert_eq!(client.tools().await, honest, "{lie}");
        assert_eq!(client.call("echo", json!({})).await.text(), "echo", "{lie}");
    }
    std::fs::write(&file, "").unwrap();
    product
        .tool_set("hostile", |status| status.problem.is_none())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_two_scopes_is_compiled_once() {
    let product = Product::builder()
        .tool_set_settings("watch = false")
        .start()
        .await;
    let compiled = || {
        let compiled = product.app.caches(None).compiled.expect("a cache");
        // Those that another run of the tests compiled, and those that this one did.
        compiled.hits + compiled.misses
    };
    let files = product.app.tool_sets().len();
    assert_eq!(compiled(), u64::try_from(files).unwrap());
    let new = version(CLAUDE, 1);
    product.replace("claude-tools", &new);
    product.app.reload("claude-tools").await;
    for scope in ["claude", "demo"] {
        assert_eq!(digest(&product.client(scope)).await, sha256(&new));
    }
    assert_eq!(compiled(), u64::try_from(files + 1).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_serves_or_waits_is_not_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("tool-sets.lock");
    let product = Product::builder()
        .tool_set_settings(&format!("watch = false\nlock = '{}'", lock.display()))
        .start()
        .await;
    let compiled = || {
        let compiled = product.app.caches(None).compiled.expect("a cache");
        compiled.hits + compiled.misses
    };
    let at_first = compiled();
    product.app.reload("claude-tools").await;
    assert_eq!(compiled(), at_first);
    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    product.replace("claude-tools", &changed);
    for _ in 0..2 {
        product.app.reload("claude-tools").await;
        let status = product.tool_set("claude-tools", |_| true).await;
        assert!(status.problem.is_some_and(|problem| problem.parked));
        assert_eq!(compiled(), at_first + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_test_that_finds_the_database_away_rejects_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("self-test.sql");
    let good = "SELECT 1 AS one";
    std::fs::write(&file, good).unwrap();
    let tried = format!(
        "tool_sets = [\"hostile\"]\nconfig = {{ hostile = {{ self_test_file = '{}' }} }}",
        file.display()
    );
    let product = Product::builder()
        .faulty()
        .tool_set_settings("watch = false")
        .scope("tried", &tried)
        .start()
        .await;
    let reloaded = async |number: u8| {
        let wasm = version(HOSTILE_GUEST, number);
        product.replace("hostile", &wasm);
        product.app.reload("hostile").await;
        let status = product.tool_set("hostile", |_| true).await;
        (status.serving == Some(sha256(&wasm)), status)
    };
    let (serves, status) = reloaded(1).await;
    assert!(serves && status.untested.is_empty(), "{status:?}");

    product.faulty().set(Fault::Refuse);
    product.faulty().hang_up();
    let (serves, status) = reloaded(2).await;
    assert!(serves && status.problem.is_none(), "{status:?}");
    assert!(
        status.untested["tried"].contains("Unavailable"),
        "{status:?}"
    );

    // What it finds out is held against it as ever, until it finds something else.
    product.faulty().set(Fault::None);
    std::fs::write(&file, "DROP TABLE dbo.Orders").unwrap();
    let (serves, status) = reloaded(3).await;
    let sentence = status.problem.expect("a problem").sentence;
    assert!(
        !serves && sentence.contains("its self-test failed"),
        "{sentence}"
    );
    std::fs::write(&file, good).unwrap();
    product.app.try_again(Instant::now()).await;
    let status = product.tool_set("hostile", |_| true).await;
    assert!(status.problem.is_some(), "it was not due: {status:?}");
    let later = Instant::now() + Duration::from_secs(3_600);
    product.app.try_again(later).await;
    let status = product.tool_set("hostile", |_| true).await;
    assert_eq!(
        status.serving,
        Some(sha256(&version(HOSTILE_GUEST, 3))),
        "{status:?}"
    );
    assert!(status.problem.is_none() && status.untested.is_empty());
}

/// Scopes whose tool set tries its statements when it is loaded, and a database server
/// that lets it wait, a second at least for each.
struct Slow {
    product: Product,
    file: PathBuf,
    _folder: TempDir,
}

const SLOW: &str = "query-templates";

impl Slow {
    async fn start(scopes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("templates.toml");
        write_templates(&file, &["before"], "one");
        let mut builder = Product::builder()
            .faulty()
            .tool_set_settings("watch = false");
        for scope in scopes {
            let setting = format!(
                "tool_sets = [\"{SLOW}\"]\nmax_rows = 10\nlimits = {{ concurrency = 1 }}\n\
                 config = {{ {SLOW} = {{ file = '{}' }} }}",
                file.display()
            );
            builder = builder.scope(scope, &setting);
        }
        Self {
            product: builder.start().await,
            file,
            _folder: folder,
        }
    }

    /// Has it loaded with tools that wait for the database server, and waits until
    /// they do.
    async fn load(&self, tools: &[&str]) -> JoinHandle<()> {
        write_templates(&self.file, tools, MARK);
        let columns = Step::Tokens(tokens::columns(&[(MARK, Kind::Int)]));
        let faulty = self.product.faulty();
        faulty.set(Fault::Script(vec![columns, Step::Wait]));
        let app = Arc::clone(&self.product.app);
        let loading = tokio::spawn(async move { app.reload(SLOW).await });
        faulty.until(|counts| counts.scripted > 0).await;
        loading
    }

    /// The database server answers again.
    fn answer(&self) {
        self.product.faulty().set(Fault::None);
    }
}

/// A tool of each name, whose statement has a column of the name `column`.
fn write_templates(file: &Path, tools: &[&str], column: &str) {
    let tools = tools.iter().map(|tool| {
        format!(
            "[[tool]]\nname = \"{tool}\"\ndescription = \"One.\"\n\
             sql = \"SELECT 1 AS {column}\"\n"
        )
    });
    std::fs::write(file, tools.collect::<String>()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lets_itself_be_waited_for_keeps_no_other_waiting() {
    // Sixteen seconds of waiting, of which this test needs the first.
    let scopes = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let tools = ["one", "two"];
    let slow = Slow::start(&scopes).await;
    let product = &slow.product;
    let loading = slow.load(&tools).await;

    let new = version(CLAUDE, 1);
    product.replace("claude-tools", &new);
    product.app.reload("claude-tools").await;
    for scope in ["claude", "demo"] {
        assert_eq!(digest(&product.client(scope)).await, sha256(&new));
    }
    let reconfigured = product.reconfigure(|config| {
        config.replace("[scopes.claude]\n", "[scopes.claude]\nmax_rows = 77\n")
    });
    reconfigured.await.unwrap();
    assert!(!loading.is_finished(), "nobody waited");
    for scope in scopes {
        assert_eq!(product.client(scope).tools().await, ["before"]);
    }

    slow.answer();
    loading.await.unwrap();
    for scope in scopes {
        assert_eq!(product.client(scope).tools().await, tools);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_prepared_for_a_configuration_that_is_gone_never_serves() {
    let slow = Slow::start(&["a"]).await;
    let product = &slow.product;
    let loading = slow.load(&["late", "later"]).await;
    write_templates(&slow.file, &["after"], "two");
    let reconfigured =
        product.reconfigure(|config| config.replace("max_rows = 10\n", "max_rows = 11\n"));
    reconfigured.await.unwrap();
    assert_eq!(product.client("a").tools().await, ["after"]);
    slow.answer();
    loading.await.unwrap();
    assert_eq!(product.client("a").tools().await, ["after"]);
}
