//! `mssql-mcp attack` in a short form: everything is contained under limits, and what
//! is let go is found.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "that is how a test says what is wrong")]

use std::time::Duration;

use bytesize::ByteSize;
use mssql_mcp::cli::attack::{Plan, Report, attack};
use mssql_mcp::config::LimitsSection;
use mssql_mcp::runtime::Place;
use mssql_mcp::telemetry::{LogStyle, start_log};
use tokio::sync::Mutex;

/// One attack at a time: they measure the process that they share.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What is to hold, so small that an attack is over soon.
fn small() -> LimitsSection {
    LimitsSection {
        memory: ByteSize::mib(16),
        cpu: Duration::from_millis(200),
        wall: Duration::from_secs(20),
        concurrency: 8,
        result: ByteSize::mib(1),
        compile_time: Duration::from_secs(5),
        ..LimitsSection::default()
    }
}

async fn report(plan: Plan) -> Report {
    // It fails where another test was first.
    let _ = start_log(LogStyle::Counted, None);
    let plan = Plan {
        place: Place::Child(env!("CARGO_BIN_EXE_mssql-mcp").into()),
        least: Duration::ZERO,
        calls: 30,
        // Tests run beside others, on machines of any kind.
        floor: Duration::from_millis(500),
        ..plan
    };
    attack(&plan, |_| Ok(())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_contained() {
    let _alone = ALONE.lock().await;
    let report = report(Plan::under(&small())).await;
    assert!(report.rows.len() > 40);
    assert!(report.all_contained(), "{}", report.table());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_limit_holds_is_not_called_contained() {
    let _alone = ALONE.lock().await;
    let limits = LimitsSection {
        wall: Duration::from_millis(500),
        compile_time: Duration::from_secs(1),
        ..small()
    };
    let for_ever = Duration::from_secs(3_600);
    let plan = Plan {
        given: LimitsSection {
            memory: ByteSize::gib(1),
            cpu: for_ever,
            wall: for_ever,
            result: ByteSize::gib(1),
            log: ByteSize::gib(1),
            cache: ByteSize::gib(1),
            handles: usize::MAX,
            compile_time: for_ever,
            ..limits
        },
        callers: 2,
        only: [
            "loop of memory.copy",
            "memory bomb",
            "handle flood",
            "huge text",
            "huge JSON",
            "log flood",
            "slow to compile",
        ]
        .map(str::to_owned)
        .into(),
        ..Plan::under(&limits)
    };
    let report = report(plan).await;
    let contained = report.rows.iter().filter(|row| row.contained);
    let contained: Vec<&str> = contained.map(|row| row.attack.as_str()).collect();
    assert_eq!(contained, Vec::<&str>::new(), "{}", report.table());
    assert_eq!(report.rows.len(), 7);
}
