//! The figures of `docs/speed.md`: ratios and sizes, each pair measured side by
//! side in one run. `just bench` prints them after criterion's own.

#[path = "../calls/native.rs"]
mod native;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use integration_tests::{McpClient, Product};
use mssql_mcp::database::{Database, JsonShape, Options, Query};
use mssql_mcp::tools::{CallContext, ToolRegistry};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

fn main() {
    // `cargo test --benches` runs every bench once, to see that it runs.
    let quick = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let rounds = if quick { 20 } else { 2_000 };
        sandbox_tax(rounds).await;
        rows(if quick { 2 } else { 60 }).await;
        attack(if quick { 20 } else { 500 }).await;
        memory().await;
        events(if quick { 20 } else { 1_000 }).await;
        idle_streams(if quick { 50 } else { 5_000 }).await;
    });
}

/// A call of `execute_sql` through wasm beside the same tool in the process.
async fn sandbox_tax(rounds: usize) {
    let product = Product::start().await;
    let scope = product.app.scope("claude").expect("the scope");
    let (wasm, native) = (
        scope.tools.load_full(),
        native::registry(scope.databases[0].1.clone()),
    );
    let (mut wasm_times, mut native_times) = (Vec::new(), Vec::new());
    let arguments = r#"{"query":"SELECT TOP 1 ProductName FROM Products"}"#;
    for round in 0..rounds + 50 {
        let native_time = call(&native, "execute_sql", arguments).await;
        let wasm_time = call(&wasm, "execute_sql", arguments).await;
        if round >= 50 {
            native_times.push(native_time);
            wasm_times.push(wasm_time);
        }
    }
    let (native_p50, native_p99) = percentiles(&mut native_times);
    let (wasm_p50, wasm_p99) = percentiles(&mut wasm_times);
    println!("tools/call, native        p50 {native_p50:>10.1?}  p99 {native_p99:>10.1?}");
    println!("tools/call, wasm          p50 {wasm_p50:>10.1?}  p99 {wasm_p99:>10.1?}");
    println!(
        "sandbox tax               {:.3} of the native p50 (goal 1.05)",
        ratio(wasm_p50, native_p50)
    );
    let hostile = product
        .app
        .scope("hostile")
        .expect("the scope")
        .tools
        .load_full();
    let mut echo = Vec::new();
    for _ in 0..rounds {
        echo.push(call(&hostile, "echo", "{}").await);
    }
    let (p50, p99) = percentiles(&mut echo);
    println!("a guest that does nothing p50 {p50:>10.1?}  p99 {p99:>10.1?}");
    let client = product.client("claude");
    let mut http = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        client.sql("SELECT TOP 1 ProductName FROM Products").await;
        http.push(started.elapsed());
    }
    let (p50, p99) = percentiles(&mut http);
    println!("the same over HTTP        p50 {p50:>10.1?}  p99 {p99:>10.1?}");
}

/// 10 000 rows: the bare driver beside what a tool hands back.
async fn rows(rounds: usize) {
    let settings = "max_rows = 100000\nmax_bytes = \"64MiB\"\nlimits = { cpu = \"60s\" }";
    let product = Product::builder().scope_settings(settings).start().await;
    let database = product.app.scope("claude").expect("the scope").databases[0]
        .1
        .clone();
    let wasm = product
        .app
        .scope("claude")
        .expect("the scope")
        .tools
        .load_full();
    let arguments = json!({"query": bare::SQL}).to_string();
    let mut driver = bare::connect(&product).await;
    let (mut driver_times, mut document_times, mut wasm_times) =
        (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let started = Instant::now();
        std::hint::black_box(bare::read(&mut driver).await);
        driver_times.push(started.elapsed());
        let started = Instant::now();
        std::hint::black_box(document(&database).await);
        document_times.push(started.elapsed());
        wasm_times.push(call(&wasm, "execute_sql", &arguments).await);
    }
    let (driver, _) = percentiles(&mut driver_times);
    let (document, _) = percentiles(&mut document_times);
    let (through_wasm, _) = percentiles(&mut wasm_times);
    println!("10 000 rows, bare driver  p50 {driver:>10.1?}");
    println!(
        "10 000 rows, structured   p50 {document:>10.1?}  {:.3} of the driver",
        ratio(document, driver)
    );
    println!(
        "10 000 rows, execute_sql  p50 {through_wasm:>10.1?}  {:.3} of the driver (goal 1.15)",
        ratio(through_wasm, driver)
    );
}

/// A small call of one scope while 16 guests of another attack.
async fn attack(calls: usize) {
    let limits = "limits = { cpu = \"1s\", wall = \"30s\" }";
    let product = Product::builder().scope_settings(limits).start().await;
    let (claude, attacker) = (product.client("claude"), product.client("hostile"));
    let (p50, p99) = percentiles(&mut latencies(&claude, calls).await);
    println!("small call, alone         p50 {p50:>10.1?}  p99 {p99:>10.1?}");
    let attacks = [
        ("loop", "spin", json!({})),
        ("allocate 1 GiB", "allocate", json!({"mib": 1024})),
        ("recurse", "recurse", json!({})),
        ("return 60 MiB", "huge", json!({"mib": 60})),
        (
            "open a socket",
            "connect",
            json!({"address": "127.0.0.1:1"}),
        ),
    ];
    for (name, tool, arguments) in attacks {
        let stop = CancellationToken::new();
        let attackers: Vec<_> = (0..16)
            .map(|_| {
                let (attacker, stop, arguments) =
                    (attacker.clone(), stop.clone(), arguments.clone());
                tokio::spawn(async move {
                    let mut last = String::new();
                    while !stop.is_cancelled() {
                        last = attacker
                            .call(tool, arguments.clone())
                            .await
                            .text()
                            .to_owned();
                    }
                    last
                })
            })
            .collect();
        let (p50, p99) = percentiles(&mut latencies(&claude, calls).await);
        stop.cancel();
        let mut said = String::new();
        for task in attackers {
            said = task.await.expect("an attacker ends");
        }
        println!("  beside 16 × {name:<15} p50 {p50:>10.1?}  p99 {p99:>10.1?}  {said}");
    }
}

