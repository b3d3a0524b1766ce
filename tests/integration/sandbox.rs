//! Guests that misbehave: each is stopped with a clear result, and the next
//! call works.

use std::time::{Duration, Instant};

use integration_tests::{McpClient, Product};
use serde_json::{Value, json};

/// The wall is far away: hogs run at a low priority, and other tests beside.
async fn hostile() -> (Product, McpClient) {
    hostile_within("60s").await
}

async fn hostile_within(wall: &str) -> (Product, McpClient) {
    let limits = format!("limits = {{ memory = \"32MiB\", cpu = \"500ms\", wall = \"{wall}\" }}");
    let product = Product::builder().scope_settings(&limits).start().await;
    let client = product.client("hostile");
    (product, client)
}

/// Calls a hostile tool, prints what a model would read, and proves that the
/// scope still answers.
async fn error_of(client: &McpClient, tool: &str, arguments: Value) -> Value {
    let reply = client.call(tool, arguments).await;
    let error = reply.error();
    println!("{tool}: {error}");
    assert_eq!(client.call("echo", json!({})).await.text(), "echo");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_never_returns_is_stopped_by_its_cpu_budget() {
    let (_product, client) = hostile().await;
    let error = error_of(&client, "spin", json!({})).await;
    assert_eq!(error["code"], "timeout");
    assert!(error["error"].as_str().unwrap().contains("CPU"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_only_waits_is_stopped_by_the_wall() {
    let (_product, client) = hostile_within("2s").await;
    let error = error_of(&client, "sleep", json!({})).await;
    assert_eq!(error["code"], "timeout");
    assert!(
        error["error"].as_str().unwrap().contains("longer than"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_wants_a_gibibyte_gets_what_the_scope_allows() {
    let (_product, client) = hostile().await;
    assert_eq!(
        error_of(&client, "allocate", json!({"mib": 1024})).await["code"],
        "out-of-memory"
    );
    let small = client.call("allocate", json!({"mib": 4})).await;
    assert_eq!(small.text(), "allocated 4194304 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_recurses_without_end_crashes_alone() {
    let (_product, client) = hostile().await;
    let error = error_of(&client, "recurse", json!({})).await;
    assert_eq!(error["code"], "crashed");
    assert!(error["id"].is_string(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_panics_shows_no_backtrace() {
    let (_product, client) = hostile().await;
    let error = error_of(&client, "panic", json!({})).await;
    assert_eq!(error["code"], "crashed");
    let text = error.to_string();
    assert!(
        !text.contains("wasm") && !text.contains("panicked") && !text.contains(".rs"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_a_hundred_mebibytes_does_not_leave_the_sandbox() {
    let limits = "limits = { memory = \"512MiB\", cpu = \"20s\", wall = \"30s\" }";
    let product = Product::builder().scope_settings(limits).start().await;
    let error = error_of(&product.client("hostile"), "huge", json!({"mib": 100})).await;
    assert_eq!(error["code"], "out-of-memory");
    assert!(
        error["error"].as_str().unwrap().contains("at once"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_files_and_variables_are_not_there() {
    let (product, client) = hostile().await;
    let address = product.server.address().to_string();
    let socket = client.call("connect", json!({"address": address})).await;
    println!("connect: {}", socket.text());
    assert!(socket.text().starts_with("refused:"), "{}", socket.text());
    for path in ["/etc/passwd", "/proc/self/environ", "."] {
        let file = client.call("read_file", json!({"path": path})).await;
        assert!(
            file.text().starts_with("refused:"),
            "{path}: {}",
            file.text()
        );
    }
    assert_eq!(
        client.call("environment", json!({})).await.text(),
        "0 variables, 0 arguments"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_log_lines_ends_at_the_cap() {
    let (_product, client) = hostile().await;
    let reply = client.call("flood", json!({})).await;
    assert!(
        reply.result["isError"] != true && reply.text() == "flooded" || reply.code() == "timeout",
        "{}",
        reply.result
    );
    assert_eq!(client.call("echo", json!({})).await.text(), "echo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_keeps_many_streams_full_is_stopped_by_its_cpu_budget() {
    let (_product, client) = hostile().await;
    let error = error_of(&client, "flood_streams", json!({})).await;
    assert_eq!(error["code"], "timeout");
    assert!(error["error"].as_str().unwrap().contains("CPU"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_checked_in_the_memory_and_the_time_of_its_call() {
    let (_product, client) = hostile().await;
    for (tool, bytes, codes) in [
        ("flood_maps", 1 << 20, &["out-of-memory"][..]),
        // It is refused, or a limit of the call was reached before.
        ("flood_checks", 400_000, &["crashed", "timeout"][..]),
    ] {
        let small = client.call(tool, json!({"bytes": 2_000})).await;
        let items = small.structured()["a"].as_array().expect("a list").len();
        assert!(items > 200, "{items} items");
        let error = error_of(&client, tool, json!({"bytes": bytes})).await;
        let code = error["code"].as_str().expect("a code");
        assert!(codes.contains(&code), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_open_cursor_is_refused() {
    let (_product, client) = hostile().await;
    let error = error_of(&client, "two_cursors", json!({})).await;
    assert!(
        error["error"].as_str().unwrap().contains("second result"),
        "{error}"
    );
    assert!(error["id"].is_string(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_is_not_json_is_not_passed_on() {
    let (_product, client) = hostile().await;
    for tool in ["not_json", "not_an_object"] {
        let error = error_of(&client, tool, json!({})).await;
        assert_eq!(error["code"], "crashed");
        assert!(error["id"].is_string(), "{error}");
    }
}

/// The figures are printed, the bound is wide: what is tested is that a small
/// call does not wait for a hog's budget.
#[tokio::test(flavor = "multi_thread")]
async fn other_scopes_answer_while_guests_attack() {
    let limits = "limits = { memory = \"64MiB\", cpu = \"1s\", wall = \"5s\", concurrency = 16, queue = 64 }";
    let product = Product::builder().scope_settings(limits).start().await;
    let (claude, attacker) = (product.client("claude"), product.client("hostile"));
    let calm = latencies(&claude, 200).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let attack: Vec<_> = (0..16)
        .map(|n| {
            let (attacker, stop) = (attacker.clone(), stop.clone());
            let (tool, arguments) = match n % 4 {
                0 | 1 => ("spin", json!({})),
                2 => ("allocate", json!({"mib": 1024})),
                _ => ("recurse", json!({})),
            };
            tokio::spawn(async move {
                let mut stopped = 0;
                while !stop.is_cancelled() {
                    attacker.call(tool, arguments.clone()).await.error();
                    stopped += 1;
                }
                stopped
            })
        })
        .collect();
    let attacked = latencies(&claude, 200).await;
    stop.cancel();
    let mut stopped = 0;
    for task in attack {
        stopped += task.await.unwrap();
    }
    println!(
        "p50 {:?} p99 {:?} alone; p50 {:?} p99 {:?} beside 16 attackers ({stopped} attacks stopped)",
        calm[99], calm[197], attacked[99], attacked[197]
    );
    assert!(stopped >= 16);
    assert!(
        attacked[197] < Duration::from_millis(700),
        "{:?}",
        attacked[197]
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
    latencies.sort_unstable();
    latencies
}

/// The resources that are listed beside the tables, where the guest lists in that way.
async fn listed(way: &str) -> Vec<String> {
    let settings =
        format!("config = {{ hostile = {{ list = \"{way}\" }} }}\nlimits = {{ cpu = \"500ms\" }}");
    let product = Product::builder().scope_settings(&settings).start().await;
    let client = product.client("hostile");
    let listed = client.request("resources/list", json!({})).await;
    let listed = listed["resources"].as_array().expect("a list").iter();
    let uris = listed.map(|resource| resource["uri"].as_str().expect("a URI").to_owned());
    let (tables, others) = uris.partition::<Vec<_>, _>(|uri| uri.starts_with("mssql://"));
    assert_eq!(tables.len(), TABLES, "{way}");
    others
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_listed_whatever_a_tool_set_lists() {
    assert_eq!(listed("good").await, ["test://good"]);
    for way in ["spin", "foreign"] {
        assert_eq!(listed(way).await, Vec::<String>::new(), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_and_prompts_that_misbehave_end_in_an_error() {
    let (_product, client) = hostile().await;
    let fails = async |method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (status, reply) = client.post(&body).await;
        assert_eq!(status, 200, "{reply}");
        let error = reply["error"].clone();
        let message = error["message"]
            .as_str()
            .unwrap_or_else(|| panic!("{reply}"));
        (error["code"].as_i64().expect("a code"), message.to_owned())
    };
    for (uri, code, said) in [
        ("test://spin", -32603, "CPU time"),
        ("test://foreign", -32603, "crashed"),
        ("test://fail", -32602, "It was here. Look there."),
        ("test://nothing", -32002, "not found"),
        ("mssql://demo/dbo/Nothing", -32002, "not found"),
    ] {
        let (found, message) = fails("resources/read", json!({"uri": uri})).await;
        assert_eq!(found, code, "{uri}: {message}");
        assert!(message.contains(said), "{uri}: {message}");
    }
    for (name, said) in [("spin", "CPU time"), ("ask_nothing", "crashed")] {
        let (found, message) = fails("prompts/get", json!({"name": name})).await;
        assert_eq!(found, -32603, "{name}: {message}");
        assert!(message.contains(said), "{name}: {message}");
    }
    let good = json!({"uri": "test://good"});
    let good = client.request("resources/read", good).await;
    assert_eq!(good["contents"][0]["text"], "good");
}

/// Tables and views of the sample company.
const TABLES: usize = 25;
