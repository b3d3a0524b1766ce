use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use chrono::{NaiveDate, Utc};
use serde_json::{Value, json};

use super::file::LogFile;
use super::*;
use crate::clock::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// 2026-11-21T12:00:00Z
const NOON: Timestamp = Timestamp(1_795_262_400_000);

fn settings(path: &Path) -> FileSettings {
    FileSettings {
        path: path.to_owned(),
        keep: DAY * 30,
        max_size: 1 << 20,
    }
}

fn scope_settings(path: &Path) -> ScopeSettings {
    ScopeSettings {
        file: Some(settings(path)),
        statements: true,
        stops: true,
    }
}

/// Two scopes that write one file; calls of the second go on without it.
fn audit(path: &Path, clock: Clock) -> Audit {
    let normalise = |sql: &str| Normalised {
        text: format!("normal of {} bytes", sql.len()),
        hash: "0123456789abcdef".to_owned(),
        tables: vec!["dbo.Orders".to_owned()],
    };
    let audit = Audit::with_retry(clock, Some(normalise), Duration::from_millis(5));
    let strict = scope_settings(path);
    let lenient = ScopeSettings {
        stops: false,
        ..strict.clone()
    };
    audit.configure(&BTreeMap::from([
        ("strict".to_owned(), strict),
        ("lenient".to_owned(), lenient),
    ]));
    audit
}

fn call(sql: &str) -> Entry {
    let mut statements = Statements::default();
    statements.begin(sql, false);
    let call = Call {
        tool_set: "claude-tools".to_owned(),
        digest: "d1".into(),
        tool: "execute_sql".to_owned(),
        figures: Some(Figures {
            rows: 3,
            ..Figures::default()
        }),
        statements,
    };
    Entry {
        scope: Some("strict".into()),
        subject: Some("ana".to_owned()),
        call: Some(Box::new(call)),
        ..Entry::new(Event::ToolCall, Outcome::Ok)
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_line_says_who_what_where_and_when_and_no_literal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/audit.jsonl");
    let (clock, hand) = Clock::manual(NOON);
    hand.advance(Duration::from_millis(7));
    let audit = audit(&path, clock);
    let origin = Origin {
        request_id: "r-1".into(),
        address: Some("203.0.113.9".parse().unwrap()),
        client_name: Some("Claude".into()),
    };
    origin
        .within(async {
            let mut entry = call("SELECT 'hunter2'");
            let statements = &mut entry.call.as_mut().unwrap().statements;
            statements.failed("table-not-allowed");
            entry.client_id = Some("c-1".to_owned());
            entry.code = Some("table-not-allowed".into());
            audit.scope("strict").record_call(entry).await;
        })
        .await;
    assert!(audit.flush(DAY).await);
    let mut lines = lines(&path);
    let line = lines.pop().unwrap();
    assert_eq!(
        line,
        json!({
            "time": "2026-11-21T12:00:00.007Z", "event": "tool_call", "outcome": "ok",
            "code": "table-not-allowed", "scope": "strict", "subject": "ana",
            "client_id": "c-1", "client_name": "Claude", "address": "203.0.113.9",
            "request_id": "r-1", "tool_set": "claude-tools", "digest": "d1",
            "tool": "execute_sql", "rows": 3, "bytes": 0, "wall_us": 0, "queue_us": 0,
            "instantiation_us": 0, "database_us": 0, "cpu_us": 0, "memory_bytes": 0,
            "statements": [{
                "sql": "normal of 16 bytes", "hash": "0123456789abcdef",
                "tables": ["dbo.Orders"], "code": "table-not-allowed"
            }],
        })
    );
    assert!(lines.is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&path) & !0o640, 0);
        assert_eq!(mode(path.parent().unwrap()) & !0o750, 0);
    }
}

#[test]
fn statements_are_bounded_and_the_rest_is_counted() {
    let mut statements = Statements::default();
    for _ in 0..40 {
        statements.begin("SELECT 1", false);
    }
    statements.failed("of one that was left out");
    assert_eq!((statements.kept.len(), statements.count()), (32, 40));
    assert!(statements.kept.iter().all(|kept| kept.code.is_none()));
    let mut statements = Statements::default();
    for _ in 0..10 {
        statements.begin(&"ñ".repeat(1 << 20), false);
    }
    let bytes: usize = statements.kept.iter().map(|kept| kept.sql.len()).sum();
    assert!(bytes < 200 << 10, "{bytes}");
    assert_eq!(statements.count(), 10);
    assert_eq!(format!("{statements:?}"), "Statements(10)");
}

