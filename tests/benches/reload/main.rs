//! What replacing tool sets costs: compiling, loading from the cache, swapping under
//! load, and starting cold and warm. `just bench` prints it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use integration_tests::{McpClient, Product};
use mssql_mcp::runtime::{CompileLimits, Compiler, NativeCache, Place, Runtime as Sandbox, sha256};
use ruzstd::decoding::StreamingDecoder;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

fn main() {
    // `cargo test --benches` runs every bench once, to see that it runs.
    let quick = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new().expect("a runtime");
    // `cargo bench … -- rust` is about one language.
    let only = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    let asked = |language: &Language| only.as_ref().is_none_or(|it| it == language.name);
    for language in LANGUAGES.into_iter().filter(asked) {
        runtime.block_on(compile(language));
    }
    for language in LANGUAGES.into_iter().filter(asked) {
        let (calm, reloads) = if quick { (1, 1) } else { (10, 20) };
        runtime.block_on(swap(language, Duration::from_secs(calm), reloads));
    }
    start();
}

/// `claude-tools` itself, and tool sets of `tests/contract` in other languages, with a tool
/// for the load which keeps nothing in its cache: a new version begins with an empty one.
#[derive(Clone, Copy)]
struct Language {
    name: &'static str,
    /// Name of its file, and of the scope that has it.
    file: &'static str,
    scope: &'static str,
    tool: &'static str,
    arguments: &'static str,
    /// Calls a second that leave this machine some air: one of Python takes 9 ms of CPU.
    rate: u32,
}

const CLAUDE_TOOLS: &str = "claude-tools";

const LANGUAGES: [Language; 3] = [
    Language {
        name: "rust",
        file: CLAUDE_TOOLS,
        scope: "claude",
        tool: "execute_sql",
        arguments: r#"{"query": "SELECT 1 AS one"}"#,
        rate: 200,
    },
    Language {
        name: "javascript",
        file: "javascript",
        scope: "javascript",
        tool: "orders_between",
        arguments: r#"{"from": "1997-01-01", "to": "1997-01-02"}"#,
        rate: 200,
    },
    Language {
        name: "python",
        file: "python",
        scope: "python",
        tool: "orders_of",
        arguments: r#"{"customer": "ADLEB", "limit": 1}"#,
        rate: 50,
    },
];

