use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use demo_sqlserver::{
    Backend, BackendSession, Column, Interrupter, LogIn, Parameter, Server, ServerConfig, Sink,
    SqlError, SqlType, Value,
};
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::database::{
    Cursor, Database, DatabaseConfig, Encrypt, JsonShape, LimitKind, PoolConfig, QueryLimits,
    ServerError,
};

fn server(number: i32) -> Error {
    Error::Server(ServerError {
        number,
        state: 1,
        severity: 13,
        message: String::new(),
        line: None,
        retryable: crate::database::error::is_transient(number),
    })
}

#[test]
fn a_transient_error_has_two_further_tries_with_pauses_and_others_none() {
    let mut retries = Retries::new(Duration::from_secs(30), 2);
    let first = retries.after(&server(1205), false).unwrap();
    let second = retries.after(&server(1205), true).unwrap();
    assert!(first >= FIRST / 2 && first < FIRST * 2, "{first:?}");
    assert!(second >= FIRST * 2, "{second:?}");
    assert_eq!(retries.after(&server(1205), false), None);
    for error in [
        server(208),
        Error::Busy,
        Error::Cancelled,
        Error::Limit(LimitKind::Time),
        Error::Unavailable("elsewhere"),
        Error::Withheld(String::new()),
    ] {
        let mut retries = Retries::new(Duration::from_secs(30), 2);
        assert_eq!(retries.after(&error, true), None, "{error:?}");
    }
}

#[test]
fn a_connection_that_died_idle_is_replaced_at_once_and_no_try_outlives_the_statement() {
    let mut retries = Retries::new(Duration::from_secs(30), 2);
    let lost = Error::lost();
    for _ in 0..2 {
        assert_eq!(retries.after(&lost, true), Some(Duration::ZERO));
    }
    assert!(retries.after(&lost, true).unwrap() > Duration::ZERO);
    let mut short = Retries::new(FIRST / 4, 2);
    assert_eq!(short.after(&lost, false), None);
}

#[test]
fn pauses_grow_and_differ() {
    assert_eq!(pause(0, 0), FIRST / 2);
    assert!(pause(0, 99) < FIRST * 3 / 2);
    assert!(pause(1, 0) > pause(0, 99));
    assert_ne!(pause(0, 1), pause(0, 2));
}

/// What the server does with one statement.
#[derive(Debug, Clone, Copy)]
enum Step {
    Fails(i32),
    FailsAfterTheColumns,
    FailsAfterARow,
    Answers,
    /// And fails in a transaction.
    AnswersWithoutOne,
}

/// A server that does what it is told, statement by statement, and how many are
/// left.
#[derive(Clone)]
struct Scripted(Arc<Mutex<VecDeque<Step>>>);

impl Scripted {
    fn run(&self, sql: &str, sink: &mut dyn Sink) -> Result<(), SqlError> {
        let step = self.0.lock().unwrap().pop_front();
        let step = step.expect("one statement more than it was told of");
        let failure = |number| {
            Err(SqlError {
                number,
                state: 1,
                severity: 13,
                message: "told so".to_owned(),
                line: 1,
            })
        };
        if let Step::Fails(number) = step {
            return failure(number);
        }
        let without = sql.starts_with("SET IMPLICIT_TRANSACTIONS OFF; ");
        if without != matches!(step, Step::AnswersWithoutOne) {
            return failure(41_368);
        }
        let column = |name: &str| Column {
            name: name.to_owned(),
            sql_type: SqlType::Int,
            nullable: false,
            identity: false,
        };
        if sql.contains("dm_exec_describe_first_result_set") {
            sink.columns(&[column("name")]);
            sink.done(Some(0));
        }
        sink.columns(&[column("n")]);
        if matches!(step, Step::FailsAfterTheColumns) {
            return failure(1205);
        }
        sink.row(&[Value::Int(7)]);
        if matches!(step, Step::FailsAfterARow) {
            return failure(1205);
        }
        sink.done(Some(1));
        Ok(())
    }
}

impl Backend for Scripted {
    fn log_in(&self, _: &LogIn) -> Result<Box<dyn BackendSession>, SqlError> {
        Ok(Box::new(Session {
            script: self.clone(),
            transactions: 0,
        }))
    }
}

struct Session {
    script: Scripted,
    transactions: u32,
}

impl BackendSession for Session {
    fn database(&self) -> &str {
        "d"
    }

    fn execute(
        &mut self,
        sql: &str,
        _: Option<&[Parameter]>,
        sink: &mut dyn Sink,
    ) -> Result<(), SqlError> {
        if sql.contains("dbo.t") {
            return self.script.run(sql, sink);
        }
        sink.done(None);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        self.transactions += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.transactions = 0;
        Ok(())
    }

    fn rollback(&mut self, _: Option<&str>) -> Result<(), SqlError> {
        self.transactions = 0;
        Ok(())
    }