#[test]
fn no_number_of_reads_keeps_a_change_out() {
    let mut statements = Statements::default();
    while statements.begin("SELECT 1", false) {}
    statements.failed("not of one that is kept");
    assert!(statements.begin("DELETE FROM a.b", true));
    statements.failed("server-error");
    assert!(!statements.begin("SELECT 2", false));
    assert!(statements.begin("DELETE FROM a.c", true));
    statements.done();
    assert!(statements.begin("DELETE FROM a.d", true));
    while statements.begin("DELETE FROM a.b", true) {
        statements.done();
    }
    statements.failed("too-many");
    let of = |writes| {
        statements
            .kept
            .iter()
            .filter(move |one| one.writes == writes)
    };
    assert_eq!((of(false).count(), of(true).count()), (32, 256));
    assert!(of(false).all(|one| one.code.is_none()));
    let codes: Vec<_> = of(true).filter_map(|one| one.code.as_deref()).collect();
    assert_eq!(codes, ["server-error", "unfinished"]);
    assert_eq!(statements.left_out, 3);
}

#[tokio::test]
async fn the_texts_of_statements_are_left_out_where_the_scope_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (clock, _) = Clock::manual(NOON);
    let audit = audit(&path, clock);
    let quiet = ScopeSettings {
        statements: false,
        ..scope_settings(&path)
    };
    audit.configure(&BTreeMap::from([("strict".to_owned(), quiet)]));
    audit.scope("strict").record_call(call("SELECT 1")).await;
    assert!(audit.flush(DAY).await);
    let statement = &lines(&path)[0]["statements"][0];
    assert_eq!(
        *statement,
        json!({"hash": "0123456789abcdef", "tables": ["dbo.Orders"]})
    );
}

#[tokio::test]
async fn what_concerns_no_scope_is_in_every_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let audit = audit(&path, Clock::system());
    let other = folder.path().join("other.jsonl");
    audit.configure(&BTreeMap::from([
        ("strict".to_owned(), scope_settings(&path)),
        ("lenient".to_owned(), scope_settings(&path)),
        ("other".to_owned(), scope_settings(&other)),
    ]));
    audit.record(Entry::new(Event::Configuration, Outcome::Serves));
    audit.record(Entry {
        scope: Some("other".into()),
        ..Entry::new(Event::SignIn, Outcome::Done)
    });
    assert!(audit.flush(DAY).await);
    let events = |path: &Path| -> Vec<String> {
        let lines = lines(path).into_iter();
        lines.map(|line| line["event"].to_string()).collect()
    };
    assert_eq!(events(&path), ["\"configuration\""]);
    assert_eq!(events(&other), ["\"configuration\"", "\"sign_in\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_many_threads_are_all_there_and_whole_in_one_part_or_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let audit = audit(&path, Clock::system());
    let tasks = (0..4).map(|_| {
        let scope = audit.scope("strict");
        tokio::spawn(async move {
            // More than there is room for: the queue makes them wait.
            for _ in 0..1_000 {
                scope.record_call(call("SELECT 1")).await;
            }
        })
    });
    futures_util::future::join_all(tasks).await;
    assert!(audit.flush(DAY).await);
    let parts = Names::of(&path).parts().unwrap();
    // More than one file may take.
    assert!(!parts.is_empty());
    let of_parts: usize = parts.iter().map(|part| lines(&part.path).len()).sum();
    assert_eq!(of_parts + lines(&path).len(), 4_000);
    let file = &audit.files()[0];
    assert_eq!((file.lines, file.waiting), (4_000, 0));
}

/// `/dev/full` is a disk that is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_full_disk_calls_stop_or_go_on_and_no_line_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let audit = audit(&path, Clock::system());
    let [strict, lenient] = ["strict", "lenient"].map(|name| audit.scope(name));
    // Nothing is known of it before the first line.
    assert_eq!(strict.ready(), Ok(()));
    strict.record_call(call("SELECT 1")).await;
    until("calls stop", || strict.ready().is_err()).await;
    assert_eq!(lenient.ready(), Ok(()));
    let file = &audit.files()[0];
    let problem = file.problem.clone().unwrap();
    assert!(problem.contains("No space left"), "{problem}");
    assert!(file.stops);
    lenient.record_call(call("SELECT 22")).await;
    // The disk has room again.
    let mended = folder.path().join("mended");
    fs::write(&mended, "").unwrap();
    fs::rename(&mended, &path).unwrap();
    until("calls go on", || strict.ready().is_ok()).await;
    assert!(audit.flush(DAY).await);
    assert_eq!(lines(&path).len(), 2);
    assert_eq!(audit.files()[0].problem, None);
}

#[tokio::test]
async fn a_file_that_cannot_be_made_stops_calls_before_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let no_folder = folder.path().join("file");
    fs::write(&no_folder, "").unwrap();
    let path = no_folder.join("audit.jsonl");
    assert!(probe(&path).is_err());
    let audit = audit(&path, Clock::system());
    let strict = audit.scope("strict");
    until("calls stop", || strict.ready().is_err()).await;
    fs::remove_file(&no_folder).unwrap();
    until("calls go on", || strict.ready().is_ok()).await;
    assert!(probe(&path).is_ok());
    assert_eq!(lines(&path).len(), 0);
}

