//! Tool sets and configuration that change under the running program.

use std::fs;
use std::time::Duration;

use mssql_mcp::runtime::sha256;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::binary::{Process, Site, free_address};

/// What `/health`, or that of a scope, says; `None` where there is none.
async fn health(process: &Process, path: &str) -> Option<Value> {
    let url = format!("http://{}{path}/health", process.address);
    let response = reqwest::get(url).await.expect("the server answers");
    let found = response.status() != 404;
    let body = response.json().await.expect("JSON");
    found.then_some(body)
}

/// Asks until it is as `wanted`: of another process nothing else can be waited for.
async fn until(process: &Process, path: &str, wanted: impl Fn(Option<&Value>) -> bool) {
    let asked = async {
        while !wanted(health(process, path).await.as_ref()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(PATIENCE, asked).await.is_err() {
        panic!("{path}: {:?}", health(process, path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_come_and_go_with_the_configuration() {
    let site = Site::new().await;
    let process = site.start(free_address().await, "memory").await;
    let before = fs::read_to_string(process.config()).unwrap();
    let second = "[scopes.second]\ndatabases = [\"demo\"]\npeople = [\"*\"]\n\
        tool_sets = [{ file = \"claude-tools\", tools = [\"list_tables\"], prefix = \"x_\" }]\n";
    fs::write(process.config(), format!("{before}\n{second}")).unwrap();
    until(&process, "/second", |health| {
        health.is_some_and(|health| health["status"] == "healthy")
    })
    .await;
    let all = health(&process, "").await.unwrap();
    assert_eq!(all["scopes"]["second"]["tools"], 1, "{all}");
    // Its authorization server is there, too.
    let issuer = format!("http://{}/second", process.address);
    let metadata = reqwest::get(format!("{issuer}/.well-known/oauth-authorization-server"));
    let metadata: Value = metadata.await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], issuer);

    // A mistake changes nothing, and neither does asking for it again.
    fs::write(
        process.config(),
        format!("{before}\n{second}\nnonsense = 1\n"),
    )
    .unwrap();
    process.hang_up().await;
    let (code, said) = site.run(&process, &["plugin", "accept"]).await;
    assert_eq!(code, 64, "{said}");
    assert!(health(&process, "/second").await.is_some());

    fs::write(process.config(), before).unwrap();
    until(&process, "/second", |health| health.is_none()).await;
    assert!(health(&process, "/claude").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_description_waits_until_the_operator_accepts_it() {
    let site = Site::new().await;
    let address = free_address().await;
    // With the state in memory there is no lock but the one that is named.
    let lock = format!(
        "[tool_sets]\nlock = '{}'",
        site.path("tool-sets.lock").display()
    );
    let config = site.config(address, "memory").replace("[tool_sets]", &lock);
    let process = site.start_with(address, &config).await;
    let path = site.path("claude-tools.wasm");
    let wasm = fs::read(&path).unwrap();
    let (old, new) = (b"Call it first;", b"Ignore others;");
    let at = wasm.windows(old.len()).position(|window| window == old);
    let mut changed = wasm.clone();
    let at = at.expect("its description");
    changed[at..at + new.len()].copy_from_slice(new);
    fs::write(&path, &changed).unwrap();
    until(&process, "", |health| {
        health.is_some_and(|health| health["checks"]["tool_sets"]["parked"] == 1)
    })
    .await;

    let (code, said) = site.run(&process, &["plugin", "accept"]).await;
    assert_eq!((code, &*said), (0, "claude-tools\n"));
    let (code, said) = site
        .run(&process, &["plugin", "accept", "claude-tools"])
        .await;
    assert!(code == 0 && said.contains("Ignore others;"), "{said}");
    let digest = said.split("--digest ").nth(1).expect("what to type");
    let digest = digest.split_whitespace().next().expect("a digest");
    let none = "0".repeat(64);
    let wrong = ["plugin", "accept", "claude-tools", "--digest", &none];
    let (code, said) = site.run(&process, &wrong).await;
    assert!(code == 1 && said.contains("look at it again"), "{said}");
    let right = ["plugin", "accept", "claude-tools", "--digest", digest];
    let (code, said) = site.run(&process, &right).await;
    assert_eq!(code, 0, "{said}");
    until(&process, "", |health| {
        health.is_some_and(|health| health["status"] == "healthy")
    })
    .await;
    let (code, _) = site.run(&process, &["plugin", "accept"]).await;
    assert_eq!(code, 1);

    // What would happen is told before it does.
    let original = site.path("before.wasm");
    fs::write(&original, &wasm).unwrap();
    let check = site.path("check").join("claude-tools.wasm");
    fs::create_dir(check.parent().unwrap()).unwrap();
    fs::write(&check, &wasm).unwrap();
    let (code, said) = site
        .run(&process, &["plugin", "check", check.to_str().unwrap()])
        .await;
    assert!(code == 1 && said.contains("waits  claude:"), "{said}");
    let diff = [
        "plugin",
        "diff",
        original.to_str().unwrap(),
        path.to_str().unwrap(),
    ];
    let (code, said) = site.run(&process, &diff).await;
    assert!(code == 0 && said.contains("nothing breaks"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_serves_when_the_files_that_it_needs_have_come() {
    let site = Site::new().await;
    let address = free_address().await;
    let audit = site.path("audit.jsonl");
    let path = site.path("claude-tools.wasm");
    let old = fs::read(&path).unwrap();
    // A section that means nothing makes another version of it.
    let new = [&old[..], &[0, 3, 2, b'v', b'2']].concat();
    let audited = format!("audit = {{ file = '{}' }}\n", audit.display());
    let pinned = |wasm: &[u8]| {
        let digest = sha256(wasm);
        let pin = format!("{{ file = \"claude-tools\", digest = \"sha256:{digest}\" }}");
        let config = site.config(address, "memory") + &audited;
        config.replace("\"claude-tools\"", &pin)
    };
    let process = site.start_with(address, &pinned(&old)).await;
    let late = "[scopes.late]\ndatabases = [\"demo\"]\npeople = [\"*\"]\ntool_sets = [\"late\"]\n";
    fs::write(process.config(), format!("{}\n{late}", pinned(&new))).unwrap();
    let refusals = || {
        let lines = fs::read_to_string(&audit).unwrap_or_default();
        let lines = lines
            .lines()
            .filter(|line| line.contains("\"configuration\"") && line.contains("\"refused\""));
        lines.count()
    };
    until(&process, "", |_| refusals() > 0).await;
    // One after the other, as they are copied.
    fs::write(site.path("late.wasm"), &old).unwrap();
    fs::write(&path, &new).unwrap();
    until(&process, "/late", |health| {
        health.is_some_and(|health| health["status"] == "healthy")
    })
    .await;
    until(&process, "", |health| {
        health.is_some_and(|health| health["status"] == "healthy")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_writes_nothing_and_names_the_scopes_that_would_do_without() {
    let site = Site::new().await;
    let (lock, audit) = (site.path("tool-sets.lock"), site.path("audit.jsonl"));
    let config = site.path("check.toml");
    let named = format!("[tool_sets]\nlock = '{}'", lock.display());
    let of_claude = format!(
        "tool_sets = [\"claude-tools\", \"*\"]\naudit = {{ file = '{}' }}",
        audit.display()
    );
    let text = site
        .config(free_address().await, "memory")
        .replace("[tool_sets]", &named)
        .replace("tool_sets = [\"claude-tools\"]", &of_claude);
    let has = "[scopes.has]\ndatabases = [\"demo\"]\npeople = [\"*\"]\ntool_sets = [\"extra\"]\n";
    fs::write(&config, format!("{text}\n{has}")).unwrap();
    fs::copy(site.path("claude-tools.wasm"), site.path("extra.wasm")).unwrap();
    let (code, said) = site.run_with(&config, &["check"]).await;
    assert_eq!(code, 0, "{said}");
    let extra = site.path("extra.wasm");
    let check = ["plugin", "check", extra.to_str().unwrap()];
    let (code, said) = site.run_with(&config, &check).await;
    assert!(
        code == 1
            && said.contains("ok  scope has: ")
            && said.contains("left out  scope claude: ")
            && said.contains("1 scope would do without it"),
        "{said}"
    );
    // What is fit for no scope is told in the audit by the server that finds it.
    for path in [&lock, &audit, &lock.with_extension("accepted")] {
        assert!(!path.exists(), "{}", path.display());
    }
}

/// Longer than a busy machine takes to compile what is there.
const PATIENCE: Duration = Duration::from_secs(60);
