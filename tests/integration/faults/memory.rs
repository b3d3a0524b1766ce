//! Replies without end or measure: what the host takes of them is bounded.

use std::time::{Duration, Instant};

use integration_tests::Product;
use integration_tests::faulty::tokens::{self, Kind};
use integration_tests::faulty::{Fault, Faulty, Step};
use mssql_mcp::database::{
    Database, DatabaseConfig, Encrypt, Options, PoolConfig, Query, QueryLimits,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Bench, marked};

/// Bytes that the host takes of one item, and what sockets hold besides.
const LARGEST_ITEM: u64 = 32 << 20;
const SOCKETS: u64 = 16 << 20;

fn script(steps: impl IntoIterator<Item = Step>) -> Fault {
    Fault::Script(steps.into_iter().collect())
}

/// A row of one text of so many characters.
fn row(length: u32) -> Vec<u8> {
    let text = tokens::utf16(&"x".repeat(usize::try_from(length).expect("a length")));
    [
        tokens::long_cell(u64::from(2 * length)),
        tokens::chunk(2 * length, &text),
        tokens::chunk(0, b""),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_end_is_cut_at_the_limit_and_stopped() {
    let mut bench = Bench::start().await;
    let text = || Step::Tokens(tokens::columns(&[("t", Kind::Text)]));
    let int = || Step::Tokens(tokens::columns(&[("n", Kind::Int)]));
    for (name, steps, by) in [
        (
            "ten GB of rows",
            vec![text(), Step::Times(row(1_000), 5_000_000)],
            "bytes",
        ),
        (
            "rows without end",
            vec![text(), Step::Endless(row(1_000))],
            "bytes",
        ),
        (
            "small rows without end",
            vec![int(), Step::Endless(tokens::int_row(1))],
            "rows",
        ),
        (
            "… and Attention is not acknowledged",
            vec![int(), Step::Deaf, Step::Endless(tokens::int_row(1))],
            "rows",
        ),
    ] {
        let before = bench.product.faulty().counts();
        let result = bench.works(name, script(steps)).await;
        assert_eq!(result["truncated"]["by"], json!(by), "{name}");
        let after = bench
            .product
            .faulty()
            .until(|counts| counts.attentions > before.attentions);
        let taken = after.await.scripted - before.scripted;
        assert!(
            taken < LARGEST_ITEM + SOCKETS,
            "{name}: {taken} bytes were taken"
        );
        println!("{name}: {} KiB taken", taken >> 10);
    }
    bench.print("Results without end");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_item_without_measure_is_refused_before_it_fills_the_memory() {
    let mut bench = Bench::start().await;
    let giant = 1 << 30;
    let mib = || tokens::chunk(1 << 20, &vec![b'x'; 1 << 20]);
    let cell = |kind| {
        vec![
            Step::Tokens(tokens::columns(&[("t", kind)])),
            Step::Tokens(tokens::long_cell(giant)),
            Step::Times(mib(), 1_024),
            Step::Tokens(tokens::chunk(0, b"")),
        ]
    };
    let long = "x".repeat(255);
    for (name, steps) in [
        ("a text of 1 GB", cell(Kind::Text)),
        ("a binary value of 1 GB", cell(Kind::Binary)),
        ("an xml document of 1 GB", cell(Kind::Xml)),
        (
            "a value whose chunks never end",
            vec![
                Step::Tokens(tokens::columns(&[("t", Kind::Text)])),
                Step::Tokens(tokens::long_cell(u64::MAX - 1)),
                Step::Endless(mib()),
            ],
        ),
        (
            "columns that never end",
            vec![
                Step::Tokens(tokens::counted_columns(u16::MAX - 1, &[])),
                Step::Endless(tokens::column(&long, Kind::Int)),
            ],
        ),
        (
            "messages without end",
            vec![Step::Endless(tokens::error(0, 0, &"tick ".repeat(100)))],
        ),
        (
            "errors without end",
            vec![Step::Endless(tokens::error(
                50_000,
                16,
                &"tick ".repeat(100),
            ))],
        ),
    ] {
        let before = bench.product.faulty().counts().scripted;
        let resident = resident();
        bench.product.faulty().set(script(steps));
        let started = Instant::now();
        let reply = bench.claude.sql(&marked()).await;
        let took = started.elapsed();
        bench.product.faulty().set(Fault::None);
        let error = reply.error();
        bench.keeps_quiet(name, &error);
        let code = error["code"].as_str().expect("a code");
        assert!(
            ["out-of-memory", "timeout"].contains(&code),
            "{name}: {error}"
        );
        let next = bench.next_call().await;
        // Two tries at most: a statement is asked once more without its types.
        let taken = bench.product.faulty().counts().scripted - before;
        assert!(
            taken < 2 * (LARGEST_ITEM + SOCKETS),
            "{name}: {taken} bytes were taken"
        );
        println!(
            "{name}: {} KiB taken, resident {} KiB more than before",
            taken >> 10,
            self::resident().saturating_sub(resident)
        );
        let sentence = error["error"].as_str().expect("a sentence").to_owned();
        bench.row(name, code, &sentence, took, next);
    }
    bench.print("Items without measure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_without_a_pause_meets_the_time_limit() {
    let builder = Product::builder()
        .faulty()
        .scope_settings("max_rows = 1000000000\nmax_bytes = \"1GiB\"");
    let mut bench = Bench::of(builder).await;
    for (name, tokens) in [
        ("rows that fit every other limit", tokens::int_row(1)),
        ("counts without end", tokens::more(1)),
    ] {
        let steps = [
            Step::Tokens(tokens::columns(&[("n", Kind::Int)])),
            Step::Endless(tokens),
        ];
        let failure = bench.fails(name, script(steps), "timeout").await;
        assert!(
            failure.took < Duration::from_secs(8),
            "{name}: {:?}",
            failure.took
        );
    }
    bench.print("No pause");
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// One million rows, read by `next` in a process that does nothing else: this
/// binary once more, with the test below alone in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_rows_read_by_next_take_no_more_memory_than_a_thousand() {
    let server = demo_sqlserver::DemoServer::start().await.expect("a server");
    let relay = Faulty::before(server.address()).await;
    relay.set(script([
        Step::Tokens(tokens::columns(&[("t", Kind::Text)])),
        Step::Times(row(20), 1_000_000),
    ]));
    let account = json!({
        "port": relay.address().port(),
        "user": server.reader().user,
        "password": server.reader().password,
        "database": server.database(),
    });
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("a path"));
    child
        .args(["--exact", "--ignored", "--nocapture", CHILD])
        .env(ACCOUNT, account.to_string())
        .kill_on_drop(true);
    let output = child.output().await.expect("a child");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let line = said.lines().find_map(|line| line.strip_prefix("READ "));
    let read: Vec<u64> = line
        .unwrap_or_else(|| panic!("{said}"))
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    let [rows, early, most] = read[..] else {
        panic!("{said}");
    };
    println!("{rows} rows: resident {early} KiB after 1 000, {most} KiB at most");
    assert_eq!(rows, 1_000_000);
    assert!(most < early + (16 << 10), "{early} KiB, then {most} KiB");
}

const CHILD: &str = "faults::memory::reads_a_million_rows";
const ACCOUNT: &str = "FAULTS_MEMORY_ACCOUNT";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the test above, which runs it in a process of its own"]
async fn reads_a_million_rows() {
    let account = std::env::var(ACCOUNT).expect("what the other test says");
    let account: serde_json::Value = serde_json::from_str(&account).expect("JSON");
    let text = |key: &str| account[key].as_str().expect("text").to_owned();
    let config = DatabaseConfig {
        host: "127.0.0.1".to_owned(),
        port: u16::try_from(account["port"].as_u64().expect("a port")).expect("a port"),
        instance: None,
        database: text("database"),
        user: text("user"),
        password: text("password").into(),
        entra: None,
        encrypt: Encrypt::Off,
        trust_server_certificate: false,
        ca_file: None,
        ca_pem: None,
        application_intent_read_only: false,
        application_name: "test".to_owned(),
        read_only: true,
        allow_writable_login: false,
        session_context: None,
        pool: PoolConfig::default(),
    };
    let limits = QueryLimits {
        max_rows: 100_000_000,
        max_bytes: usize::MAX / 2,
        timeout: Duration::from_secs(600),
        ..QueryLimits::default()
    };
    let io = tokio::runtime::Handle::current();
    let database = Database::new(config, limits, io).expect("a database");
    let query = Query {
        sql: marked(),
        params: Vec::new(),
        options: Options::default(),
        cancel: CancellationToken::new(),
        principal: None,
    };
    let mut cursor = database.query(query).await.expect("a cursor");
    let (mut rows, mut early, mut most) = (0, 0, 0);
    loop {
        let batch = cursor.next(1_000).await.expect("rows");
        rows += batch.rows.len();
        most = most.max(resident());
        if early == 0 {
            early = most;
        }
        if batch.done {
            break;
        }
    }
    println!("READ {rows} {early} {most}");
}