#[tokio::test]
async fn at_the_end_what_cannot_be_written_does_not_keep_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audit(&folder.path().join("audit.jsonl/"), Clock::system());
    let strict = audit.scope("strict");
    fs::create_dir_all(folder.path().join("audit.jsonl")).unwrap();
    strict.record_call(call("SELECT 1")).await;
    let started = Instant::now();
    audit.close().await;
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(audit.files()[0].waiting, 0);
}

/// Root may write everywhere, so it is not root that tries.
#[cfg(target_os = "linux")]
#[test]
fn without_the_right_to_write_there_is_an_error_until_there_is_the_right() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("log");
    fs::create_dir(&folder).unwrap();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(root.path(), 0o711);
    allow(&folder, 0o555);
    let path = folder.join("audit.jsonl");
    let mut file = LogFile::new(&settings(&path));
    let turns = Barrier::new(2);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let nobody = rustix::process::Uid::from_raw(65_534);
            // Of this thread alone; who is not root stays who he is.
            let _ = rustix::thread::set_thread_res_uid(nobody, nobody, nobody);
            let refused = file.append(b"{}\n", day(21)).map_err(|error| error.kind());
            turns.wait();
            turns.wait();
            (refused, file.append(b"{}\n", day(21)))
        });
        turns.wait();
        allow(&folder, 0o777);
        turns.wait();
        let (refused, mended) = writing.join().unwrap();
        assert_eq!(refused, Err(std::io::ErrorKind::PermissionDenied));
        mended.unwrap();
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
}

#[test]
fn a_new_part_begins_each_day_and_at_the_size_and_old_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut file = LogFile::new(&FileSettings {
        keep: DAY * 2,
        max_size: 10,
        ..settings(&path)
    });
    let kept = folder.path().join("audit-notes.txt");
    fs::write(&kept, "of somebody else").unwrap();
    for (today, line) in [
        (17, "a\n"),
        (18, "bbbbbb\n"),
        (18, "cccccc\n"),
        (19, "d\n"),
        (20, "e\n"),
    ] {
        file.append(line.as_bytes(), day(today)).unwrap();
    }
    let mut found: Vec<(String, String)> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    found.sort();
    let expected = [
        ("audit-2026-11-18.001.jsonl", "bbbbbb\n"),
        ("audit-2026-11-18.002.jsonl", "cccccc\n"),
        ("audit-2026-11-19.001.jsonl", "d\n"),
        ("audit-notes.txt", "of somebody else"),
        ("audit.jsonl", "e\n"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn a_file_that_is_moved_away_or_emptied_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let moved = folder.path().join("audit.jsonl.1");
    let mut file = LogFile::new(&settings(&path));
    file.append(b"1\n", day(21)).unwrap();
    fs::rename(&path, &moved).unwrap();
    file.append(b"2\n", day(21)).unwrap();
    assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    // What logrotate calls copytruncate.
    fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    file.append(b"3\n", day(21)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
}

#[test]
fn a_line_that_was_cut_off_stays_on_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    fs::write(&path, "{\"time\":\"2026-").unwrap();
    let today = Utc::now().date_naive();
    let mut file = LogFile::new(&settings(&path));
    file.append(b"{}\n", today).unwrap();
    file.append(b"{}\n", today).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\"time\":\"2026-\n{}\n{}\n"
    );
}

#[tokio::test]
async fn nobody_fills_the_file_from_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (clock, hand) = Clock::manual(NOON);
    let audit = audit(&path, clock);
    let refusal = || Entry {
        scope: Some("strict".into()),
        ..Entry::new(Event::Access, Outcome::Refused)
    };
    for _ in 0..1_000 {
        audit.record_of_anybody(refusal());
    }
    // Of another event there is no want.
    audit.record_of_anybody(Entry::new(Event::SignIn, Outcome::Refused));
    hand.advance(Duration::from_secs(60));
    audit.scope("strict").record_of_anybody(refusal());
    assert!(audit.flush(DAY).await);
    let lines = lines(&path);
    assert_eq!(lines.len(), 122);
    assert_eq!(lines[120]["event"], "sign_in");
    assert_eq!(lines[121]["suppressed"], 880);
}

/// `cargo test --release -- --ignored --nocapture what_noting_a_call_costs`
#[tokio::test]
#[ignore = "a measurement"]
async fn what_noting_a_call_costs() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audit(&folder.path().join("audit.jsonl"), Clock::system());
    let scope = audit.scope("strict");
    let sql = "SELECT TOP 10 * FROM dbo.Orders WHERE CustomerID = 'ALFKI' ORDER BY OrderDate";
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..20_000 {
        let started = Instant::now();
        scope.record_call(call(sql)).await;
        times.push(started.elapsed());
        if round % 100 == 0 {
            // As calls come: with time between them.
            assert!(audit.flush(DAY).await);
        }
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 1_000].as_nanos();
    println!(
        "noting a call: p50 {} ns, p99 {} ns, p99.9 {} ns",
        at(500),
        at(990),
        at(999)
    );
}
