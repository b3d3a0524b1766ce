//! The whole path against the embedded SQL Server: pool, reply, caps,
//! cancellation.

mod commit;
mod finding;
mod policy;
mod values;

use std::time::Duration;

use demo_sqlserver::schema::Policy;
use demo_sqlserver::{DemoServer, Event};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::*;

pub(super) struct Stage {
    pub(super) server: DemoServer,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let server = DemoServer::start()
            .await
            .expect("the embedded server starts");
        Self { server }
    }

    /// With customers that each caller sees of its own country alone.
    pub(super) async fn with_a_policy() -> Self {
        let policy = || Policy {
            schema: "dbo".to_owned(),
            table: "Customers".to_owned(),
            predicate: "Country = CAST(SESSION_CONTEXT(N'Country') AS nvarchar(15))".to_owned(),
        };
        let server = DemoServer::start_with(move |company| company.policies.push(policy()))
            .await
            .expect("the embedded server starts");
        Self { server }
    }

    pub(super) fn config(&self, read_only: bool) -> DatabaseConfig {
        let account = if read_only {
            self.server.reader()
        } else {
            self.server.writer()
        };
        DatabaseConfig {
            host: self.server.address().ip().to_string(),
            port: self.server.address().port(),
            instance: None,
            database: self.server.database().to_owned(),
            user: account.user.clone(),
            password: account.password.clone().into(),
            entra: None,
            encrypt: Encrypt::Off,
            trust_server_certificate: false,
            ca_file: None,
            ca_pem: None,
            application_intent_read_only: false,
            application_name: "test".to_owned(),
            read_only,
            allow_writable_login: false,
            session_context: None,
            pool: PoolConfig {
                max: 1,
                acquire_timeout: Duration::from_secs(20),
                ..PoolConfig::default()
            },
        }
    }

    pub(super) fn reader(&self, limits: QueryLimits) -> Database {
        open(self.config(true), limits)
    }
}

pub(super) fn open(config: DatabaseConfig, limits: QueryLimits) -> Database {
    Database::new(config, limits, Handle::current()).expect("a sound configuration")
}

pub(super) fn ask(sql: &str) -> Query {
    Query {
        sql: sql.to_owned(),
        params: Vec::new(),
        options: Options::default(),
        cancel: CancellationToken::new(),
        principal: None,
    }
}

pub(super) async fn document(database: &Database, sql: &str) -> Json {
    let mut cursor = database.query(ask(sql)).await.expect(sql);
    let text = cursor.document(JsonShape::Objects).await.expect(sql);
    serde_json::from_str(&text).expect("JSON")
}

/// More rows than a test ever reads.
const MANY: &str = "SELECT a.Id FROM dbo.AllTypes AS a, dbo.AllTypes AS b, dbo.AllTypes AS c, \
    dbo.AllTypes AS d, dbo.AllTypes AS e, dbo.AllTypes AS f, dbo.AllTypes AS g";