impl Language {
    fn wasm(self) -> Vec<u8> {
        let bundled = plugin_bundle::ALL.iter().find(|it| it.name == self.file);
        if let Some(component) = bundled {
            return component.wasm.to_vec();
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract/1.0.0");
        let path = folder.join(self.name).with_extension("wasm.zst");
        let mut wasm = Vec::new();
        StreamingDecoder::new(fs::File::open(path).expect("the fixture"))
            .expect("a Zstandard frame")
            .read_to_end(&mut wasm)
            .expect("a whole frame");
        wasm
    }

    /// The same with a digest that no run had: a section that means nothing is added.
    fn version(self) -> Vec<u8> {
        let mut wasm = self.wasm();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("a clock after 1970").as_nanos().to_le_bytes();
        wasm.extend_from_slice(&[0, 18, 1, b'v']);
        wasm.extend_from_slice(&now);
        wasm
    }

    async fn call(self, client: &McpClient) -> Result<String, Value> {
        let arguments: Value = serde_json::from_str(self.arguments).expect("JSON");
        let params = json!({
            "name": self.tool,
            "arguments": arguments,
            "_meta": {"mssql-mcp/bill": true}
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let (status, reply) = client.post(&body).await;
        let result = &reply["result"];
        let digest = result["_meta"]["mssql-mcp/bill"]["digest"].as_str();
        match digest.filter(|_| status == 200 && result["isError"] == false) {
            Some(digest) => Ok(digest.to_owned()),
            None => Err(reply),
        }
    }
}

/// The program of this build, which compiles in production too.
fn program() -> PathBuf {
    let bench = std::env::current_exe().expect("the path of this bench");
    // <target>/<profile>/deps/<bench>
    let program = bench
        .ancestors()
        .nth(2)
        .expect("a folder")
        .join("mssql-mcp");
    assert!(program.exists(), "build {} first", program.display());
    program
}

async fn compile(language: Language) {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::start(64 << 20, 4).expect("a sandbox");
    let wasm: Arc<[u8]> = language.wasm().into();
    let mut took = Vec::new();
    for _ in 0..3 {
        let cache = NativeCache::open(folder.path(), &[7; 32]).expect("a cache");
        let compiler = Compiler::new(Place::Child(program()), Some(cache));
        let limits = CompileLimits::default();
        let compiled = compiler.compile(&sandbox, Arc::clone(&wasm), limits).await;
        took.push(compiled.expect("a component").took);
    }
    let native: u64 = fs::read_dir(folder.path())
        .expect("the cache")
        .map(|entry| entry.expect("a file").metadata().expect("its size").len())
        .sum();
    println!(
        "{:<11} {:>7.2} MB, compiled in a child {:>8.0?}, {:>5.1} MB native, from the cache {:>8.1?}",
        language.name,
        megabytes(wasm.len() as u64),
        took[0],
        megabytes(native),
        took[2],
    );
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// So many calls a second, for a while as it is and then while versions come and go.
async fn swap(language: Language, calm: Duration, reloads: usize) {
    let product = Product::builder().compiler(Place::Child(program()));
    let product = match language.file {
        CLAUDE_TOOLS => product,
        file => product.tool_set(file, &language.wasm(), &Default::default()),
    };
    let product = product.start().await;
    let client = product.client(language.scope);
    language.call(&client).await.expect("a good call");

    let stop = CancellationToken::new();
    let load = tokio::spawn(load(language, client.clone(), stop.clone()));
    tokio::time::sleep(calm).await;
    stop.cancel();
    let before = load.await.expect("a load");

    let stop = CancellationToken::new();
    let load = tokio::spawn(self::load(language, client.clone(), stop.clone()));
    let mut first_answers = Vec::new();
    for _ in 0..reloads {
        let wasm = language.version();
        let wanted = sha256(&wasm);
        product.replace(language.file, &wasm);
        let written = Instant::now();
        while language.call(&client).await.as_ref() != Ok(&wanted) {}
        first_answers.push(written.elapsed());
    }
    stop.cancel();
    let during = load.await.expect("a load");

    first_answers.sort_unstable();
    println!(
        "{:<11} {} calls/s, {reloads} reloads: {} of {} calls failed; p50 {:.1?} p99 {:.1?} beside p50 {:.1?} p99 {:.1?} \
         without ({} failed); last byte to first answer: median {:.0?}, longest {:.0?}",
        language.name,
        language.rate,
        during.failed,
        during.took.len(),
        during.percentile(50),
        during.percentile(99),
        before.percentile(50),
        before.percentile(99),
        before.failed,
        first_answers[first_answers.len() / 2],
        first_answers[first_answers.len() - 1],
    );
}

struct Load {
    /// In order.
    took: Vec<Duration>,
    failed: usize,
}

impl Load {
    fn percentile(&self, percent: usize) -> Duration {
        self.took[(self.took.len() - 1) * percent / 100]
    }
}

/// A call at every tick, whether or not the one before is answered.
async fn load(language: Language, client: McpClient, stop: CancellationToken) -> Load {
    let mut calls = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / language.rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let client = client.clone();
        calls.spawn(async move {
            let began = Instant::now();
            let answer = language.call(&client).await;
            (began.elapsed(), answer)
        });
    }
    let mut load = Load {
        took: Vec::new(),
        failed: 0,
    };
    for (took, answer) in calls.join_all().await {
        load.took.push(took);
        if let Err(reply) = answer {
            load.failed += 1;
            if load.failed == 1 {
                println!("the first failure: {reply}");
            }
        }
    }
    load.took.sort_unstable();
    load
}

/// From nothing to ready: the whole program with its embedded database.
fn start() {
    let cache = tempfile::tempdir().expect("a folder");
    for (name, times) in [("cold", 1), ("warm", 5)] {
        let mut took: Vec<Duration> = (0..times).map(|_| until_ready(cache.path())).collect();
        took.sort_unstable();
        println!(
            "{name} start of the demo to ready: {:.0?}",
            took[took.len() / 2]
        );
    }
}

fn until_ready(cache: &Path) -> Duration {
    let began = Instant::now();
    let mut demo = Command::new(program())
        .args(["demo", "--no-auth", "--listen", "127.0.0.1:0"])
        .env("XDG_CACHE_HOME", cache)
        .env("XDG_STATE_HOME", cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let printed = BufReader::new(demo.stdout.take().expect("a pipe"));
    let ready = printed
        .lines()
        .any(|line| line.expect("text").contains("is ready on"));
    let took = began.elapsed();
    assert!(ready, "it ended before it was ready");
    demo.kill().expect("it runs");
    demo.wait().expect("it ends");
    took
}
