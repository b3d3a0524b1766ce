use std::sync::Arc;
use std::time::Duration;

use demo_sqlserver::Event;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::database::tests::{Stage, ask, open};
use crate::database::{
    ContextValue, Database, DatabaseConfig, Error, JsonShape, PoolConfig, PoolState, Query,
    QueryLimits, SessionContext,
};
use crate::principal::{Principal, Rights};

/// A pool of `max` connections that are told of the caller's country.
fn config(stage: &Stage, max: u32, acquire_timeout: Duration) -> DatabaseConfig {
    DatabaseConfig {
        session_context: Some(SessionContext {
            scope: "claude".to_owned(),
            keys: vec![(
                "Country".to_owned(),
                ContextValue::Claim("country".to_owned()),
            )],
        }),
        // No log-in but those that the test makes.
        allow_writable_login: true,
        pool: PoolConfig {
            max,
            acquire_timeout,
            ..PoolConfig::default()
        },
        ..stage.config(true)
    }
}

fn pool(stage: &Stage, max: u32) -> Database {
    open(config(stage, max, NEVER), QueryLimits::default())
}

fn of(country: &str, sql: &str) -> Query {
    Query {
        principal: Some(Arc::new(Principal {
            subject: format!("person of {country}"),
            client: "c".to_owned(),
            rights: Rights::READ,
            claims: [("country".to_owned(), country.to_owned())].into(),
        })),
        ..ask(sql)
    }
}

/// The countries that a caller of `country` sees.
async fn seen(database: &Database, country: &str) -> String {
    let sql = "SELECT DISTINCT Country FROM dbo.Customers ORDER BY Country";
    let mut cursor = database.query(of(country, sql)).await.expect(country);
    cursor.to_json(JsonShape::Arrays).await.expect(country)
}