#[tokio::test]
async fn a_column_of_every_type_keeps_its_value_and_exact_type() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let result = document(&database, "SELECT * FROM dbo.AllTypes WHERE Id = 1").await;
    let row = &result["results"][0];
    for (column, value) in [
        ("c_tinyint", json!(200)),
        ("c_bigint", json!("9007199254740993")),
        (
            "c_decimal",
            json!("-1234567890123456789012345678.0123456789"),
        ),
        ("c_decimal_5_2", json!("-0.05")),
        ("c_smallmoney", json!("-0.0500")),
        ("c_money", json!("922337203685477.5807")),
        ("c_rowversion", json!("0x00000000000007D1")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let types = result["columns"].as_array().unwrap();
    let of = |name: &str| types.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!(of("c_decimal")["type"], "decimal(38,10)");
    assert_eq!(of("c_rowversion")["type"], "rowversion");
    assert!(of("c_money").get("lossy").is_none());
    assert!(of("c_smallmoney").get("lossy").is_none());
    assert_eq!(result["row_count"], 1);
    assert_eq!(result["truncated"], Json::Null);
    // The second run finds the types in the cache, and they are the same.
    let again = document(&database, "SELECT * FROM dbo.AllTypes WHERE Id = 1").await;
    assert_eq!(again["columns"], result["columns"]);
}

#[tokio::test]
async fn each_cap_stops_the_result_and_is_named() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_rows: 3,
        max_bytes: 400,
        max_cell: 8,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let rows = document(&database, "SELECT Id FROM dbo.AllTypes ORDER BY Id").await;
    assert_eq!(rows["row_count"], 3);
    assert_eq!(rows["truncated"], json!({"by": "rows", "limit": 3}));
    let exact = document(&database, "SELECT Id FROM dbo.AllTypes WHERE Id <= 3").await;
    assert_eq!(
        (&exact["row_count"], &exact["truncated"]),
        (&json!(3), &Json::Null)
    );
    let cell = document(&database, "SELECT 'abcdefghijkl' AS t").await;
    assert_eq!(cell["results"][0]["t"], "abcdefgh…[+4 chars]");
    assert_eq!(cell["truncated"], json!({"by": "cell", "limit": 8}));
    let wide = "SELECT 'aaaaaaaa' AS a_long_column_name_that_takes_much_room, \
        'bbbbbbbb' AS another_long_column_name_that_takes_room FROM dbo.AllTypes";
    let bytes = document(&database, wide).await;
    assert_eq!(bytes["truncated"], json!({"by": "bytes", "limit": 400}));
}

#[tokio::test]
async fn typed_rows_are_pulled_in_batches() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let mut query = ask("SELECT Id FROM dbo.AllTypes WHERE Id > @least ORDER BY Id");
    query.params.push(Param {
        name: "least".to_owned(),
        value: Value::Int(2),
        sql_type: None,
    });
    let mut cursor = database.query(query).await.unwrap();
    assert_eq!(cursor.columns()[0].sql_type, "int");
    let first = cursor.next(2).await.unwrap();
    assert_eq!(first.rows, [[Value::Int(3)], [Value::Int(4)]]);
    let rest = cursor.next(10).await.unwrap();
    assert_eq!(rest.rows, [[Value::Int(5)]]);
    assert!(rest.done);
    assert!(cursor.next(10).await.unwrap().done);
    assert_eq!(cursor.stats().rows, 3);
}

#[tokio::test]
async fn a_for_json_document_is_one_value_whatever_the_row_cap() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_rows: 1,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let result = document(
        &database,
        "SELECT Id FROM dbo.AllTypes ORDER BY Id FOR JSON PATH",
    )
    .await;
    let cell = result["results"][0]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap();
    assert_eq!(cell.as_array().map(Vec::len), Some(5), "{result}");
    assert_eq!(result["truncated"], Json::Null);
}

#[tokio::test]
async fn a_dropped_cursor_sends_attention_and_its_connection_is_replaced() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_rows: 1_000_000,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let mut events = stage.server.events();
    let mut cursor = database.query(ask(MANY)).await.unwrap();
    assert_eq!(cursor.next(5).await.unwrap().rows.len(), 5);
    drop(cursor);
    // The pool holds one connection: the next statement needs a new one.
    database.ping().await.unwrap();
    let mut logins = 0;
    let mut attention = false;
    while let Ok(event) = events.try_recv() {
        logins += u32::from(matches!(event, Event::LoggedIn { .. }));
        attention |= matches!(event, Event::Attention { .. });
    }
    assert!(attention, "no Attention");
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn cancelling_ends_a_read_at_once() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_rows: 1_000_000,
        max_bytes: usize::MAX / 2,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let query = ask(MANY);
    let cancel = query.cancel.clone();
    let mut cursor = database.query(query).await.unwrap();
    cursor.next(1).await.unwrap();
    cancel.cancel();
    let result = cursor.to_json(JsonShape::Arrays).await;
    assert_eq!(result, Err(Error::Cancelled));
    assert_eq!(cursor.next(1).await.unwrap_err(), Error::Cancelled);
    database.ping().await.unwrap();
}