    fn save(&mut self, _: &str) -> Result<(), SqlError> {
        Ok(())
    }

    fn transaction_count(&self) -> u32 {
        self.transactions
    }

    fn reset(&mut self) {}

    fn interrupter(&self) -> Interrupter {
        Arc::new(|| ())
    }
}

struct Stage {
    steps: Scripted,
    database: Database,
    _stop: DropGuard,
}

impl Stage {
    async fn new(read_only: bool, steps: &[Step]) -> Self {
        let steps = Scripted(Arc::new(Mutex::new(steps.iter().copied().collect())));
        let backend = Arc::new(steps.clone());
        let server = Server::bind(ServerConfig::default(), backend)
            .await
            .unwrap();
        let address = server.local_addr();
        let stop = CancellationToken::new();
        tokio::spawn(server.serve(stop.clone()));
        let config = DatabaseConfig {
            host: address.ip().to_string(),
            port: address.port(),
            instance: None,
            database: "d".to_owned(),
            user: "u".to_owned(),
            password: "p".to_owned().into(),
            entra: None,
            encrypt: Encrypt::Off,
            trust_server_certificate: false,
            ca_file: None,
            ca_pem: None,
            application_intent_read_only: false,
            application_name: "test".to_owned(),
            read_only,
            allow_writable_login: true,
            session_context: None,
            pool: PoolConfig::default(),
        };
        let database = Database::new(config, QueryLimits::default(), Handle::current()).unwrap();
        Self {
            steps,
            database,
            _stop: stop.drop_guard(),
        }
    }

    async fn query(&self) -> Result<Cursor, Error> {
        self.database
            .query(crate::database::tests::ask("SELECT n FROM dbo.t"))
            .await
    }

    /// Steps that were not asked for.
    fn left(&self) -> usize {
        self.steps.0.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_read_that_fails_before_its_first_row_is_run_again() {
    for failure in [Step::Fails(1205), Step::FailsAfterTheColumns] {
        let stage = Stage::new(true, &[failure, failure, Step::Answers]).await;
        let mut cursor = stage.query().await.unwrap();
        assert_eq!(cursor.to_json(JsonShape::Arrays).await.unwrap(), "[[7]]");
        assert_eq!(stage.left(), 0, "{failure:?}");
    }
}

#[tokio::test]
async fn a_memory_optimized_table_is_read_once_more_without_a_transaction() {
    let told = [
        Step::Fails(41_368),
        Step::AnswersWithoutOne,
        // Of the next statement nothing is known.
        Step::Answers,
    ];
    let stage = Stage::new(true, &told).await;
    for left in [1, 0] {
        let mut cursor = stage.query().await.unwrap();
        assert_eq!(cursor.to_json(JsonShape::Arrays).await.unwrap(), "[[7]]");
        assert_eq!(stage.left(), left);
    }
    // A third time because it may have been the question for the types; where there was
    // no transaction to begin with, twice.
    for (read_only, left) in [(true, 1), (false, 2)] {
        let stage = Stage::new(read_only, &[Step::Fails(41_368); 4]).await;
        let failed = stage.query().await.err();
        assert!(
            matches!(&failed, Some(Error::Server(error)) if error.number == 41_368),
            "{failed:?}"
        );
        assert_eq!(stage.left(), left);
    }
}

#[tokio::test]
async fn no_read_is_run_more_than_three_times() {
    let stage = Stage::new(true, &[Step::Fails(40613); 4]).await;
    let failed = stage.query().await.err();
    assert!(
        matches!(&failed, Some(Error::Server(error)) if error.number == 40613),
        "{failed:?}"
    );
    assert_eq!(stage.left(), 1);
}

#[tokio::test]
async fn a_read_is_not_run_again_after_a_row_or_an_error_of_its_own() {
    let stage = Stage::new(true, &[Step::FailsAfterARow, Step::Answers]).await;
    let mut cursor = stage.query().await.unwrap();
    let failed = cursor.to_json(JsonShape::Arrays).await;
    assert!(matches!(failed, Err(Error::Server(_))), "{failed:?}");
    assert_eq!(stage.left(), 1);
    // 208 twice: once it may have been the question for the types.
    let stage = Stage::new(true, &[Step::Fails(208); 4]).await;
    assert!(stage.query().await.is_err());
    assert_eq!(stage.left(), 2);
}

#[tokio::test]
async fn a_write_is_never_run_again() {
    let stage = Stage::new(false, &[Step::Fails(1205), Step::Answers]).await;
    let query = crate::database::tests::ask("UPDATE dbo.t SET n = 1");
    let failed = stage.database.execute(query).await;
    assert!(matches!(failed, Err(Error::Server(_))), "{failed:?}");
    assert_eq!(stage.left(), 1);
}