/// Once every connection is back.
async fn settled(database: &Database) -> PoolState {
    let back = async {
        loop {
            let state = database.pool_state();
            if state.idle == state.connections && state.waiting == 0 {
                return state;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, back)
        .await
        .unwrap_or_else(|_| panic!("{:?}", database.pool_state()))
}

fn log_ins(events: &mut tokio::sync::broadcast::Receiver<Event>) -> usize {
    let mut count = 0;
    while let Ok(event) = events.try_recv() {
        count += usize::from(matches!(event, Event::LoggedIn { .. }));
    }
    count
}

#[tokio::test]
async fn each_caller_sees_its_own_rows_and_has_its_own_connection() {
    let stage = Stage::with_a_policy().await;
    let mut events = stage.server.events();
    let database = pool(&stage, 2);
    for country in ["France", "Brazil", "France", "Brazil"] {
        assert_eq!(
            seen(&database, country).await,
            format!(r#"[["{country}"]]"#)
        );
        settled(&database).await;
    }
    assert_eq!(log_ins(&mut events), 2);
    assert_eq!(database.pool_state().connections, 2);
}

#[tokio::test]
async fn where_all_are_taken_the_connection_that_was_idle_longest_makes_room() {
    let stage = Stage::with_a_policy().await;
    let mut events = stage.server.events();
    let database = pool(&stage, 2);
    for (country, new) in [
        ("France", 1),
        ("Brazil", 1),
        ("France", 0),
        // In place of Brazil's.
        ("Germany", 1),
        ("France", 0),
        ("Brazil", 1),
        ("France", 0),
    ] {
        assert_eq!(
            seen(&database, country).await,
            format!(r#"[["{country}"]]"#)
        );
        let state = settled(&database).await;
        assert!(state.connections <= 2, "{state:?}");
        assert_eq!(log_ins(&mut events), new, "{country}");
    }
}

#[tokio::test]
async fn nobody_waits_while_a_connection_of_another_is_idle() {
    let stage = Stage::with_a_policy().await;
    let database = pool(&stage, 1);
    for country in ["France", "Brazil", "Germany", "France", "Spain"] {
        let answer = tokio::time::timeout(PATIENCE, seen(&database, country)).await;
        assert_eq!(answer.expect(country), format!(r#"[["{country}"]]"#));
    }
    // And the host's own statements run on whichever there is.
    let asked = tokio::time::timeout(PATIENCE, database.tables()).await;
    assert!(!asked.expect("in time").expect("an answer").is_empty());
    assert_eq!(settled(&database).await.connections, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_calls_end_the_pool_counts_right_and_never_has_too_many() {
    let stage = Stage::with_a_policy().await;
    let config = config(&stage, 3, Duration::from_secs(60));
    let database = open(config, QueryLimits::default());
    let mut calls = JoinSet::new();
    for number in 0_u64..90 {
        let database = database.clone();
        calls.spawn(async move {
            let countries = ["France", "Brazil", "Mexico", "Spain", "Germany"];
            let country = countries[usize::try_from(number % 5).unwrap()];
            match number % 3 {
                0 => {
                    assert_eq!(
                        seen(&database, country).await,
                        format!(r#"[["{country}"]]"#)
                    );
                }
                1 => {
                    // Dropped at any point: in the queue, while a connection is
                    // opened or told of the caller, or later.
                    let short = Duration::from_micros(number * 200);
                    _ = tokio::time::timeout(short, seen(&database, country)).await;
                }
                _ => {
                    let cancel = CancellationToken::new();
                    let query = Query {
                        cancel: cancel.clone(),
                        ..of(
                            country,
                            "SELECT a.Id FROM dbo.AllTypes AS a, dbo.AllTypes AS b, \
                             dbo.AllTypes AS c, dbo.AllTypes AS d, dbo.AllTypes AS e",
                        )
                    };
                    let opened = database.query(query).await;
                    cancel.cancel();
                    drop(opened);
                }
            }
            let state = database.pool_state();
            assert!(state.connections <= 3 && state.idle <= 3, "{state:?}");
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.expect("no call fails");
    }
    settled(&database).await;
    // As many callers as there may be connections have one at once.
    let mut held = Vec::new();
    for country in ["USA", "UK", "Sweden"] {
        let query = of(country, "SELECT CustomerID FROM dbo.Customers");
        let opened = tokio::time::timeout(PATIENCE, database.query(query)).await;
        held.push(opened.expect("no wait").expect("a cursor"));
    }
    let state = database.pool_state();
    assert_eq!((state.connections, state.idle), (3, 0));
}

#[tokio::test]
async fn when_every_connection_is_in_use_a_caller_is_told_busy_and_frees_its_place() {
    let stage = Stage::with_a_policy().await;
    let config = config(&stage, 1, Duration::from_millis(50));
    let database = open(config, QueryLimits::default());
    let sql = "SELECT CustomerID FROM dbo.Customers";
    let held = database.query(of("France", sql)).await.expect("a cursor");
    for _ in 0..3 {
        let refused = database.query(of("Brazil", sql)).await;
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
    }
    drop(held);
    settled(&database).await;
    assert_eq!(seen(&database, "Brazil").await, r#"[["Brazil"]]"#);
}

#[tokio::test]
async fn a_log_in_that_fails_leaves_no_place_taken() {
    let stage = Stage::with_a_policy().await;
    let mut config = config(&stage, 1, NEVER);
    config.password = "wrong".to_owned().into();
    let database = open(config, QueryLimits::default());
    for country in ["France", "Brazil", "France"] {
        let sql = "SELECT 1 AS one";
        let refused = tokio::time::timeout(PATIENCE, database.query(of(country, sql))).await;
        let refused = refused.expect("told at once");
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(settled(&database).await.connections, 0);
}

#[tokio::test]
async fn who_lacks_the_claim_is_refused_before_the_server_hears_of_it() {
    let stage = Stage::with_a_policy().await;
    let database = pool(&stage, 1);
    let nobody = database.query(ask("SELECT 1 AS one")).await;
    assert!(
        matches!(&nobody, Err(Error::Withheld(sentence)) if sentence.contains("\"country\"")),
        "{nobody:?}"
    );
    assert_eq!(database.pool_state().connections, 0);
}

#[tokio::test]
async fn what_the_server_was_told_cannot_be_changed_and_ends_with_the_connection() {
    let stage = Stage::with_a_policy().await;
    let database = pool(&stage, 1);
    let told = async |country: &str| {
        let sql = "SELECT COUNT(*) AS n FROM dbo.Customers";
        let mut cursor = database.query(of(country, sql)).await.expect(sql);
        cursor.to_json(JsonShape::Arrays).await.expect(sql)
    };
    let (france, again) = (told("France").await, told("France").await);
    assert_eq!(france, again);
    assert_ne!(france, told("nowhere").await);
    assert_eq!(told("nowhere").await, "[[0]]");
}

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3_600);
/// Longer than a busy machine takes for anything here.
const PATIENCE: Duration = Duration::from_secs(60);