#[tokio::test]
async fn a_statement_past_its_time_is_stopped() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let mut query = ask(&format!(
        "SELECT COUNT(*) FROM ({MANY}, dbo.AllTypes AS h, dbo.AllTypes AS i, dbo.AllTypes AS j, dbo.AllTypes AS k) AS x"
    ));
    query.options.timeout = Some(Duration::from_millis(100));
    let mut stopped = database.query(query).await.err();
    if stopped.is_none() {
        stopped = Some(Error::Other("it finished".to_owned()));
    }
    assert_eq!(stopped, Some(Error::Limit(LimitKind::Time)));
    database.ping().await.unwrap();
}

#[tokio::test]
async fn a_connection_is_used_again_after_success_and_after_an_error() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let mut events = stage.server.events();
    for _ in 0..3 {
        document(&database, "SELECT Id FROM dbo.AllTypes").await;
        let error = database
            .query(ask("SELECT nope FROM dbo.AllTypes"))
            .await
            .err();
        assert!(matches!(error, Some(Error::Server(_))), "{error:?}");
    }
    let mut logins = 0;
    while let Ok(event) = events.try_recv() {
        logins += u32::from(matches!(event, Event::LoggedIn { .. }));
    }
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn an_exhausted_pool_is_busy() {
    let stage = Stage::new().await;
    let mut config = stage.config(true);
    config.pool.acquire_timeout = Duration::from_millis(200);
    let limits = QueryLimits {
        max_rows: 1_000_000,
        ..QueryLimits::default()
    };
    let database = open(config, limits);
    let _held = database.query(ask(MANY)).await.unwrap();
    assert_eq!(database.ping().await, Err(Error::Busy));
}

#[tokio::test]
async fn a_refused_log_in_says_so_without_names() {
    let stage = Stage::new().await;
    let mut config = stage.config(true);
    config.password = "wrong".to_owned().into();
    let user = config.user.clone();
    let Err(Error::Unavailable(sentence)) = open(config, QueryLimits::default()).ping().await
    else {
        panic!("it let us in");
    };
    assert!(sentence.contains("log-in") && !sentence.contains(&user));
}

#[tokio::test]
async fn a_closed_port_is_reported_before_the_acquire_time_is_over() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let stage = Stage::new().await;
    let mut config = stage.config(true);
    config.port = port;
    config.pool.acquire_timeout = Duration::from_secs(3_600);
    let answer = open(config, QueryLimits::default()).ping().await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_write_above_the_limit_is_rolled_back() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_rows_affected: 2,
        ..QueryLimits::default()
    };
    let writer = open(stage.config(false), limits);
    let sql = "UPDATE dbo.AllTypes SET c_int = 77 WHERE Id <= 3";
    assert_eq!(
        writer.execute(ask(sql)).await,
        Err(Error::Limit(LimitKind::Rows))
    );
    let count = "SELECT COUNT(*) AS n FROM dbo.AllTypes WHERE c_int = 77";
    assert_eq!(document(&writer, count).await["results"][0]["n"], 0);
    let few = writer
        .execute(ask("UPDATE dbo.AllTypes SET c_int = 77 WHERE Id <= 2"))
        .await
        .unwrap();
    assert_eq!(few.rows_affected, 2);
    assert_eq!(document(&writer, count).await["results"][0]["n"], 2);
}

#[tokio::test]
async fn a_read_only_label_refuses_every_write_before_the_server_hears_of_it() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    for refused in [
        database
            .execute(ask("DELETE FROM dbo.AllTypes"))
            .await
            .err(),
        database.query(ask("DELETE FROM dbo.AllTypes")).await.err(),
    ] {
        let Some(Error::Denied(denial)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(denial.code, "write-not-allowed");
    }
    assert_eq!(database.pool_state().connections, 0);
}

