//! Parameters and money, there and back.

use super::*;

/// The one value of `SELECT @p`, and its type.
async fn echoed(database: &Database, value: Value, sql_type: Option<&str>) -> (Value, String) {
    let mut query = ask("SELECT @p AS v");
    query.params.push(Param {
        name: "p".to_owned(),
        value: value.clone(),
        sql_type: sql_type.map(str::to_owned),
    });
    let mut cursor = match database.query(query).await {
        Ok(cursor) => cursor,
        Err(error) => panic!("{value:?} as {sql_type:?}: {error}"),
    };
    let sql_type = cursor.columns()[0].sql_type.clone();
    let mut batch = cursor.next(10).await.expect("a row");
    assert!(batch.done);
    (batch.rows.remove(0).remove(0), sql_type)
}

fn day(year: i32, month: u8, day: u8) -> Date {
    Date { year, month, day }
}

/// 23:59:59.9999999
const LAST: Time = Time {
    nanos: 86_399_999_999_900,
};

#[tokio::test]
async fn a_parameter_of_every_type_comes_back_as_it_went() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits {
        max_bytes: 4 << 20,
        max_cell: 1 << 20,
        ..QueryLimits::default()
    });
    let decimal = |digits: &str| Value::Decimal(digits.to_owned());
    let text = |text: &str| Value::Text(text.to_owned());
    let uuid = "0E984C72-F4A5-4B3C-9D6E-0123456789AB";
    let at = |date, nanos| DateTime {
        date,
        time: Time { nanos },
    };
    for (value, sql_type) in [
        (Value::Bit(true), None),
        (Value::Bit(false), None),
        (Value::Int(i64::from(i32::MIN)), None),
        (Value::Int(i64::MAX), None),
        (Value::Int(i64::MIN), None),
        (Value::Int(200), Some("tinyint")),
        (Value::Int(-32_768), Some("smallint")),
        (Value::Int(7), Some("bigint")),
        (Value::Real(0.1), None),
        (Value::Float(0.1), None),
        (Value::Float(f64::MAX), None),
        (decimal("0"), None),
        (decimal("-0.05"), None),
        (decimal("99999999999999999999999999999999999999"), None),
        (decimal("-1234567890123456789012345678.0123456789"), None),
        (decimal("0.1234567890123456789012345678901234567"), None),
        (decimal("0.12345678901234567890123456789012345678"), None),
        (decimal("12.5000"), Some("money")),
        (decimal("-214748.3648"), Some("smallmoney")),
        (decimal("922337203685477.5807"), Some("money")),
        (decimal("-922337203685477.5808"), Some("money")),
        (text(""), None),
        (text("ñ 日本 \u{1F600} '; DROP TABLE x --"), None),
        (text(&"é".repeat(5_000)), None),
        (text(&"\u{1F600}".repeat(60_000)), None),
        (text("Œuvre €"), Some("varchar(20)")),
        (Value::Bytes(Vec::new()), None),
        (Value::Bytes(vec![0xDE, 0xAD, 0xBE, 0xEF]), None),
        (Value::Bytes(vec![7; 9_000]), None),
        (Value::Uuid(uuid.to_owned()), None),
        (Value::Date(day(1, 1, 1)), None),
        (Value::Date(day(9999, 12, 31)), None),
        (Value::Time(LAST), None),
        (Value::Time(Time { nanos: 0 }), None),
        (Value::DateTime(at(day(1, 1, 1), 0)), None),
        (Value::DateTime(at(day(9999, 12, 31), LAST.nanos)), None),
    ] {
        let (back, _) = echoed(&database, value.clone(), sql_type).await;
        assert_eq!(back, value, "as {sql_type:?}");
    }
    for offset_minutes in [0, 330, -570, 840, -840] {
        let value = Value::DateTimeOffset(DateTimeOffset {
            local: at(day(2024, 3, 1), 3_600_123_456_700),
            offset_minutes,
        });
        let (back, _) = echoed(&database, value.clone(), None).await;
        assert_eq!(back, value);
    }
}

#[tokio::test]
async fn null_is_null_in_every_type() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    for sql_type in [
        "bit",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "real",
        "float",
        "decimal(38,10)",
        "money",
        "smallmoney",
        "char(5)",
        "varchar(10)",
        "varchar(max)",
        "nchar(5)",
        "nvarchar(10)",
        "nvarchar(max)",
        "varbinary(10)",
        "varbinary(max)",
        "uniqueidentifier",
        "date",
        "time(7)",
        "datetime",
        "smalldatetime",
        "datetime2(7)",
        "datetimeoffset(7)",
    ] {
        let (back, _) = echoed(&database, Value::Null, Some(sql_type)).await;
        assert_eq!(back, Value::Null, "{sql_type}");
    }
}

