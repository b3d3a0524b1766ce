//! Tool sets where the operator changes something else than a file that serves: the
//! configuration, the lock, what is left in the folder.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::Product;
use mssql_mcp::app::{FileStatus, Lock};
use mssql_mcp::runtime::sha256;
use rmcp::model::{ProtocolVersion, SubscriptionFilter};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::reload::{CLAUDE, digest, patched, serves, version};

fn problem(status: &FileStatus) -> String {
    let problem = status.problem.as_ref();
    problem.map_or_else(String::new, |problem| problem.sentence.clone())
}

async fn health(product: &Product) -> Value {
    let response = reqwest::get(format!("http://{}/health", product.address));
    response.await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_comes_with_the_configuration_holds() {
    let product = Product::builder()
        .scope("pinned", "tool_sets = [\"claude-tools\"]")
        .start()
        .await;
    let pin = |digest: String| {
        move |config: String| {
            let pin = format!("{{ file = \"claude-tools\", digest = \"sha256:{digest}\" }}");
            let (before, scope) = config.split_once("[scopes.pinned]").unwrap();
            let scope = scope.replace("\"claude-tools\"", &pin);
            format!("{before}[scopes.pinned]{scope}")
        }
    };
    let wrong = product.reconfigure(pin("0".repeat(64))).await;
    let wrong = wrong.expect_err("the file is another");
    assert!(wrong.contains(&sha256(CLAUDE)), "{wrong}");
    assert_eq!(digest(&product.client("pinned")).await, sha256(CLAUDE));
    product.reconfigure(pin(sha256(CLAUDE))).await.unwrap();
    assert_eq!(digest(&product.client("pinned")).await, sha256(CLAUDE));
    // From now on it is held against the pin.
    product.replace("claude-tools", &version(CLAUDE, 1));
    let refused = product
        .tool_set("claude-tools", |status| status.problem.is_some())
        .await;
    assert!(problem(&refused).contains(&sha256(&version(CLAUDE, 1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_the_folder_are_there_throughout_a_change_of_configuration() {
    let product = Arc::new(
        Product::builder()
            .scope(
                "rest",
                "tool_sets = [\"claude-tools\", \"*\"]\nmax_rows = 10",
            )
            .start()
            .await,
    );
    let before = product.client("rest").tools().await;
    assert!(before.contains(&"search".to_owned()), "{before:?}");
    let stop = CancellationToken::new();
    let looks = {
        let (product, stop, before) = (Arc::clone(&product), stop.clone(), before.clone());
        tokio::spawn(async move {
            let client = product.client("rest");
            while !stop.is_cancelled() {
                assert_eq!(client.tools().await, before);
            }
        })
    };
    for rows in 11..=14 {
        let changed = product
            .reconfigure(|config| config.replace("max_rows = 10", &format!("max_rows = {rows}")));
        changed.await.unwrap();
    }
    stop.cancel();
    looks.await.expect("the list was never another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_that_goes_is_forgotten() {
    let product = Product::builder()
        .scope("rest", "tool_sets = [\"*\"]")
        .start()
        .await;
    product.replace("broken", b"");
    product
        .tool_set("broken", |status| status.problem.is_some())
        .await;
    assert_eq!(health(&product).await["status"], "degraded");
    fs::remove_file(product.tool_sets.join("broken.wasm")).unwrap();
    let mut statuses = product.app.watch_tool_sets();
    let gone = statuses.wait_for(|all| !all.contains_key("broken"));
    gone.await.unwrap();
    // The others are as they were, but for those that never could serve here.
    let all = product.app.tool_sets();
    assert!(all["claude-tools"].problem.is_none(), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_or_too_large_is_not_read() {
    let product = Product::builder()
        .scope_settings("limits = { file = \"8MiB\" }")
        .start()
        .await;
    let path = product.tool_sets.join("claude-tools.wasm");
    let put = |make: &dyn Fn(&Path)| {
        let beside = product.tool_sets.join(".new");
        make(&beside);
        fs::rename(&beside, &path).unwrap();
    };
    put(&|path| {
        // Reading it would fill the memory; it takes no place on the disk.
        let file = File::create(path).unwrap();
        file.set_len(1 << 40).unwrap();
    });
    let large =
        |status: &FileStatus| problem(status).contains("8388608 bytes that a tool set may have");
    let status = product.tool_set("claude-tools", large).await;
    println!("{}", problem(&status));
    put(&|path| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    });
    let pipe = |status: &FileStatus| problem(status).contains("it is no file");
    let status = product.tool_set("claude-tools", pipe).await;
    assert_eq!(status.serving, Some(sha256(CLAUDE)));
    product.replace("claude-tools", CLAUDE);
    product
        .tool_set("claude-tools", serves(&sha256(CLAUDE)))
        .await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_for_a_while_takes_nothing_away() {
    let extra = version(CLAUDE, 1);
    let rest = "tool_sets = [{ file = \"claude-tools\", prefix = \"y_\" }, \"*\"]\nmax_rows = 10";
    let product = Product::builder()
        .tool_set_settings("watch = false")
        .scope("rest", rest)
        .tool_set_file("extra", &extra)
        .start()
        .await;
    let before = product.client("rest").tools().await;
    let of_extra = async || product.tool_set("extra", |_| true).await;
    assert_eq!(of_extra().await.serving, Some(sha256(&extra)));

    let aside = product.tool_sets.with_file_name("aside");
    fs::rename(&product.tool_sets, &aside).unwrap();
    let more = |config: String| config.replace("max_rows = 10", "max_rows = 11");
    let refused = product.reconfigure(more).await;
    let refused = refused.expect_err("what the scope would have is not known");
    assert!(refused.contains("tool-sets cannot be read"), "{refused}");
    // Only the rest has it, and it is not forgotten.
    product.app.reload("extra").await;
    let status = of_extra().await;
    assert!(problem(&status).contains("cannot be read"), "{status:?}");
    assert_eq!(status.serving, Some(sha256(&extra)));
    assert_eq!(product.client("rest").tools().await, before);
    fs::rename(&aside, &product.tool_sets).unwrap();
    product.reconfigure(more).await.unwrap();
    assert_eq!(product.client("rest").tools().await, before);

    let path = product.tool_sets.join("extra.wasm");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    product.app.reload("extra").await;
    let status = of_extra().await;
    assert!(problem(&status).contains("cannot be read"), "{status:?}");
    product.replace("extra", &extra);
    product.app.try_again(Instant::now()).await;
    assert!(of_extra().await.problem.is_some(), "it was not due");
    let later = Instant::now() + Duration::from_secs(3_600);
    product.app.try_again(later).await;
    assert_eq!(of_extra().await.problem, None);
    assert_eq!(product.client("rest").tools().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_which_scopes_do_without_a_file_of_the_rest() {
    let product = Product::builder()
        .tool_set_settings("watch = false")
        .scope("has", "tool_sets = [\"extra\"]")
        .scope("rest", "tool_sets = [\"claude-tools\", \"*\"]")
        .tool_set_file("extra", &version(CLAUDE, 1))
        .start()
        .await;
    for number in [1, 2] {
        let wasm = version(CLAUDE, number);
        product.replace("extra", &wasm);
        product.app.reload("extra").await;
        let status = product.tool_set("extra", serves(&sha256(&wasm))).await;
        let left_out: Vec<_> = status.left_out.iter().collect();
        let [(scope, why)] = left_out[..] else {
            panic!("{status:?}");
        };
        assert!(
            scope == "rest" && why.contains("both have a tool"),
            "{status:?}"
        );
    }
    let prefixed = "{ file = \"claude-tools\", prefix = \"y_\" }, \"*\"";
    let apart = |config: String| config.replace("\"claude-tools\", \"*\"", prefixed);
    product.reconfigure(apart).await.unwrap();
    let status = product.tool_set("extra", |_| true).await;
    assert!(status.left_out.is_empty(), "{status:?}");
}

/// A lock, and the setting that names it.
fn lock(folder: &Path) -> (Lock, String) {
    let path = folder.join("tool-sets.lock");
    let setting = format!("lock = '{}'", path.display());
    (
        Lock::new(path.clone(), path.with_extension("accepted")),
        setting,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_of_the_rest_serves_after_a_start_with_a_bad_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_, setting) = lock(folder.path());
    let rest = "tool_sets = [{ file = \"claude-tools\", prefix = \"y_\" }, \"*\"]";
    let start = |extra: &[u8]| {
        let builder = Product::builder().tool_set_settings(&setting);
        let builder = builder.scope("rest", rest);
        builder.tool_set_file("extra", extra).start()
    };
    let accepted = version(CLAUDE, 1);
    let first = start(&accepted).await;
    first.tool_set("extra", serves(&sha256(&accepted))).await;
    drop(first);
    let second = start(b"half a fi").await;
    let status = second
        .tool_set("extra", |status| status.problem.is_some())
        .await;
    assert_eq!(status.serving, Some(sha256(&accepted)));
    assert_eq!(digest(&second.client("rest")).await, sha256(&accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_once_the_file_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (lock, setting) = lock(folder.path());
    let product = Product::builder().tool_set_settings(&setting).start().await;
    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    for after in [CLAUDE.to_vec(), version(CLAUDE, 1)] {
        product.replace("claude-tools", &changed);
        let parked = |status: &FileStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.parked)
        };
        product.tool_set("claude-tools", parked).await;
        assert_eq!(lock.waiting().unwrap(), ["claude-tools"]);
        product.replace("claude-tools", &after);
        product
            .tool_set("claude-tools", serves(&sha256(&after)))
            .await;
        assert!(lock.waiting().unwrap().is_empty());
        assert!(!lock.accept("claude-tools", &sha256(&changed)).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_version_replaces_the_one_before_when_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (lock, setting) = lock(folder.path());
    let start = |wasm: &[u8]| {
        let builder = Product::builder().tool_set_settings(&setting);
        builder.tool_set_file("claude-tools", wasm).start()
    };
    let good = sha256(CLAUDE);
    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    drop(start(CLAUDE).await);
    let waits = start(&changed).await;
    let status = waits
        .tool_set("claude-tools", |status| status.problem.is_some())
        .await;
    assert_eq!(status.serving.as_deref(), Some(&*good));
    drop(waits);
    assert!(lock.accept("claude-tools", &sha256(&changed)).unwrap());
    // Before it has served once the file is replaced again, by a bad one.
    let bad = start(b"half a fi").await;
    let status = bad
        .tool_set("claude-tools", |status| status.problem.is_some())
        .await;
    assert_eq!(status.serving.as_deref(), Some(&*good));
    drop(bad);
    // The one before is no news, and what was accepted is so still.
    for wasm in [CLAUDE, &changed[..]] {
        let product = start(wasm).await;
        product
            .tool_set("claude-tools", serves(&sha256(wasm)))
            .await;
    }
    assert!(lock.waiting().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_says_something_else_by_itself_is_not_served_so() {
    let folder = tempfile::tempdir().unwrap();
    let (_, setting) = lock(folder.path());
    let moody = "tool_sets = [\"hostile\"]\nmax_rows = 10\nconfig.hostile = { lie = \"moody\" }";
    let product = Product::builder()
        .tool_set_settings(&setting)
        .scope("moody", moody)
        .start()
        .await;
    // The scope is made anew, and the tool set is asked again.
    let again = product.reconfigure(|config| config.replace("max_rows = 10", "max_rows = 11"));
    let refused = again.await.expect_err("it says something else");
    assert!(refused.contains("plugin accept hostile"), "{refused}");
    assert_eq!(product.client("moody").tools().await, ["odd"]);
    // What changes with a setting is the operator's doing.
    let other = "{ lie = \"moody\", mood = \"good\" }";
    let changed = product.reconfigure(|config| config.replace("{ lie = \"moody\" }", other));
    changed.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_knows_where_a_file_was_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (lock, setting) = lock(folder.path());
    let rest = "tool_sets = [\"*\"]\nconfig.hostile = { lie = \"trap\" }";
    let product = Product::builder()
        .tool_set_settings(&setting)
        .scope("rest", rest)
        .start()
        .await;
    let text = fs::read_to_string(lock.path()).unwrap();
    drop(product);
    let all: Value = serde_json::from_str(&text).unwrap();
    let said = |file: &str| all[file]["accepted"]["scopes"]["rest"].clone();
    assert!(said("claude-tools")["tools"].is_object());
    let hostile = said("hostile");
    assert!(hostile["given"].is_object(), "{hostile}");
    assert!(hostile["tools"].is_null(), "{hostile}");
    // It may not serve there for what it imports, which the operator decides.
    assert_eq!(said("hostile-write"), serde_json::json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_accepts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (lock, setting) = lock(folder.path());
    let twice =
        "tool_sets = [\"claude-tools\", { file = \"claude-tools\", tools = [\"execute_sql\"] }]";
    let builder = Product::builder()
        .tool_set_settings(&setting)
        .scope("twice", twice);
    let failed = tokio::spawn(builder.start()).await;
    assert!(failed.is_err(), "two tools of one name");
    assert!(!lock.path().exists());
}

/// Counts how often a client of the scope is told of another list, until the scope is
/// gone.
async fn told(product: &Product, scope: &str) -> JoinHandle<usize> {
    let lifecycle = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let url = product.client(scope).url().to_owned();
    let transport = StreamableHttpClientTransport::from_uri(url);
    let client = ().serve_with_lifecycle(transport, lifecycle).await;
    let client = client.expect("a connection");
    let wanted = SubscriptionFilter::builder().tools_list_changed().build();
    let mut subscription = client.listen(wanted).await.expect("a subscription");
    tokio::spawn(async move {
        let mut told = 0;
        while subscription.next().await.expect("a stream").is_some() {
            told += 1;
        }
        client.cancel().await.expect("its end");
        told
    })
}

async fn in_the_end(told: JoinHandle<usize>) -> usize {
    let told = timeout(PATIENCE, told).await;
    told.expect("an end of the stream").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_of_another_list_once_and_of_other_settings_never() {
    let section = |name: &str, rows: u32| {
        format!(
            "[scopes.{name}]\ndatabases = [\"demo\"]\ntool_sets = [\"claude-tools\"]\n\
             max_rows = {rows}\n"
        )
    };
    let product = Product::builder()
        .tool_set_settings("watch = false")
        .sections(&section("edited", 10))
        .sections(&section("replaced", 10))
        .start()
        .await;
    let edited = told(&product, "edited").await;
    let replaced = told(&product, "replaced").await;

    let edit = |config: String| config.replace("max_rows = 10\n", "max_rows = 11\n");
    product.reconfigure(edit).await.unwrap();
    // A stream that ends told everything before.
    let without_one = |config| edit(config).replace(&section("edited", 11), "");
    product.reconfigure(without_one).await.unwrap();
    assert_eq!(in_the_end(edited).await, 0);

    let changed = patched(CLAUDE, "Call it first;", "Ignore others;");
    product.replace("claude-tools", &changed);
    product.app.reload("claude-tools").await;
    product
        .tool_set("claude-tools", serves(&sha256(&changed)))
        .await;
    // Another build of the same says nothing else.
    product.replace("claude-tools", &version(&changed, 1));
    product.app.reload("claude-tools").await;
    let without_both = |config| without_one(config).replace(&section("replaced", 11), "");
    product.reconfigure(without_both).await.unwrap();
    assert_eq!(in_the_end(replaced).await, 1);
}

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