#[tokio::test]
async fn the_catalogue_lists_resolves_and_describes() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let name = database.resolve("[order details]").await.unwrap();
    assert_eq!(name.name, "Order Details");
    let key = database.primary_key(&name).await.unwrap();
    assert_eq!(key, ["OrderID", "ProductID"]);
    let described: Json = serde_json::from_str(&database.describe(&name).await.unwrap()).unwrap();
    assert_eq!(described["foreign_keys"].as_array().map(Vec::len), Some(2));
    let tables = database.tables().await.unwrap();
    assert!(tables.iter().any(|table| table.kind == "view"));
    assert!(matches!(
        database.resolve("Ordrs").await,
        Err(Error::UnknownName(names)) if names.contains(&"dbo.Orders".to_owned())
    ));
}

/// Page `number` of `size` rows.
async fn page(database: &Database, sql: &str, number: u32, size: u32) -> Result<Json, Error> {
    let mut query = ask(sql);
    query.options.page = Some(Page {
        number,
        size: Some(size),
    });
    let mut cursor = database.query(query).await?;
    let text = cursor.document(JsonShape::Objects).await?;
    Ok(serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test]
async fn the_pages_of_a_result_are_the_result_and_the_last_one_says_so() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    for sql in [
        "SELECT OrderID FROM dbo.Orders WHERE OrderID <= 10258 ORDER BY OrderID",
        "SELECT OrderID FROM dbo.Orders WHERE OrderID <= 10258 ORDER BY OrderID OPTION (RECOMPILE)",
        "SELECT TOP (11) OrderID FROM dbo.Orders ORDER BY OrderID",
        "SELECT OrderID FROM dbo.Orders ORDER BY OrderID OFFSET 0 ROWS FETCH NEXT 11 ROWS ONLY;",
        "SELECT OrderID FROM dbo.Orders WHERE OrderID <= 10258 -- as they come",
    ] {
        let whole = document(&database, sql).await;
        let whole = whole["results"].as_array().unwrap();
        assert_eq!(whole.len(), 11, "{sql}");
        for size in [1_u32, 4, 10, 11, 12] {
            let mut rows = Vec::new();
            for number in 1.. {
                let read = page(&database, sql, number, size).await.expect(sql);
                assert_eq!(read["truncated"], Json::Null, "{sql}");
                let paging = &read["pagination"];
                assert_eq!(paging["page"], number);
                assert_eq!(paging["page_size"], size);
                assert_eq!(paging.get("note").is_some(), !sql.contains("ORDER BY"));
                rows.extend_from_slice(read["results"].as_array().unwrap());
                let more = rows.len() < whole.len();
                assert_eq!(paging["has_more"], more, "{sql} {number} {size}");
                if !more {
                    break;
                }
            }
            assert_eq!(rows, *whole, "{sql} {size}");
        }
        let beyond = page(&database, sql, 9, 5).await.expect(sql);
        assert_eq!(beyond["row_count"], 0);
        assert_eq!(beyond["pagination"]["has_more"], false);
    }
}

#[tokio::test]
async fn a_page_cut_by_bytes_says_that_rows_follow() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_bytes: 600,
        max_rows: 100,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let sql = "SELECT OrderID FROM dbo.Orders ORDER BY OrderID";
    let read = page(&database, sql, 1, 100).await.unwrap();
    assert_eq!(read["truncated"]["by"], "bytes");
    assert_eq!(read["pagination"]["has_more"], true);
    assert!(read.to_string().len() <= 600);
    let refused = page(&database, sql, 1, 101).await.unwrap_err();
    assert!(
        matches!(refused, Error::InvalidParameter { .. }),
        "{refused:?}"
    );
    // The connection is free again, and typed rows stop at the page's end too.
    let mut query = ask(sql);
    query.options.page = Some(Page {
        number: 2,
        size: Some(3),
    });
    let mut cursor = database.query(query).await.unwrap();
    let batch = cursor.next(10).await.unwrap();
    assert_eq!(batch.rows.len(), 3);
    assert!(batch.done);
    assert_eq!(cursor.truncated(), None);
}