/// 100 000 rows through `execute_sql` over HTTP, caps raised.
async fn memory() {
    let settings = "max_rows = 1000000\nmax_bytes = \"64MiB\"\nlimits = { wall = \"3m\" }";
    let product = Product::builder().scope_settings(settings).start().await;
    let claude = product.client("claude");
    claude.sql("SELECT 1 AS warm").await;
    let before = resident();
    let (stop, most) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let sampler = {
        let (stop, most) = (Arc::clone(&stop), Arc::clone(&most));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(resident(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        })
    };
    let query = "SELECT TOP 100000 a.OrderID, b.ProductID, b.ProductName \
                 FROM Orders a CROSS JOIN Products b CROSS JOIN Shippers c";
    let started = Instant::now();
    let bytes = claude.discard("execute_sql", json!({"query": query})).await;
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    sampler.join().expect("the sampler ends");
    println!(
        "100 000 rows, {:.1} MiB reply in {took:.1?}: resident {} MiB before, {} MiB during, {} MiB after",
        bytes as f64 / f64::from(1 << 20),
        before >> 10,
        most.load(Ordering::Relaxed) >> 10,
        resident() >> 10
    );
}

async fn document(database: &Database) -> String {
    let query = Query {
        sql: bare::SQL.to_owned(),
        params: Vec::new(),
        options: Options::default(),
        cancel: CancellationToken::new(),
        principal: None,
    };
    let mut cursor = database.query(query).await.expect("a cursor");
    cursor
        .document(JsonShape::Objects)
        .await
        .expect("a document")
}

async fn call(registry: &ToolRegistry, tool: &str, arguments: &str) -> Duration {
    let arguments: &RawValue = serde_json::from_str(arguments).expect("JSON");
    let context = CallContext::new("bench", None, CancellationToken::new());
    let started = Instant::now();
    std::hint::black_box(
        registry
            .call(tool, Some(arguments), context)
            .await
            .expect("a result"),
    );
    started.elapsed()
}

/// The same call with one JSON body as its reply, and with a stream of two events:
/// what it tells, and the reply.
async fn events(rounds: usize) {
    let product = Product::start().await;
    let client = product.client("hostile");
    let call = |meta| {
        let params = json!({"name": "tell", "_meta": meta});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    };
    let (body, stream) = (call(json!({})), call(json!({"progressToken": 1})));
    let (mut body_times, mut stream_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (call, times) in [(&body, &mut body_times), (&stream, &mut stream_times)] {
            let started = Instant::now();
            let (_, reply) = client.post(call).await;
            times.push(started.elapsed());
            assert_eq!(reply.is_string(), std::ptr::eq(call, &stream), "{reply}");
        }
    }
    let (body_p50, body_p99) = percentiles(&mut body_times);
    let (stream_p50, stream_p99) = percentiles(&mut stream_times);
    println!("a reply as JSON           p50 {body_p50:>10.1?}  p99 {body_p99:>10.1?}");
    println!(
        "a reply as two events     p50 {stream_p50:>10.1?}  p99 {stream_p99:>10.1?}  {:.3} of JSON",
        ratio(stream_p50, body_p50)
    );
}

/// Streams that nothing happens on, each with a session; both their ends are in this
/// process, which therefore opens twice as many sockets (`ulimit -n`).
async fn idle_streams(count: usize) {
    let product = Product::start().await;
    let client = product.client("claude");
    let (p50, p99) = percentiles(&mut latencies(&client, 200).await);
    println!("small call, alone         p50 {p50:>10.1?}  p99 {p99:>10.1?}");
    let before = resident();
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(product.address).await.expect("a stream");
        let request = format!(
            "GET /claude/sse HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
            product.address
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = [0; 1024];
        let mut read = 0;
        while !String::from_utf8_lossy(&head[..read]).contains("event: endpoint") {
            let more = stream.read(&mut head[read..]).await.expect("read");
            assert_ne!(more, 0, "{}", String::from_utf8_lossy(&head[..read]));
            read += more;
        }
        streams.push(stream);
    }
    let each = (resident() as f64 - before as f64) / count as f64;
    let (p50, p99) = percentiles(&mut latencies(&client, 200).await);
    println!(
        "  beside {count} idle streams  p50 {p50:>10.1?}  p99 {p99:>10.1?}  {each:.1} KiB a stream"
    );
}

async fn latencies(client: &McpClient, calls: usize) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(calls);
    for _ in 0..calls {
        let started = Instant::now();
        client
            .sql("SELECT TOP 1 ProductName FROM Products")
            .await
            .structured();
        latencies.push(started.elapsed());
    }
    latencies
}

fn percentiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    (at(50), at(99))
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[path = "../calls/bare.rs"]
mod bare;