#[tokio::test]
async fn what_cannot_be_bound_says_why() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    for (value, about) in [
        (Value::Float(f64::NAN), "NaN"),
        (Value::Real(f32::INFINITY), "infinity"),
        (Value::Decimal("1e3".into()), "38 digits"),
        (Value::Decimal("9".repeat(39)), "38 digits"),
        (Value::Date(day(2023, 2, 29)), "no such date"),
        (Value::Uuid("x".into()), "not a uuid"),
        (
            Value::Time(Time {
                nanos: 86_400_000_000_000,
            }),
            "24:00",
        ),
    ] {
        let mut query = ask("SELECT @p AS v");
        query.params.push(Param {
            name: "p".to_owned(),
            value,
            sql_type: None,
        });
        let Err(Error::InvalidParameter { name, reason }) = database.query(query).await else {
            panic!("{about}: it was bound");
        };
        assert_eq!(name, "p");
        assert!(reason.contains(about), "{reason}");
    }
}

const MONEY: &str = "SELECT c_money FROM dbo.AllTypes WHERE c_money > 900000000000 ORDER BY Id";
const MOST: &str = "922337203685477.5807";

#[tokio::test]
async fn money_beyond_the_driver_is_read_again_on_the_same_connection() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let mut events = stage.server.events();
    for _ in 0..2 {
        let result = document(&database, MONEY).await;
        assert_eq!(result["results"][0]["c_money"], MOST);
        assert_eq!(
            result["columns"],
            json!([{"name": "c_money", "type": "money"}])
        );
        let mut cursor = database.query(ask(MONEY)).await.unwrap();
        let batch = cursor.next(100).await.unwrap();
        assert_eq!(batch.rows[0], [Value::Decimal(MOST.to_owned())]);
        assert!(batch.done);
    }
    let mut logins = 0;
    while let Ok(event) = events.try_recv() {
        logins += u32::from(matches!(event, Event::LoggedIn { .. }));
    }
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_page_of_money_is_read_again_as_that_page() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let unordered = "SELECT c_money FROM dbo.AllTypes WHERE c_money > 900000000000";
    // OFFSET at the server, or rows that the host passes over.
    for sql in [MONEY, unordered] {
        let mut query = ask(sql);
        query.options.page = Some(Page {
            number: 2,
            size: Some(1),
        });
        let mut cursor = database.query(query).await.unwrap();
        let text = cursor.document(JsonShape::Objects).await.unwrap();
        let result: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(result["results"], json!([{"c_money": MOST}]), "{sql}");
        assert!(result["columns"][0].get("lossy").is_none(), "{sql}");
    }
}

#[tokio::test]
async fn money_that_was_handed_over_is_said_to_be_no_more_than_a_float() {
    let stage = Stage::new().await;
    let database = stage.reader(QueryLimits::default());
    let several = "SELECT a.c_money FROM dbo.AllTypes a CROSS JOIN dbo.AllTypes b \
                   WHERE a.c_money > 900000000000";
    let mut cursor = database.query(ask(several)).await.unwrap();
    let first = cursor.next(1).await.unwrap();
    assert_eq!(first.rows[0], [Value::Float(922_337_203_685_477.6)]);
    assert!(!first.done);
    let rest = cursor.next(100).await.unwrap();
    assert!(rest.done);
    assert_eq!(rest.rows[0], [Value::Float(922_337_203_685_477.6)]);
}

#[tokio::test]
async fn money_of_a_reply_that_was_not_read_to_its_end_is_marked() {
    let stage = Stage::new().await;
    let limits = QueryLimits {
        max_bytes: 400,
        ..QueryLimits::default()
    };
    let database = stage.reader(limits);
    let many = "SELECT a.c_money, b.Id, c.Id AS more, d.Id AS yet FROM dbo.AllTypes a \
                CROSS JOIN dbo.AllTypes b CROSS JOIN dbo.AllTypes c CROSS JOIN dbo.AllTypes d \
                WHERE a.c_money > 900000000000";
    let result = document(&database, many).await;
    assert_eq!(result["truncated"]["by"], "bytes");
    assert_eq!(result["columns"][0]["lossy"], true);
}
